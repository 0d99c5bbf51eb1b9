"""What the console's commands begin with: the settings that their flags make, and a desk to work at."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..chat import Chat
from ..config import ChatConfig
from ..desk import Desk
from ..errors import SessionNotFound, SettingsError
from ..options import Options
from ..sessions import Sessions
from ..settings import Settings
from ..views.base import View
from ..views.plain import PlainView
from ..views.terminal import TerminalView
from .flags import COMMANDS
from .hints import in_shell

WEB = "web"
SEARCH = "ddgs"
"""Who searches with --web, where no setting says so: it needs no key."""


class Line:
    """What a desk has in a console in place of IPython's shell: no variables, and the next line.

    Attributes
    ----------
    next_input
        What stands at the next prompt, to be changed; may begin with the options of a `%%chat` cell.
    """

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.next_input = ""

    def set_next_input(self, text: str) -> None:
        """Let a text stand at the next prompt."""
        self.next_input = text


def configured(parsed: argparse.Namespace) -> ChatConfig:
    """Return the settings, with what the flags say in place of what files and the environment say.

    Raises
    ------
    SettingsError
        If there is no such setting, or it cannot have that value.
    """
    config = ChatConfig.instance()
    if parsed.home:
        config.take("home", parsed.home, "--home")
    for pair in parsed.set:
        assign(config, pair, "--set")
    if getattr(parsed, "retries", None):
        config.take("retry_attempts", parsed.retries, "--retries")
    if getattr(parsed, "web", False) and not config.search:
        config.take("search", SEARCH, "--web")
    return config


def assign(config: ChatConfig, pair: str, origin: str) -> None:
    """Set what NAME=VALUE says; quotes around the value are no part of it."""
    name, equals, value = pair.partition("=")
    if not equals:
        raise SettingsError(
            f"{pair!r} is not NAME=VALUE, such as retry_max_delay=30. `%chat config` lists the settings."
        )
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    config.take(name.strip(), value[1:-1] if quoted else value, origin)


def tools_of(parsed: argparse.Namespace, config: ChatConfig, options: Options) -> list[str]:
    """Return the tools that the flags choose: with --web those of the web beside the others."""
    return [*(options.tools or config.tools), WEB] if parsed.web else list(options.tools)


def chat_here(config: ChatConfig) -> Chat:
    """Return a chat whose new sessions belong to this folder."""
    return Chat(settings=config.settings(), place=str(Path.cwd()))


def desk_here(config: ChatConfig, view: Callable[[Settings], View] | None = None, line: Line | None = None) -> Desk:
    """Return a desk of a console, which whoever asks for it closes."""
    return Desk(line or Line(), config, chat=chat_here(config), view=view or view_here)


def go_on(sessions: Sessions) -> None:
    """Go on in the last session of this folder; raises SessionNotFound if it has none."""
    if sessions.resume() is None:
        raise SessionNotFound(
            "This folder has no session yet. `chatnb` begins one; `chatnb --select` lists those of other places."
        )


def view_here(settings: Settings) -> View:
    """Return what shows an answer on standard output, be it a terminal or not."""
    hint = partial(in_shell, commands=COMMANDS)
    if sys.stdout.isatty():
        return TerminalView(footer=settings.footer, hint=hint)
    return PlainView(sys.stdout, hint=hint)


def piped_in() -> str | None:
    """Return what stands in standard input; None where a person sits at it, or it is closed."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    # Whatever it is, it is asked about: a byte that is no text does not end that.
    return sys.stdin.buffer.read().decode(sys.stdin.encoding, errors="replace").replace("\r\n", "\n")
