"""Lay an answer out as Markdown for a notebook, on as many pages as it needs.

A page is what one output of the cell shows. An answer is drawn anew again and again while it comes, so its pages are
short: what is finished is not drawn again. Where a page ends follows from the answer alone, not from when it was drawn.

Everything of the model's passes `safe_markdown`; everything else is HTML of ours, in which every text is inert.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from ..markdown.safe import safe_markdown, split_finished, whole_markdown
from ..messages import Part, Text, Thinking, ToolCall, ToolResult
from ..printing import printable
from ..reply import Reply
from .words import (
    call_line,
    closing_notes,
    footer,
    mark,
    opening_notes,
    result_line,
    status_line,
    thought,
    warning,
)

PAGE_CHARS = 18_000
"""A reply of 4,000 tokens has room; a browser renders it in a third of a second."""

# Dimmed in every theme, light or dark.
_DIM = 'style="opacity:0.7"'
# One line, whatever the window's width: where thoughts are folded nothing below them moves.
_ONE_LINE = 'style="opacity:0.7;white-space:nowrap;overflow:hidden;text-overflow:ellipsis"'
# The theme's own red where there is one.
_RED = 'style="color:var(--jp-error-color1, #d32f2f)"'
_APART = 'style="margin-bottom:0.5em"'
_TICKER_CHARS = 100
_TYPED = re.compile(r"&#96;(.+?)&#96;")
_SPECIAL = re.compile(r"[$&*<>@\[\\\]_`|~]|:(?=/)|(?<=[Ww]{3})\.|\n")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer.

    Attributes
    ----------
    markdown
        Safe to publish.
    text
        The model's words on it, as they came.
    is_finished
        Whether it stays as it is.
    """

    markdown: str
    text: str
    is_finished: bool


class Layout:
    """Lays out one answer, again and again while it grows.

    Parameters
    ----------
    page_chars
        Upper limit of the answer's text on a page; None puts everything on one.
    has_figures
        Whether to show what changes from run to run: the footer, and how long a tool took.
    """

    def __init__(self, page_chars: int | None = PAGE_CHARS, *, has_figures: bool) -> None:
        self._page_chars, self._has_figures = page_chars, has_figures
        # Nothing that a model writes can hold it.
        self._stand_in = f"chatnb{secrets.token_hex(8)}n"
        # What is finished is neither cut nor made safe again.
        self._cut = lru_cache(256)(split_finished)
        self._safe = lru_cache(256)(_safe)

    def pages(self, reply: Reply, *, is_over: bool) -> tuple[Page, ...]:
        """Return the pages of the answer as far as it has come.

        Parameters
        ----------
        is_over
            Nothing more will come, so nothing is held back.
        """
        sheets = list(self._sheets(reply.parts))
        pages = []
        for number, sheet in enumerate(sheets):
            is_last = number == len(sheets) - 1
            above = list(opening_notes(reply)) if number == 0 else []
            below = self._below(reply) if is_last else []
            alarm = warning(reply) if is_last else ""
            markdown = self._markdown(sheet, above, below, alarm, is_finished=is_over or not is_last)
            text = "\n\n".join(item for item in sheet if isinstance(item, str))
            pages.append(Page(markdown, text, is_over or not is_last))
        return tuple(pages)

    def _sheets(self, parts: Sequence[Part]) -> Iterator[_Sheet]:
        """Yield what stands on each page; at least one, if an empty one."""
        sheet: _Sheet = []
        used = 0
        waiting: dict[
            str, list[_Call]
        ] = {}  # a look through all calls for each result would take a minute for thousands
        for part in parts:
            match part:
                case Thinking():
                    sheet.append(part)
                case ToolCall():
                    sheet.append(called := _Call(part))
                    waiting.setdefault(part.id, []).append(called)
                case ToolResult():
                    if calls := waiting.get(part.call_id):
                        calls.pop(0).result = part
                case Text(rest):
                    if self._page_chars is not None and used > self._page_chars * 3 // 4:
                        yield sheet
                        sheet, used = [], 0
                    while self._page_chars is not None and len(rest) > self._page_chars - used:
                        head, rest = self._split(rest, self._page_chars - used)
                        yield [*sheet, head]
                        sheet, used = [], 0
                    sheet.append(rest)
                    used += len(rest)
        yield sheet

    def _split(self, text: str, limit: int) -> tuple[str, str]:
        """Cut at a place that depends on the first `limit` characters, so that it can be remembered."""
        head, tail = self._cut(text[: limit + 1], limit)
        return head, tail + text[limit + 1 :]

    def _below(self, reply: Reply) -> list[str]:
        if reply.status is not None:
            return [status_line(reply.status)]
        ending = filter(None, (mark(reply), footer(reply) if self._has_figures else ""))
        return [*closing_notes(reply), *filter(None, [" · ".join(ending)])]

    def _markdown(self, sheet: _Sheet, above: list[str], below: list[str], alarm: str, *, is_finished: bool) -> str:
        blocks: list[_Block] = [_Block(html=_notes(above))]
        for is_call, items in groupby(sheet, lambda item: isinstance(item, _Call)):
            if is_call:
                lines = [self._call(item) for item in items if isinstance(item, _Call)]
                blocks.append(_Block(html=f"<small {_DIM}>{'<br>'.join(lines)}</small>"))
                continue
            for item in items:
                is_open = not is_finished and item is sheet[-1]
                if isinstance(item, Thinking):
                    blocks.append(_Block(html=_thinking(item.text, is_open=is_open, is_whole=is_finished)))
                elif isinstance(item, str):
                    text = self._safe(item, is_final=not is_open)
                    blocks.append(_Block(text=text if is_open else text.rstrip()))
        blocks.append(_Block(html=_notes(below)))
        if alarm:
            blocks.append(_Block(html=f"<strong {_RED}>{_sentence(alarm)}</strong>"))
        return self._joined([block for block in blocks if block.html or block.text.strip()])

    def _call(self, entry: _Call) -> str:
        result = entry.result
        outcome = "…" if result is None else result_line(result, has_figures=self._has_figures)
        return f"<code>{inert(call_line(entry.call))}</code> → {inert(outcome)}"

    def _joined(self, blocks: Sequence[_Block]) -> str:
        if sum(not block.html for block in blocks) <= 1:
            return "\n\n".join(block.html or block.text for block in blocks)
        # Several texts of the model's are one to some renderers: what one of them begins may find its end in another.
        names = [f"{self._stand_in}{number}n" for number in range(len(blocks))]
        named = zip(names, blocks, strict=True)
        markdown = safe_markdown("\n\n".join(name if block.html else block.text for name, block in named))
        for name, block in zip(names, blocks, strict=True):
            markdown = markdown.replace(name, block.html)
        return markdown


