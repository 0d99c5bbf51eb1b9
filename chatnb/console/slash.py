"""What can be typed at the prompt after a slash: one table, from which help and completion come.

Most of it is what `%chat` does in a notebook, under the same names; what is here is what only a console needs, or what
wants fewer words there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Console

from ..commands import COMMANDS, do, words_of
from ..commands.base import Command, no_words, parsed_words
from ..commands.reading import pin, why
from ..commands.server import list_models, show_status
from ..commands.tools import list_tools
from ..desk import Desk
from ..errors import SettingsError
from ..grammar import HelpAsked, parse_line
from ..listing import Listing, Said
from .hints import at_prompt
from .opening import assign

_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


class Leave(Exception):  # noqa: N818 - no error: the user wants to go
    """The conversation is to end."""


def is_command(line: str) -> bool:
    """Tell whether a line is a command; a path, or a slash behind a blank, is a question.

    Examples
    --------
    >>> is_command("/model tiny"), is_command("/etc/hosts: what is it?"), is_command(" /model")
    (True, False, False)
    """
    return _COMMAND.fullmatch(line) is not None


def run(line: str, desk: Desk) -> object:
    """Do what a command says and return what it shows.

    Raises
    ------
    Leave
        If it is that one.
    ChatError
        If there is no such command, or it failed.
    """
    found = _COMMAND.fullmatch(line)
    name, rest = (found[1], (found[2] or "").strip()) if found else ("", "")
    # A question is never taken apart into words, nor is a value.
    words = [rest] if name in ("ask", "set") and rest else words_of(rest)
    try:
        return do([name, *words], desk, SLASH)
    except HelpAsked as asked:
        return Said(_as_typed(str(asked).rstrip("\n")))


def show_help(desk: Desk, words: Sequence[str]) -> object:
    """List the commands, `/help all` all of them; `/help NAME` says more of one."""
    names = parsed_words("help", show_help, words, "NAME")
    if names and names != ["all"]:
        return do([names[0].removeprefix("/"), "--help"], desk, SLASH)
    listed = SLASH if names else _OWN
    rows = [(f"/{name}", at_prompt(_as_typed(_first_line(command)))) for name, command in listed.items()]
    if not names:
        more = " ".join(name for name in SLASH if name not in _OWN)
        rows.append(("more", f"{more}: as in a notebook, with a slash. `/help all` says what they do."))
    return Listing(rows, {"": lambda row: row[0], " ": lambda row: row[1]}, caption=_KEYS)


def ask(desk: Desk, words: Sequence[str]) -> object:
    """Ask with options: `/ask -c file:data.csv -t files QUESTION`; `/ask -h` lists them. `@file:data.csv` goes without."""
    options, text = parse_line(" ".join(words), "/ask", knows_variables=False)
    return desk.ask(options, text, "Write one after /ask.")


def model(desk: Desk, words: Sequence[str]) -> object:
    """List the models, or let another one answer in this session: `/model NAME`, several with commas."""
    names = parsed_words("model", model, words, "NAME")
    if not names:
        return list_models(desk, ())
    desk.chat.sessions.update(model=" ".join(names))
    return Said(f"{' '.join(names)} answers from now on.")


def session(desk: Desk, words: Sequence[str]) -> object:
    """Show which session this is, or go on in the one of that title, a new one where there is none: `/session TITLE`."""
    if names := parsed_words("session", session, words, "TITLE"):
        desk.chat.sessions.enter(" ".join(names))
    return show_status(desk, ())


def context(desk: Desk, words: Sequence[str]) -> object:
    """Show what the last answer had read, or let every question carry something along: `/context file:notes.md`."""
    return pin(desk, words) if words or desk.chat.last_plan is None else why(desk, ())


def tools(desk: Desk, words: Sequence[str]) -> object:
    """List what a model may call, or choose it from now on: `/tools files web`."""
    if names := parsed_words("tools", tools, words, "NAME"):
        desk.bench.require(names)
        desk.config.tools = names
    return list_tools(desk, ())


def set_one(desk: Desk, words: Sequence[str]) -> object:
    """Change a setting for as long as this runs: `/set retry_max_delay=30`; `/config` lists them."""
    if not (pairs := parsed_words("set", set_one, words, "NAME=VALUE")):
        raise SettingsError("Which setting? /set NAME=VALUE; `/config` lists them all.")
    assign(desk.config, pairs[0], "--set")
    name = pairs[0].partition("=")[0].strip()
    return Said(f"{name} is {getattr(desk.config, name)!r} now.")


def clear(desk: Desk, words: Sequence[str]) -> object:
    """Clear the screen and begin a new session; the one before is kept."""
    no_words("clear", clear, words)
    desk.chat.sessions.new()
    Console().clear()
    return None


def leave(_: Desk, words: Sequence[str]) -> object:
    """Leave, as Ctrl-D does."""
    no_words("exit", leave, words)
    raise Leave


_KEYS = (
    "A question is what you type. Enter sends it, Alt-Enter begins a line, Tab completes, @ names what goes along.\n"
    "Ctrl-C stops an answer, or clears the line; Ctrl-D leaves; Ctrl-R looks for what you typed before."
)
_OWN: dict[str, Command] = {
    "help": show_help,
    "ask": ask,
    "model": model,
    "session": session,
    "context": context,
    "tools": tools,
    "undo": COMMANDS["undo"],
    "again": COMMANDS["again"],
    "edit": COMMANDS["edit"],
    "sessions": COMMANDS["sessions"],
    "open": COMMANDS["open"],
    "search": COMMANDS["search"],
    "export": COMMANDS["export"],
    "set": set_one,
    "clear": clear,
    "exit": leave,
}
_NOT_HERE = frozenset({"panel", "use"})
SLASH = {**_OWN, **{name: command for name, command in COMMANDS.items() if name not in {*_OWN, *_NOT_HERE}}}
"""Each name and what it does; the order is that of the help."""


def _first_line(command: Command) -> str:
    return (command.__doc__ or "").splitlines()[0]


def _as_typed(text: str) -> str:
    """Return a text of `%chat`'s help with a slash before the commands that it names."""
    return re.sub(r"`(\w+)(?=[` ])", lambda found: f"`/{found[1]}" if found[1] in SLASH else found[0], text)
