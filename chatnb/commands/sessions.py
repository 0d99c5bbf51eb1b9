"""Commands about sessions: finding one, going on in it, and where it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ..desk import Desk
from ..errors import SettingsError
from ..history import summary_in
from ..listing import Listing, Said
from ..messages import ARCHIVED, TRASHED, Json, Message, SessionInfo
from ..sources import ask_user
from ..stores.search import Hit
from ..views.words import shortened
from .base import parsed_words, parser
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
    return show_status(desk, (), desk.kept() if chosen.model else {})


def new(desk: Desk, words: Sequence[str]) -> Said:
    """Begin a new session."""
    title = " ".join(parsed_words("new", new, words, "TITLE"))
    desk.chat.sessions.new(title)
    return Said(f"The next question begins {f'the session {title!r}' if title else 'a new session'}.")


def list_sessions(desk: Desk, words: Sequence[str]) -> Listing[SessionInfo]:
    """All sessions, the one changed last first; --archived and --trash show those that were put aside."""
    options = parser("sessions", list_sessions)
    options.add_argument("--archived", action="store_true", help="those that are archived")
    options.add_argument("--trash", action="store_true", help="those that were deleted; `restore` brings one back")
    options.add_argument("--tag", default="", help="those with this tag alone")
    chosen = options.parse_args(words)
    state = TRASHED if chosen.trash else ARCHIVED if chosen.archived else ""
    found = [info for info in desk.chat.sessions.all(state) if not chosen.tag or chosen.tag in info.tags]
    current = desk.chat.sessions.current.id
    columns: dict[str, Callable[[SessionInfo], str]] = {
        "": lambda s: "→" if s.id == current else "",
        "title": lambda s: s.title,
        "messages": lambda s: str(s.message_count),
        "changed": lambda s: _local(s.updated_at),
        "tags": lambda s: ", ".join(s.tags),
        "place": lambda s: s.place,
        "id": lambda s: s.id,
    }
    return Listing(found, columns, empty=_EMPTY[state] if not chosen.tag else f"No session has the tag {chosen.tag}.")


def search(desk: Desk, words: Sequence[str]) -> Listing[tuple[SessionInfo, Hit]]:
    """Find what was said in all sessions: messages and titles in which all the words stand, or words that begin so."""
    words = parsed_words("search", search, words, "WORD")
    if not words:
        raise SettingsError('Which words? `%chat search mean negative`, or `%chat search "exactly this"`.')
    columns: dict[str, Callable[[tuple[SessionInfo, Hit]], str]] = {
        "session": lambda found: found[0].title,
        "changed": lambda found: _local(found[0].updated_at),
        "by": lambda found: found[1].role,
        "said": lambda found: found[1].text,
    }
    found = desk.chat.sessions.search(words)
    return Listing(found, columns, caption="`%chat open TITLE` goes on in one.", empty="Nothing was found.")


def open_session(desk: Desk, words: Sequence[str]) -> Listing[Message]:
    """Go on in a session, named by its title or id; shows what was said in it."""
    words = parsed_words("open", open_session, words, "TITLE")
    if not words:
        raise SettingsError("Which session? `%chat sessions` lists them; `%chat open TITLE` goes on in one.")
    session = desk.chat.sessions.open(" ".join(words))
    columns: dict[str, Callable[[Message], str]] = {
        "": lambda m: "summary" if summary_in(m) else m.model or m.role,
        "said": lambda m: shortened((summary_in(m) or m).text, _SHOWN),
    }
    return Listing(session.messages[-_LAST:], columns, caption=session.title, empty="Nothing was said in it yet.")


def rename(desk: Desk, words: Sequence[str]) -> Said:
    """Give this session another title."""
    title = " ".join(parsed_words("rename", rename, words, "TITLE")).strip()
    if not title:
        raise SettingsError("What is it to be called? %chat rename TITLE")
    desk.chat.sessions.update(title=title)
    return Said(f"This session is called {title!r} now.", desk.kept())


def tag(desk: Desk, words: Sequence[str]) -> Listing[str]:
    """Give this session words to find it by: `%chat tag thesis`; alone, show those that it has."""
    words = parsed_words("tag", tag, words, "TAG")
    tags = desk.chat.sessions.reread().tags
    if not words:
        return _tags(desk)
    desk.chat.sessions.update(tags=tuple(dict.fromkeys((*tags, *words))))
    return _tags(desk, desk.kept())


def untag(desk: Desk, words: Sequence[str]) -> Listing[str]:
    """Undo `tag`."""
    words, tags = parsed_words("untag", untag, words, "TAG"), desk.chat.sessions.reread().tags
    if not words or (unknown := [word for word in words if word not in tags]):
        named = f"{', '.join(unknown)} is no tag of this session." if words else "Which tag?"
        raise SettingsError(f"{named} It has: {', '.join(tags) or 'none'}.")
    desk.chat.sessions.update(tags=tuple(word for word in tags if word not in words))
    return _tags(desk, desk.kept())


def archive(desk: Desk, words: Sequence[str]) -> Said:
    """Put a session, this one or that of a title, where `sessions` does not list it; it can still be opened."""
    info = _named(desk, parsed_words("archive", archive, words, "TITLE"), "")
    desk.chat.sessions.set_state(info, ARCHIVED)
    return Said(f"{info.title!r} is archived: `%chat restore TITLE` brings it back.", desk.kept(info.id))


def delete(desk: Desk, words: Sequence[str]) -> Said:
    """Put a session, this one or that of a title, into the trash; with --forever what is in the trash is gone for good."""
    options = parser("delete", delete)
    options.add_argument("title", nargs="*", metavar="TITLE")
    options.add_argument("--forever", action="store_true", help="delete a session of the trash for good")
    options.add_argument("--yes", action="store_true", help="do not ask")
    chosen = options.parse_args(words)
    sessions = desk.chat.sessions
    info = _named(desk, chosen.title, *([TRASHED] if chosen.forever else ["", ARCHIVED]))
    what = (
        f"Delete the session {info.title!r} with {info.message_count} messages{' for good' if chosen.forever else ''}?"
    )
    if not (chosen.yes or (desk.is_attended and ask_user(what))):
        raise SettingsError("Nothing is deleted: that takes a yes, or --yes where nobody is there to give one.")
    if chosen.forever:
        sessions.delete(info)
        return Said(f"{info.title!r} is gone for good.")
    sessions.set_state(info, TRASHED)
    return Said(f"{info.title!r} is in the trash: `%chat restore TITLE` brings it back.")


def restore(desk: Desk, words: Sequence[str]) -> Said:
    """Take a session out of the trash or the archive."""
    title = parsed_words("restore", restore, words, "TITLE")
    if not title:
        raise SettingsError("Which session? `%chat sessions --trash` and `--archived` list those that can come back.")
    info = _named(desk, title, ARCHIVED, TRASHED)
    desk.chat.sessions.set_state(info, "")
    return Said(f"{info.title!r} is listed again: `%chat open TITLE` goes on in it.", desk.kept(info.id))


_EMPTY = {
    "": "No sessions yet. Ask something below `%%chat`.",
    ARCHIVED: "No session is archived.",
    TRASHED: "The trash is empty.",
}


def _named(desk: Desk, words: Sequence[str], *states: str) -> SessionInfo:
    """Return the session of a title, by default the current one."""
    sessions = desk.chat.sessions
    if not words and not sessions.history(sessions.current):
        raise SettingsError("Nothing was said in this session yet. Name another one; `%chat sessions` lists them.")
    return sessions.find(" ".join(words) or sessions.current.id, *states)


def _tags(desk: Desk, kept: Mapping[str, Json] = {}) -> Listing[str]:
    return Listing(desk.chat.sessions.current.tags, {"tags": str}, empty="This session has no tags.", kept=kept)


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
