"""Tell fenced code from prose in a model's Markdown, line by line, without looking ahead.

Everything that treats Markdown (making it safe, making it whole, cutting it, taking its code out) rests on this one
reading, so they never disagree about what is code. Models write fences in lists and quotes, indented more or less
evenly: the reading is kind to them, and `Fence.source` writes a fence in the one way that every renderer reads alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .fence_lines import FenceLines, Opening, opening_of
from .items import SLACK, Items

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
        opening = opening_of(lines[at])
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


def _fence(lines: Sequence[str], start: int, opening: Opening, *, may_nest: bool) -> Fence:
    indent = len(opening.marker)
    inner = FenceLines(opening.depth, indent, opening.ticks)
    end = start + 1
    while end < len(lines) and inner.see(lines[end]):
        end += 1
    if end == len(lines):
        inner.end()
    code = inner.code
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


def _may_hold_formula(code: Sequence[str]) -> bool:
    """Tell whether JupyterLab finds a formula over lines in indented code, and then shows the indentation in it."""
    return sum("$" in line for line in code) > 1 or any("\\begin{" in line for line in code)


def _run(line: str) -> int:
    bare = line.lstrip()
    return len(bare) - len(bare.lstrip("`"))
