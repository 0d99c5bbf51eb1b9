"""Thoughts that a server leaves in the text of an answer, between tags at its very beginning."""

from __future__ import annotations

from collections.abc import Iterator

from ..events import TextDelta, ThinkingDelta

TAGS = {"<think>": "</think>", "[THINK]": "[/THINK]"}
"""Of DeepSeek, Qwen and most others, and of Mistral."""


class Thoughts:
    r"""Tells thoughts from the answer in text that comes in pieces.

    Only what begins with a tag is thought: a tag further on is text. White space around the tags belongs to neither.
    What may be the beginning of a tag, a few characters, is held back until that is clear.

    Examples
    --------
    >>> thoughts = Thoughts()
    >>> [event for piece in ("<th", "ink>Hm.</thi", "nk>\n\nYes") for event in thoughts.add(piece)]
    [ThinkingDelta(text='Hm.'), TextDelta(text='Yes')]
    """

    def __init__(self) -> None:
        self._held = ""
        self._closing = ""  # the tag that ends the thoughts, within them
        self._is_blank = False  # nothing but white space has come since the last tag
        self._is_settled = False  # all that comes now is text

    def add(self, text: str) -> Iterator[TextDelta | ThinkingDelta]:
        """Take in more text, and yield what is certain by now."""
        if self._is_settled and not self._is_blank:
            if text:
                yield TextDelta(text)
            return
        self._held += text
        if not self._is_settled and not self._closing and not self._opened():
            return
        if self._closing:
            thought, tag, after = self._held.partition(self._closing)
            if tag:
                self._held, self._closing, self._is_settled = after, "", True
            else:
                kept = _overlap(self._held, self._closing)
                thought, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
            yield from self._told(thought, ThinkingDelta)
            self._is_blank = self._is_blank or bool(tag)
        if self._is_settled and self._held:
            said, self._held = self._held, ""
            yield from self._told(said, TextDelta)

    def end(self) -> Iterator[TextDelta | ThinkingDelta]:
        """Yield what was held back, now that nothing follows it."""
        held, self._held = self._held, ""
        if held:
            yield ThinkingDelta(held) if self._closing else TextDelta(held)

    def _opened(self) -> bool:
        """Return whether it is clear by now with what the text begins."""
        begun = self._held.lstrip()
        for tag, closing in TAGS.items():
            if begun.startswith(tag):
                self._held, self._closing, self._is_blank = begun.removeprefix(tag), closing, True
                return True
            if tag.startswith(begun):
                return False
        self._is_settled = True
        return True

    def _told(self, text: str, form: type[TextDelta | ThinkingDelta]) -> Iterator[TextDelta | ThinkingDelta]:
        if self._is_blank:
            text = text.lstrip()
        if text:
            self._is_blank = False
            yield form(text)


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at the end of `text` are the beginning of `tag`."""
    return next((size for size in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:size])), 0)
