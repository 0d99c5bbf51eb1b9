"""Read the conversation that a saved notebook holds in its metadata: the way back of imprint.py and exports/notebook.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

from ..branches import forked, grouped_by_turn
from ..errors import NoSessions, SettingsError
from ..imprint import changed_session, messages_of, session_of, turn_in
from ..messages import Json, Message, Session, title_of
from ..wire import VERSION, message_from_json, session_from_json
from .base import Form


def fits(data: Json) -> bool:
    """Tell whether it is a notebook."""
    return isinstance(data, dict) and "nbformat" in data and isinstance(data.get("cells"), list)


def read(data: Json, path: Path) -> Sequence[Session]:
    """Return the sessions of a notebook, the one begun first first.

    Cells may stand in any order, several turns in one cell and one turn in several; of a turn that is there twice the
    last one counts. A heading that an export has written tells all of its session and in which order things were said. A
    command that changed a session after all that was said in it tells how it is since.

    Raises
    ------
    NoSessions
        If there is no conversation in it.
    SettingsError
        If a newer chatnb wrote it, or an answer is not whole: its output was deleted.
    """
    found: dict[str, _Found] = {}
    heading = _Found()
    for cell in data["cells"]:
        kept = _kept(cell)
        if "session" in kept and "turn" not in kept:
            session = session_from_json(kept["session"])
            heading = found.setdefault(session.id, _Found())
            heading.session, heading.is_told = session, True
        elif "message" in kept:
            message = message_from_json(kept["message"])
            heading.messages[message.id] = (message,)
        for outputs in _turns(cell):
            session = session_of(outputs, path)
            messages = messages_of(outputs)
            one = found.setdefault(session.id, _Found())
            one.messages[messages[0].id] = messages
            if not one.is_told:
                one.session = session if one.session is None else _newer(one, session, messages[0])
        for kept in map(_kept, cell.get("outputs") or ()):
            if "session" in kept and "turn" not in kept:
                found.setdefault(kept["session"]["id"], _Found()).change(changed_session(kept, path))
    sessions = _with_copies(sorted((_whole(one) for one in found.values() if one.session), key=lambda each: each.id))
    # A command may have changed a session of which nothing was said here.
    sessions = [each for each in sessions if each.messages or found[each.id].is_told]
    if not sessions:
        raise NoSessions("No conversation is in it: its outputs were cleared, or it has no `%%chat` cell that was run.")
    return sessions


FORM = Form("notebook", fits, read)


@dataclass(slots=True)
class _Found:
    """What was found of a session: turns and other messages, by the id of the first one."""

    session: Session | None = None
    is_told: bool = False
    changed: Session | None = None
    messages: dict[str, tuple[Message, ...]] = field(default_factory=dict)

    def change(self, session: Session) -> None:
        """Take in what the output of a command or a panel tells: the last one counts."""
        for turn in grouped_by_turn(session.messages):
            self.messages[turn[0].id] = turn
        if self.changed is None or _changed_at(self.changed) <= _changed_at(session):
            self.changed = session
        self.session = self.session or session


def _with_copies(sessions: Sequence[Session]) -> list[Session]:
    """Give forks what they began with, where the notebook holds that in the session that it was said in."""
    found: dict[str, Session] = {}
    for session in sessions:  # a fork is younger than what it is a copy of
        source = found.get(session.forked[0]) if session.forked else None
        whole = session
        if source is not None and any(message.id == session.forked[1] for message in source.messages):
            copies = forked(source, session.forked[1], session).messages
            both = {message.id: message for message in (*copies, *session.messages)}
            whole = replace(session, messages=tuple(both.values()))
        found[session.id] = whole
    return list(found.values())


def _kept(holder: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what the metadata of a cell or an output hold of a conversation."""
    kept: Mapping[str, Json] = (holder.get("metadata") or {}).get("chatnb") or {}
    if kept.get("version", VERSION) > VERSION:
        raise SettingsError(f"A newer chatnb wrote it (version {kept['version']}). Update chatnb.")
    return kept


def _turns(cell: Mapping[str, Json]) -> Iterator[list[Mapping[str, Json]]]:
    """Yield the outputs of each turn that a cell holds."""
    outputs = [output for output in cell.get("outputs") or () if turn_in(output)]
    if turn_in(cell):
        # Where the answer stands in cells of its own nothing of it is read from them.
        outputs.append({"metadata": cell["metadata"], "data": {"text/markdown": ""}})
    for _, group in groupby(sorted(outputs, key=_turn), key=_turn):
        yield list(group)


def _turn(output: Mapping[str, Json]) -> str:
    return turn_in(output) or ""


def _newer(one: _Found, session: Session, question: Message) -> Session:
    """Return what the later of two turns says of their session."""
    is_last = all(question.id >= message_id for message_id in one.messages)
    return session if is_last or one.session is None else one.session


def _whole(one: _Found) -> Session:
    assert one.session is not None  # noqa: S101 - the caller chose those that have one
    turns = list(one.messages.values())
    if not one.is_told:
        turns.sort(key=lambda turn: turn[0].id)
    # A turn may be told by its own output and by that of a panel.
    messages = tuple({message.id: message for turn in turns for message in turn}.values())
    last = max((turn[0] for turn in turns), key=lambda message: message.id, default=None)
    is_changed = one.changed and (last is None or last.created_at <= _changed_at(one.changed))
    session = one.changed if one.changed and is_changed else one.session
    title = session.title or (title_of(messages[0].text) if messages and not one.is_told else "")
    return replace(session, title=title, messages=messages)


def _changed_at(session: Session) -> datetime:
    return session.updated_at or session.created_at
