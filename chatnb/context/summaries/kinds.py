"""What a kind of objects is to a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Lines = Iterator[str]


class Describer(Protocol):
    """What a kind is given to describe an object with."""

    @property
    def limit(self) -> int:
        """Characters of the whole summary; more than that is never read."""
        ...

    def brief(self, value: object, width: int = 80) -> str:
        """Return any value in one line of at most `width` characters; never raises."""
        ...

    def call(self, function: Callable[[], T]) -> T:
        """Call code that is not ours; raises TimeoutError if it takes too long, and what it raises."""
        ...

    def inner(self, value: object) -> Lines:
        """Yield the lines of something within the object."""
        ...


Kind = Callable[[Any, Describer], Lines]
"""Yields the lines of an object, the cheapest first, the first of which stands for the object alone.

It may raise at any place: what it yielded stays. Where the time or the room ends, it is not asked for more.

A file of kinds has a function `kind_of(value)` which returns the kind of a value by its type, or None. It runs no code of
the value's class, and imports nothing: an object of a library can only exist where that is imported, so `library` finds it.
"""
