"""What a store is: the protocol, and the promises that every store keeps.

Calls block, for milliseconds, and may come from any thread; whoever is on an event loop calls them in a worker thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from ..errors import SessionNotFound, SettingsError
from ..messages import Json, Message, Session, SessionInfo, now
from .search import Hit

FIELDS = frozenset({"title", "model", "system", "place", "pins", "hidden", "options", "think", "tip", "tags", "state"})
"""What `Store.update` can change."""


class Store(Protocol):
    """Keeps sessions.

    What a call has returned from is durable: it outlives a kill of the process and a loss of power. Several processes
    may work on one store, and on one session, at once.

    Raises
    ------
    SessionNotFound
        By any method that names a session that is not there.
    StoreError
        If the disk is full, the folder read-only or a file damaged; the text names the file and the way out.
    """

    def create(self, session: Session) -> None:
        """Keep a new session, with the messages that it holds; a StoreError if there is one of that id."""
        ...

    def load(self, session_id: str) -> Session:
        """Return the session with all its messages, oldest first.

        A checkpoint that was left behind by a killed process is folded in, its last message marked "cancelled"; one
        whose process lives is left to it, and not shown.
        """
        ...

    def sessions(self) -> Sequence[SessionInfo]:
        """Return all sessions, the one changed last first."""
        ...

    def append(self, session_id: str, *messages: Message) -> None:
        """Add messages to the end; one whose id is there already takes that one's place. Forgets their checkpoint.

        The session counts as changed when the last of them was created, or later, if it had been.
        """
        ...

    def checkpoint(self, session_id: str, *messages: Message) -> None:
        """Keep unfinished messages, at a cost that does not grow with the session; each call replaces the last."""
        ...

    def update(self, session_id: str, **fields: Json) -> None:
        """Change fields of the session itself: those in `FIELDS`."""
        ...

    def delete(self, session_id: str) -> None:
        """Forget the session and all that belongs to it."""
        ...

    def search(self, words: Sequence[str], limit: int = 50) -> Sequence[Hit]:
        """Return where all the words stand in one message or title, the best places first.

        A word finds those that begin with it, in any case and with or without accents.
        """
        ...

    def notices(self) -> Sequence[str]:
        """Return, once, what the user should know: a damaged file that was set aside, a session that was recovered."""
        ...

    def close(self) -> None:
        """Release what is open; the store is not used after."""
        ...


def info_of(session: Session, message_count: int) -> SessionInfo:
    """Return what a list shows of the session."""
    return SessionInfo(
        id=session.id,
        title=session.title,
        model=session.model,
        place=session.place,
        user_id=session.user_id,
        created_at=session.created_at,
        updated_at=session.updated_at or session.created_at,
        message_count=message_count,
        tags=session.tags,
        state=session.state,
    )


def changed_at(messages: Sequence[Message]) -> datetime:
    """Return when messages changed their session: with the last of them, so that an import comes to the same time."""
    return max((message.created_at for message in messages), default=None) or now()


def check_fields(names: Iterable[str]) -> None:
    """Raise SettingsError if `Store.update` cannot change one of these."""
    if unknown := sorted(set(names) - FIELDS):
        msg = f"A chat session has no {', '.join(unknown)} to change, but {', '.join(sorted(FIELDS))}."
        raise SettingsError(msg)


def not_found(session_id: str) -> SessionNotFound:
    """Return the error that every store raises for a session that is not there."""
    return SessionNotFound(f"There is no chat session {session_id!r}. `%chat sessions` lists those that are there.")
