"""What it costs to find words in all sessions, over SQLite's own full-text search of the same messages."""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

from chatnb.messages import Message, Text
from chatnb.stores.tables import empty
from chatnb.stores.tinydb import TinyStore
from chatnb.wire import to_json

from ..stores.examples import said, session
from .rows import Row

MESSAGES = 20
TIMES = 15


def rows(quick: bool) -> Iterator[Row]:
    """Yield what a search costs once the index is there, and what making it costs."""
    sessions = 1_000 if quick else 10_000
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as name,
        closing(sqlite3.connect(Path(name) / "reference.sqlite")) as reference,
    ):
        reference.execute("CREATE VIRTUAL TABLE said USING fts5(text)")
        store = _filled(Path(name) / "sessions", sessions, reference)
        began_at = time.perf_counter()
        store.search(["mean"])
        first_s = time.perf_counter() - began_at
        ours_s, bare_s = [], []
        for words in random.Random(2).choices(WORDS, k=TIMES):  # noqa: S311 - no secret
            began_at = time.perf_counter()
            store.search([words, "mean"])
            between = time.perf_counter()
            _bare(reference, words)
            bare_s.append(time.perf_counter() - between)
            ours_s.append(between - began_at)
    what = f"search {sessions:,} sessions of {MESSAGES} messages"
    yield Row(what, median(ours_s) / median(bare_s), "x", 5.0, "FTS5 on the same messages")
    yield Row(f"{what}, seconds", median(ours_s), "s", 1.0, "none")
    yield Row(f"{what} for the first time", first_s, "s", None, "none")


WORDS = [
    "data",
    "frame",
    "column",
    "mean",
    "median",
    "error",
    "index",
    "plot",
    "axis",
    "price",
    "store",
    "loader",
    "train",
    "test",
    "split",
    "noise",
]


def _filled(folder: Path, count: int, reference: sqlite3.Connection) -> TinyStore:
    """Return a store of so many sessions; written as files, since keeping each durably would take minutes."""
    chance = random.Random(1)  # noqa: S311 - no secret
    folder.mkdir(mode=0o700)
    for _ in range(count):
        one = session(_text(chance, 4))
        messages = [_saying(one.id, _text(chance, 40)) for _ in range(MESSAGES)]
        tables = empty(one)
        tables["messages"] = {str(number): to_json(message) for number, message in enumerate(messages, 1)}
        (folder / f"{one.id}.json").write_text(json.dumps(tables))
        reference.executemany("INSERT INTO said VALUES (?)", [(message.text,) for message in messages])
    reference.commit()
    return TinyStore(folder)


def _bare(reference: sqlite3.Connection, word: str) -> None:
    query = f'"{word}"* "mean"*'
    found = "SELECT snippet(said, 0, '', '', '', 24) FROM said WHERE said MATCH ? ORDER BY rank LIMIT 50"
    reference.execute(found, (query,)).fetchall()


def _text(chance: random.Random, words: int) -> str:
    # Names of their own beside the common words, as conversations have.
    return " ".join(
        chance.choice(WORDS) if chance.random() < 0.2 else f"w{chance.randrange(20_000)}" for _ in range(words)
    )


def _saying(session_id: str, text: str) -> Message:
    return replace(said(session_id), parts=(Text(text),))
