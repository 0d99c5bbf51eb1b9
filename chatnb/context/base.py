"""What can be named and read: a reference, and the sources that know what it means.

To add a kind of context is to write one class with the three members of `Source`, and to give it to the `Gatherer`
(gather.py). The grammar (references.py), completion, near names, the budget and `%chat stale` come for free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..messages import Context, Image

Confirm = Callable[[str], bool]
"""Asks the user a question that yes or no answers; where nobody is there to answer it returns False."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a user wrote to name something.

    Attributes
    ----------
    kind
        The word before the colon, such as "cells", "var" or "file"; "" for a bare name (`df`, `./docs`), which
        belongs to the first source that knows it.
    target
        What stands after the colon; may be empty (`error`, `notebook`, `past`).
    """

    kind: str
    target: str

    def __str__(self) -> str:
        """Return it as it would be written."""
        return ":".join(filter(None, (self.kind, self.target)))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reference stands for now.

    Attributes
    ----------
    parts
        In the order in which the model reads them. The `ref` of each names that one thing alone, in a form that
        still means the same thing later (`cell:ID` rather than `cells:-3:`), or is empty where there is none.
    notes
        What could not be seen or was left away, in whole sentences for the user.
    """

    parts: tuple[Context | Image, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: Reading) -> Reading:
        """Return both, one after the other."""
        return Reading(self.parts + other.parts, self.notes + other.notes)


class Source(Protocol):
    """Where a kind of things is found.

    Called on the thread that asks; in a kernel that is the one that runs cells.
    """

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of references that it reads; "" among them if it knows bare names."""
        ...

    def read(self, reference: Reference) -> Reading:
        """Return what the reference names.

        Whatever the thing is, this returns soon and with a bounded text.

        Raises
        ------
        ContextNotFound
            If there is no such thing here.
        ContextRefused
            If it may not or cannot be read; says why and what to do.
        """
        ...

    def names(self) -> Iterable[str]:
        """Yield references that would be found, such as "df" or "file:src/load.py", the likeliest first.

        For completion and for near names; whoever calls stops after a few hundred.
        """
        ...
