"""`chatnb`: a conversation in the terminal."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from dataclasses import replace

from prompt_toolkit import PromptSession
from rich.console import Console
from rich.text import Text

from ..commands.sessions import open_session
from ..config import ChatConfig
from ..desk import Desk
from ..errors import ChatError, ChatInterrupted, SettingsError
from ..folders import data_folder
from ..grammar import options_of, parse_question
from ..options import Options
from ..printing import printable
from ..settings import Settings
from ..views.terminal import TerminalView
from . import desk_command
from .ask import ask
from .hints import at_prompt
from .log import Log
from .menu import choose_session
from .opening import Line, configured, desk_here, go_on, tools_of
from .prompt import line_of
from .showing import show
from .slash import Leave, is_command
from .slash import run as run_command

HISTORY = "console-history"
"""The file of what was typed, in chatnb's data folder."""

_CELL = "%%chat"


def run(parsed: argparse.Namespace) -> int:
    """Talk until the user leaves; where a question is piped in that is answered instead, and that is all.

    Raises
    ------
    SettingsError
        If there is no terminal and nothing to ask, or a session that is not there.
    """
    options = options_of(parsed)
    if parsed.lists:
        parsed.command = "sessions"
        return desk_command.run(parsed)
    if sys.stdin is None or not sys.stdin.isatty():
        return ask(parsed, replace(options, session=options.session or " ".join(parsed.name)), "")
    if not sys.stdout.isatty():
        raise SettingsError(
            "A conversation needs a terminal to be shown in. `chatnb ask QUESTION` writes an answer to a pipe."
        )
    config, line = configured(parsed), Line()
    _settle(config, replace(options, tools=tuple(tools_of(parsed, config, options))))
    with Log.opened(parsed.log) as log:
        desk = desk_here(config, _view, line)
        desk.chat.watchers.append(log.expect)
        try:
            _enter(desk, parsed, options)
            Conversation(desk, line, log, replace(Options(), context=options.context, ext=options.ext)).run()
        finally:
            desk.close()
            log.write_finished(desk.chat.sessions)
    return 0


class Conversation:
    """Reads lines, and does what they say, one after the other.

    Parameters
    ----------
    line
        Where the desk leaves what is to stand at the next prompt.
    first
        The options of the first question; the suffixes of files are those of all.
    """

    def __init__(self, desk: Desk, line: Line, log: Log, first: Options) -> None:
        self._desk, self._line, self._log, self._options = desk, line, log, first
        self._screen, self._errors = Console(highlight=False), Console(stderr=True, highlight=False)

    def run(self) -> None:
        """Go on until the user leaves."""
        settings = self._desk.settings()
        path = data_folder(settings) / HISTORY
        prompt = line_of(self._desk, path if settings.save else None)
        self._greet(settings)
        while True:
            with suppress(KeyboardInterrupt):  # at the prompt: the line is cleared
                if not self._go_on(prompt):
                    return

    def _go_on(self, prompt: PromptSession[str]) -> bool:
        """Read a line and do what it says; return False if the user leaves."""
        last = self._desk.chat.last
        try:
            options, text = _parted(self._line.next_input)
            self._line.next_input = ""
            typed = prompt.prompt(default=text)
            if typed.strip():
                self._do(typed, options)
        except (EOFError, Leave):
            return False
        except ChatInterrupted as stopped:
            if self._desk.chat.last is last:  # else the answer that was stopped says so itself
                self._screen.print(Text(str(stopped), style="dim"))
        except ChatError as error:
            kind = "" if isinstance(error, SettingsError) else f"{type(error).__name__}: "
            self._errors.print(Text(at_prompt(printable(f"{kind}{error}")), style="red"))
        finally:
            self._log.write_finished(self._desk.chat.sessions)
        return True

    def _greet(self, settings: Settings) -> None:
        session = self._desk.chat.sessions.current
        who = settings.model or "the first model of the server"
        self._screen.print(Text(printable(f"chatnb · {who} · {session.title or 'new session'}"), style="bold"))
        self._screen.print(Text("/help lists what can be typed, Ctrl-D leaves.", style="dim"))

    def _do(self, typed: str, options: Options | None) -> None:
        if is_command(typed.strip()) and typed.startswith("/") and options is None:
            show(run_command(typed.strip(), self._desk), at_prompt, self._screen)
            return
        if options is None:
            options, self._options = self._options, Options(ext=self._options.ext)
        self._desk.ask(options, typed)


def _view(settings: Settings) -> TerminalView:
    return TerminalView(footer=settings.footer, hint=at_prompt, is_apart=True)


def _settle(config: ChatConfig, options: Options) -> None:
    """Let what the flags say of each question be what is set, so that commands know it, too."""
    said: dict[str, object] = {
        "model": options.model or None,
        "system": options.system or None,
        "keep_alive": options.keep_alive or None,
        "options": {**config.options, **dict(options.option)},
        "tools": list(options.tools) or None,
        "think": options.think,
        "timeout": options.timeout,
        "save": None if options.save else False,
    }
    for name, value in said.items():
        if value is not None and value != getattr(config, name):
            config.put(name, value, "an option")


def _enter(desk: Desk, parsed: argparse.Namespace, options: Options) -> None:
    """Go on in the session that is meant, or begin one."""
    sessions = desk.chat.sessions
    if parsed.name:
        show(open_session(desk, parsed.name), at_prompt)
    elif parsed.select or parsed.command == "open":
        show(open_session(desk, [choose_session(sessions)]), at_prompt)
    elif options.session:
        sessions.enter(options.session)
    elif parsed.goes_on:
        go_on(sessions)
    # What a session has of its own goes before the settings, but not before what was just typed.
    said = {"model": options.model, "system": options.system, "think": options.think}
    if own := {name: value for name, value in said.items() if value and getattr(sessions.current, name)}:
        sessions.update(**own)


def _parted(text: str) -> tuple[Options | None, str]:
    r"""Return the options and the text of a cell that was meant for a notebook; None: it is no cell, or there is none.

    Examples
    --------
    >>> options, text = _parted("%%chat --instead 3\nWhy?")
    >>> options.instead, text
    (3, 'Why?')
    """
    if not text.startswith(_CELL):
        return None, text
    first, _, rest = text.partition("\n")
    # A question of a notebook may have had a schema; here is none.
    return replace(parse_question(first.removeprefix(_CELL)), schema=""), rest
