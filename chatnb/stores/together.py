"""What is kept and what is not to be on disk, looked at as one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from ..errors import SessionNotFound
from ..messages import Json, Session, SessionInfo
from .base import Store
from .memory import MemoryStore
from .search import Hit


class Together:
    """A store, and what of its sessions is to live no longer than this process.

    A session may be in either, and in both: some of its messages are saved then, and others are not.

    Attributes
    ----------
    saved, unsaved
        Where each is kept.
    """

    def __init__(self, store: Store) -> None:
        self.saved = store
        self.unsaved: Store = MemoryStore()

    def sessions(self) -> Sequence[SessionInfo]:
        """Return all sessions, the one changed last first; of one in both what is saved counts."""
        known = {info.id: info for info in (*self.unsaved.sessions(), *self.saved.sessions())}
        return sorted(known.values(), key=lambda info: info.updated_at, reverse=True)

    def search(self, words: Sequence[str], limit: int) -> list[Hit]:
        """Return where all the words stand in one message or title, what is saved first."""
        # More than are wanted: whoever asks leaves out what is in the trash.
        return [*self.saved.search(words, 2 * limit), *self.unsaved.search(words, limit)]

    def load(self, session_id: str) -> Session:
        """Return a session with everything said in it, saved or not; raises SessionNotFound."""
        parts = []
        for store in (self.saved, self.unsaved):
            with suppress(SessionNotFound):
                parts.append(store.load(session_id))
        if not parts:
            msg = f"The chat session {session_id} is not there any more. `%chat sessions` lists those that are."
            raise SessionNotFound(msg)
        messages = sorted((message for part in parts for message in part.messages), key=lambda message: message.id)
        return replace(parts[0], messages=tuple(messages))

    def update(self, session_id: str, **fields: Json) -> None:
        """Change fields of a session, wherever it is."""
        for store in (self.saved, self.unsaved):
            with suppress(SessionNotFound):
                store.update(session_id, **fields)

    def delete(self, session_id: str) -> None:
        """Forget a session, wherever it is."""
        for store in (self.saved, self.unsaved):
            with suppress(SessionNotFound):
                store.delete(session_id)
