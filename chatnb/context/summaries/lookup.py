"""Find what something is and has without running its code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from .texts import module_name, type_name

_DATA = {"numpy", "pandas", "polars", "pyarrow"}
_MISSING = object()
_BASES = type.__dict__["__mro__"].__get__
_OWN = type.__dict__["__dict__"].__get__


def library(name: str, path: str) -> tuple[type, ...]:
    """Return the class of a library in a tuple, for `issubclass`; an empty one if nobody has imported it.

    Examples
    --------
    >>> library("decimal_that_nobody_imported", "Decimal")
    ()
    """
    found = getattr(sys.modules.get(name), "__dict__", {}).get(path)
    return (found,) if isinstance(found, type) else ()


def bases(cls: type) -> tuple[type, ...]:
    """Return a class and all that it inherits from, whatever its metaclass says."""
    found: tuple[type, ...] = _BASES(cls)
    return found


def own(cls: type) -> Mapping[str, Any]:
    """Return what the body of a class defined."""
    found: Mapping[str, Any] = _OWN(cls)
    return found


def of_class(cls: type, name: str, default: Any = None) -> Any:
    """Return an attribute of a class or its bases as it was written there; a descriptor is returned uncalled."""
    return next((own(base)[name] for base in bases(cls) if name in own(base)), default)


def is_known(cls: type) -> bool:
    """Whether a class is one of the data libraries' own: no user's code is run by looking at its objects."""
    module, name = module_name(cls), type_name(cls).rpartition(".")[2]
    # A class may say that it comes from anywhere; so it is looked up there.
    return module.partition(".")[0] in _DATA and cls in library(module, name)


def roots(cls: type) -> set[str]:
    """Return the packages that a class and its bases come from."""
    return {module_name(base).partition(".")[0] for base in bases(cls)}


def static(value: object, name: str, default: Any = None) -> Any:
    """Return an attribute that an object holds itself or has from its class; a property is returned uncalled."""
    try:
        return inspect.getattr_static(value, name, default)
    except Exception:  # noqa: BLE001 - a class may be broken in any way
        return default


def has(value: object, *names: str) -> bool:
    """Whether the object really has all of these, rather than inventing them when it is asked."""
    return all(static(value, name, _MISSING) is not _MISSING for name in names)


def attributes(value: object) -> dict[str, Any]:
    """Return what an object holds, from its `__dict__` and its slots; no property is evaluated.

    Examples
    --------
    >>> class Point:
    ...     __slots__ = ("x", "y")
    >>> point = Point()
    >>> point.x = 3
    >>> attributes(point)
    {'x': 3}
    """
    found: dict[str, Any] = {}
    for base in reversed(bases(type(value))):
        slots = own(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots if isinstance(slots, (tuple, list)) else ():
            member = own(base).get(name)
            if inspect.ismemberdescriptor(member):
                try:
                    found[name] = member.__get__(value)
                except AttributeError:
                    continue
    try:
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return found
    if type(held) is dict:
        found |= {name: part for name, part in dict.items(held) if type(name) is str}
    return found
