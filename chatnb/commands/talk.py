"""Commands about sessions and what was asked in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from ..desk import Desk
from ..errors import SettingsError
from ..history import summary_in
from ..listing import Listing
from ..messages import Message, SessionInfo
from ..views.words import shortened
from .base import no_words, parser
from .server import show_status

_SHOWN = 120  # characters of a message, in a list of them
_LAST = 20  # messages of a session that is opened


def use(desk: Desk, words: Sequence[str]) -> Listing[tuple[str, str]]:
    """Choose the model, the session, or both, from now on."""
    options = parser("use", use)
    options.add_argument("-m", "--model", default="", help="model to ask in this session, or several with commas")
    options.add_argument(
        "-s", "--session", default="", help="id or title of the session; a new one where there is none"
    )
    chosen = options.parse_args(words)
    if not (chosen.model or chosen.session):
        options.error("give -m MODEL, -s SESSION, or both")
    if chosen.session:
        desk.chat.sessions.enter(chosen.session)
    if chosen.model:
        desk.chat.sessions.update(model=chosen.model)
    return show_status(desk, ())


def new(desk: Desk, words: Sequence[str]) -> None:
    """Begin a new session."""
    desk.chat.sessions.new(" ".join(words))


def list_sessions(desk: Desk, words: Sequence[str]) -> Listing[SessionInfo]:
    """All sessions, the one changed last first."""
    no_words("sessions", list_sessions, words)
    current = desk.chat.sessions.current.id
    columns: dict[str, Callable[[SessionInfo], str]] = {
        "": lambda s: "→" if s.id == current else "",
        "title": lambda s: s.title,
        "messages": lambda s: str(s.message_count),
        "changed": lambda s: _local(s.updated_at),
        "place": lambda s: s.place,
        "id": lambda s: s.id,
    }
    return Listing(desk.chat.sessions.all(), columns, empty="No sessions yet. Ask something below `%%chat`.")


def open_session(desk: Desk, words: Sequence[str]) -> Listing[Message]:
    """Go on in a session, named by its title or id; shows what was said in it."""
    if not words:
        raise SettingsError("Which session? `%chat sessions` lists them; `%chat open TITLE` goes on in one.")
    session = desk.chat.sessions.open(" ".join(words))
    columns: dict[str, Callable[[Message], str]] = {
        "": lambda m: m.model or m.role,
        "said": lambda m: shortened((summary_in(m) or m).text, _SHOWN),
    }
    return Listing(session.messages[-_LAST:], columns, caption=session.title, empty="Nothing was said in it yet.")


def again(desk: Desk, words: Sequence[str]) -> None:
    """Ask the last question again; --fit with a window that holds all of it."""
    options = parser("again", again)
    options.add_argument("-m", "--model", default="", help="another model")
    options.add_argument("--fit", action="store_true", help="with a window that holds everything that was to be read")
    chosen = options.parse_args(words)
    session = desk.last_session
    history = desk.chat.sessions.history(session)
    question = next((message for message in reversed(history) if message.role == "user"), None)
    if question is None:
        raise SettingsError("Nothing was asked in this session yet. Ask something below `%%chat`.")
    settings = desk.settings(session)
    settings = replace(settings, model=chosen.model or settings.model)
    desk.again(question, settings, fit=chosen.fit)


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
