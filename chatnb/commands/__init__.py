"""What each `%chat` command does."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Mapping, Sequence

from ..desk import Desk
from ..errors import SettingsError
from ..grammar import HelpAsked
from ..listing import Listing, Said
from .base import Command, no_words
from .panel import show_panel
from .reading import compact, hide, list_stale, pin, refresh, unhide, unpin, why
from .server import list_models, list_settings, pull, record, run_doctor, show_status
from .sessions import archive, delete, list_sessions, new, open_session, rename, restore, search, tag, untag, use
from .talk import again, branch, edit, fork, list_branches, undo
from .tools import call, list_tools
from .transfer import export, take_in


def run(line: str, desk: Desk) -> object:
    """Do what `%chat line` says and return what it shows; what it has changed is shown, and its help printed.

    Raises
    ------
    SettingsError
        If there is no such command; the nearest name is told.
    ChatError
        Whatever the command failed with.
    """
    try:
        value = do(words_of(line) or ["help"], desk, COMMANDS)
    except HelpAsked as asked:
        print(asked)  # noqa: T201 - help is printed, as every magic's is
        return None
    if isinstance(value, Said) or (isinstance(value, Listing) and value.kept):
        # A value is shown only where nothing follows in the cell; this is what a saved notebook tells of the change.
        desk.shell.display_pub.publish(*value.bundle)
        return None
    return value


def words_of(line: str) -> list[str]:
    """Return the words of a line as a shell reads them; raises SettingsError."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise SettingsError(f"The command cannot be read ({error}): {line}") from error


def do(words: Sequence[str], desk: Desk, commands: Mapping[str, Command]) -> object:
    """Do what the first word says, with those after it, and return what it shows; raises HelpAsked besides."""
    name, *rest = words
    if name not in commands:
        near = difflib.get_close_matches(name, commands, n=1)
        hint = f" Did you mean `%chat {near[0]}`?" if near else ""
        msg = f"There is no command {name!r}.{hint} `%chat help` lists them; a question goes below `%%chat`, or after `%ask`."
        raise SettingsError(msg)
    return commands[name](desk, rest)


def show_help(_: Desk, words: Sequence[str]) -> Listing[tuple[str, str]]:
    """List the commands."""
    no_words("help", show_help, words)
    rows = [(name, (command.__doc__ or "").splitlines()[0]) for name, command in COMMANDS.items()]
    columns: dict[str, Callable[[tuple[str, str]], str]] = {"%chat": lambda r: r[0], "": lambda r: r[1]}
    return Listing(rows, columns, caption="A question goes below %%chat (%%chat -h shows its options), or after %ask.")


COMMANDS: dict[str, Command] = {
    "panel": show_panel,
    "status": show_status,
    "models": list_models,
    "pull": pull,
    "use": use,
    "new": new,
    "sessions": list_sessions,
    "search": search,
    "open": open_session,
    "rename": rename,
    "tag": tag,
    "untag": untag,
    "archive": archive,
    "delete": delete,
    "restore": restore,
    "again": again,
    "edit": edit,
    "undo": undo,
    "branches": list_branches,
    "branch": branch,
    "fork": fork,
    "export": export,
    "import": take_in,
    "why": why,
    "pin": pin,
    "unpin": unpin,
    "hide": hide,
    "unhide": unhide,
    "stale": list_stale,
    "refresh": refresh,
    "compact": compact,
    "tools": list_tools,
    "call": call,
    "record": record,
    "doctor": run_doctor,
    "config": list_settings,
    "help": show_help,
}
"""Each command's name and what it does; the order is that of the help."""
