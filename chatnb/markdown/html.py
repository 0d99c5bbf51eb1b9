"""A model's Markdown as HTML that any page can take in, block by block, whole or while it is being written.

`to_html` and `blocks` render a finished text. `Rendering` follows one that grows: a finished block is rendered once, the
one being written with each delta, and only what has changed of it is told. Both end at the same HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from . import highlighting
from .elements import Elements
from .fences import Fence, FenceLines, unified
from .highlighting import stylesheet
from .parts import Part, clear, is_fence_open, parts

__all__ = ["Change", "Rendering", "blocks", "stylesheet", "to_html"]

Pictures = Callable[[str], str | None]

# Neither HTML nor UTF-8 can hold them.
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")


def to_html(text: str, pictures: Pictures | None = None, name: str = "") -> str:
    r"""Return a model's Markdown as HTML that is safe in any page.

    CommonMark with tables, deleted text, tasks, notes, bare addresses, and mathematics as MathML. Raw HTML is shown as the
    text that it is. Links lead to http, https and mailto, and open outside. There are no styles, no classes but
    `chatnb-...`, no ids but those of notes. `stylesheet` has the colours.

    Parameters
    ----------
    text
        Any text, of any length.
    pictures
        Returns the `data:image/...;base64,` address of a picture that the conversation holds, by the name in the text, or
        None. A picture of the web is a button (`chatnb-remote`) that holds its address in `data-src`.
    name
        Part of the ids of notes: one that no other text of the same page has.

    Examples
    --------
    >>> to_html("*Hi* <script>")
    '<p dir="auto"><em>Hi</em> &lt;script&gt;</p>'
    """
    return "".join(blocks(text, pictures, name))


def blocks(text: str, pictures: Pictures | None = None, name: str = "") -> tuple[str, ...]:
    r"""Return the HTML of each block of a text, in order; what they are is said at `to_html`.

    Examples
    --------
    >>> blocks("# Title\n\nWords.")
    ('<h1 dir="auto">Title</h1>', '<p dir="auto">Words.</p>')
    """
    rendering = Rendering(pictures, name)
    rendering.end(text)
    return rendering.blocks


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


class Rendering:
    r"""The HTML of a text that grows.

    Owned by whoever adds to it; it knows no threads.

    While a fence is open, its block is the last one, has no end tags, and each change to it adds escaped text at its end:
    a page can append that to the `code` element as it is. It is coloured when the fence closes.

    Parameters
    ----------
    pictures, name
        As at `to_html`.

    Examples
    --------
    >>> rendering = Rendering()
    >>> rendering.add("So **bo")
    Change(start=0, stop=0, keep=0, html=('<p dir="auto">So <strong>bo</strong></p>',))
    >>> rendering.add("ld** it")
    Change(start=0, stop=1, keep=27, html=('ld</strong> it</p>',))
    >>> rendering.end()
    ()
    """

    def __init__(self, pictures: Pictures | None = None, name: str = "") -> None:
        self._elements = Elements(pictures, name)
        self._finished: list[str] = []
        self._waiting: list[_Waiting] = []
        self._number = 0
        # What is not finished: the text, and its blocks; or the fence that is open.
        self._tail = ""
        self._open: list[str] = []
        self._code: _Code | None = None
        self._return = ""

    @property
    def blocks(self) -> tuple[str, ...]:
        """The HTML of each block so far."""
        return (*self._finished, *self._unfinished())

    def add(self, text: str) -> Change | None:
        """Go on with the text, and return what has changed; None if nothing has.

        What may still become anything is held back: half a link, the head of a table, an open formula.
        """
        text = self._return + text
        # It may be the first half of a line end.
        self._return = "\r" if text.endswith("\r") else ""
        return self._went_on(text.removesuffix("\r"), is_final=False)

    def end(self, text: str = "") -> tuple[Change, ...]:
        """End the text, perhaps with its last piece, and return what has changed, in the order in which to apply it.

        Links and notes that are defined behind where they are used are there now.
        """
        change = self._went_on(self._return + text, is_final=True)
        return (*(() if change is None else (change,)), *self._with_late_definitions())

    def _unfinished(self) -> list[str]:
        return self._open if self._code is None else [self._code.html()]

    def _went_on(self, text: str, *, is_final: bool) -> Change | None:
        text = _UNREADABLE.sub("\ufffd", unified(text))
        start = len(self._finished)
        if self._code is None:
            before = self._open
            self._tail += text
        else:
            shown, keep = self._code.count, self._code.units
            rest = self._code.add(text)
            if rest is None and not is_final:
                html = self._code.html(shown)
                return Change(start, start + 1, keep, (html,)) if html else None
            rest = self._code.end() if rest is None else rest
            before = [self._code.html()[: len(self._code.html()) - len(self._code.html(shown))]]
            self._finished.append(self._code.block())
            self._number += 1
            self._code, self._tail = None, rest
        self._advance(is_final=is_final)
        return _change(start, before, [*self._finished[start:], *self._unfinished()])

    def _advance(self, *, is_final: bool) -> None:
        """Finish what no further text can change, and draw the rest as it is."""
        self._open = []
        if is_final:
            self._finish(parts(self._tail))
            self._tail = ""
            return
        end = clear(self._tail)
        found = list(parts(self._tail[:end]))
        last = found.pop() if found else None
        if last is not None and last.fence is not None:
            if last.fence.is_closed:
                self._finish([*found, last])
            else:
                inner = self._tail[last.whole + len(last.fence.lines[0]) + 1 :]
                self._finish(found)
                self._code, self._tail = _Code(last.fence), ""
                self._code.add(inner)
                return
        elif last is not None:
            is_held = is_fence_open(self._tail[last.whole : end])
            self._finish([part for part in found if not is_held or part.end <= last.whole])
        self._open = self._drafts()

    def _finish(self, found: Iterable[Part]) -> None:
        end = 0
        for part in found:
            shown, missed = self._elements.final(part, self._number)
            if missed:
                at = len(self._finished)
                self._waiting.append(_Waiting(at, at + len(shown), self._number, part, missed))
            self._finished += shown
            self._number += 1
            end = part.end
        self._tail = self._tail[end:]

    def _drafts(self) -> list[str]:
        found = [part for part in parts(self._tail) if part.fence is None]
        return [html for part in found for html in self._elements.draft(part.source)]

    def _with_late_definitions(self) -> Iterator[Change]:
        # From the last to the first: the numbers of those before stay.
        for each in reversed(self._waiting):
            if not self._elements.knows(each.missed):
                continue
            before = self._finished[each.start : each.stop]
            after, _ = self._elements.final(each.part, each.number)
            self._finished[each.start : each.stop] = after
            change = _change(each.start, before, after)
            if change is not None:
                yield change
        self._waiting = []


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The blocks of a part that uses what may be defined later."""

    start: int
    stop: int
    number: int
    part: Part
    missed: frozenset[str]


