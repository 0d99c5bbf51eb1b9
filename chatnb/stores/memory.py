"""Sessions in memory, for what shall not be saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from ..errors import StoreError
from ..messages import Json, Message, Session, SessionInfo, now
from .base import changed_at, check_fields, info_of, not_found
from .search import Hit, Said, SearchIndex


class MemoryStore:
    """Keeps sessions for as long as the process lives."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._guard = Lock()

    def create(self, session: Session) -> None:
        """Keep a new session, with the messages that it holds."""
        with self._guard:
            if session.id in self._sessions:
                msg = f"There is a chat session {session.id} already. Append to it instead."
                raise StoreError(msg)
            self._sessions[session.id] = replace(session, updated_at=session.updated_at or changed_at(session.messages))

    def load(self, session_id: str) -> Session:
        """Return the session with all its messages, oldest first."""
        try:
            return self._sessions[session_id]
        except KeyError:
            raise not_found(session_id) from None

    def sessions(self) -> Sequence[SessionInfo]:
        """Return all sessions, the one changed last first."""
        with self._guard:
            infos = [info_of(session, len(session.messages)) for session in self._sessions.values()]
        return sorted(infos, key=lambda info: (info.updated_at, info.id), reverse=True)

    def append(self, session_id: str, *messages: Message) -> None:
        """Add messages to the end; one whose id is there already takes that one's place."""
        with self._guard:
            session = self.load(session_id)
            merged = {message.id: message for message in (*session.messages, *messages)}
            at = max(changed_at(messages), session.updated_at or session.created_at)
            self._sessions[session_id] = replace(session, messages=tuple(merged.values()), updated_at=at)

    def checkpoint(self, session_id: str, *messages: Message) -> None:  # noqa: ARG002 - as in Store
        """Do nothing for a session that is there: no process outlives this store to ask for unfinished messages."""
        self.load(session_id)

    def update(self, session_id: str, **fields: Json) -> None:
        """Change fields of the session itself: those in `FIELDS`."""
        check_fields(fields)
        with self._guard:
            changed: dict[str, Any] = {**fields, "updated_at": now()}
            self._sessions[session_id] = replace(self.load(session_id), **changed)

    def delete(self, session_id: str) -> None:
        """Forget the session."""
        with self._guard:
            self.load(session_id)
            del self._sessions[session_id]

    def search(self, words: Sequence[str], limit: int = 50) -> Sequence[Hit]:
        """Return where all the words stand in one message, the best places first."""
        with self._guard:
            sessions = dict(self._sessions)
        index = SearchIndex()
        index.refresh(dict.fromkeys(sessions, (0, 0, 0)), lambda session_id: _said(sessions[session_id]))
        return index.find(words, limit)

    def notices(self) -> Sequence[str]:
        """Return nothing: memory does not surprise."""
        return ()

    def close(self) -> None:
        """Do nothing: the sessions go with the store."""


def _said(session: Session) -> Iterator[Said]:
    yield Said("", "title", session.title)
    for message in session.messages:
        yield Said(message.id, message.role, message.text)
