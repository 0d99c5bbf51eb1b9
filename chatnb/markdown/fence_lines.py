"""One fence, line by line: the line that opens it, and which of those behind it are its code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .items import SLACK, TAB_STOP, lead

# Quote marks, spaces, list markers, the fence, the info string: a fence may stand on the line of its list marker.
_OPENING = re.compile(r"((?: {0,3}> ?){0,8})( *(?:(?:[-*+]|\d{1,9}[.)]) {1,4}){0,4})(`{3,}|~{3,})(.*)", re.DOTALL)
_QUOTE = re.compile(r" {0,3}> ?")


@dataclass(frozen=True, slots=True)
class Opening:
    """The line that opens a fence.

    Attributes
    ----------
    depth
        How many quote marks stand before it.
    marker, ticks, info
        As in `Fence`.
    """

    depth: int
    marker: str
    ticks: str
    info: str


def opening_of(line: str) -> Opening | None:
    """Return what a line opens, or None if it opens no fence."""
    at = line.find("```")
    if at < 0:
        at = line.find("~~~")
    if at < 0:
        return None
    if "\t" in line[:at]:
        line = line[:at].expandtabs(TAB_STOP) + line[at:]
    found = _OPENING.fullmatch(line)
    if found is None or (found[3][0] == "`" and "`" in found[4]):
        return None
    return Opening(found[1].count(">"), found[2], found[3], found[4].strip())


class FenceLines:
    """The lines behind the opening of a fence, read one by one, as they come.

    Owned by whoever goes over a text, line by line.

    Parameters
    ----------
    depth
        How many quote marks stand before the fence.
    indent
        How many columns stand between them and the fence.
    ticks
        The opening fence itself.

    Attributes
    ----------
    code
        The lines of code so far.
    is_even
        Whether no line was less indented than the fence.
    is_closed
        Whether the closing fence was seen; it is the last line.
    """

    def __init__(self, depth: int, indent: int, ticks: str) -> None:
        self._depth, self._indent, self._ticks = depth, indent, ticks
        self.code: list[str] = []
        self.is_even, self.is_closed = True, False

    def see(self, line: str) -> bool:
        """Go on over a line, without its line end; return whether it belongs to the fence."""
        inner = None if self.is_closed else _unquoted(line, self._depth)
        if inner is None:
            return False
        columns, rest = _outdented(inner, self._indent)
        bare = inner.strip(" \t\r")
        if len(bare) >= len(self._ticks) and not bare.strip(self._ticks[0]):
            self.is_closed = columns + lead(rest) <= self._indent + SLACK
            if self.is_closed:
                return True
        if bare and columns < self._indent:
            self.is_even = False
        if not self.is_even and (again := opening_of(line)) is not None and again.info:
            return False
        self.code.append(rest)
        return True

    def end(self) -> None:
        """End the text here: it ends with a line end then, not with an empty line of code."""
        if not self.is_closed and self.code and not self.code[-1]:
            self.code.pop()

    def code_of(self, line: str) -> str | None:
        """Return what a line that has begun shows of the code, or None if it stands outside of the quote."""
        inner = _unquoted(line, self._depth)
        return None if inner is None else _outdented(inner, self._indent)[1]


def _unquoted(line: str, depth: int) -> str | None:
    """Return the line without its quote marks, or None if it has fewer than `depth`."""
    for _ in range(depth):
        found = _QUOTE.match(line)
        if found is None:
            return None
        line = line[found.end() :]
    return line


def _outdented(line: str, indent: int) -> tuple[int, str]:
    """Return how many of the columns of indentation there were, and the line without them."""
    columns = at = 0
    while columns < indent and at < len(line) and line[at] in " \t":
        columns += 1 if line[at] == " " else TAB_STOP - columns % TAB_STOP
        at += 1
    # A tab that reaches over the margin leaves its rest as spaces.
    return min(columns, indent), " " * (columns - indent) + line[at:]
