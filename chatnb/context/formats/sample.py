"""The part of a file that was read, and how a description of it is put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a text file, or all of it.

    Attributes
    ----------
    text
        What was read of its beginning.
    is_whole
        Whether that is all of it.
    size_bytes
        Of the whole file.
    tail
        What was read of its end, if not the whole.
    """

    text: str
    is_whole: bool
    size_bytes: int
    tail: str = ""

    def total(self, count: int, consumed: int, noun: str) -> str:
        r"""Return how many things the file holds, if the first `consumed` characters of the text hold `count`.

        Exact where the whole file was read; else an estimate, which says so. It takes into account that lines are
        longer or shorter at the end of the file, as they are where numbers grow. Where most of what was read is a
        single thing that does not end, it says no more than is known.

        Examples
        --------
        >>> Sample("a\nb\n", is_whole=True, size_bytes=4).total(2, 4, "row")
        '2 rows'
        >>> Sample("a\nb\nc", is_whole=False, size_bytes=4_000_000).total(2, 4, "row")
        'about 2,000,000 rows'
        """
        if self.is_whole:
            return f"{count:,} {noun if count == 1 else noun + 's'}"
        if 2 * consumed < len(self.text):
            return f"at least {count:,} {noun if count == 1 else noun + 's'}"
        share = len(self.text[:consumed].encode(errors="replace")) / self.size_bytes
        at_start = self.text.count("\n") / len(self.text)
        at_end = self.tail.count("\n") / max(len(self.tail), 1)
        grown = (1 + at_end / at_start) / 2 if at_start and at_end else 1
        number = round(count / share * grown)
        return f"about {round(number, min(0, 3 - len(str(number)))):,} {noun}s"


def composed(first: str, blocks: Sequence[tuple[str, Sequence[str]]], limit: int) -> str:
    """Return a first line and blocks of lines, each with a heading, in at most `limit` characters.

    The blocks share the room evenly; what one does not need is the next one's. Lines that find none are counted.

    Examples
    --------
    >>> print(composed("A table.", [("columns:", ["a", "b", "c"]), ("rows:", ["1", "2"])], 60))
    A table.
    <BLANKLINE>
    columns:
    a
    b
    c
    <BLANKLINE>
    rows:
    1
    2
    >>> print(composed("A table.", [("columns:", ["a", "b", "c" * 99])], 40))
    A table.
    <BLANKLINE>
    columns:
    a
    b
    … 1 more
    """
    texts = [first]
    for place, (heading, lines) in enumerate(blocks):
        left = limit - sum(len(text) + 2 for text in texts)
        room = left // (len(blocks) - place) - len(heading)
        shown = list(lines)
        if sum(len(line) + 1 for line in shown) > room:
            room -= len("\n… 1,000,000 more")
            ends = accumulate(len(line) + 1 for line in lines)
            shown = [line for line, end in zip(lines, ends, strict=True) if end <= room]
            shown.append(f"… {len(lines) - len(shown):,} more")
        texts.append("\n".join([heading, *shown]))
    return "\n\n".join(texts)[:limit]
