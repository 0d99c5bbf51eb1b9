"""The user's variables, each summarised by its kind: `var:df`, `df.price`, `config['model'].lr`."""

from __future__ import annotations

import ast
import re
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ContextNotFound, ContextRefused
from ..messages import Context
from .base import Reading, Reference
from .summaries import summarize
from .summaries.frames import column_names
from .summaries.lookup import static
from .summaries.patience import Patience

_STEP = re.compile(r"""\.(?P<name>[^\W\d]\w*)|\[(?P<key>-?\d+|'[^'\\]*'|"[^"\\]*")\]""")
_START = re.compile(r"[^\W\d]\w*")
# What IPython puts beside the user's own names; what begins with an underscore is left out anyway.
_IPYTHON = {"In", "Out", "exit", "quit", "get_ipython", "open"}
_PROPERTY_S = 0.05
_COLUMNS = 50
_MISSING = object()


class VariablesSource:
    """Reads variables by name, and what they hold: columns, attributes, keys and elements.

    Parameters
    ----------
    namespace
        The user's, as it is at each reading.
    limit
        Characters of one summary.
    """

    kinds = ("var", "")

    def __init__(self, namespace: Mapping[str, Any], limit: int = 2_000) -> None:
        self._namespace = namespace
        self._limit = limit

    def read(self, reference: Reference) -> Reading:
        """Return the summary of a variable, or of a part of it.

        A part is looked up where it is stored; only where it is nowhere is a property, or an object that makes up its
        attributes, asked for it, with a time limit. A bare name means a name of the user's alone.

        Raises
        ------
        ContextNotFound
            If there is no such variable, or no such part in it.
        ContextRefused
            If a property does not answer in time.
        """
        path = reference.target.strip()
        start = _START.match(path)
        name = start[0] if start else ""
        steps = list(_steps(path[len(name) :]))
        if not start or steps[-1:] == [None] or name not in self._namespace:
            raise ContextNotFound(f"There is no variable {path!r}.")
        if not reference.kind and name in _IPYTHON:
            raise ContextNotFound(f"{name!r} is IPython's own; `var:{path}` reads it all the same.")
        value = self._namespace[name]
        for walked, step in zip(_beginnings(path), steps, strict=False):
            value = _walk(value, step or (False, ""), walked)
        return Reading((Context.of(f"variable {path}", summarize(value, self._limit), f"var:{path}"),))

    def names(self) -> Iterator[str]:
        """Yield the user's names: data before functions, classes and modules, the newest first; then columns."""
        own = [
            (name, value)
            for name, value in reversed(list(self._namespace.items()))
            if isinstance(name, str) and not name.startswith("_") and name not in _IPYTHON
        ]
        code = (types.ModuleType, types.FunctionType, type)
        own.sort(key=lambda named: issubclass(type(named[1]), code))
        yield from (name for name, _ in own)
        for name, value in own:
            columns = (column for column in column_names(value)[:_COLUMNS] if isinstance(column, str))
            yield from (f"{name}.{column}" for column in columns if column.isidentifier())


def _steps(path: str) -> Iterator[tuple[bool, Any] | None]:
    """Yield for each step whether it is an attribute, and its name or key; None for what is no step."""
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            yield None
            return
        yield (True, step["name"]) if step["name"] else (False, ast.literal_eval(step["key"]))
        at = step.end()


def _beginnings(path: str) -> Iterator[str]:
    """Yield what stands before each step, for messages."""
    start = _START.match(path)
    at = start.end() if start else 0
    while step := _STEP.match(path, at):
        yield path[:at]
        at = step.end()


def _walk(value: Any, step: tuple[bool, Any], walked: str) -> Any:
    is_attribute, key = step
    found = _stored(value, key, is_attribute=is_attribute)
    if found is not _MISSING:
        return found
    try:
        return Patience(2 * _PROPERTY_S).call(lambda: getattr(value, key) if is_attribute else value[key])
    except TimeoutError as error:
        raise ContextRefused(
            f"`{walked}` did not give its {key!r} within {_PROPERTY_S * 1000:.0f} ms. "
            f"Assign it to a name, and refer to that."
        ) from error
    except Exception as error:
        raise ContextNotFound(f"`{walked}` has no {key!r}.") from error


def _stored(value: Any, key: Any, *, is_attribute: bool) -> Any:
    """Return a part of an object without running code of its class; `_MISSING` if it is not simply stored."""
    cls = type(value)
    if issubclass(cls, dict) and dict.__contains__(value, key):
        return dict.__getitem__(value, key)
    for base in (list, tuple, deque):
        if issubclass(cls, base) and isinstance(key, int):
            return base.__getitem__(value, key) if -base.__len__(value) <= key < base.__len__(value) else _MISSING
    if isinstance(key, str) and key in column_names(value):
        return value[key]
    found = static(value, key, _MISSING) if is_attribute else _MISSING
    # A function becomes a method, a property its value, a slot what it holds: only by being asked for.
    return _MISSING if hasattr(type(found), "__get__") else found
