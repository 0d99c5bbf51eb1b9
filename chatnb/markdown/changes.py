"""What has changed in the blocks of a text that grows, told in few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What has changed in the blocks of a text.

    The blocks from `start` up to but not with `stop` are replaced by `html`, the first of which goes on from the first
    `keep` characters of block `start`.

    Attributes
    ----------
    start, stop
        Numbers of blocks, counted from 0. Where both are the number of blocks, `html` is added.
    keep
        In UTF-16 units, as JavaScript counts: `old.slice(0, keep) + html[0]`. 0 if there is no block `start`.
    html
        The new blocks; none if those from `start` to `stop` are gone.
    """

    start: int
    stop: int
    keep: int
    html: tuple[str, ...]

    def applied(self, blocks: Sequence[str]) -> tuple[str, ...]:
        """Return the blocks after the change.

        Examples
        --------
        >>> Change(1, 2, 3, ("c</p>", "<hr>")).applied(["<p>a</p>", "<p>b</p>"])
        ('<p>a</p>', '<p>c</p>', '<hr>')
        """
        kept = ""
        if self.keep:
            kept = blocks[self.start].encode("utf-16-le")[: 2 * self.keep].decode("utf-16-le")
        new = (kept + self.html[0], *self.html[1:]) if self.html else ()
        return (*blocks[: self.start], *new, *blocks[self.stop :])


def changed(start: int, before: Sequence[str], after: Sequence[str]) -> Change | None:
    """Return how to get from some blocks to others, the first of which has number `start`."""
    same = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(before), len(after)) if same is None else same
    if at == len(before) == len(after):
        return None
    keep = _common(before[at], after[at]) if at < min(len(before), len(after)) else 0
    new = (after[at][keep:], *after[at + 1 :]) if at < len(after) else ()
    return Change(start + at, start + len(before), units(before[at][:keep]) if keep else 0, new)


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def units(text: str) -> int:
    """Return the length of a text in UTF-16 units, as JavaScript counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
