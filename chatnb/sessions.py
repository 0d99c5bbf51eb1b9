"""The sessions of one user: finding them, going on in one, and keeping what is said.

Calls block, as those of a store do, and may come from any thread.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import replace

from .branches import forked, node_of, parent_of, path, tip_at, tip_of
from .compaction import summary_message
from .errors import SessionNotFound, SettingsError
from .history import summary_in
from .messages import ARCHIVED, Json, Message, Session, SessionInfo, new_id, now, title_of
from .stores.base import Store
from .stores.search import Hit
from .stores.together import Together

_OPEN = ("", ARCHIVED)


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
        self._together = Together(store)
        self._fresh: set[str] = set()  # sessions of which no store knows

    @property
    def current(self) -> Session:
        """The session that the next question goes to, without its messages; a new one where there is none."""
        if self._current is None:
            self._current = self.fresh()
        return self._current

    def fresh(self, title: str = "") -> Session:
        """Return a new session that no store knows yet."""
        at = now()
        session = Session(id=new_id(at), created_at=at, title=title, place=self.place, user_id=self.user_id)
        self._fresh.add(session.id)
        return session

    def new(self, title: str = "") -> Session:
        """Begin a new session; the store gets it with its first question."""
        return self._enter(self.fresh(title))

    def open(self, name: str) -> Session:
        """Go on in the session called `name` and return it, as `load` does; raises SessionNotFound."""
        session = self.load(self.find(name).id)
        self._enter(replace(session, messages=()))
        return session

    def resume(self) -> Session | None:
        """Go on in the newest session of this place, if there is one, and return it as `load` does."""
        for info in self.all():
            if self.place and info.place == self.place and info.user_id == self.user_id:
                return self.open(info.id)
        return None

    def all(self, *states: str) -> Sequence[SessionInfo]:
        """Return the sessions that are in one of these states, the one changed last first; by default those in none."""
        return [info for info in self._together.sessions() if info.state in (states or ("",))]

    def search(self, words: Sequence[str], limit: int = 50) -> list[tuple[SessionInfo, Hit]]:
        """Return where all the words stand in one message or title, the best places first; not in the trash."""
        known = {info.id: info for info in self.all(*_OPEN)}
        hits = self._together.search(words, limit)
        return [(known[hit.session_id], hit) for hit in hits if hit.session_id in known][:limit]

    def find(self, name: str, *states: str) -> SessionInfo:
        """Return the session whose id or title is `name`, or the only one whose id or title begins so.

        Parameters
        ----------
        states
            In which it may be; by default none or archived.

        Raises
        ------
        SessionNotFound
            With the names that come near.
        """
        known = self.all(*(states or _OPEN))
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
        info = _called(name, self.all(*_OPEN))
        return replace(self.load(info.id), messages=()) if info else self.fresh(name)

    def load(self, session_id: str) -> Session:
        """Return a session with what was said in it, saved or not, up to its tip; raises SessionNotFound."""
        session = self.whole(session_id)
        return replace(session, messages=path(session))

    def whole(self, session_id: str) -> Session:
        """Return a session with everything said in it, on all branches, saved or not; raises SessionNotFound."""
        return self._together.load(session_id)

    def history(self, session: Session, after: str | None = None) -> tuple[Message, ...]:
        """Return what was said in a session up to the turn `after`, by default its tip; nothing if it has not begun."""
        whole = self._begun(session)
        return path(whole, after) if whole else ()

    def follows(self, session: Session, *, instead_of: str = "") -> str | None:
        """Return which turn a new question has to name as the one that it follows (`Message.after`).

        Parameters
        ----------
        instead_of
            The turn in whose place it is asked.
        """
        # Reading a long session takes time: only where it may be another one than the newest.
        if not (session.tip or instead_of) or not (whole := self._begun(session)):
            return None
        if instead_of:
            return parent_of(whole, instead_of)
        tip = tip_of(whole)
        return None if tip == node_of(whole.messages[-1]) else tip

    def keep(self, session: Session, *messages: Message, save: bool = True) -> None:
        """Add messages to a session, which is created if need be; on disk only if `save`."""
        if not messages:
            return
        store = self.store if save else self._together.unsaved
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

    def summarise(self, text: str, session: Session) -> Message:
        """Let `text` stand for everything that was said in a session so far, and return the message that says so.

        Raises
        ------
        SettingsError
            If nothing was said yet.
        """
        history = self.history(session)
        if not history:
            raise SettingsError("Nothing was said in this session yet, so there is nothing to summarise.")
        summary = replace(summary_message(text, history[-1]), after=self.follows(session))
        self.keep(session, summary)
        return summary

    def question(self, number: int = 0, session: Session | None = None) -> tuple[int, Message]:
        """Return a question of a session, by default the current one, with its number.

        Parameters
        ----------
        number
            Of the message, from 1; 0 for the last question.

        Raises
        ------
        SettingsError
            If there is no such question.
        """
        history = self.history(session or self.current)
        asked = {each: message for each, message in enumerate(history, 1) if message.role == "user"}
        number = number or max(asked, default=0)
        if number not in asked:
            if not asked:
                raise SettingsError("Nothing was asked in this session yet. Ask something below `%%chat`.")
            raise SettingsError(f"Message {number} is no question. `%chat hide` lists what was said, with the numbers.")
        return number, asked[number]

    def undo(self, count: int = 1) -> Message:
        """Go back by so many questions of the current session and return the first of them; nothing is deleted.

        Raises
        ------
        SettingsError
            If so many were not asked.
        """
        whole = self._begun(self.current)
        asked = [message for message in path(whole) if message.role == "user"] if whole else []
        if whole is None or not 1 <= count <= len(asked):
            count_of = "is 1 question" if len(asked) == 1 else f"are {len(asked)} questions"
            raise SettingsError(f"There {count_of} to go back by in this session.")
        question = asked[-count]
        self.update(tip=tip_at(whole, parent_of(whole, node_of(question))))
        return question

    def follow(self, turn: str) -> None:
        """Let the next question of the current session follow `turn`."""
        self.update(tip=tip_at(self.whole(self.current.id), turn))

    def fork(self, until: str = "", title: str = "", *, enter: bool = True) -> Session:
        """Begin a session with a copy of what was said in the current one, go on in it and return it with its messages.

        Parameters
        ----------
        until
            Id of the last message of the copy; by default the last one.
        enter
            Whether to go on in it.

        Raises
        ------
        SettingsError
            If nothing was said, or not that message.
        """
        whole = self._begun(self.current)
        said = path(whole) if whole else ()
        if whole is None or not said or (until and until not in {message.id for message in said}):
            raise SettingsError(
                "That message is not in this session. `%chat hide` lists those that are."
                if said
                else "Nothing was said on this branch yet, so there is nothing to fork."
            )
        last = until or said[-1].id
        title = title or f"{whole.title} (fork)"
        copy = forked(whole, last, self.fresh(title))
        # What is not to be on disk is not copied there.
        is_saved = any(info.id == whole.id for info in self.store.sessions())
        (self.store if is_saved else self._together.unsaved).create(copy)
        self._fresh.discard(copy.id)
        if enter:
            self._enter(replace(copy, messages=()))
        return copy

    def set_state(self, info: SessionInfo, state: str) -> None:
        """Archive a session, put it into the trash, or take it out of either; one that was put aside is the current one no more."""
        self._together.update(info.id, state=state)
        if self._current and self._current.id == info.id:
            self._enter(self.fresh() if state else replace(self._current, state=state))

    def delete(self, info: SessionInfo) -> None:
        """Delete a session for good."""
        self._together.delete(info.id)

    def update(self, **fields: Json) -> None:
        """Change fields of the current session, such as title, model, system, pins, hidden, options, tags."""
        self._enter(replace(self.current, **fields))
        # One that has not begun is not there: its first question brings the fields along.
        self._together.update(self.current.id, **fields)

    def reread(self) -> Session:
        """Return the current session as it is kept now, on all branches: another kernel may have changed it."""
        whole = self._begun(self.current)
        if whole is None:
            return self.current
        self._enter(replace(whole, messages=()))
        return whole

    def _begun(self, session: Session) -> Session | None:
        """Return the whole of a session, if something was said in it."""
        if session.id in self._fresh:
            return None
        try:
            return self.whole(session.id)
        except SessionNotFound:
            return None

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
