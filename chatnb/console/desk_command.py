"""`chatnb sessions`, `search`, `models`, `pull`, `config`: what `%chat` does with that word, from a shell."""

from __future__ import annotations

import argparse
from functools import partial

from ..commands import COMMANDS, do
from ..grammar import HelpAsked
from . import flags
from .hints import in_shell
from .opening import configured, desk_here
from .showing import show


def run(parsed: argparse.Namespace) -> int:
    """Do it and show what comes of it."""
    desk = desk_here(configured(parsed))
    try:
        show(do([parsed.command, *parsed.rest], desk, COMMANDS), partial(in_shell, commands=flags.COMMANDS))
    except HelpAsked as asked:
        raise HelpAsked(f"{asked}\n{flags.setting_help()}") from None
    finally:
        desk.close()
    return 0
