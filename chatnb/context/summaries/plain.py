"""Texts, numbers, dates, and the containers of plain Python."""

from __future__ import annotations

import enum
import pathlib
import re
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from .kinds import Describer, Kind, Lines
from .literals import elements, is_plain, length
from .lookup import of_class, static
from .texts import count, listed, type_name

_SAMPLE = 1_000
_SHORT = 100
_DEEPEST = 4
_WIDEST = 40
_COUNTABLE = 10_000_000
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))


def kind_of(value: object) -> Kind | None:
    """Return the kind of a value of plain Python."""
    cls = type(value)
    if isinstance(of_class(cls, "_fields"), tuple) and issubclass(cls, tuple):
        return _named_tuple
    if issubclass(cls, enum.Enum):
        return _member
    for bases, kind in _KINDS:
        if issubclass(cls, bases):
            return kind
    return _scalar if is_plain(cls) else None


def _text(value: Any, describer: Describer) -> Lines:
    size = str.__len__(value)
    lines = str.count(value, "\n") + 1 if size < _COUNTABLE else 0
    about = f", {count(lines, 'line')}" if lines > 1 else ""
    yield f"{_of(value, 'str')} of {count(size, 'character')}{about}" if size else f"{_of(value, 'str')}, empty"
    if size:
        room = max(describer.limit - 150, _SHORT)
        # Only the ends are copied: the text may be larger than memory has room for twice.
        head, tail = (str.__getitem__(value, part) for part in (slice(0, room), slice(max(size - room, 0), size)))
        if size > room:
            third = room // 3
            head = f"{head[:-third]}\n… {count(size - room, 'character')} left out …\n{tail[-third:]}"
        # Control characters would confuse whoever shows it.
        yield head if all(mark.isprintable() or mark in "\n\t" for mark in head) else repr(head)


def _bytes(value: Any, describer: Describer) -> Lines:
    with memoryview(value) as view:
        yield f"{_of(value, 'bytes')} of {count(view.nbytes, 'byte')}"
        room = max((describer.limit - _SHORT) // 4, 16)
        raw = view.cast("B") if view.c_contiguous else view
        yield f"starts with {bytes(raw[:room])!r}" if view.nbytes > room else repr(bytes(raw))


def _scalar(value: Any, describer: Describer) -> Lines:
    yield f"{type_name(type(value))}: {describer.brief(value, describer.limit)}"


def _path(value: Any, describer: Describer) -> Lines:
    yield f"{type_name(type(value))}: {describer.brief(describer.call(lambda: str(value)), describer.limit)}"


def _pattern(value: Any, describer: Describer) -> Lines:
    yield f"re.Pattern: {describer.brief(value.pattern, describer.limit)}"
    flags = re.RegexFlag(value.flags & ~re.UNICODE)
    names = f", names: {', '.join(value.groupindex)}" if value.groupindex else ""
    yield f"{count(value.groups, 'group')}{names}; flags: {flags!r}"


def _member(value: Any, describer: Describer) -> Lines:
    cls = type(value)
    member = static(value, "_value_")
    yield f"{type_name(cls)}.{static(value, '_name_')}: {describer.brief(member)}"
    names = of_class(cls, "_member_names_", ())
    yield f"members: {listed(names, len(names), describer.limit // 2)}"


def _named_tuple(value: Any, describer: Describer) -> Lines:
    names = [name for name in of_class(type(value), "_fields") if type(name) is str]
    yield f"{type_name(type(value))}, a named tuple of {count(tuple.__len__(value), 'field')}"
    for name, part in zip(names, tuple.__iter__(value), strict=False):
        yield f"  {name}: {describer.brief(part)}"


def _container(value: Any, describer: Describer) -> Lines:
    yield from _tree(value, describer, 0, ())


def _view(value: Any, describer: Describer) -> Lines:
    yield f"{type_name(type(value))} of {count(len(value), 'element')}"
    yield describer.brief(list(islice(iter(value), _WIDEST)), describer.limit // 2)


def _tree(value: Any, describer: Describer, depth: int, above: tuple[int, ...]) -> Iterator[str]:
    """Yield a container's size and types, then what it holds: in one line if it fits, else part by part."""
    indent = "  " * (depth + 1)
    yield _head(value)
    above = (*above, id(value))
    is_dict = issubclass(type(value), dict)
    if not is_dict:
        whole = describer.brief(value, _SHORT)
        if "…" not in whole:
            if length(value):
                yield indent + whole
            return
    shown = _parts(value)
    for name, part in shown:
        label = f"{indent}{name}"
        short = describer.brief(part, _SHORT)
        is_nested = issubclass(type(part), (dict, list, tuple)) and "…" in short
        if not is_nested or id(part) in above or depth + 1 >= _DEEPEST:
            yield f"{label}{short}"
            continue
        first, *_ = rest = list(islice(_tree(part, describer, depth + 1, above), _WIDEST))
        yield f"{label}{first}"
        yield from rest[1:]
    left = length(value) - len(shown)
    if left and is_dict:
        yield f"{indent}… and {count(left, 'more key')}"
    elif left:
        yield f"{indent}… {left:,} others"


def _parts(value: Any) -> list[tuple[str, Any]]:
    """Return what is shown of a container: the first keys, or the first elements and the last one."""
    if issubclass(type(value), dict):
        return [(f"{_key(key)}: ", part) for key, part in islice(dict.items(value), _WIDEST)]
    size = length(value)
    firsts = [(f"[{number}] ", part) for number, part in enumerate(islice(elements(value), 3))]
    if issubclass(type(value), (set, frozenset)):
        return [("", part) for _, part in firsts]
    if size <= len(firsts):
        return firsts
    base = next(base for base in (list, tuple, deque) if issubclass(type(value), base))
    return [*firsts, (f"[{size - 1}] ", base.__getitem__(value, -1))]


def _key(key: Any) -> str:
    return (
        repr(key[:_SHORT])
        if type(key) is str
        else repr(key)
        if type(key) in {int, bool, float, type(None)}
        else f"<{type_name(type(key))}>"
    )


def _head(value: Any) -> str:
    cls, size = type(value), length(value)
    if not size:
        return f"{type_name(cls)}, empty"
    sample = "" if size <= _SAMPLE else f" (of the first {_SAMPLE:,})"
    if issubclass(cls, dict):
        items = list(islice(dict.items(value), _SAMPLE))
        types = f"{_types(key for key, _ in items)} -> {_types(part for _, part in items)}"
        return f"{type_name(cls)} with {count(size, 'key')}: {types}{sample}"
    return f"{type_name(cls)} of {count(size, 'element')}: {_types(islice(elements(value), _SAMPLE))}{sample}"


def _types(values: Iterator[Any]) -> str:
    counts = Counter(type_name(type(value)) for value in values)
    if len(counts) == 1:
        return next(iter(counts))
    return listed((f"{name} ({number})" for name, number in counts.most_common()), len(counts), 80, "more types")


def _of(value: object, base: str) -> str:
    name = type_name(type(value))
    return name if name == base else f"{name} (a {base})" if base == "str" else name


_KINDS: tuple[tuple[tuple[type, ...], Kind], ...] = (
    ((str,), _text),
    ((bytes, bytearray, memoryview), _bytes),
    ((dict,), _container),
    ((list, tuple, set, frozenset, deque), _container),
    (_VIEWS, _view),
    ((re.Pattern,), _pattern),
    ((pathlib.PurePath,), _path),
)
