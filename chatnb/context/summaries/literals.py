"""Values of plain Python in one line, as they would be written, as far as there is room.

`reprlib` does this too, but sorts whole dicts, chooses by the name of a type, and calls the `repr` of whatever else it meets.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import math
import pathlib
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from .texts import clip, count, type_name

Brief = Callable[[object, int], str]

_ATOMS = {
    *(bool, float, complex, type(None), type(...), type(NotImplemented), range, uuid.UUID, decimal.Decimal),
    *(fractions.Fraction, dt.date, dt.time, dt.timedelta, dt.timezone),
    *(pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath),
}
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_PLAIN = {*_ATOMS, *_CONTAINERS, OrderedDict, Counter, defaultdict, int, str, bytes, bytearray, dt.datetime}
_LONGEST_INT_BITS = 400
_WIDEST = 8
_DEEPEST = 3


def is_plain(cls: type) -> bool:
    """Whether looking at an object of exactly this type runs no code but Python's own."""
    return cls in _PLAIN


def literal(value: Any, width: int, other: Brief, above: tuple[int, ...] = ()) -> str | None:
    """Return a value of plain Python in one line; None if it is not one.

    Parameters
    ----------
    width
        Roughly; whoever calls clips.
    other
        Says anything else in one line.
    above
        The ids of the containers around it, which it may hold again.
    """
    cls = type(value)
    if issubclass(cls, (str, bytes, bytearray)):
        return _text(value, width)
    if cls is int:
        return _integer(value)
    if cls in _ATOMS or (cls is dt.datetime and type(value.tzinfo) in _ATOMS):
        return _huge(value) or repr(value)
    if issubclass(cls, _CONTAINERS):
        return _container(value, width, other, above)
    return None


def elements(container: Any) -> Iterator[Any]:
    """Return the elements of a container (of a dict its keys), by Python's own iterator and not a subclass's."""
    return next(base for base in _CONTAINERS if issubclass(type(container), base)).__iter__(container)


def length(container: Any) -> int:
    """Return how many elements a container really has, whatever the `__len__` of a subclass says."""
    return next(base for base in _CONTAINERS if issubclass(type(container), base)).__len__(container)


def _text(value: Any, width: int) -> str:
    base = next(base for base in (str, bytes, bytearray) if issubclass(type(value), base))
    start: object = base.__getitem__(value, slice(0, width))
    text = repr(start)
    return text if base.__len__(value) <= width else f"{text[: max(width - 1, 1)]}…"


def _integer(value: int) -> str:
    bits = int.bit_length(value)
    if bits <= _LONGEST_INT_BITS:
        return repr(value)
    # Writing it out takes quadratic time, and Python refuses at 4,300 digits.
    digits = int(bits * math.log10(2)) + 1
    return f"{'-' if value < 0 else ''}(an int of about {digits:,} digits, {bits:,} bits)"


def _huge(value: Any) -> str:
    if type(value) is fractions.Fraction and max(map(int.bit_length, value.as_integer_ratio())) > _LONGEST_INT_BITS:
        return f"Fraction({_integer(value.numerator)}, {_integer(value.denominator)})"
    if type(value) is decimal.Decimal and len(value.as_tuple().digits) > _LONGEST_INT_BITS:
        return f"(a Decimal of {count(len(value.as_tuple().digits), 'digit')})"
    return ""


def _container(value: Any, width: int, other: Brief, above: tuple[int, ...]) -> str:
    cls = type(value)
    opening, closing = _brackets(cls)
    if id(value) in above:
        return f"{opening}… (itself){closing}"
    size = length(value)
    if not size:
        return "set()" if cls is set else _named(cls, opening + closing)
    if len(above) >= _DEEPEST or width < len("{'a': 1, …}"):
        return f"{opening}… {size:,}{closing}"
    above = (*above, id(value))

    def one(part: Any, room: int) -> str:
        text = literal(part, room, other, above)
        return other(part, room) if text is None else clip(text, room)

    if issubclass(cls, dict):
        parts: Iterable[str] = (
            f"{one(key, width // 2)}: {one(part, width)}" for key, part in islice(dict.items(value), _WIDEST)
        )
    else:
        parts = (one(part, width) for part in islice(elements(value), _WIDEST))
    inside = _joined(parts, size, width - 2)
    comma = "," if cls is tuple and size == 1 else ""
    return _named(cls, f"{opening}{inside}{comma}{closing}")


def _joined(parts: Iterable[str], size: int, width: int) -> str:
    shown: list[str] = []
    room = width
    for part in parts:
        room -= len(part) + 2
        if room < 0 and shown:
            break
        shown.append(part)
    return ", ".join(shown) if len(shown) == size else f"{', '.join(shown)}, … {size:,} in all"


def _brackets(cls: type) -> tuple[str, str]:
    if issubclass(cls, (dict, set)):
        return "{", "}"
    if issubclass(cls, frozenset):
        return "frozenset({", "})"
    return ("(", ")") if issubclass(cls, tuple) else ("[", "]")


def _named(cls: type, text: str) -> str:
    return text if cls in {dict, list, tuple, set, frozenset} else f"{type_name(cls).rpartition('.')[2]}({text})"
