"""The line at which a user types: editing, history and completion, by prompt_toolkit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from ..completion import candidates
from ..desk import Desk
from ..errors import ChatError
from ..stores.disk import make_private
from .slash import SLASH, is_command

_PROMPT = FormattedText([("bold ansigreen", "> ")])


def line_of(desk: Desk, history: Path | None) -> PromptSession[str]:
    """Return what reads lines.

    Parameters
    ----------
    history
        The file of what was typed; None: it is forgotten.
    """
    return PromptSession(
        _PROMPT,
        multiline=True,
        prompt_continuation="  ",
        key_bindings=_keys(),
        completer=Names(desk),
        complete_while_typing=False,
        history=_kept(history),
        enable_open_in_editor=True,
        enable_suspend=True,
        reserve_space_for_menu=6,
    )


class Names(Completer):
    """Completes commands and what follows them, and what an `@` in a question names."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get_completions(self, document: Document, _: CompleteEvent) -> Iterator[Completion]:
        """Yield what fits at the cursor; what prompt_toolkit calls for a tab."""
        text = document.text_before_cursor
        try:
            word, names = self._found(text)
        except ChatError:  # a server that does not answer, a file that cannot be read: then nothing is offered
            return
        for name in names:
            if name.startswith(word):
                yield Completion(name, start_position=-len(word))

    def _found(self, text: str) -> tuple[str, list[str]]:
        """Return the word at the cursor and what it may become."""
        before, _, word = text.rpartition(" ")
        if text.startswith("/") and not before:
            return text, [f"/{name}" for name in SLASH]
        if is_command(before) and not word.startswith("@"):
            name, *words = before.split()
            return word, self._after(name[1:], words, word)
        word = text.rsplit(maxsplit=1)[-1] if text.strip() and not text[-1].isspace() else ""
        _, mark, beginning = word.rpartition("@")
        return (beginning, list(self._desk.gatherer().names(beginning))) if mark else ("", [])

    def _after(self, name: str, words: list[str], word: str) -> list[str]:
        """Return what may follow a command."""
        match name:
            case "help":
                return ["all", *SLASH]
            case "set":
                return [f"{setting.name}=" for setting in self._desk.config.origins()]
            case "ask":
                return candidates(self._desk, "/ask", words, word)
            case "model":
                return candidates(self._desk, "%chat", ["-m"], word)
            case "session":
                return candidates(self._desk, "%chat", ["-s"], word)
            case "context":
                return candidates(self._desk, "%chat", ["-c"], word)
            case "tools":
                return self._desk.bench.names()
        return candidates(self._desk, "%chat", [name, *words], word)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    @keys.add("c-j", filter=~completion_is_selected)
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("enter", filter=completion_is_selected)
    def _take(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None  # what was chosen stays, and can be added to

    @keys.add("escape", "enter")
    def _break(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _kept(path: Path | None) -> History:
    if path is None:
        return InMemoryHistory()
    try:
        make_private(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:  # what cannot be kept is forgotten; that sessions cannot be kept is told elsewhere
        return InMemoryHistory()
    return FileHistory(path)
