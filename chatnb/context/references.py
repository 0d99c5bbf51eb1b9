"""The grammar in which things are named: `cells:-3:`, `file:src/load.py`, `df`.

One grammar for `-c`, for `@mentions` (mentions.py), for Python and for the console. Pure: whether there is such a thing,
the sources know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from .base import Reference

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "cells": "Several cells: `cells:1-3`, `cells:-3:` (the last three), `cells:above`, `cells:all`.",
        "cell": "One cell by its number, with its outputs and its error: `cell:5`.",
        "out": "The outputs of one cell: `out:5`.",
        "error": "The last exception: `error`.",
        "notebook": "The whole notebook with its Markdown cells: `notebook`.",
        "var": "A variable: `var:df`, or only `df`.",
        "file": "A file, or several by a pattern: `file:src/load.py`, `file:src/**/*.py`.",
        "dir": "The files of a folder: `dir:docs`.",
        "url": "A page of the web: `url:https://example.org`, or only the address.",
        "image": "A picture: a file, a figure, or a cell with a picture among its outputs: `image:plot.png`.",
        "session": "A chat session by its title: `session:Plans`.",
        "past": "Your earlier chat sessions, the newest first: `past`.",
    }
)
"""What the word before the colon may be, with a sentence on each for help."""

_ALIASES = {"db": "past"}
_ALONE = {"cells": "all", "error": "", "notebook": "", "past": ""}  # what each means without a colon
_NUMBERED = ("cells", "cell", "out")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_NUMBERS = re.compile(r"[\d:-]+")
_PIECE = re.compile(
    r"""\s*(?:
        (?P<kind>\w+:)?(?P<quote>["'])(?P<quoted>.+?)(?P=quote)\s*(?=,|\Z)
        | (?P<address>(?:url:\s*|https?://).*)
        | (?P<plain>[^,]*)
    )(?:,|\Z)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def parse(text: str) -> Reference:
    r"""Return the reference that `text` is; every text is one.

    A kind is written as in `KINDS`. What begins otherwise is a bare name, which a variable or a path may have. So a
    variable that is called like a kind needs `var:error`, and a file `./error`.

    Parameters
    ----------
    text
        One reference; a comma is part of its name. Space around it and behind the colon does not count.

    Returns
    -------
    Reference
        Written out with `str` and parsed again it is the same.

    Examples
    --------
    >>> parse("cells:-3:")
    Reference(kind='cells', target='-3:')
    >>> parse("df.price")
    Reference(kind='', target='df.price')
    >>> parse("C:\\data.csv").kind
    ''
    >>> [str(parse(text)) for text in ("error", "cells", "db", "https://example.org")]
    ['error', 'cells:all', 'past', 'url:https://example.org']
    """
    text = text.strip()
    word, colon, rest = text.partition(":")
    kind, target = _ALIASES.get(word, word), rest.strip()
    if kind in KINDS and target:
        return Reference(kind, target)
    if kind in _ALONE and not target:
        return Reference(kind, _ALONE[kind])
    if colon and _ADDRESS.match(text):
        return Reference("url", text)
    return Reference("", text)


def split(text: str) -> tuple[str, ...]:
    """Return the references of a list such as `past,./docs,./notes`, each ready to be parsed.

    Commas separate. Quotes around a name, before or behind its kind, keep the commas in it. An address goes on to the
    end, unless it is quoted. Numbers behind a cell are cells too.

    Parameters
    ----------
    text
        What one `-c` says.

    Examples
    --------
    >>> split("past, ./docs,./notes")
    ('past', './docs', './notes')
    >>> split('file:"a, b.md",df')
    ('file:a, b.md', 'df')
    >>> split("url:https://example.org/1,2")
    ('url:https://example.org/1,2',)
    >>> split("cell:1,3,df")
    ('cell:1', 'cell:3', 'df')
    """
    found: list[str] = []
    for piece in _PIECE.finditer(text):
        written = (piece["kind"] or "") + (piece["quoted"] or piece["address"] or piece["plain"] or "").strip()
        if not written:
            continue
        if found and _NUMBERS.fullmatch(written) and (kind := parse(found[-1]).kind) in _NUMBERED:
            written = f"{kind}:{written}"
        found.append(written)
    return tuple(found)
