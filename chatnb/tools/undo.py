"""Keep what running code may replace among the variables, and put it back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .contents import Budget, Kept, is_unchangeable, keep

BYTES = 64_000_000
"""Arrays and tables of so much are copied before a run, all together."""

ELEMENTS = 100_000
"""Lists, dictionaries and sets with so many elements are copied before a run, all together."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run did to the variables: names, in the order of the namespace.

    Attributes
    ----------
    added, replaced, deleted
        Of which names the binding is another one, or gone.
    changed
        Whose objects were changed in place.
    unseen
        Named by the code, but too large or of a kind that is not copied: a change within cannot be seen nor undone.
    failed
        After an undo: what could not be put back into its object.
    """

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it in one line; empty if there is nothing to tell."""
        kinds = {"added": self.added, "replaced": self.replaced, "deleted": self.deleted, "changed": self.changed}
        return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)


class Undo:
    """Remembers the variables before the last run; belongs to the kernel thread.

    The bindings of all names are kept. Of lists, dictionaries, sets, deques, bytearrays, arrays of numpy, and tables and
    series of pandas and polars the contents are kept as well, so that a change in place comes back into the very
    same object: those that the code names first, within `BYTES` and `ELEMENTS`. What a run did not change is
    forgotten at its end.

    Parameters
    ----------
    namespace
        The user's.
    """

    def __init__(
        self, namespace: MutableMapping[str, Any], bytes_limit: int = BYTES, elements_limit: int = ELEMENTS
    ) -> None:
        self._namespace = namespace
        self._limits = bytes_limit, elements_limit
        self._before: dict[str, Any] = {}
        self._kept: dict[str, list[Kept]] = {}
        self.changes = Changes()

    @contextmanager
    def watching(self, mentioned: Collection[str] = ()) -> Iterator[None]:
        """Remember how the variables are, and see at the end, however that comes, what was done to them.

        Parameters
        ----------
        mentioned
            The names that stand in the code.
        """
        before = dict(self._namespace)
        budget = Budget(*self._limits)
        kept: dict[str, list[Kept]] = {}
        unseen = []
        for name in sorted(before, key=lambda name: name not in mentioned):
            if name in _IPYTHON:
                continue
            kept[name] = list(keep(before[name], budget))
            if name in mentioned and (budget.left_out or not kept[name]) and not is_unchangeable(before[name]):
                unseen.append(name)
        try:
            yield
        finally:
            now = self._namespace
            self._kept = {
                name: changed for name, each in kept.items() if (changed := [one for one in each if one.has_changed()])
            }
            self.changes = Changes(
                tuple(name for name in now if name not in before),
                tuple(name for name in before if name in now and now[name] is not before[name]),
                tuple(name for name in before if name not in now),
                tuple(self._kept),
                tuple(unseen),
            )
            self._before = {name: before[name] for name in self.changes.replaced + self.changes.deleted}

    def undo(self) -> Changes:
        """Put everything back that the last run did to the variables, and return what that was.

        A variable that was assigned again since the run goes back as well. Files, the network, and what modules and other
        objects hold stay as they are.

        Raises
        ------
        LookupError
            If no run has changed a variable, or that is undone already.
        """
        changes = self.changes
        if not str(changes):
            raise LookupError("There is nothing to undo: no code that was run has changed a variable since.")
        failed = [name for name, kept in self._kept.items() for one in kept if not one.restore()]
        for name in changes.added:
            self._namespace.pop(name, None)
        self._namespace.update(self._before)
        self._before, self._kept, self.changes = {}, {}, Changes()
        return Changes(changes.added, changes.replaced, changes.deleted, changes.changed, changes.unseen, tuple(failed))


# IPython's own books, which no run of a tool's code is to be blamed for.
_IPYTHON = {"In", "Out", "_ih", "_oh", "_dh", "__builtins__"}
