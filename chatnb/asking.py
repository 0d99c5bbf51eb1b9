"""Ask the user, at the keyboard, whether a tool may do what a model wants."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .errors import StoreError
from .stores.disk import locked, make_private, write_aside
from .tools.approval import Proposal, Verdict
from .tools.showing import plainly

VERDICTS: dict[str, Verdict] = {"y": "once", "s": "session", "f": "folder", "n": "no", "x": "never"}
"""What is typed, and what it means."""

_DOES = {"reads": "reads", "writes": "writes", "runs": "runs code", "network": "uses the network"}


def asked(proposal: Proposal, read: Callable[[str], str], write: Callable[[str], object]) -> Verdict:
    """Show a proposal and return what the user answers to it; anything but a clear yes is a no.

    Parameters
    ----------
    read
        Asks in a line and returns what was typed: `input`.
    write
        Shows a text: `print`.
    """
    if proposal.preview:
        write(plainly(proposal.preview))
    try:
        typed = read(question(proposal))
    except EOFError:  # Ctrl-D, or nobody there after all
        return "no"
    return VERDICTS.get(typed.strip().casefold()[:1], "no")


def question(proposal: Proposal) -> str:
    """Return the line that asks, with the very arguments of the call.

    Examples
    --------
    >>> from chatnb.messages import ToolCall
    >>> call = ToolCall("1", "write_file", {"path": "a.md", "text": "Hello"})
    >>> question(Proposal(call, ("writes",), scope="docs"))
    'write_file(path="a.md", text="Hello") writes. Allow it? [y]es, [s]ession, [f]older (docs), [n]o, ne[x]t ones neither: '
    """
    arguments = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in proposal.call.arguments.items())
    call = plainly(f"{proposal.call.name}({', '.join(arguments)})").replace("\n", "\\n")
    does = " and ".join(_DOES.get(effect, effect) for effect in proposal.effects) or "runs"
    because = f" Asked again, since {proposal.reason}." if proposal.reason else ""
    covered = f" ({plainly(proposal.scope)})" if proposal.scope else ""
    return f"{call} {does}.{because} Allow it? [y]es, [s]ession, [f]older{covered}, [n]o, ne[x]t ones neither: "


class AllowedFolder:
    """What was allowed for good in one folder, kept in a file; fulfils `approval.Folder`.

    Parameters
    ----------
    path
        The file, shared by all folders. One that is damaged or cannot be written is as good as empty: then it is asked.
    folder
        The notebook's.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, str(folder.resolve())

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Tell whether calls of that tool and scope are allowed here."""
        return list(key) in self._read().get(self._folder, [])

    def add(self, key: tuple[str, str]) -> None:
        """Allow them here."""
        with suppress(OSError, StoreError):
            make_private(self._path.parent)
            with locked(self._path.with_suffix(".lock")):
                known = self._read()
                known.setdefault(self._folder, []).append(list(key))
                write_aside(self._path, [json.dumps(known, indent=1).encode()])

    def _read(self) -> dict[str, list[list[str]]]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) and all(isinstance(each, list) for each in known.values()) else {}
