"""What it costs to keep a message, and to list ten thousand sessions."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

from tinydb import TinyDB

from chatnb.messages import Message
from chatnb.stores.tinydb import TinyStore
from chatnb.wire import to_json

from ..stores.examples import asked, said, session
from .rows import Row

INSERT = "one INSERT into SQLite, synchronous=FULL"
LISTING = """
import sys, time
began_at = time.perf_counter()
from chatnb.stores.tinydb import TinyStore
listed = len(TinyStore(sys.argv[1]).sessions())
print(time.perf_counter() - began_at, listed)
"""


def rows(quick: bool) -> Iterator[Row]:
    """Yield what an append costs over an INSERT, by messages and by sessions, and what a list costs."""
    times = 15 if quick else 40
    # Beside the working tree: /tmp may be memory, where nothing costs anything.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as name, closing(_sqlite(name)) as database:
        folder = Path(name)
        yield from _by_messages(folder, database, times)
        yield from _checkpoint(folder, database, times)
        yield from _by_sessions(folder, database, times, 2_000 if quick else 10_000)


def _by_messages(folder: Path, database: sqlite3.Connection, times: int) -> Iterator[Row]:
    bounds = {100: 6.0, 1_000: 15.0}
    for count in (10, 100, 1_000, 10_000):
        ours, insert = _interleaved([_appending(folder / "store", count), _inserting(database)], times)
        yield Row(f"append to a session of {count:,} messages", ours / insert, "x", bounds.get(count), INSERT)
    plain, insert = _interleaved([_appending_plainly(folder / "plain.json", 1_000), _inserting(database)], times)
    yield Row("the same with TinyDB's own storage, 1,000 messages", plain / insert, "x", None, INSERT)


def _checkpoint(folder: Path, database: sqlite3.Connection, times: int) -> Iterator[Row]:
    for count in (10, 10_000):
        ours, insert = _interleaved([_checkpointing(folder / "store", count), _inserting(database)], times)
        yield Row(f"checkpoint in a session of {count:,} messages", ours / insert, "x", None, INSERT)


def _by_sessions(folder: Path, database: sqlite3.Connection, times: int, most: int) -> Iterator[Row]:
    appends = []
    for sessions in (10, 1_000, most):
        _fill(folder / str(sessions), sessions)
        appends.append(_appending(folder / str(sessions), 100))
    few, some, many, insert = _interleaved([*appends, _inserting(database)], times)
    yield Row("append among 10 sessions", few / insert, "x", 6.0, INSERT)
    yield Row("append among 1,000 sessions", some / few, "x", 1.3, "append among 10 sessions")
    yield Row(f"append among {most:,} sessions", many / few, "x", 1.3, "append among 10 sessions")
    cold, *warm = [_listing(folder / str(most), most + 1) for _ in range(6)]
    yield Row(f"list {most:,} sessions, a new process, warm", median(warm), "s", 0.3, "none")
    yield Row(f"list {most:,} sessions for the first time", cold, "s", None, "none")


def _interleaved(calls: list[Callable[[], None]], times: int) -> list[float]:
    """Return the median seconds of each call, having called them by turns, so that a noisy moment meets all."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(times):
        for call, taken in zip(calls, seconds, strict=True):
            began_at = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began_at)
    return [median(taken) for taken in seconds]


def _appending(folder: Path, count: int) -> Callable[[], None]:
    store, session_id = _store_of(folder, count)
    store.append(session_id, said(session_id))  # the first one reads what the others know
    return lambda: store.append(session_id, said(session_id))


def _checkpointing(folder: Path, count: int) -> Callable[[], None]:
    store, session_id = _store_of(folder, count)
    return lambda: store.checkpoint(session_id, said(session_id))


def _store_of(folder: Path, count: int) -> tuple[TinyStore, str]:
    store, one = TinyStore(folder), session()
    store.create(replace(one, messages=_conversation(one.id, count)))
    return store, one.id


def _appending_plainly(path: Path, count: int) -> Callable[[], None]:
    messages = TinyDB(path).table("messages", cache_size=0)
    messages.insert_multiple(to_json(message) for message in _conversation("plain", count))

    def append() -> None:
        messages.insert(to_json(said("plain")))

    return append


def _inserting(database: sqlite3.Connection) -> Callable[[], None]:
    def insert() -> None:
        message = said("reference")
        database.execute(
            "INSERT INTO messages VALUES (?, ?, ?)", (message.id, "reference", json.dumps(to_json(message)))
        )
        database.commit()

    return insert


def _sqlite(folder: str) -> sqlite3.Connection:
    database = sqlite3.connect(Path(folder) / "reference.sqlite")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, session_id TEXT, message TEXT)")
    return database


def _conversation(session_id: str, count: int) -> tuple[Message, ...]:
    return tuple(said(session_id) if number % 2 else asked(session_id) for number in range(count))


def _fill(folder: Path, sessions: int) -> None:
    """Make sessions of two messages by copying one: a file's name is its session's id."""
    store = TinyStore(folder)
    one = session("What does this error mean?", place="/home/ada/prices.ipynb")
    store.create(replace(one, messages=_conversation(one.id, 2)))
    content = (folder / f"{one.id}.json").read_bytes()
    for _ in range(sessions - 1):
        (folder / f"{session().id}.json").write_bytes(content)


def _listing(folder: Path, sessions: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", LISTING, str(folder)], capture_output=True, text=True, timeout=120, check=True
    )
    seconds, listed = done.stdout.split()
    if int(listed) != sessions:
        msg = f"{listed} sessions were listed instead of {sessions}"
        raise RuntimeError(msg)
    return float(seconds)
