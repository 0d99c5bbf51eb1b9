"""`chatnb ask`: one question, its answer, and nothing else on standard output."""

from __future__ import annotations

import argparse
from dataclasses import replace

from ..context.base import Reading
from ..errors import SettingsError
from ..grammar import options_of
from ..messages import Context
from ..options import Options
from .log import Log
from .opening import configured, desk_here, go_on, piped_in, tools_of

PIPED = "standard input"
"""What the model is told that a pipe is."""


def run(parsed: argparse.Namespace) -> int:
    """Ask what the words say, or without words what is piped in."""
    return ask(parsed, options_of(parsed), " ".join(parsed.words))


def ask(parsed: argparse.Namespace, options: Options, words: str) -> int:
    """Ask; what is piped in goes along as context, or is the question where there are no words.

    Raises
    ------
    SettingsError
        If there is nothing to ask.
    SessionNotFound
        If it is to go on in the last session of a folder that has none.
    ChatError
        Whatever the question failed with.
    ChatInterrupted
        If the answer was stopped; what was said by then is on standard output.
    """
    config, piped = configured(parsed), (piped_in() or "").rstrip("\n")
    if not (words.strip() or piped.strip()):
        raise SettingsError("There is no question. Write it after `chatnb ask`, or pipe it in.")
    options = replace(options, tools=tuple(tools_of(parsed, config, options)))
    carried = Reading((Context.of(PIPED, piped),)) if words.strip() and piped.strip() else Reading()
    with Log.opened(parsed.log) as log:
        desk = desk_here(config)
        desk.chat.watchers.append(log.expect)
        try:
            if parsed.goes_on and not options.session:
                go_on(desk.chat.sessions)
            # What comes through a pipe is not the user's own words, so that nothing is looked up for it.
            receipt = desk.ask(options, words or piped, typed=words, carried=carried)
        finally:
            desk.close()
            log.write_finished(desk.chat.sessions)
    if receipt is not None:
        print(receipt)
    return 0
