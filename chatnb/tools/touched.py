"""What code would touch, as a value, and in words."""

from __future__ import annotations

from dataclasses import dataclass, fields

_MOST = 20  # things of one kind that are listed
_WORDS = {
    "anything": "may do anything",
    "assigned": "assigns",
    "deleted": "deletes",
    "changed": "changes in place",
    "imports": "imports",
    "reads": "reads",
    "writes": "writes",
    "network": "reaches the network",
    "programs": "starts programs",
    "magics": "magics",
    "calls": "calls what is not shown here",
}


@dataclass(frozen=True, slots=True)
class Touched:
    """What code would touch; each a tuple of short texts, in the order of the code.

    Attributes
    ----------
    anything
        Why nothing can be said for sure: what is named here may do anything at all.
    assigned, deleted
        Names of the notebook.
    changed
        Names whose objects are changed in place, as by `df["a"] = 1`.
    imports
        Modules; an import runs their code.
    reads, writes
        Paths where they are written out, else the code that makes them.
    network
        Modules that reach it, and addresses.
    programs
        What starts other programs.
    magics
        Of IPython.
    calls
        Functions and methods of which only the name is known.
    """

    anything: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    magics: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return a line for each kind of thing."""
        lines = []
        for field in fields(self):
            if texts := getattr(self, field.name):
                more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
                lines.append(f"{_WORDS[field.name]}: {', '.join(texts[:_MOST])}{more}")
        return "\n".join(lines) or "touches nothing that its text shows"
