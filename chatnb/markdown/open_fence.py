"""The code of a fence that is still open, as HTML that is only added to."""

from __future__ import annotations

from . import highlighting
from .changes import units
from .fence_lines import FenceLines
from .fences import Fence


class OpenFence:
    """The code of an open fence, shown as it comes: what a delta costs does not depend on what came before it.

    Attributes
    ----------
    units
        Length of the HTML so far; see `units`.
    """

    def __init__(self, fence: Fence) -> None:
        self._language = fence.language
        self._lines = FenceLines(fence.quote.count(">"), len(fence.marker), fence.ticks)
        # A line of these may still be the closing fence, or lie outside of the quote.
        self._unclear = " \t>" + fence.ticks[0]
        self._line: list[str] = []
        self._is_shown = False
        self._html = [highlighting.opened(fence.language)]
        self.units = units(self._html[0])

    @property
    def count(self) -> int:
        """How many pieces of HTML there are."""
        return len(self._html)

    def html(self, start: int = 0, stop: int | None = None) -> str:
        """Return the HTML, without end tags: all of it, or some of its pieces."""
        return "".join(self._html[start:stop])

    def block(self) -> str:
        """Return the HTML when nothing more comes."""
        return highlighting.block("\n".join(self._lines.code), self._language)

    def add(self, text: str) -> str | None:
        """Go on with the text; return what stands behind the fence, or None if it is still open."""
        *ended, last = text.split("\n")
        for number, piece in enumerate(ended):
            self._line.append(piece)
            line = "".join(self._line)
            self._line = []
            is_code = self._lines.see(line)
            if self._lines.is_closed or not is_code:
                return "\n".join([*([] if is_code else [line]), *ended[number + 1 :], last])
            if self._is_shown:
                self._show(piece)
            else:
                self._show(self._start() + self._lines.code[-1])
            self._is_shown = False
        if last:
            self._line.append(last)
            self._show_begun(last)
        return None

    def end(self) -> str:
        """End the text; return what stands behind the fence."""
        line = "".join(self._line)
        if not self._lines.see(line):
            return line
        self._lines.end()
        return ""

    def _show_begun(self, piece: str) -> None:
        if self._is_shown:
            self._show(piece)
            return
        line = "".join(self._line)
        code = self._lines.code_of(line) if line.strip(self._unclear) else None
        if code is not None:
            self._show(self._start(begun=True) + code)
            self._is_shown = True

    def _start(self, *, begun: bool = False) -> str:
        return "\n" if len(self._lines.code) > (0 if begun else 1) else ""

    def _show(self, code: str) -> None:
        html = highlighting.plain(code)
        if html:
            self._html.append(html)
            self.units += units(html)
