"""Know which items of lists are open at a line of Markdown.

An indented fence belongs to one of them, or its indentation means nothing. Renderers do not agree about lists in every
case: where they might not, no item is taken to be open.
"""

from __future__ import annotations

import re

TAB_STOP = 4
SLACK = 3
"""What stands this many columns further to the right than it must is still not indented; with one more it is code."""

_MARKER = re.compile(r"([-*+]|\d{1,9}[.)])( +)")
_TABBED = re.compile(r" *(?:(?:[-*+]|\d{1,9}[.)]) *)?\t")
_NOTHING = re.compile(r"[\s\ufeff]*+")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")


class Items:
    """The items that are open, by the column in which their text begins; innermost last.

    Owned by whoever goes over a text, line by line.
    """

    def __init__(self) -> None:
        self._columns: list[int] = []
        self._is_apart = True

    def see(self, line: str) -> None:
        """Go on over a line of prose.

        Parameters
        ----------
        line
            Without its line end.
        """
        is_apart, self._is_apart = self._is_apart, not line.strip(" \t\r")
        if self._is_apart:
            return
        column = lead(line)
        is_next = self._leave(column)
        # Renderers disagree about the column behind a tab: no fence is held by such an item.
        if _RULE.fullmatch(line) or _TABBED.match(line):
            return
        while found := _MARKER.match(line, column):
            inner = self._columns[-1] if self._columns else 0
            # A number other than 1 does not begin a list in the middle of a paragraph.
            if column - inner > SLACK or not (is_apart or is_next or found[1] in ("-", "*", "+", "1.", "1)")):
                return
            # An item without words ends with the next blank line, and some hold no other space for a word either.
            if _NOTHING.fullmatch(line, found.end()):
                return
            is_code = len(found[2]) > TAB_STOP
            column = found.end(1) + 1 if is_code else found.end()
            self._columns.append(column)
            if is_code:
                return

    def hold(self, marker: str) -> bool:
        """Go on over a fence.

        Parameters
        ----------
        marker
            The spaces and list markers before it.

        Returns
        -------
        bool
            Whether it belongs to an item, a former one or that of the last marker.
        """
        column = len(marker) - len(marker.lstrip())
        self._leave(column)
        is_item = column - (self._columns[-1] if self._columns else 0) <= SLACK
        if marker.strip():
            self.see(marker + "x")
            return is_item and self._columns[-1:] == [len(marker)]
        self._is_apart = False
        return is_item and bool(self._columns)

    def _leave(self, column: int) -> bool:
        count = len(self._columns)
        while self._columns and self._columns[-1] > column:
            self._columns.pop()
        return len(self._columns) < count


def lead(line: str) -> int:
    """Return how many columns of spaces and tabs a line begins with.

    Parameters
    ----------
    line
        Without quote marks.
    """
    return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(TAB_STOP))
