"""What every command has: a parser of its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..desk import Desk
from ..errors import SettingsError
from ..grammar import Parser
from ..messages import Message

Command = Callable[[Desk, Sequence[str]], object]
"""Takes the words after its name and returns a value that shows itself, or None.

It runs on the kernel thread; what has to wait for a server goes through the portal, where an interrupt ends it.
"""


def parser(name: str, command: Command) -> Parser:
    """Return a parser for the words of a command, whose help is the command's docstring."""
    return Parser(prog=f"%chat {name}", description=command.__doc__, allow_abbrev=False)


def parsed_words(name: str, command: Command, words: Sequence[str], metavar: str = "N") -> list[str]:
    """Return the words of a command that takes any number of them; raises HelpAsked for `-h`."""
    options = parser(name, command)
    options.add_argument("words", nargs="*", metavar=metavar)
    return list(options.parse_args(words).words)


def no_words(name: str, command: Command, words: Sequence[str]) -> None:
    """Raise SettingsError unless there are no words, and HelpAsked for `-h`."""
    parser(name, command).parse_args(words)


def numbered(desk: Desk, words: Sequence[str]) -> list[Message]:
    """Return the messages of the current session that have these numbers, counted from 1; raises SettingsError."""
    history = desk.chat.sessions.history(desk.chat.sessions.current)
    chosen = []
    for word in words:
        number = number_in(word)
        if not 1 <= number <= len(history):
            raise SettingsError(
                f"There is no message {number}: this session has {len(history)}. `%chat hide` lists them."
            )
        chosen.append(history[number - 1])
    return chosen


def number_in(word: str) -> int:
    """Return the number that a word is; raises SettingsError."""
    try:
        return int(word)
    except ValueError:
        raise SettingsError(f"{word!r} is not the number of a message. `%chat hide` lists them.") from None
