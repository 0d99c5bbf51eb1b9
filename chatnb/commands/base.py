"""What every command has: a parser of its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..desk import Desk
from ..options import Parser

Command = Callable[[Desk, Sequence[str]], object]
"""Takes the words after its name and returns a value that shows itself, or None.

It runs on the kernel thread; what has to wait for a server goes through the portal, where an interrupt ends it.
"""


def parser(name: str, command: Command) -> Parser:
    """Return a parser for the words of a command, whose help is the command's docstring."""
    return Parser(prog=f"%chat {name}", description=command.__doc__, allow_abbrev=False)


def no_words(name: str, command: Command, words: Sequence[str]) -> None:
    """Raise SettingsError unless there are no words, and HelpAsked for `-h`."""
    parser(name, command).parse_args(words)
