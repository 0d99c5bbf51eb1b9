"""A part of a Markdown text as the tokens of its blocks, unless that would take long for what nobody reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from .cleaning import WEB
from .fences import Fence, pieces
from .items import SLACK

_NESTING = 60
_MANY = 100
_BRACKET = re.compile(r"[\[\]]")
# What stands below the head of a table.
_RULE = re.compile(r"^[ \t>]*[|:-][ \t|:-]*$", re.MULTILINE)
_SCHEME = re.compile(r"[^:/?#]*:")


class Labels(dict[str, Any]):
    """Definitions of links or notes that a part can use: its own, and those before it.

    Attributes
    ----------
    missed
        What was asked for in vain.
    """

    def __init__(self, before: Mapping[str, Any]) -> None:
        super().__init__()
        self._before = before
        self.missed: set[str] = set()

    def __bool__(self) -> bool:
        # The parser does not even look into an empty one, but what it misses may come later.
        return True

    def __contains__(self, key: object) -> bool:
        return self.get(str(key)) is not None

    def get(self, key: str, default: Any = None) -> Any:
        """Return a definition."""
        found = super().get(key, self._before.get(key))
        if found is None:
            self.missed.add(key)
        return default if found is None else found


def blocks(markdown: str, links: Labels, notes: Labels) -> list[list[Any]] | None:
    """Return the tokens of each block; None for a text that is shown as it was written.

    Parameters
    ----------
    links, notes
        What is defined before; what the text defines and what it asks for in vain is added.
    """
    if _is_too_much(markdown):
        return None
    env = {"references": links, "footnotes": {"refs": notes, "list": {}}}
    tokens = _parser().parse(_tidy(markdown), env)
    if any(token.level >= _NESTING - 1 for token in tokens):
        return None  # the parser leaves out what is deeper
    return list(_groups(tokens))


def _is_too_much(markdown: str) -> bool:
    """Tell whether the parser would take long for what nobody reads: brackets in brackets, cells that it has to fill in."""
    if markdown.count("[") > _MANY and any(_depth(paragraph) > _MANY for paragraph in markdown.split("\n\n")):
        return True
    for found in _RULE.finditer(markdown):
        columns = found[0].count("|")
        rest = markdown[found.start() :].partition("\n\n")[0] if columns else ""
        if columns * rest.count("\n") > len(rest) + _MANY:
            return True
    return False


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(text):
        depth = max(depth + (1 if bracket == "[" else -1), 0)
        deepest = max(deepest, depth)
    return deepest


def _tidy(markdown: str) -> str:
    """Write the fences in lists and quotes so that the parser finds them where we do."""
    lines: list[str] = []
    before: Fence | None = None
    for piece in pieces(markdown):
        fence = piece if isinstance(piece, Fence) else None
        is_apart = fence is not None and (bool(fence.quote or fence.marker.strip()) or len(fence.marker) > SLACK)
        if lines and lines[-1].strip() and (is_apart or (before is not None and not before.is_closed)):
            lines.append("")
        lines += piece.lines if fence is None else fence.source(fence.language)
        before = fence
    return "\n".join(lines)


@cache
def _parser() -> Any:
    # 150 ms, for whoever shows an answer as HTML.
    from markdown_it import MarkdownIt  # noqa: PLC0415
    from mdit_py_plugins.amsmath import amsmath_plugin  # noqa: PLC0415
    from mdit_py_plugins.dollarmath import dollarmath_plugin  # noqa: PLC0415
    from mdit_py_plugins.footnote import footnote_plugin  # noqa: PLC0415

    class Parser(MarkdownIt):
        def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name for it
            # Names of pictures have no scheme; where a link may lead to is decided when it is written.
            return _SCHEME.match(url) is None or WEB.match(url) is not None

    parser = Parser("js-default", {"html": False, "linkify": False, "maxNesting": _NESTING})
    parser.use(footnote_plugin, inline=False, move_to_end=False)
    parser.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True)
    parser.use(amsmath_plugin)
    rules = parser.block.ruler
    formula = next(rule.fn for rule in rules.__rules__ if rule.name == "math_block")

    def interrupting(state: Any, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's call
        """Let a formula follow the line before it, as models write it."""
        count, line = len(state.tokens), state.line
        found = bool(formula(state, start, end, silent))
        if silent:
            del state.tokens[count:]
            state.line = line
        return found

    rules.at("math_block", interrupting, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    return parser


def _groups(tokens: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield the tokens of each block."""
    group: list[Any] = []
    depth = 0
    for token in tokens:
        group.append(token)
        depth += token.nesting
        if not depth:
            yield group
            group = []
