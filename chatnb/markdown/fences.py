"""Tell fenced code from prose in a model's Markdown, line by line, without looking ahead.

Everything that treats Markdown (making it safe, making it whole, cutting it, taking its code out) rests on this one
reading, so they never disagree about what is code. Models write fences in lists and quotes, indented more or less
evenly: the reading is kind to them, and `Fence.source` writes a fence in the one way that every renderer reads alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .items import SLACK, TAB_STOP, Items, lead

# Quote marks, spaces, list markers, the fence, the info string: a fence may stand on the line of its list marker.
_OPENING = re.compile(r"((?: {0,3}> ?){0,8})( *(?:(?:[-*+]|\d{1,9}[.)]) {1,4}){0,4})(`{3,}|~{3,})(.*)", re.DOTALL)
_QUOTE = re.compile(r" {0,3}> ?")
_LANGUAGE = re.compile(r"[\s{.]*([\w+#.-]{0,40})", re.ASCII)
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class CodeBlock:
    r"""A fenced block of code.

    Attributes
    ----------
    language
        The first word after the fence, as written; empty if there is none.
    code
        What stands between the fences, exactly as written, without the last line end, the indentation of a list or the
        marks of a quote around it. Line ends are "\n".
    """

    language: str
    code: str


@dataclass(frozen=True, slots=True)
class Prose:
    """Lines outside of fences.

    Attributes
    ----------
    lines
        As written, without their line ends.
    """

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence and the code in it.

    Attributes
    ----------
    lines
        As written, with the fences, without line ends.
    quote
        The quote marks before each line, tidied: "> > ".
    marker
        What stands between the quote marks and the fence: spaces and list markers. Later lines are indented as much.
    ticks
        The opening fence itself.
    info
        What stands behind it.
    code
        The lines between the fences, without quote marks and indentation.
    is_in_list
        Whether the fence stays where it is indented to: in an item of a list that begins so far to the right, with no
        code left of it, and none that JupyterLab shows with the indentation.
    is_closed
        Whether the closing fence was there.
    """

    lines: tuple[str, ...]
    quote: str
    marker: str
    ticks: str
    info: str
    code: tuple[str, ...]
    is_in_list: bool
    is_closed: bool

    @property
    def language(self) -> str:
        """The first word of the info string, without the braces and dots that some dialects put around it."""
        found = _LANGUAGE.match(self.info)
        return found[1] if found else ""

    @property
    def margin(self) -> str:
        """What stands before each line of the code when it is written out."""
        return self.quote + (" " * len(self.marker) if self.is_in_list else "")

    def source(self, language: str) -> list[str]:
        """Write the fence so that every renderer finds the same code in it.

        It is made of backticks, is closed, longer than any fence in its code, and not indented without a list.

        Parameters
        ----------
        language
            Stands behind the fence instead of the info string.

        Returns
        -------
        list of str
            Lines without line ends.
        """
        longest = max((_run(line) for line in self.code), default=0)
        ticks = "`" * max(len(self.ticks), longest + 1 if longest >= _SHORTEST else 0)
        before: list[str] = []
        marker = self.marker
        if not self.is_in_list:
            before = [self.quote + marker.rstrip(), ""] if marker.strip() else []
            marker = ""
        code = [self.margin + line if line else self.quote.rstrip() for line in self.code]
        return [*before, self.quote + marker + ticks + language, *code, self.margin + ticks]


def pieces(text: str) -> Iterator[Prose | Fence]:
    r"""Yield the prose and the fences of a text in their order.

    A fence ends with its closing line, with the quote around it, or with the text. Less indentation does not end it: small
    models often indent the fences in a list but not the code. Only where a line in such code opens a fence with an info
    string was the closing line forgotten, and a new fence begins.

    Parameters
    ----------
    text
        Any text, finished or not. What is yielded for a beginning of it changes only in its last piece as it grows.

    Yields
    ------
    Prose or Fence
        Their lines together are the lines of the text.

    Examples
    --------
    >>> [type(piece).__name__ for piece in pieces("Look:\n```python\nx = 1\n```\nDone.")]
    ['Prose', 'Fence', 'Prose']
    """
    lines = text.split("\n")
    items = Items()
    prose: list[str] = []
    at = 0
    while at < len(lines):
        opening = _opening(lines[at])
        if opening is None:
            items.see(lines[at])
            prose.append(lines[at])
            at += 1
            continue
        if prose:
            yield Prose(tuple(prose))
            prose = []
        fence = _fence(lines, at, opening, may_nest=not opening.depth and items.hold(opening.marker))
        if not fence.is_in_list:
            items = Items()
        yield fence
        at += len(fence.lines)
    if prose:
        yield Prose(tuple(prose))


def code_blocks(text: str) -> tuple[CodeBlock, ...]:
    r"""Return the fenced code of a text, in its order; give it the original, not a text made safe.

    Parameters
    ----------
    text
        Any Markdown. A fence that is still open at its end counts.

    Examples
    --------
    >>> code_blocks("1. Try\n\n   ```python\n   if x < 1:\n       pass\n   ```")
    (CodeBlock(language='python', code='if x < 1:\n    pass'),)
    """
    found = (piece for piece in pieces(unified(text)) if isinstance(piece, Fence))
    return tuple(CodeBlock(fence.language, "\n".join(fence.code)) for fence in found)


def unified(text: str) -> str:
    r"""Return the text with "\n" for each line end, as every renderer reads it: a lone "\r" ends a line too."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


@dataclass(frozen=True, slots=True)
class _Opening:
    depth: int
    marker: str
    ticks: str
    info: str


def _opening(line: str) -> _Opening | None:
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
    return _Opening(found[1].count(">"), found[2], found[3], found[4].strip())


def _fence(lines: Sequence[str], start: int, opening: _Opening, *, may_nest: bool) -> Fence:
    indent = len(opening.marker)
    inner = FenceLines(opening.depth, indent, opening.ticks)
    end = start + 1
    while end < len(lines) and inner.see(lines[end]):
        end += 1
    code = inner.code
    if end == len(lines) and not inner.is_closed and code and not code[-1]:
        # The text ends with a line end, not with an empty line of code.
        code.pop()
    return Fence(
        lines=tuple(lines[start:end]),
        quote="> " * opening.depth,
        marker=opening.marker,
        ticks=opening.ticks,
        info=opening.info,
        code=tuple(code),
        is_in_list=inner.is_even and may_nest and (indent > SLACK or not _may_hold_formula(code)),
        is_closed=inner.is_closed,
    )


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
        if not self.is_even and (again := _opening(line)) is not None and again.info:
            return False
        self.code.append(rest)
        return True

    def code_of(self, line: str) -> str | None:
        """Return what a line that has begun shows of the code, or None if it stands outside of the quote."""
        inner = _unquoted(line, self._depth)
        return None if inner is None else _outdented(inner, self._indent)[1]


def _may_hold_formula(code: Sequence[str]) -> bool:
    """Tell whether JupyterLab finds a formula over lines in indented code, and then shows the indentation in it."""
    return sum("$" in line for line in code) > 1 or any("\\begin{" in line for line in code)


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


def _run(line: str) -> int:
    bare = line.lstrip()
    return len(bare) - len(bare.lstrip("`"))
