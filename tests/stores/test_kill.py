"""Many processes, and sudden ends: nothing that the store acknowledged is ever lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB

from chatnb.messages import ARCHIVED, TRASHED
from chatnb.sessions import Sessions
from chatnb.stores.tinydb import TinyStore
from chatnb.transfer import export_sessions

from .examples import asked, session
from .living import state_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the writers are forked; Windows cannot")


def crowd(*args: object, program: str = "crowd") -> list[list[Any]]:
    """Run the program in crowd.py, or another one beside it; return what each writer reported."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.stores.{program}", *map(str, args)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stderr == ""
    reports: list[list[Any]] = json.loads(done.stdout)
    return reports


def new_sessions(folder: Path, count: int) -> list[str]:
    store = TinyStore(folder)
    sessions = [session(f"session {number}") for number in range(count)]
    for one in sessions:
        store.create(one)
    store.close()
    return [one.id for one in sessions]


def found(folder: Path, ids: list[str]) -> Counter[str]:
    """Return how often each message is there, having mended what the dead left, as plain TinyDB reads it."""
    store = TinyStore(folder)
    loaded = [message for session_id in ids for message in store.load(session_id).messages]
    store.close()
    plain = []
    for session_id in ids:
        with TinyDB(folder / f"{session_id}.json") as database:
            plain += [message["id"] for message in database.table("messages").all()]
    assert plain == [message.id for message in loaded]
    return Counter(plain)


@pytest.mark.parametrize(("writers", "rounds"), [(1, 200), (8, 25)], ids=["alone", "among eight"])
def test_two_hundred_killed_writers_lose_nothing_that_was_acknowledged(
    tmp_path: Path, writers: int, rounds: int
) -> None:
    ids = new_sessions(tmp_path, 3)

    reports = crowd("kill", tmp_path, writers, rounds, *ids)

    messages = found(tmp_path, ids)
    acknowledged = {message_id for report in reports for message_id in report}
    assert len(reports) == 200
    assert len(acknowledged) > 200
    assert acknowledged - messages.keys() == set()
    assert set(messages.values()) == {1}
    assert len(messages) <= len(acknowledged) + 200  # at most the one that each was about to have acknowledged


def test_killed_writers_leave_nothing_that_grows(tmp_path: Path) -> None:
    ids = new_sessions(tmp_path, 2)

    crowd("kill", tmp_path, 4, 10, *ids)
    found(tmp_path, ids)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) <= 2 * len(ids) + 2 + 2  # a session and perhaps its next version; locks; the index and its lock
    assert list((tmp_path / ".state" / "unfinished").iterdir()) == []


@pytest.mark.parametrize("count", [1, 3], ids=["one session", "several sessions"])
def test_eight_processes_that_write_at_once_lose_nothing(tmp_path: Path, count: int) -> None:
    ids = new_sessions(tmp_path, count)

    reports = crowd("together", tmp_path, 8, 12 // count, *ids)

    messages = found(tmp_path, ids)
    assert len(reports) == 8
    assert messages == {message_id: 1 for report in reports for message_id in report}
    assert messages.total() == 8 * 12 * 2


def test_each_writers_messages_stay_in_order(tmp_path: Path) -> None:
    ids = new_sessions(tmp_path, 1)

    reports = crowd("together", tmp_path, 8, 6, *ids)

    order = {message.id: place for place, message in enumerate(TinyStore(tmp_path).load(ids[0]).messages)}
    for report in reports:
        places = [order[message_id] for message_id in report]
        assert places == sorted(places)


def test_an_answer_whose_writer_was_killed_is_kept_and_marked(tmp_path: Path) -> None:
    ids = new_sessions(tmp_path, 1)

    crowd("kill", tmp_path, 1, 40, *ids)

    store = TinyStore(tmp_path)
    messages = store.load(ids[0]).messages
    answers = [replace(message, parts=()) for message in messages if message.role == "assistant"]
    assert {message.outcome for message in answers} == {"done", "cancelled"}
    assert len(store.notices()) == 1


CHANGES = {
    "ask": "said",
    "edit": "said",
    "undo": "tip",
    "fork": "",
    "rename": "title",
    "tag": "tags",
    "archive": "state",
    "trash": "state",
    "restore": "state",
    "purge": "",
    "import": "",
}
"""What each of the things that are done to a session changes in it."""


def may_be(now: dict[str, Any] | None, acknowledged: dict[str, Any] | None, pending: set[str]) -> bool:
    """Tell whether a session is as it was acknowledged, or as what was still being done to it has left it."""
    if now == acknowledged or (now is None and "purge" in pending):
        return True
    if acknowledged is None:
        return bool(pending & {"ask", "import"})
    if now is None:
        return False
    changed = {name for name in now if now[name] != acknowledged[name]}
    return (
        changed <= {CHANGES[each] for each in pending}
        and now["said"][: len(acknowledged["said"])] == acknowledged["said"]
    )


def test_kernels_a_console_and_an_import_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    folder, exported = tmp_path / "sessions", tmp_path / "chats.json"
    [shared] = new_sessions(folder, 1)
    others = Sessions(TinyStore(tmp_path / "others"))
    for number in range(3):
        one = session(f"imported {number}")
        others.store.create(replace(one, messages=tuple(asked(one.id) for _ in range(4))))
    export_sessions(others, exported, every=True, format_name="json")

    reports = crowd(folder, 30, shared, exported, program="living")

    sessions = Sessions(TinyStore(folder))
    events = [event for report in reports for event in report]
    states: dict[str, Any] = {}
    pending: dict[str, set[str]] = {}
    for event in events:
        if "does" in event:
            pending.setdefault(event["id"], set()).add(event["does"])
        elif "is" in event:
            states[event["id"]] = event["is"]
            pending[event["id"]] = set()
    for session_id, state in states.items():
        now = state_of(sessions, session_id)
        assert may_be(now, state, pending[session_id]), (now, state, pending[session_id])
    said = Counter(message.id for message in sessions.whole(shared).messages)
    assert {event["shared"] for event in events if "shared" in event} <= said.keys()
    assert set(said.values()) == {1}
    assert {event["does"] for event in events if "does" in event} == CHANGES.keys()
    whole = {info.id: state_of(others, info.id) for info in others.all()}
    found = {info.id: state_of(sessions, info.id) for info in sessions.all() if info.id in whole}
    assert found.items() <= whole.items()
    for info in sessions.all("", ARCHIVED, TRASHED):  # a fork is whole or not there, acknowledged or not
        if info.title.endswith(" messages"):
            assert info.message_count >= int(info.title.split()[0])


def test_the_same_crowd_destroys_what_plain_tinydb_writes(tmp_path: Path) -> None:
    path = tmp_path / "plain.json"

    reports = crowd("plain", path, 8, 24)

    acknowledged = {message_id for report in reports for message_id in report}
    try:
        with TinyDB(path) as database:
            kept = {message["id"] for message in database.table("messages").all()}
    except ValueError:
        kept = set()  # not even JSON any more
    assert acknowledged - kept