@dataclass(frozen=True, slots=True)
class _Block:
    """A paragraph or more: HTML of ours, or the model's text made safe."""

    html: str = ""
    text: str = ""


@dataclass(slots=True)
class _Call:
    """A call of a tool, and its result once that is there."""

    call: ToolCall
    result: ToolResult | None = field(default=None)


_Sheet = list[str | Thinking | _Call]


def _safe(text: str, *, is_final: bool) -> str:
    # Half of a character cannot be sent.
    text = text.encode(errors="replace").decode()
    return safe_markdown(whole_markdown(text, is_final=is_final))


def _notes(lines: Sequence[str]) -> str:
    return f"<small {_DIM}>{'<br>'.join(map(_sentence, lines))}</small>" if lines else ""


def _sentence(text: str) -> str:
    """Return a sentence of ours, with what is to be typed as code."""
    return _TYPED.sub(r"<code>\1</code>", inert(text))


def _thinking(text: str, *, is_open: bool, is_whole: bool) -> str:
    """Return the folded thoughts: their last words while they come, then how many, and in the end all of them."""
    if is_open:
        end = " ".join(text[-4 * _TICKER_CHARS :].split())
        ticker = end if len(end) <= _TICKER_CHARS else f"…{end[1 - _TICKER_CHARS :]}"
        return f"<details {_APART}><summary {_ONE_LINE}>Thinking: {inert(ticker)}</summary></details>"
    # What is drawn again and again need not hold them.
    return folded(thought(text), text.strip() if is_whole else "")


def folded(summary: str, text: str) -> str:
    """Return a line as HTML that unfolds to a text, where there is one; both are plain."""
    whole = f'<pre style="white-space:pre-wrap">{inert(text)}</pre>' if text else ""
    return f"<details {_APART}><summary {_ONE_LINE}>{inert(summary)}</summary>{whole}</details>"


def inert(text: str) -> str:
    """Return the text as HTML on one line in which nothing is Markdown, HTML, a formula or an address."""
    return _SPECIAL.sub(_entity, printable(text))


def _entity(found: re.Match[str]) -> str:
    entity = f"&#{ord(found[0])};"
    # MathJax looks for formulas in what the browser shows, but not across elements.
    return f"<span>{entity}</span>" if found[0] in "$\\" else entity
