"""Sessions on disk, one TinyDB file for each.

::

    FOLDER/
      20261121T094501123456-1f0c9a2b.json     a session; tinydb.TinyDB(path) reads it
      ...json.damaged-20261121T101500         what was no session any more, set aside
      .state/
        index.json                            what a list of sessions shows (index.py)
        search.sqlite                         which words stand in which message (search.py)
        locks/                                a fixed number of them, each for its share of the sessions
        unfinished/                           answers that are being written (unfinished.py)
"""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from ..errors import StoreError
from ..messages import Json, Message, Session, SessionInfo, now
from .atomic import AtomicStorage, Damaged, Tables, parsed
from .base import changed_at, check_fields, not_found
from .disk import explained, make_private, sync_folder
from .index import Index
from .search import Hit, Said, SearchIndex
from .tables import Known, cut_off, describe, empty, put, read, said_in, session_of, stamp
from .unfinished import Unfinished

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""What a session's id has to match: it becomes the name of a file."""

_LOCKS = 64
_OPEN = 4  # sessions whose content stays in memory


class TinyStore:
    """Keeps each session in a TinyDB file of its own; see `base.Store` for what it promises.

    Parameters
    ----------
    folder
        Where the sessions are; created, for its user alone, with the first of them.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).expanduser().absolute()
        state = self.folder / ".state"
        self._locks = state / "locks"
        self._unfinished = Unfinished(state / "unfinished")
        self._index = Index(self.folder, state / "index.json", describe)
        self._search = SearchIndex(state / "search.sqlite")
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._guard = Lock()
        self._notices: list[str] = []
        self._told: set[str] = set()

    def create(self, session: Session) -> None:
        """Keep a new session, with the messages that it holds."""
        if not SAFE_ID.fullmatch(session.id):
            msg = f"{session.id!r} cannot be a session's id: only letters, digits, - and _ are safe in a file's name."
            raise StoreError(msg)
        with self._transaction(session.id) as storage:
            if self._sound(storage) is not None:
                msg = f"There is a chat session {session.id} already ({storage.path}). Append to it instead."
                raise StoreError(msg)
            storage.write(empty(session))
            put(storage, session.messages)
        self._unfinished.end(session.id)

    def load(self, session_id: str) -> Session:
        """Return the session with all its messages, oldest first."""
        opened = self._opened(session_id)
        storage = opened.storage
        with explained(storage.path):
            tables, damage = read(storage)
            if damage or self._unfinished.has_others(session_id):
                self._mend(session_id)
                tables, _ = read(storage)
        if tables is None and damage:
            msg = (
                f"The chat session {session_id} is damaged ({damage}). Its file is set aside in {self.folder}, "
                f"as {session_id}.json.damaged-... Ask again to go on without what was said before."
            )
            raise StoreError(msg)
        if tables is None:
            raise not_found(session_id)
        session, left_out = session_of(tables, session_id, opened.known)
        for problem in left_out:
            self._tell(problem)
        return session

    def sessions(self) -> Sequence[SessionInfo]:
        """Return all sessions, the one changed last first."""
        with explained(self.folder):
            listing = self._index.refreshed()
            if listing.damaged:
                for session_id in listing.damaged:
                    self._mend(session_id)
                listing = self._index.refreshed()
        for refused in listing.refused:
            self._tell(f"A chat session could not be read: {refused}")
        return sorted(listing.sessions, key=lambda info: (info.updated_at, info.id), reverse=True)

    def append(self, session_id: str, *messages: Message) -> None:
        """Add messages to the end; one whose id is there already takes that one's place. Forgets their checkpoint."""
        with self._transaction(session_id) as storage:
            if self._sound(storage) is None:
                raise not_found(session_id)
            put(storage, messages)
            stamp(storage, changed_at(messages))
        self._unfinished.end(session_id)

    def checkpoint(self, session_id: str, *messages: Message) -> None:
        """Keep unfinished messages, at a cost that does not grow with the session; each call replaces the last."""
        with self._transaction(session_id) as storage:
            if not storage.path.exists():
                raise not_found(session_id)
            make_private(self._unfinished.folder)
            self._unfinished.keep(session_id, messages)

    def update(self, session_id: str, **fields: Json) -> None:
        """Change fields of the session itself: those in `FIELDS`."""
        check_fields(fields)
        with self._transaction(session_id) as storage:
            if self._sound(storage) is None:
                raise not_found(session_id)
            stamp(storage, now(), **fields)

    def delete(self, session_id: str) -> None:
        """Forget the session and all that belongs to it."""
        with self._transaction(session_id) as storage:
            if not storage.path.exists():
                raise not_found(session_id)
            for path in self.folder.glob(f"{session_id}.json*"):
                path.unlink(missing_ok=True)
            self._unfinished.remove(session_id)
            sync_folder(self.folder)
        self._search.forget(session_id)

    def search(self, words: Sequence[str], limit: int = 50) -> Sequence[Hit]:
        """Return where all the words stand in one message, the best places first."""
        with explained(self.folder):
            stamps = {name.removesuffix(".json"): stamp for name, stamp in self._index.stamps().items()}
        self._search.refresh(stamps, self._said)
        return self._search.find(words, limit)

    def notices(self) -> Sequence[str]:
        """Return, once, what the user should know."""
        told, self._notices = self._notices, []
        return told

    def close(self) -> None:
        """Release what is open; an answer that was not appended by now counts as left behind."""
        self._unfinished.close()
        self._open.clear()

    def _opened(self, session_id: str) -> _Open:
        if not SAFE_ID.fullmatch(session_id):
            raise not_found(session_id)
        with self._guard:
            if session_id not in self._open:
                # A lock for each session would outlive it: whoever removes a lock's file splits those who wait for it.
                lock = self._locks / f"{zlib.crc32(session_id.encode()) % _LOCKS:02d}.lock"
                self._open[session_id] = _Open(AtomicStorage(self.folder / f"{session_id}.json", lock))
            self._open.move_to_end(session_id)
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)
            return self._open[session_id]

    def _said(self, session_id: str) -> Iterator[Said]:
        """Yield what is said in a session, as far as its file reads; what is damaged is mended when it is opened."""
        with suppress(OSError, Damaged, AttributeError, TypeError):
            yield from said_in(parsed((self.folder / f"{session_id}.json").read_bytes()))

    @contextmanager
    def _transaction(self, session_id: str) -> Iterator[AtomicStorage]:
        storage = self._opened(session_id).storage
        with explained(storage.path):
            make_private(self._locks)
            with storage.transaction():
                yield storage

    def _sound(self, storage: AtomicStorage) -> Tables | None:
        """Return the tables, within a transaction; a damaged file is set aside, and then there are none."""
        tables, damage = read(storage)
        if damage:
            aside = storage.set_aside(f".damaged-{now():%Y%m%dT%H%M%S%f}")
            self._tell(f"A chat session was damaged ({damage}) and is set aside: {aside}")
        return tables

    def _mend(self, session_id: str) -> None:
        """Set a damaged file aside, and give the session what processes that are no more left behind."""
        try:
            with self._transaction(session_id) as storage:
                tables = self._sound(storage)
                left = self._unfinished.left_behind(session_id)
                kept = {document.get("id") for document in (tables or {}).get("messages", {}).values()}
                found = [message for one in left for message in cut_off(one.messages) if message.id not in kept]
                if found:
                    if tables is None:
                        storage.write(empty(self._remembered(session_id, found[0])))
                    put(storage, found)
                    stamp(storage, now())
            for one in left:
                self._unfinished.forget(one)
        except StoreError as error:
            self._tell(f"The chat session {session_id} could not be mended. {error}")
            return
        if found:
            self._tell(
                f"The answer of {found[-1].created_at:%Y-%m-%d %H:%M:%S} UTC was cut off when its process died; what was "
                f"said by then is kept, and marked as cancelled (chat session {session_id})."
            )

    def _remembered(self, session_id: str, first: Message) -> Session:
        """Return what is known of a session whose file is gone."""
        info = self._index.remembered(session_id)
        if info is None:
            return Session(id=session_id, created_at=first.created_at, title="Recovered", user_id=first.user_id)
        return Session(session_id, info.created_at, info.title, info.model, place=info.place, user_id=info.user_id)

    def _tell(self, notice: str) -> None:
        """Tell the user, and not again each time that the same is met."""
        if notice not in self._told:
            self._told.add(notice)
            self._notices.append(notice)


@dataclass(frozen=True, slots=True)
class _Open:
    """A session whose content stays in memory."""

    storage: AtomicStorage
    known: Known = field(default_factory=dict)
