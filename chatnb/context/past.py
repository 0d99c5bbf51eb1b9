"""Earlier chat sessions as context: `session:Plans`, and `past` for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from ..errors import ContextNotFound, ContextRefused, SessionError, SessionNotFound
from ..messages import Context, Message, Session, SessionInfo, Text, ToolCall
from .base import Reading, Reference

PAST_SESSIONS = 20
"""How many sessions `past` reads at most."""

CHARACTERS = 200_000
"""How much text one reference reads at most, but for a mark where it was shortened."""

_MARK = "[… what was said before is left out]"
_CALL_CHARACTERS = 200


class Conversations(Protocol):
    """What has to be known of a user's sessions; `Sessions` knows it."""

    user_id: str

    @property
    def current(self) -> Session:
        """The session that is asked in."""
        ...

    def all(self) -> Sequence[SessionInfo]:
        """Return all sessions, the one changed last first."""
        ...

    def find(self, name: str) -> SessionInfo:
        """Return the session of that id or title; raises SessionNotFound."""
        ...

    def load(self, session_id: str) -> Session:
        """Return a session with its messages; raises SessionError."""
        ...


class PastSource:
    """Reads what was asked and answered in other sessions.

    One part for each session: questions and answers with who said them, and each call of a tool in a line. Thoughts,
    context, what tools gave back, and turns that the user has hidden are left out.
    """

    kinds = ("session", "past")

    def __init__(self, sessions: Conversations) -> None:
        self._sessions = sessions

    def read(self, reference: Reference) -> Reading:
        """Return one session, or the user's newest sessions but the current one, the newest first.

        Of a long session its end is read.

        Raises
        ------
        ContextNotFound
            If there is no such session, or no earlier one in which anything was said.
        ContextRefused
            If its file cannot be read.
        """
        if reference.kind == "session":
            return self._read_one(reference.target)
        if reference.target:
            raise ContextNotFound("`past` takes nothing behind it. session:TITLE names one chat session.")
        return self._read_past()

    def names(self) -> Iterator[str]:
        """Yield `past`, then the user's sessions by title, the newest first."""
        earlier = self._earlier()
        if earlier:
            yield "past"
        yield from dict.fromkeys(f"session:{info.title}" for info in earlier if info.title)

    def _read_one(self, name: str) -> Reading:
        try:
            reading = self._reading(self._sessions.find(name))
        except SessionNotFound as error:
            raise ContextNotFound(f"No chat session is called {name!r}. `%chat sessions` lists them all.") from error
        except SessionError as error:
            raise ContextRefused(str(error)) from error
        if not reading.parts:
            raise ContextNotFound(f"Nothing that may be read was said in the chat session {name!r}.")
        return reading

    def _read_past(self) -> Reading:
        earlier = self._earlier()
        found = Reading()
        unread = len(earlier)
        room = CHARACTERS
        for info in earlier[:PAST_SESSIONS]:
            try:
                reading = self._reading(info)
            except SessionError as error:
                reading = Reading(notes=(f"The chat session {_name(info)} was left out. {error}",))
            room -= sum(len(part.text) for part in reading.parts if isinstance(part, Context))
            if room < 0 and found.parts:
                break
            found += reading
            unread -= 1
        if not found.parts:
            raise ContextNotFound(" ".join(("There is no earlier chat session to read.", *found.notes)))
        if unread:
            note = (
                f"{unread} older chat sessions were not read: `past` reads the newest {PAST_SESSIONS}, "
                f"up to {CHARACTERS:,} characters. session:TITLE names one of the others."
            )
            found += Reading(notes=(note,))
        return found

    def _earlier(self) -> list[SessionInfo]:
        """Return the user's sessions but the current one, the newest first."""
        current, user_id = self._sessions.current.id, self._sessions.user_id
        return [info for info in self._sessions.all() if info.id != current and info.user_id == user_id]

    def _reading(self, info: SessionInfo) -> Reading:
        """Return a session as one part, if anything was said in it; raises SessionError."""
        text = _text(self._sessions.load(info.id))
        if not text:
            return Reading()
        label = f"session {_name(info)} ({info.updated_at.astimezone():%Y-%m-%d})"
        notes: tuple[str, ...] = ()
        if len(text) > CHARACTERS:
            tail = text[-CHARACTERS:]
            text = f"{_MARK}\n{tail[tail.find(chr(10)) + 1 :]}"
            notes = (f"Of the {label} the last {CHARACTERS:,} characters are read.",)
        return Reading((Context.of(label, text, f"session:{info.id}"),), notes)


def _name(info: SessionInfo) -> str:
    return " ".join(info.title.split()) or info.id


def _text(session: Session) -> str:
    hidden = {message.turn_id or message.id for message in session.messages if message.id in session.hidden}
    said = ((message, _said(message)) for message in session.messages if (message.turn_id or message.id) not in hidden)
    return "\n\n".join(f"{_speaker(message)}: {text}" for message, text in said if text)


def _speaker(message: Message) -> str:
    if message.role == "user":
        return "User"
    return f"Assistant ({message.model})" if message.model else "Assistant"


def _said(message: Message) -> str:
    """Return what a user or a model said, and which tools it called; nothing of other messages."""
    if message.role not in ("user", "assistant"):
        return ""
    text = ""
    for part in message.parts:
        match part:
            case Text(said):
                text += said
            case ToolCall(_, name, arguments):
                text += f"\n{_one_line(f'[called {name} with {dict(arguments)}]')}\n"
    if text and message.outcome not in (None, "done"):
        text += "\n[not finished]"
    return text.strip()


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _CALL_CHARACTERS else f"{text[: _CALL_CHARACTERS - 2]}…]"
