"""The sessions of one user: finding them, going on in one, and keeping what is said.

Calls block, as those of a store do, and may come from any thread.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from .compaction import summary_message
from .errors import SessionNotFound, SettingsError
from .history import summary_in
from .messages import Json, Message, Session, SessionInfo, new_id, now, title_of
from .stores.base import Store
from .stores.memory import MemoryStore


class Sessions:
    """A store, what is not to be stored, and which session a chat is in.

    Parameters
    ----------
    place
        What new sessions belong to; see `Session.place`.

    Attributes
    ----------
    summaries
        How many were made here: messages that no turn brought.
    watchers
        Called when a summary was made, when another session is the current one, or a field of it is another, on the thread that changed it.
    """

    def __init__(self, store: Store, place: str = "", user_id: str = "") -> None:
        self.store = store
        self.place = place
        self.user_id = user_id
        self.summaries = 0
        self.watchers: list[Callable[[], object]] = []
        self._current: Session | None = None
        self._unsaved = MemoryStore()
        self._fresh: set[str] = set()  # sessions of which no store knows

    @property
    def current(self) -> Session:
        """The session that the next question goes to, without its messages; a new one where there is none."""
        if self._current is None:
            self._current = self.fresh()
        return self._current

    def fresh(self, title: str = "") -> Session:
        """Return a new session that no store knows yet."""
        session = Session(id=new_id(), created_at=now(), title=title, place=self.place, user_id=self.user_id)
        self._fresh.add(session.id)
        return session

    def new(self, title: str = "") -> Session:
        """Begin a new session; the store gets it with its first question."""
        return self._enter(self.fresh(title))

    def open(self, name: str) -> Session:
        """Go on in the session called `name` and return it, with its messages; raises SessionNotFound."""
        session = self.load(self.find(name).id)
        self._enter(replace(session, messages=()))
        return session

    def resume(self) -> Session | None:
        """Go on in the newest session of this place, if there is one, and return it with its messages."""
        for info in self.all():
            if self.place and info.place == self.place and info.user_id == self.user_id:
                return self.open(info.id)
        return None

    def all(self) -> Sequence[SessionInfo]:
        """Return all sessions, the one changed last first."""
        # A session may be in both: what is on disk counts.
        known = {info.id: info for info in (*self._unsaved.sessions(), *self.store.sessions())}
        return sorted(known.values(), key=lambda info: info.updated_at, reverse=True)

    def find(self, name: str) -> SessionInfo:
        """Return the session whose id or title is `name`, or the only one whose id or title begins so.

        Raises
        ------
        SessionNotFound
            With the names that come near.
        """
        known = self.all()
        if exact := _called(name, known):
            return exact
        wanted = name.casefold().strip()
        beginning = [
            info
            for info in known
            if wanted and (info.id.casefold().startswith(wanted) or info.title.casefold().startswith(wanted))
        ]
        if len(beginning) == 1:
            return beginning[0]
        near = difflib.get_close_matches(name, [info.title for info in known], n=3, cutoff=0.4)
        hint = f" Near: {', '.join(map(repr, near))}." if near else ""
        msg = f"No chat session is called {name!r}.{hint} `%chat sessions` lists them all."
        raise SessionNotFound(msg)

    def enter(self, name: str) -> Session:
        """Go on in the session called `name`, or begin one with that title."""
        return self._enter(self.find_or_new(name))

    def find_or_new(self, name: str) -> Session:
        """Return the session whose id or title is `name`, without its messages, or a new one with that title."""
        info = _called(name, self.all())
        return replace(self.load(info.id), messages=()) if info else self.fresh(name)

    def load(self, session_id: str) -> Session:
        """Return a session with everything said in it, saved or not; raises SessionNotFound."""
        parts = []
        for store in (self.store, self._unsaved):
            try:
                parts.append(store.load(session_id))
            except SessionNotFound:
                continue
        if not parts:
            msg = f"The chat session {session_id} is not there any more. `%chat sessions` lists those that are."
            raise SessionNotFound(msg)
        messages = sorted((message for part in parts for message in part.messages), key=lambda message: message.id)
        return replace(parts[0], messages=tuple(messages))

    def history(self, session: Session) -> tuple[Message, ...]:
        """Return what was said in a session; nothing if it has not begun."""
        if session.id in self._fresh:
            return ()
        try:
            return self.load(session.id).messages
        except SessionNotFound:
            return ()

    def keep(self, session: Session, *messages: Message, save: bool = True) -> None:
        """Add messages to a session, which is created if need be; on disk only if `save`."""
        if not messages:
            return
        store = self.store if save else self._unsaved
        try:
            store.append(session.id, *messages)
        except SessionNotFound:
            begun = replace(session, title=session.title or title_of(messages[0].text))
            store.create(replace(begun, messages=messages))
            if self._current and self._current.id == begun.id:
                self._enter(begun)
        self._fresh.discard(session.id)
        if any(summary_in(message) for message in messages):
            self.summaries += 1
            self._tell()

    def summarise(self, text: str, session: Session) -> None:
        """Let `text` stand for everything that was said in a session so far.

        Raises
        ------
        SettingsError
            If nothing was said yet.
        """
        history = self.history(session)
        if not history:
            raise SettingsError("Nothing was said in this session yet, so there is nothing to summarise.")
        self.keep(session, summary_message(text, history[-1]))

    def update(self, **fields: Json) -> None:
        """Change fields of the current session: title, model, system, pins, hidden, options, think."""
        self._enter(replace(self.current, **fields))
        for store in (self.store, self._unsaved):
            # One that has not begun is not there: its first question brings the fields along.
            with suppress(SessionNotFound):
                store.update(self.current.id, **fields)

    def _enter(self, session: Session) -> Session:
        """Let a session be the current one."""
        self._current = session
        self._tell()
        return session

    def _tell(self) -> None:
        for watcher in tuple(self.watchers):
            watcher()


def _called(name: str, known: Sequence[SessionInfo]) -> SessionInfo | None:
    """Return the session with that id, else the newest with that title."""
    wanted = name.casefold().strip()
    return next(
        (info for info in known if name == info.id),
        next((info for info in known if wanted == info.title.casefold()), None),
    )
