"""`--log FILE`: what is asked and answered, appended to a file of plain text that reads from top to bottom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

from ..errors import SessionError, SettingsError
from ..exports.base import about, sendable, speaker, title, when
from ..messages import Context, Image, Message, Session, ToolCall
from ..printing import printable
from ..sessions import Sessions
from ..turn import Turn
from ..views.words import call_line, mark

_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Log:
    """Writes turns that are over, each session under a header.

    Parameters
    ----------
    file
        Open for appending; None: nothing is written.
    """

    def __init__(self, file: TextIO | None) -> None:
        self._file = file
        self._turns: list[Turn] = []
        self._session_id = ""

    @classmethod
    @contextmanager
    def opened(cls, path: str | None) -> Iterator[Self]:
        """Give the log of a file, which is made for its user alone; without a path one that writes nothing.

        Raises
        ------
        SettingsError
            If the file cannot be written.
        """
        if not path:
            yield cls(None)
            return
        try:
            file = os.fdopen(os.open(Path(path).expanduser(), _APPENDING, 0o600), "a", encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"The log {path} cannot be written: {error.strerror or error}. Name another file: --log FILE"
            ) from error
        with file:
            yield cls(file)

    def expect(self, turn: Turn) -> None:
        """Remember a turn that begins; from any thread."""
        self._turns.append(turn)

    def write_finished(self, sessions: Sessions) -> None:
        """Write the turns that are over by now."""
        finished = [turn for turn in self._turns if turn.is_finished]
        self._turns = [turn for turn in self._turns if turn not in finished]
        if self._file is None:
            return
        for turn in finished:
            for line in self._lines(turn, sessions):
                self._file.write(sendable(printable(line)) + "\n")
        self._file.flush()

    def _lines(self, turn: Turn, sessions: Sessions) -> Iterator[str]:
        question, messages = turn.question, turn.reply.messages()
        if question.session_id != self._session_id:
            self._session_id = question.session_id
            yield from _header(question, sessions)
        yield f"--- {speaker(question)} · {when(question.created_at)}"
        yield from _said(question)
        yield ""
        for message in messages:
            if message.role == "assistant":
                yield f"--- {speaker(message)} · {when(message.created_at)}"
                yield from _said(message)
                yield ""
        ending = " ".join(filter(None, (mark(turn.reply), turn.reply.finished.error if turn.reply.finished else "")))
        if ending:
            yield f"[{ending}]"
            yield ""


def _header(question: Message, sessions: Sessions) -> Iterator[str]:
    try:
        session = sessions.load(question.session_id)
    except SessionError:  # it could not be kept, which was told
        session = Session(question.session_id, question.created_at)
    yield f"===== {title(session)} · {about(session)} · session {session.id}"
    yield ""


def _said(message: Message) -> Iterator[str]:
    for part in message.parts:
        match part:
            case Context(label):
                yield f"[with {label}]"
            case Image(_, mime):
                yield f"[with a picture, {mime}]"
            case ToolCall():
                yield f"[{call_line(part)}]"
    if said := message.text.rstrip():
        yield said
