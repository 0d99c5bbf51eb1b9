"""Copy what changeable objects hold, tell whether it has changed since, and put it back into the same object."""

from __future__ import annotations

import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import is_not
from typing import Any

from ..context.summaries.lookup import library

_SEQUENCES: tuple[type, ...] = (list, deque)
_MAPPINGS: tuple[type, ...] = (dict, defaultdict, OrderedDict, Counter)
_UNCHANGEABLE = (
    *(type(None), bool, int, float, complex, str, bytes, range, slice, type, type(...), type(NotImplemented)),
    *(types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, frozenset),
)


@dataclass(slots=True)
class Budget:
    """How much may still be copied.

    Attributes
    ----------
    left_out
        Whether the last object held something that was too much.
    """

    size_bytes: int
    elements: int
    left_out: bool = False
    _seen: set[int] = field(default_factory=set)

    def takes(self, value: object, *, size_bytes: int = 0, elements: int = 1) -> bool:
        """Take an object into account, once; tell whether it is to be copied."""
        if id(value) in self._seen:
            return False
        if size_bytes > self.size_bytes or elements > self.elements:
            self.left_out = True
            return False
        self._seen.add(id(value))
        self.size_bytes -= size_bytes
        self.elements -= elements
        return True


@dataclass(frozen=True, slots=True)
class Kept:
    """The contents of one object as they were."""

    _differs: Callable[[], bool]
    _put_back: Callable[[], object]

    def has_changed(self) -> bool:
        """Whether the object holds something else now; what cannot be told has."""
        try:
            return self._differs()
        except Exception:  # noqa: BLE001 - comparing calls what the elements are made of
            return True

    def restore(self) -> bool:
        """Put the contents back; tell whether that was possible."""
        try:
            self._put_back()
        except Exception:  # noqa: BLE001 - such as an array that was made read-only
            return False
        return True


def keep(value: Any, budget: Budget) -> Iterator[Kept]:
    """Yield the contents of an object and of the plain objects that it holds, as far as the budget goes.

    Only exact types are looked into: a subclass may do anything when it is read.
    """
    budget.left_out = False
    stack = [value]
    while stack:
        each = stack.pop()
        kind = type(each)
        if kind is tuple:
            if budget.takes(each, elements=len(each)):
                stack.extend(each)
        elif kind in _SEQUENCES or kind in _MAPPINGS or kind in (set, bytearray):
            size = len(each) if kind is not bytearray else 0
            if budget.takes(each, elements=size + 1, size_bytes=len(each) if kind is bytearray else 0):
                stack.extend(each.values() if kind in _MAPPINGS else each if kind in _SEQUENCES else ())
                yield _plain(each)
        elif kind in library("numpy", "ndarray"):
            if budget.takes(each, size_bytes=each.nbytes):
                yield _array(each)
        elif kind in (*library("pandas", "DataFrame"), *library("pandas", "Series")):
            used = each.memory_usage(index=True)
            if budget.takes(each, size_bytes=int(used if isinstance(used, int) else used.sum())):
                yield _pandas(each)
        elif kind in (*library("polars", "DataFrame"), *library("polars", "Series")) and budget.takes(each):
            yield _polars(each)


def is_unchangeable(value: object) -> bool:
    """Whether an object cannot change, or holds no data."""
    return isinstance(value, _UNCHANGEABLE) or (type(value) is tuple and all(map(is_unchangeable, value)))


def _plain(value: Any) -> Kept:
    if type(value) in _MAPPINGS:
        items = list(value.items())
        return Kept(lambda: _are_others([*_flat(value.items())], [*_flat(items)]), partial(_refill, value, items))
    copy = list(value)
    if type(value) is set:
        return Kept(lambda: len(value) != len(copy) or not value.issuperset(copy), partial(_reput, value, copy))
    return Kept(lambda: _are_others(value, copy), partial(_reput, value, copy))


def _are_others(now: Any, before: Any) -> bool:
    return len(now) != len(before) or any(map(is_not, now, before))


def _flat(items: Any) -> Iterator[Any]:
    return (part for item in items for part in item)


def _refill(mapping: Any, items: list[tuple[Any, Any]]) -> None:
    mapping.clear()
    for key, value in items:
        mapping[key] = value


def _reput(value: Any, elements: list[Any]) -> None:
    value.clear()
    (value.update if type(value) is set else value.extend)(elements)


def _array(array: Any) -> Kept:
    copy = array.copy()

    def differs() -> bool:
        if array.shape != copy.shape or array.dtype != copy.dtype:
            return True
        if array.dtype.hasobject:
            return any(map(is_not, array.flat, copy.flat)) if array.dtype.kind == "O" else True
        return bool(array.tobytes() != copy.tobytes())

    def put_back() -> None:
        if array.shape != copy.shape:
            array.resize(copy.shape, refcheck=False)
        array[...] = copy

    return Kept(differs, put_back)


def _pandas(table: Any) -> Kept:
    copy = table.copy(deep=True)
    attrs = dict(table.attrs)

    def names(each: Any) -> list[Any]:
        return [list(axis.names) for axis in each.axes] + [getattr(each, "name", None) if each.ndim == 1 else None]

    def differs() -> bool:
        return not (table.equals(copy) and names(table) == names(copy) and table.attrs == attrs)

    def put_back() -> None:
        # Made once more, it is the same object with the data of the copy; there is no public way to exchange them.
        type(table).__init__(table, copy)
        table.attrs = attrs

    return Kept(differs, put_back)


def _polars(table: Any) -> Kept:
    copy = table.clone()  # shares the data, which are never written to while they are shared

    def differs() -> bool:
        columns = "columns" if hasattr(copy, "columns") else "name"
        return getattr(table, columns) != getattr(copy, columns) or not table.equals(copy, null_equal=True)

    return Kept(differs, lambda: type(table).__init__(table, copy))
