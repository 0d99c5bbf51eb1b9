"""A model's Markdown as HTML that any page can take in, block by block, whole or while it is being written.

`to_html` and `blocks` render a finished text. `Rendering` follows one that grows: a finished block is rendered once, the
one being written with each delta, and only what has changed of it is told. Both end at the same HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .changes import Change, changed
from .elements import Elements
from .fences import unified
from .highlighting import stylesheet
from .open_fence import OpenFence
from .parts import Part, clear, is_fence_open, parts

__all__ = ["Rendering", "blocks", "stylesheet", "to_html"]

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
        self._code: OpenFence | None = None
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
            before = [self._code.html(stop=shown)]
            self._finished.append(self._code.block())
            self._number += 1
            self._code, self._tail = None, rest
        self._advance(is_final=is_final)
        return changed(start, before, [*self._finished[start:], *self._unfinished()])

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
                self._code, self._tail = OpenFence(last.fence), ""
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
            change = changed(each.start, before, after)
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
