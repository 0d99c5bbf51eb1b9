"""What an exporter is: the protocol, the promises that every one keeps, and how all of them name things."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from ..history import summary_in
from ..messages import Message, Session

_NAME = 60  # characters of a file's name


@dataclass(frozen=True, slots=True)
class Style:
    """How a notebook is to be written; other formats have no choice.

    Attributes
    ----------
    as_markdown
        Whether answers are cells of their own instead of outputs.
    run_ready
        Whether Python code in answers becomes code cells.
    """

    as_markdown: bool = False
    run_ready: bool = False


class Exporter(Protocol):
    """Writes sessions in one format.

    It never fails, whatever was said. Nothing of the conversation can run in what it writes, or be fetched by it: what
    is shown as Markdown or HTML is made harmless, what is data is encoded as data, and code is code.
    """

    def __call__(self, sessions: Sequence[Session], style: Style) -> Iterator[str]:
        """Yield the file's text in pieces, without lone surrogates: UTF-8 can hold it."""
        ...


def title(session: Session) -> str:
    """Return a session's title on one line."""
    return " ".join(session.title.split()) or "Untitled"


def file_name(session: Session) -> str:
    """Return a session's title as the name of a file, without a suffix.

    Examples
    --------
    >>> file_name(Session("id", datetime.now(UTC), title="Why a/b? "))
    'Why-a-b'
    """
    return re.sub(r"[^\w.-]+", "-", session.title).strip("-.")[:_NAME] or "chat"


def speaker(message: Message) -> str:
    """Return who says a message: its model, or its user; what stands for what was said is a summary."""
    if summary_in(message):
        return "Summary"
    match message.role:
        case "user":
            return " ".join(message.user_id.split()) or "You"
        case "assistant":
            return " ".join(message.model.split()) or "Assistant"
    return message.role.capitalize()


def when(at: datetime) -> str:
    """Return a time as people write it, to the minute, in UTC: the same on every machine.

    Examples
    --------
    >>> when(datetime(2026, 11, 21, 9, 45, 1, tzinfo=UTC))
    '2026-11-21 09:45 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def about(session: Session) -> str:
    """Return when a session began and who answered in it, in one line."""
    models = dict.fromkeys(" ".join(message.model.split()) for message in session.messages if message.model.strip())
    return " · ".join((when(session.created_at), *models))


def sendable(text: str) -> str:
    """Return the text with a question mark for each half of a character, which no file can hold."""
    return text.encode(errors="replace").decode()