class _Code:
    """The code of an open fence, shown as it comes: what a delta costs does not depend on what came before it."""

    def __init__(self, fence: Fence) -> None:
        self._language = fence.language
        self._lines = FenceLines(fence.quote.count(">"), len(fence.marker), fence.ticks)
        # A line of these may still be the closing fence, or lie outside of the quote.
        self._unclear = " \t>" + fence.ticks[0]
        self._line: list[str] = []
        self._is_shown = False
        self._html = [highlighting.opened(fence.language)]
        self.units = _units(self._html[0])

    @property
    def count(self) -> int:
        """How many pieces of HTML there are."""
        return len(self._html)

    def html(self, start: int = 0) -> str:
        """Return the HTML, without end tags, from one of its pieces on."""
        return "".join(self._html[start:])

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
        if not self._lines.is_closed and not self._lines.code[-1]:
            # The text ends with a line end, not with an empty line of code.
            self._lines.code.pop()
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
            self.units += _units(html)


def _change(start: int, before: Sequence[str], after: Sequence[str]) -> Change | None:
    """Return how to get from some blocks to others, the first of which has number `start`."""
    same = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(before), len(after)) if same is None else same
    if at == len(before) == len(after):
        return None
    keep = _common(before[at], after[at]) if at < min(len(before), len(after)) else 0
    new = (after[at][keep:], *after[at + 1 :]) if at < len(after) else ()
    return Change(start + at, start + len(before), _units(before[at][:keep]) if keep else 0, new)


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


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
