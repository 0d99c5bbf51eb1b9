"""Say in a few lines what an object is, whatever it is.

* texts, literals    names and numbers, and plain values in one line (pure)
* patience           code that is not ours is called with a time limit
* lookup             what something is and has, without running its code
* kinds              what a kind of objects is; one file for each family: plain, frames, arrays, code, libraries, objects

To add a kind is to write a function that yields lines and to name it in the `kind_of` of its file.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from . import arrays, code, frames, libraries, objects, plain
from .kinds import Kind, Lines
from .literals import is_plain, literal
from .lookup import is_known, library, of_class
from .patience import Patience
from .texts import clip, cut, type_name

T = TypeVar("T")

_FAMILIES = (plain, frames, arrays, libraries, code)
_TABLES = {"pandas", "polars", "pyarrow"}
# In one line these say more by their own repr.
_BY_REPR: tuple[Kind, ...] = (objects.describe, libraries.record, libraries.model)


def summarize(value: object, limit: int = 2_000, *, name: str = "", time_s: float = 0.03) -> str:
    r"""Return what an object is and holds, in plain text for a model; never raises.

    Nothing is computed, consumed, loaded or changed for it. An object that describes itself for models by `_repr_llm_`
    is asked first: https://ipython.readthedocs.io/en/stable/api/generated/IPython.core.formatters.html

    Parameters
    ----------
    limit
        In characters; never exceeded. What is cut ends with a mark.
    name
        What the object is called where it comes from; stands at the beginning.
    time_s
        After which no code that is the user's or another library's is waited for. What runs none of that, such as the
        statistics of a table, takes as long on a machine that is not busy.

    Examples
    --------
    >>> summarize([1, 2, 3], name="sizes")
    'sizes: list of 3 elements: int\n  [1, 2, 3]'
    """
    if not _TABLES.isdisjoint(sys.modules):
        frames.load()  # before the clock starts: it is the first table's alone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an attribute may be deprecated, a column may be empty
        text = "\n".join(_Summary(limit, time_s).lines(value))
    return cut(f"{name}: {text}" if name else text, limit)


class _Summary:
    """The lines of one object and of what it holds, within one limit and one stretch of time."""

    def __init__(self, limit: int, time_s: float) -> None:
        self.limit = limit
        self._patience = Patience(time_s)
        self._above: list[int] = []

    def lines(self, value: Any) -> list[str]:
        """Return the lines of an object, as far as there is time and room; at least one."""
        own = self._own_words(value)
        return [own] if own else self._collected(value, self.limit) or [type_name(type(value))]

    def brief(self, value: object, width: int = 80) -> str:
        """Return any value in one line of at most `width` characters."""
        if id(value) in self._above:
            return "…"
        self._above.append(id(value))
        try:
            return clip(literal(value, width, self.brief) or self._first_line(value, width), width)
        except Exception:  # noqa: BLE001 - also a TimeoutError: the name of its type is always there
            return clip(f"<{type_name(type(value))}>", width)
        finally:
            self._above.pop()

    def call(self, function: Callable[[], T]) -> T:
        """Call code that is not ours."""
        return self._patience.call(function)

    def inner(self, value: object) -> Lines:
        """Yield the lines of something within the object."""
        yield from self._collected(value, self.limit)

    def _own_words(self, value: Any) -> str:
        """Return how an object describes itself for models; empty if it does not."""
        if of_class(type(value), "_repr_llm_") is None and not _formatters():
            return ""
        try:
            said = self.call(lambda: _said(value))
        except Exception:  # noqa: BLE001 - then it is described like any other
            return ""
        return cut(str.__getitem__(said, slice(0, self.limit + 1)), self.limit) if isinstance(said, str) else ""

    def _collected(self, value: Any, limit: int) -> list[str]:
        kind = _kind_of(value)
        lines: list[str] = []

        def collect() -> None:
            room = limit
            for line in kind(value, self):
                if lines and self._patience.is_long_over:
                    raise TimeoutError
                lines.append(line)
                room -= len(line) + 1
                if room < 0:
                    return

        try:
            if is_plain(type(value)) or is_known(type(value)):
                collect()
            else:
                self.call(collect)
        except TimeoutError:
            lines.append("(the rest takes too long)")
        except Exception as error:  # noqa: BLE001 - what was said before stays
            if kind is not objects.describe and not lines:
                return list(objects.describe(value, self))
            lines.append(f"(the rest cannot be said: {type_name(type(error))})")
        return list(lines)

    def _first_line(self, value: Any, width: int) -> str:
        kind = _kind_of(value)
        if kind in _BY_REPR:
            return self.call(lambda: objects.short(value, self, width))
        lines = kind(value, self)
        return next(lines) if (is_plain(type(value)) or is_known(type(value))) else self.call(lambda: next(lines))


def _kind_of(value: Any) -> Kind:
    for family in _FAMILIES:
        try:
            kind: Kind | None = family.kind_of(value)
        except Exception:  # noqa: BLE001, S112 - a class that is broken for one family may be fine for another
            continue
        if kind is not None:
            return kind
    return objects.describe


def _formatters() -> Any:
    """Return IPython's formatter for models, if somebody has registered one."""
    shell = library("IPython.core.interactiveshell", "InteractiveShell")
    if not shell or "IPython" not in sys.modules or not shell[0].initialized():  # type: ignore[attr-defined]
        return None
    return shell[0].instance().display_formatter.formatters.get("x-vendor/llm")  # type: ignore[attr-defined]


def _said(value: Any) -> Any:
    said: Any = None
    if formatter := _formatters():
        try:
            said = formatter.lookup(value)(value)
        except KeyError:
            said = None
    if said is None and of_class(type(value), "_repr_llm_") is not None:
        said = value._repr_llm_()
    if isinstance(said, tuple) and said:  # the text and its metadata, as other formatters may return them
        said = said[0]
    return json.dumps(said, indent=1, default=str) if isinstance(said, dict) else said


__all__ = ["summarize"]
