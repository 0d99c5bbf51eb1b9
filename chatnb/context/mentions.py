"""Find the `@mentions` in a question: what may name something, as it stands in the text.

Pure: of each mention it tells all that it may mean, the longest first, and the gatherer takes the first that there is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from ..markdown.fences import Prose, pieces
from .references import parse

LONGEST = 256
"""How many characters of a name are looked at, unless it is quoted."""

_AT = re.compile(
    rf"""@(?:
        (?P<kind>\w+:)?"(?P<quoted>[^"\n]{{1,4096}})"
        | (?P<run>[\w./~\\][^\s@]{{0,{LONGEST - 1}}})
    )""",
    re.VERBOSE,
)
# What may stand before an @ that mentions nothing: part of an e-mail address or of a URL, another @, an escape.
_JOINING = frozenset("@/\\_")
# What is not the name's where nothing but more of it follows: `@df.`, `**@df**`.
_TRAILING = ".,;:!?)]}>'\"*~|"
# What ends a name wherever it stands: `@df's`, `@df[0]`.
_ENDING = frozenset(",;!?()[]{}<>'\"|`")
_DOTTED = re.compile(r"(?:var:)?[^\W\d]\w*+(?:\.[^\W\d]\w*+|\[[^\]]*+\])*+")
_EMPHASIS_END = re.compile(r"\*++[^\w*]*+\Z")
_TICKS = re.compile(r"`+")
_PARAGRAPHS = re.compile(r"(\n[ \t\r]*\n)")
# Each round bracket may hold others, to a depth of three, in which no text makes the search slow.
_ARGUMENTS = r"\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+\)"
_DECORATED = re.compile(
    rf"""^(?:[ \t]*@[^\W\d][\w.]*+[ \t]*(?:{_ARGUMENTS})?[ \t]*(?:\#[^\n]*)?\r?\n)++
    (?P<defined>[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+\w+[ \t]*[(:\[])?""",
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """An @ in a text that may name something.

    Attributes
    ----------
    start
        Where its @ stands.
    text
        As written, from the @ on, up to the punctuation behind it.
    references
        What it may mean, the longest first: `@df.price.` may be "df.price.", "df.price" or "df".
    """

    start: int
    text: str
    references: tuple[str, ...]


def mentions(text: str) -> tuple[Mention, ...]:
    r"""Return the mentions of a text, in their order.

    Not mentions are: an @ behind a letter, a digit or another @ (`me@example.org`), or behind a backslash; what stands in
    fenced or inline code; the decorators of a function or a class. A name may hold spaces in quotes: `@"file:my notes.md"`,
    `@file:"my notes.md"`.

    A name may end before punctuation; that of a variable also at a dot, as in `@df.mean()`. Scripts that have no capitals
    often have no spaces either: there it may end, and an @ may stand, beside any letter, as in `请看@df的均值`.

    Parameters
    ----------
    text
        Any Markdown.

    Examples
    --------
    >>> [mention.references for mention in mentions("Why is @df.price negative? See @error.")]
    [('df.price', 'df'), ('error.', 'error')]
    >>> mentions("Write to me@example.org, not `@df`.")
    ()
    """
    return tuple(_mentions(text))


def _mentions(text: str) -> Iterator[Mention]:
    prose = _without_code(text)
    for found in _AT.finditer(prose):
        before = prose[max(found.start() - 1, 0) : found.start()]
        if _is_joined(before):
            continue
        if found["quoted"]:
            yield Mention(found.start(), found[0], ((found["kind"] or "") + found["quoted"],))
            continue
        # In `**@file:a.md**` the stars behind the name are no pattern.
        run = _EMPHASIS_END.sub("", found["run"]) if before == "*" else found["run"]
        if references := tuple(_meanings(run)):
            yield Mention(found.start(), "@" + _shown(run), references)


def _is_joined(before: str) -> bool:
    return before in _JOINING or (before.isalnum() and not _is_caseless(before))


def _shown(run: str) -> str:
    name = "".join(takewhile(lambda char: not _is_mark(char), run))
    return name[: _bare(name)]


def _meanings(run: str) -> Iterator[str]:
    """Yield the beginnings of a run of characters that may be a name, the longest first."""
    bare = _bare(run)
    if parse(run).kind == "url":
        # Each meaning would be fetched, and the user be asked for it.
        yield run[:bare]
        return
    for end in range(len(run), 0, -1):
        if (end >= bare or _may_end(run, end)) and any(char.isalnum() or char == "_" for char in run[:end]):
            yield run[:end]


def _bare(run: str) -> int:
    """Return where the punctuation begins that nothing but more of it follows."""
    return next((end for end in range(len(run), 0, -1) if not (run[end - 1] in _TRAILING or _is_mark(run[end - 1]))), 0)


def _may_end(run: str, end: int) -> bool:
    after = run[end]
    if after in _ENDING or _is_mark(after) or _is_caseless(after) or _is_caseless(run[end - 1]):
        return True
    # What goes on as a path is no variable: `@docs/b.md` must never become `@docs`, nor `@error.log` the last error.
    return (
        not (after.isalnum() or after in "_/\\:")
        and _DOTTED.fullmatch(run, 0, end) is not None
        and parse(run[:end]).kind in ("", "var")
    )


def _is_mark(char: str) -> bool:
    """Tell whether it is punctuation beyond ASCII, such as a dash or a full stop of Chinese."""
    return not char.isascii() and unicodedata.category(char)[0] in "PS"


def _is_caseless(char: str) -> bool:
    return unicodedata.category(char) == "Lo"


def _without_code(text: str) -> str:
    """Return the text with spaces in place of all code, so that places stay what they are."""
    shown: list[str] = []
    for piece in pieces(text):
        lines = "\n".join(piece.lines)
        if isinstance(piece, Prose):
            decorated = _DECORATED.sub(lambda found: _hidden(found[0]) if found["defined"] else found[0], lines)
            shown.append("".join(map(_without_spans, _PARAGRAPHS.split(decorated))))
        else:
            shown.append(_hidden(lines))
    return "\n".join(shown)


def _without_spans(paragraph: str) -> str:
    """Return a paragraph without its inline code, which goes from some backticks to the next that are as many."""
    runs = list(_TICKS.finditer(paragraph))
    last = {len(run[0]): place for place, run in enumerate(runs)}
    shown: list[str] = []
    at = end = 0
    while at < len(runs):
        size = len(runs[at][0])
        # Without the places of the last ones, backticks that nothing closes would be looked for again and again.
        if last[size] > at:
            closing = next(place for place in range(at + 1, len(runs)) if len(runs[place][0]) == size)
            start, stop = runs[at].start(), runs[closing].end()
            shown += paragraph[end:start], _hidden(paragraph[start:stop])
            at, end = closing, stop
        at += 1
    return "".join((*shown, paragraph[end:]))


def _hidden(code: str) -> str:
    return " " * len(code)
