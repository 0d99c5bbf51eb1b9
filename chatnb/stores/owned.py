"""A store as one user may see it: sessions of others are not there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..messages import Json, Message, Session, SessionInfo
from .base import Store, not_found
from .search import Hit


class OwnedStore:
    """Shows of a store the sessions of some users, and keeps new ones as the first one's; see `base.Store`.

    Whose a session is never changes, so a session that was once seen is not looked up again.

    Parameters
    ----------
    user_ids
        Who asks, and whose sessions are this user's as well.
    """

    def __init__(self, store: Store, user_ids: Sequence[str]) -> None:
        self._store, self._user_ids = store, tuple(user_ids)
        self._own: set[str] = set()

    def create(self, session: Session) -> None:
        """Keep a new session, with the messages that it holds."""
        owned = session if session.user_id in self._user_ids else replace(session, user_id=self._user_ids[0])
        self._store.create(owned)
        self._own.add(session.id)

    def load(self, session_id: str) -> Session:
        """Return the session with all its messages, oldest first."""
        session = self._store.load(session_id)
        if session.user_id not in self._user_ids:
            raise not_found(session_id)
        self._own.add(session_id)
        return session

    def sessions(self) -> Sequence[SessionInfo]:
        """Return all sessions, the one changed last first."""
        return [info for info in self._store.sessions() if info.user_id in self._user_ids]

    def append(self, session_id: str, *messages: Message) -> None:
        """Add messages to the end; one whose id is there already takes that one's place. Forgets their checkpoint."""
        self._require(session_id)
        self._store.append(session_id, *messages)

    def checkpoint(self, session_id: str, *messages: Message) -> None:
        """Keep unfinished messages, at a cost that does not grow with the session; each call replaces the last."""
        self._require(session_id)
        self._store.checkpoint(session_id, *messages)

    def update(self, session_id: str, **fields: Json) -> None:
        """Change fields of the session itself."""
        self._require(session_id)
        self._store.update(session_id, **fields)

    def delete(self, session_id: str) -> None:
        """Forget the session and all that belongs to it."""
        self._require(session_id)
        self._store.delete(session_id)

    def search(self, words: Sequence[str], limit: int = 50) -> Sequence[Hit]:
        """Return where all the words stand in one message or title, the best places first."""
        own: Collection[str] = {info.id for info in self.sessions()}
        if not own:
            return ()
        # The best places of all may be others': more are asked for until there are enough, or no more.
        wanted = limit
        while True:
            found = self._store.search(words, wanted)
            hits = [hit for hit in found if hit.session_id in own]
            if len(hits) >= limit or len(found) < wanted:
                return hits[:limit]
            wanted *= 4

    def notices(self) -> Sequence[str]:
        """Return nothing: what the store has to say names files of all users; it is for whoever runs the server."""
        return ()

    def close(self) -> None:
        """Do nothing: others use the store, too."""

    def _require(self, session_id: str) -> None:
        if session_id not in self._own:
            self.load(session_id)
