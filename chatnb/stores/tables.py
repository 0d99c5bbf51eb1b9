"""A session as the tables of a TinyDB file, both ways.

The table `session` has one document, `messages` one for each message. Documents have the numbers that TinyDB gives
them, since plain TinyDB takes no others; a message's own id is its field `id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from tinydb.table import Table

from ..errors import SettingsError, StoreError
from ..messages import Json, Message, Session, SessionInfo, Text
from ..wire import VERSION, message_from_json, session_from_json, to_json
from .atomic import AtomicStorage, Damaged, Tables
from .base import changed_at, info_of
from .search import Said


def read(storage: AtomicStorage) -> tuple[Tables | None, str]:
    """Return the tables of a session, None where there is no file; and what is wrong with it."""
    try:
        tables = storage.read()
        if tables is not None:
            _header(tables)
    except Damaged as error:
        return None, str(error)
    return tables, ""


Known = dict[str, tuple[Mapping[str, Any], Message]]
"""The documents of a session's messages, by number, and what they read as."""


def session_of(tables: Tables, session_id: str, known: Known) -> tuple[Session, Sequence[str]]:
    """Return the session with the messages that read, and what is wrong with the others.

    Parameters
    ----------
    known
        What was read before, and need not be read again; brought up to date.

    Raises
    ------
    StoreError
        If a newer chatnb wrote what this one does not understand.
    """
    is_newer = _document(tables).get("version", VERSION) > VERSION
    messages, left_out = [], []
    for doc_id, document in tables.get("messages", {}).items():
        try:
            if doc_id not in known or known[doc_id][0] != document:
                known[doc_id] = document, message_from_json(document)
            messages.append(known[doc_id][1])
        except SettingsError as error:
            if is_newer:
                msg = f"The chat session {session_id} was written by a newer chatnb. Upgrade: pip install -U chatnb"
                raise StoreError(msg) from error
            left_out.append(f"One message of the chat session {session_id} is left out. {error}")
    # A file that was copied under another name is another session.
    return replace(_header(tables), id=session_id, messages=tuple(messages)), left_out


def said_in(tables: Tables) -> Iterator[Said]:
    """Yield what can be found in a session; raises Damaged if there is none in the tables."""
    yield Said("", "title", _header(tables).title)
    for document in tables.get("messages", {}).values():
        # As JSON: reading ten thousand sessions as messages would take ten times as long.
        texts = [part.get("text", "") for part in document.get("parts", ()) if part.get("type") == Text.__name__]
        yield Said(str(document.get("id", "")), str(document.get("role", "")), "".join(texts))


def describe(tables: Tables, session_id: str) -> SessionInfo:
    """Return what a list shows of the session; raises Damaged if there is none in the tables."""
    return info_of(replace(_header(tables), id=session_id), len(tables.get("messages", {})))


def empty(session: Session) -> Tables:
    """Return the tables of the session without its messages."""
    whole = replace(session, updated_at=session.updated_at or changed_at(session.messages), messages=())
    return {"session": {"1": to_json(whole) | {"version": VERSION}}, "messages": {}}


def put(storage: AtomicStorage, messages: Sequence[Message]) -> None:
    """Add messages, or let them take the place of those that have their ids."""
    table = Table(storage, "messages", cache_size=0)
    documents = (storage.read() or {}).get("messages", {})
    places = {document.get("id"): int(doc_id) for doc_id, document in documents.items()}
    for message in messages:
        document = to_json(message)
        if message.id in places:
            table.update(partial(_become, document), doc_ids=[places[message.id]])
        else:
            places[message.id] = table.insert(document)


def stamp(storage: AtomicStorage, at: datetime, /, **fields: Json) -> None:
    """Change fields of the session itself, and when it was changed: at `at`, if it was not later already."""
    tables = storage.read() or {}
    session = _header(tables)
    changed = replace(session, **fields, updated_at=max(at, session.updated_at or at))
    # As it would be written anew, so that a session that was lost comes back byte for byte; what a newer chatnb knows stays.
    unknown = {name: value for name, value in _document(tables).items() if name not in Session.__slots__}
    Table(storage, "session", cache_size=0).update(partial(_become, to_json(changed) | unknown))


def cut_off(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return messages whose last one was never finished, marked so."""
    return (*messages[:-1], *(replace(last, outcome="cancelled") for last in messages[-1:]))


def _become(document: Mapping[str, Any], old: MutableMapping[str, Any]) -> None:
    old.clear()  # an update would keep what the new one leaves out
    old.update(document)


def _document(tables: Tables) -> dict[str, Any]:
    documents = list(tables.get("session", {}).values())
    if len(documents) != 1:
        msg = f"its table `session` has {len(documents)} documents instead of one"
        raise Damaged(msg)
    return documents[0]


def _header(tables: Tables) -> Session:
    """Return the session without its messages; raises Damaged if it does not read."""
    try:
        session = session_from_json(_document(tables))
    except SettingsError as error:
        raise Damaged(str(error)) from error
    texts = (session.title, session.model, session.system, session.place, session.user_id, session.state, *session.tags)
    times = (session.created_at, session.updated_at or session.created_at)
    if session.tip and len(session.tip) != 2:  # noqa: PLR2004 - a turn, and the newest one then
        session = replace(session, tip=())
    if session.forked and len(session.forked) != 2:  # noqa: PLR2004 - a session, and a message of it
        session = replace(session, forked=())
    # Lists are sorted by time and searched by title: one odd file may not spoil them.
    if not all(isinstance(text, str) for text in texts) or any(time.tzinfo is None for time in times):
        msg = "a field of its table `session` is not what it should be"
        raise Damaged(msg)
    return session
