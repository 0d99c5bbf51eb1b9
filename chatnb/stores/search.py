"""Find words in all sessions, by an index of SQLite (FTS5) that is derived from their files.

Like the list of sessions (index.py) it is never a second truth: what it says of a session counts as long as that one's
file is the one that was read, and an index that is lost or damaged is made anew.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .disk import Stamp

_VERSION = 1
_BATCH = 500  # sessions between two commits: whoever interrupts the first search loses no more
_BUSY_S = 5.0
_WORDS = 24  # of a message around what was found
_BEGIN, _END, _MORE = "\x01", "\x02", "…"

# Scripts without spaces: each character is a word, or only whole sentences would be found. The space between has no width.
_UNSPACED = re.compile(r"([\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff])")
_SPACE = "\u200b"
_OURS = str.maketrans(dict.fromkeys((_BEGIN, _END, _SPACE)))

_SCHEMA = f"""
CREATE TABLE files (session_id TEXT PRIMARY KEY, inode INTEGER, size INTEGER, changed_ns INTEGER, first INTEGER, last INTEGER);
CREATE VIRTUAL TABLE said USING fts5(
    text, session_id UNINDEXED, message_id UNINDEXED, role UNINDEXED, tokenize = "unicode61 remove_diacritics 2"
);
PRAGMA user_version = {_VERSION};
"""
_FIND = """
SELECT session_id, message_id, role, snippet(said, 0, ?, ?, ?, ?) FROM said WHERE said MATCH ? ORDER BY rank LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Said:
    """Something that can be found: what a message says, or a session's title, whose `message_id` is empty."""

    message_id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where words were found.

    Attributes
    ----------
    message_id
        Empty for the session's title.
    text
        What stands around the words, shortened.
    spans
        Where in `text` the words are: beginnings and ends, in characters.
    """

    session_id: str
    message_id: str
    role: str
    text: str
    spans: tuple[tuple[int, int], ...]


class SearchIndex:
    """Which words stand in which message.

    Parameters
    ----------
    path
        Of the database; None keeps it in memory, for as long as this object lives.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._memory: sqlite3.Connection | None = None

    def refresh(self, stamps: Mapping[str, Stamp], read: Callable[[str], Iterable[Said]]) -> None:
        """Read what is new and forget what is gone.

        Parameters
        ----------
        stamps
            Of every session, by its id: it is read again if its stamp is another one than it was.
        read
            Returns what is said in a session; one that cannot be read says nothing.
        """
        with self._database() as database:
            known = {
                row[0]: tuple(row[1:])
                for row in database.execute("SELECT session_id, inode, size, changed_ns FROM files")
            }
            for session_id in known.keys() - stamps.keys():
                _remove(database, session_id)
            changed = (session_id for session_id, stamp in stamps.items() if known.get(session_id) != stamp)
            while batch := list(islice(changed, _BATCH)):
                for session_id in batch:
                    _remove(database, session_id)
                    _add(database, session_id, stamps[session_id], read(session_id))
                database.commit()

    def find(self, words: Sequence[str], limit: int) -> list[Hit]:
        """Return where all the words stand in one message, the best places first.

        A word finds those that begin with it, in any case and with or without accents; one that holds spaces is found as
        it is.
        """
        query = " ".join(f'"{_spaced(word).replace(chr(34), chr(34) * 2)}"*' for word in words if word.strip())
        if not query:
            return []
        with self._database() as database:
            return [_hit(*row) for row in database.execute(_FIND, (_BEGIN, _END, _MORE, _WORDS, query, limit))]

    def forget(self, session_id: str) -> None:
        """Forget what is said in a session."""
        if self._path is None or self._path.exists():
            with suppress(sqlite3.Error), self._database() as database:
                _remove(database, session_id)
                # What was removed stays in its segments until they are merged.
                database.execute("INSERT INTO said (said) VALUES ('optimize')")

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Give the database within a transaction; where none can be kept on the disk, one in memory."""
        if self._memory is None and self._path is not None:
            try:
                database = _opened(self._path)
            except sqlite3.Error:
                self._path = None
            else:
                with closing(database), database:
                    yield database
                return
        if self._memory is None:
            self._memory = _prepared(sqlite3.connect(":memory:", check_same_thread=False))
        with self._memory:
            yield self._memory


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for _ in range(2):
        path.touch(mode=0o600)
        database = sqlite3.connect(path, timeout=_BUSY_S)
        try:
            return _prepared(database)
        except sqlite3.OperationalError:
            database.close()
            raise  # read-only, or no room: it is not damaged
        except sqlite3.DatabaseError:
            database.close()
            path.unlink(missing_ok=True)
    raise sqlite3.DatabaseError(f"{path} cannot be made anew")


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    """Return the database with its tables; it is derived, so it need not outlive a loss of power."""
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA secure_delete = ON")  # what is deleted is gone
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        database.executescript(
            f"BEGIN IMMEDIATE; DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS said; {_SCHEMA} COMMIT;"
        )
    return database


def _add(database: sqlite3.Connection, session_id: str, stamp: Stamp, said: Iterable[Said]) -> None:
    (last,) = database.execute("SELECT coalesce(max(last), 0) FROM files").fetchone()
    rows = [(_spaced(each.text), session_id, each.message_id, each.role) for each in said if each.text.strip()]
    numbered = ((last + number, *row) for number, row in enumerate(rows, 1))
    database.executemany(
        "INSERT INTO said (rowid, text, session_id, message_id, role) VALUES (?, ?, ?, ?, ?)", numbered
    )
    database.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", (session_id, *stamp, last + 1, last + len(rows)))


def _remove(database: sqlite3.Connection, session_id: str) -> None:
    found = database.execute("SELECT first, last FROM files WHERE session_id = ?", (session_id,)).fetchone()
    if found:
        database.execute("DELETE FROM said WHERE rowid BETWEEN ? AND ?", found)
        database.execute("DELETE FROM files WHERE session_id = ?", (session_id,))


def _spaced(text: str) -> str:
    whole = text.encode(errors="replace").decode()  # half of a character is in no database
    return _UNSPACED.sub(rf"{_SPACE}\1{_SPACE}", whole.translate(_OURS))


def _hit(session_id: str, message_id: str, role: str, marked: str) -> Hit:
    text, spans, begin = "", [], 0
    for piece in re.split(f"([{_BEGIN}{_END}])", " ".join(marked.replace(_SPACE, "").split())):
        match piece:
            case "\x01":
                begin = len(text)
            case "\x02":
                spans.append((begin, len(text)))
            case _:
                text += piece
    return Hit(session_id, message_id, role, text, tuple(spans))
