"""Any other object: what it says of itself, what it holds, what it can do."""

from __future__ import annotations

import types
from itertools import islice
from typing import Any

from .kinds import Describer, Lines
from .lookup import attributes, bases, of_class, own
from .patience import is_heavy
from .texts import clip, listed, type_name

_ATTRIBUTES = 40
_NOT_CALLED = (object, types.SimpleNamespace)


def short(value: Any, describer: Describer, width: int) -> str:
    """Return an object in one line: its own `repr`, if it has one that may be asked for, or the name of its type."""
    text = own_repr(value, describer, width)
    return text or clip(f"<{type_name(type(value))}>", width)


def own_repr(value: Any, describer: Describer, width: int) -> str:
    """Return the start of what an object's own `__repr__` says; empty if it has none or must not be asked."""
    written = of_class(type(value), "__repr__")
    if any(written is base.__dict__["__repr__"] for base in _NOT_CALLED) or is_heavy(value):
        return ""
    return describer.call(lambda: clip(repr(value), width))


def describe(value: Any, describer: Describer) -> Lines:
    """Yield the lines of an object of which nothing is known."""
    yield type_name(type(value))
    held = attributes(value)
    public = {name: part for name, part in held.items() if not name.startswith("_")}
    doc = of_class(type(value), "__doc__")
    if isinstance(doc, str) and doc.strip():
        yield clip(doc.strip().partition("\n\n")[0], 200)
    # Before its own words: those may take too long.
    yield from (f"  {name}: {describer.brief(part)}" for name, part in islice(public.items(), _ATTRIBUTES))
    if len(public) > _ATTRIBUTES:
        yield f"  … and {len(public) - _ATTRIBUTES} more attributes"
    methods = sorted(
        {
            name
            for base in bases(type(value))
            if base is not object
            for name, member in own(base).items()
            if not name.startswith("_") and isinstance(member, types.FunctionType)
        }
    )
    if methods:
        yield f"methods: {listed(methods, len(methods), max(describer.limit // 5, 60))}"
    if is_heavy(value):
        yield "(its repr is not asked for: it holds much)"
    try:
        text = own_repr(value, describer, max(describer.limit // 2, 40))
    except TimeoutError:
        yield "(its repr takes too long)"
    except Exception as error:  # noqa: BLE001 - whatever it raises is worth a word
        yield f"(its repr raises {type_name(type(error))})"
    else:
        if text:
            yield f"repr: {text}"
