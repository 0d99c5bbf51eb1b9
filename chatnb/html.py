"""A model's text as safe HTML: for now, paragraphs of plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


def blocks(text: str, pictures: object = None, name: str = "") -> tuple[str, ...]:
    """Return the blocks of a text."""
    del pictures, name
    return tuple(f"<p>{escape(block, quote=False)}</p>" for block in text.split("\n\n") if block.strip())


@dataclass(frozen=True, slots=True)
class Change:
    """What has changed in the blocks of a text."""

    start: int
    stop: int
    keep: int
    html: tuple[str, ...]

    def applied(self, blocks: Sequence[str]) -> tuple[str, ...]:
        """Return the blocks after the change."""
        return (*blocks[: self.start], *self.html, *blocks[self.stop :])


class Rendering:
    """The HTML of a text that grows."""

    def __init__(self, pictures: object = None, name: str = "") -> None:
        del pictures, name
        self._text = ""

    @property
    def blocks(self) -> tuple[str, ...]:
        """The HTML of each block so far."""
        return blocks(self._text)

    def add(self, text: str) -> Change | None:
        """Go on with the text."""
        before = self.blocks
        self._text += text
        start = max(len(before) - 1, 0)
        return Change(start, len(before), 0, self.blocks[start:]) if self.blocks != before else None

    def end(self, text: str = "") -> tuple[Change, ...]:
        """End the text."""
        return tuple(filter(None, [self.add(text)]))
