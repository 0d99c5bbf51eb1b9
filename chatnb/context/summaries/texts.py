"""Short texts about values: names of types, numbers, and what is cut with a mark."""

from __future__ import annotations

import re
from collections.abc import Iterable

_QUALNAME = type.__dict__["__qualname__"].__get__
_MODULE = type.__dict__["__module__"].__get__
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_MARK = "…"


def type_name(cls: type) -> str:
    """Return the name of a type with its public modules, whatever its metaclass does.

    Examples
    --------
    >>> from collections import OrderedDict
    >>> type_name(int), type_name(OrderedDict)
    ('int', 'collections.OrderedDict')
    """
    parts = [part for part in module_name(cls).split(".") if part and not part.startswith("_") and part != "builtins"]
    return ".".join([*parts, _QUALNAME(cls)])


def module_name(cls: type) -> str:
    """Return where a type says that it comes from; empty where that is no text."""
    module = _MODULE(cls)
    return module if type(module) is str else ""


def clip(text: str, width: int) -> str:
    r"""Return a text in one line of at most `width` characters; what is cut ends with a mark.

    An address in it is left out: it says nothing, and differs from run to run.

    Examples
    --------
    >>> clip("<Thing at 0x7f01>\nand more", 14)
    '<Thing> and m…'
    """
    # The class's own method: a subclass of str may do anything. Twice the width, for the blanks that go.
    start = str.__getitem__(text, slice(0, 2 * width + 40))
    line = " ".join(_ADDRESS.sub("", start).split())
    if len(line) <= width and str.__len__(text) <= len(start):
        return line
    return line[: max(width - 1, 0)] + _MARK[:width]


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters; what is cut ends with a mark.

    Examples
    --------
    >>> cut("one two three", 9)
    'one two …'
    """
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + _MARK[:limit]


def middle_cut(text: str, limit: int) -> str:
    r"""Return a text with its middle left out where it is longer than about `limit`; says how much that is.

    Examples
    --------
    >>> middle_cut("a" * 50 + "b" * 50, 30)
    'aaaaaaaaaaaaaaaaaaaa\n… 70 characters left out …\nbbbbbbbbbb'
    """
    if len(text) <= limit:
        return text
    tail = limit // 3
    head = limit - tail
    return f"{text[:head]}\n… {len(text) - limit:,} characters left out …\n{text[len(text) - tail :]}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "row"), count(10_000, "row")
    ('1 row', '10,000 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def figure(number: object) -> str:
    """Return a number in at most six digits; anything else as it is written.

    Examples
    --------
    >>> figure(3.14159265), figure(1234567), figure(None)
    ('3.14159', '1234567', 'None')
    """
    return f"{number:.6g}" if isinstance(number, float) else str(number)


def listed(texts: Iterable[str], total: int, limit: int, noun: str = "more") -> str:
    """Return texts with commas between them as far as there is room, and how many of the `total` are not among them.

    Examples
    --------
    >>> listed(["alpha", "beta", "gamma"], 100, 14)
    'alpha, beta, … and 98 more'
    """
    shown: list[str] = []
    room = limit
    for text in texts:
        room -= len(text) + 2
        if room < 0:
            break
        shown.append(text)
    if len(shown) == total:
        return ", ".join(shown)
    return ", ".join([*shown, f"{_MARK} and {total - len(shown):,} {noun}"])
