"""Commands about sessions and what was said in them."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from ..errors import SessionError, SettingsError
from ..exports.base import file_name
from ..exports.catalog import FORMATS
from ..feed.session import SHOWN
from ..messages import TRASHED
from ..transfer import Imported, export_sessions, import_sessions
from .base import Fields, Office, Result, bytes_in, text_in, turn_of
from .ways import led_to

_FOUND = 50  # places that a search lists
_MIMES = {
    "ipynb": "application/x-ipynb+json",
    "md": "text/markdown",
    "html": "text/html",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "csv": "text/csv",
}


TITLE_LENGTH = 500
"""Characters of a title at most: every list of sessions repeats it."""


async def sessions(office: Office, fields: Fields) -> Result:
    """List the sessions, the one changed last first; those whose title holds a text."""
    wanted, current = text_in(fields, "query", "").casefold().strip(), office.session.id
    known = await asyncio.to_thread(office.chat.sessions.all)
    return {
        "sessions": [
            {
                "id": info.id,
                "title": info.title,
                "model": info.model,
                "updated_at": info.updated_at.isoformat(),
                "message_count": info.message_count,
                "is_current": info.id == current,
            }
            for info in known
            if wanted in info.title.casefold()
        ]
    }


async def open_session(office: Office, fields: Fields) -> Result:
    """Go on in another session, for every surface; if a message is named, in its branch, and tell which turn it is of."""
    session, message_id = text_in(fields, "session"), text_in(fields, "message", "")
    await asyncio.to_thread(office.chat.sessions.open, session)
    return {"turn": await led_to(office, message_id)} if message_id else {}


async def take_in(office: Office, fields: Fields) -> Result:
    """Take the sessions of a file into the store, and go on in the one that was changed last.

    Its content tells its form. Of a session that is there already only what is missing is added.
    """
    name, data, sessions = text_in(fields, "name"), bytes_in(fields), office.chat.sessions

    def imported() -> list[Imported]:
        with TemporaryDirectory() as folder:
            # Some forms take a title from their file's name, which may be anything.
            path = Path(folder, re.sub(r"[^\w. -]+", "-", PurePath(name).name)[-60:].lstrip(".") or "sessions")
            path.write_bytes(data)
            try:
                return import_sessions(sessions, path)
            except SessionError as error:
                raise SessionError(str(error).replace(str(path), name)) from error

    found = await asyncio.to_thread(imported)
    if not found:
        raise SessionError(f"No conversation is in {name}. Choose another file.")
    newest = max((each.session for each in found), key=lambda session: session.updated_at or session.created_at)
    await asyncio.to_thread(sessions.open, newest.id)
    return {
        "sessions": [{"id": each.session.id, "title": each.session.title, "is_new": each.is_new} for each in found],
        "message_count": sum(each.message_count for each in found),
    }


async def new(office: Office, fields: Fields) -> Result:
    """Begin a new session, for every surface."""
    office.chat.sessions.new(text_in(fields, "title", ""))
    return {}


async def rename(office: Office, fields: Fields) -> Result:
    """Give the session another title."""
    title = " ".join(text_in(fields, "title").split())
    if not title:
        raise SettingsError("A session needs a title. Write one.")
    if len(title) > TITLE_LENGTH:
        raise SettingsError(f"A title has at most {TITLE_LENGTH} characters, and this has {len(title):,}.")
    await asyncio.to_thread(office.chat.sessions.update, title=title)
    return {}


async def delete(office: Office, fields: Fields) -> Result:
    """Put a session into the trash; who is in it goes on in a new one."""
    sessions = office.chat.sessions
    info = await asyncio.to_thread(sessions.find, text_in(fields, "session"))
    if info.id == office.session.id and office.feed.is_answering:
        raise SettingsError("An answer is still being written in this session. Stop it first, then delete the session.")
    await asyncio.to_thread(sessions.set_state, info, TRASHED)
    return {}


async def search(office: Office, fields: Fields) -> Result:
    """Tell where words stand in the messages and titles of all sessions, the best places first."""
    words = text_in(fields, "query").split()
    found = await asyncio.to_thread(office.chat.sessions.search, words, _FOUND) if words else []
    return {
        "hits": [
            {
                "session": info.id,
                "title": info.title,
                "message": hit.message_id,
                "role": hit.role,
                "text": hit.text,
                "spans": [list(span) for span in hit.spans],
            }
            for info, hit in found
        ]
    }


async def export(office: Office, fields: Fields) -> Result:
    """Return the session as a file of a format; without one, what formats there are."""
    name = text_in(fields, "format", "")
    if not name:
        return {"formats": [{"name": each, "about": form.about} for each, form in FORMATS.items()]}
    pieces: list[str] = []
    await asyncio.to_thread(lambda: export_sessions(office.chat.sessions, "-", format_name=name, write=pieces.append))
    return {
        "name": f"{file_name(office.session)}.{name}",
        "mime": _MIMES.get(name, "text/plain"),
        "data": base64.b64encode("".join(pieces).encode("utf-8", "replace")).decode("ascii"),
    }


async def earlier(office: Office, fields: Fields) -> Result:
    """Return what was said before an entry."""
    count = fields.get("count", SHOWN)
    if not isinstance(count, int) or not 0 < count <= 10 * SHOWN:
        raise SettingsError(f"earlier takes a count from 1 to {10 * SHOWN}.")
    entries, has_more = await office.feed.earlier(text_in(fields, "before"), count)
    return {"entries": entries, "has_more": has_more}


async def copy(office: Office, fields: Fields) -> Result:
    """Return a message as it was written."""
    message_id = text_in(fields, "message")
    turn = turn_of(await office.history(), message_id)
    is_question = any(message.id == message_id and message.role == "user" for message in turn)
    told = [message.text for message in turn if (message.role == "user") == is_question and message.text]
    return {"markdown": "\n\n".join(told)}


async def hide(office: Office, fields: Fields) -> Result:
    """Keep a turn out of what the model reads, or let it in again."""
    ids = [message.id for message in turn_of(await office.history(), text_in(fields, "message"))]
    hidden = [each for each in office.session.hidden if each not in ids]
    if fields.get("is_hidden", True):
        hidden.append(ids[0])
    await asyncio.to_thread(office.chat.sessions.update, hidden=tuple(hidden))
    return {}
