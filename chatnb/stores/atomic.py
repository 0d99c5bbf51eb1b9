"""A TinyDB storage that neither a kill, a full disk nor a second process can break.

TinyDB's own JSONStorage rewrites its file in place: a kill in between leaves half a file, and two processes that read,
change and write lose each other's documents. Here a change is a transaction under a lock; the new content is written
beside the old, brought to the disk, and then takes its name, so that every reader finds the old or the new file, whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from tinydb.storages import Storage

from .disk import Stamp, locked, patiently, stamp_of, write_aside

Tables = dict[str, dict[str, dict[str, Any]]]
"""What a TinyDB file holds: table, document id, document."""


class Damaged(ValueError):  # noqa: N818 - named after what happened
    """A file does not hold what TinyDB writes."""


class AtomicStorage(Storage):
    """One JSON file, changed whole or not at all.

    Any thread and any number of processes may use a file, each process through one storage. What `read` returns is
    shared: a document of it is never changed in place outside a transaction.

    Parameters
    ----------
    path
        The file; it need not exist.
    lock_path
        What to lock while a transaction lasts. It is a file of its own because the session's file is another one
        after each change; files may share it, as long as no transaction begins within another.
    """

    def __init__(self, path: Path, lock_path: Path) -> None:
        super().__init__()
        self.path = path
        self._lock_path = lock_path
        self._guard = RLock()
        self._known: _Snapshot | None = None
        self._working: Tables | None = None
        self._in_transaction = False
        self._is_changed = False

    def read(self) -> Tables | None:
        """Return all tables, within a transaction with its changes; None where there is no file.

        Raises
        ------
        Damaged
            If the file does not hold what TinyDB writes.
        OSError
            If it cannot be read.
        """
        with self._guard:
            if not self._in_transaction:
                known = self._refreshed()
                return None if known is None else known.tables
            if self._working is None and not self._is_changed and (known := self._refreshed()) is not None:
                # TinyDB changes documents in place; other threads may still be reading the known ones.
                self._working = {
                    name: {doc_id: dict(document) for doc_id, document in documents.items()}
                    for name, documents in known.tables.items()
                }
            return self._working

    def write(self, data: Tables) -> None:
        """Make `data` the content of the file, when the transaction ends."""
        if not self._in_transaction:
            # TinyDB reads, then writes: unlocked, what another process wrote in between would be gone.
            msg = "AtomicStorage is only written within `with storage.transaction():`."
            raise RuntimeError(msg)
        self._working = data
        self._is_changed = True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everybody else out; at the end write once, if there was a change and no error.

        Raises
        ------
        StoreError
            If another process does not give the lock back.
        OSError
            If the file cannot be written; it is what it was before.
        """
        with self._guard, locked(self._lock_path):
            self._in_transaction = True
            try:
                yield
                if self._is_changed:
                    self._commit()
            finally:
                self._working = None
                self._in_transaction = self._is_changed = False

    def set_aside(self, suffix: str) -> Path:
        """Give the file another name, its own with `suffix`, and return that; within a transaction only."""
        aside = self.path.with_name(self.path.name + suffix)
        patiently(os.replace, self.path, aside)
        self._known = self._working = None
        return aside

    def _refreshed(self) -> _Snapshot | None:
        try:
            # Not stat: on NFS only opening asks the server whether the name is another file by now.
            file = patiently(self.path.open, "rb")
        except FileNotFoundError:
            self._known = None
            return None
        with file:
            stamp = stamp_of(os.fstat(file.fileno()))
            if self._known is None or self._known.stamp != stamp:
                self._known = _Snapshot(stamp, parsed(file.read()), {})
        return self._known

    def _commit(self) -> None:
        tables = self._working or {}
        known = self._known or _Snapshot((0, 0, 0), {}, {})
        encoded = {
            name: _encoded(documents, known.tables.get(name, {}), known.encoded.get(name, {}))
            for name, documents in tables.items()
        }
        write_aside(self.path, _pieces(encoded))
        self._known = _Snapshot(stamp_of(self.path.stat()), tables, encoded)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A file's content, and how each document of it reads in JSON, as far as that is known."""

    stamp: Stamp
    tables: Tables
    encoded: dict[str, dict[str, bytes]]


def parsed(data: bytes) -> Tables:
    """Return the tables that `data` holds; raises Damaged if that is not what TinyDB writes."""
    try:
        tables = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(str(error)) from error
    is_whole = isinstance(tables, dict) and all(
        isinstance(documents, dict)
        and all(doc_id.isdecimal() and isinstance(document, dict) for doc_id, document in documents.items())
        for documents in tables.values()
    )
    if not is_whole:
        msg = "it is JSON, but no TinyDB database"
        raise Damaged(msg)
    return dict(tables)


def _encoded(
    documents: Mapping[str, dict[str, Any]], known: Mapping[str, dict[str, Any]], encoded: Mapping[str, bytes]
) -> dict[str, bytes]:
    # Encoding all of a long session would take more time than writing it, and stop the kernel's other threads.
    return {
        doc_id: encoded[doc_id]
        if doc_id in encoded and known[doc_id] == document
        # ASCII, since plain TinyDB opens a file in the encoding of the locale.
        else f"{json.dumps(doc_id)}: {json.dumps(document)}".encode("ascii")
        for doc_id, document in documents.items()
    }


def _pieces(encoded: Mapping[str, Mapping[str, bytes]]) -> Iterator[bytes]:
    """Yield the file, one document in a line."""
    before = b"{"
    for name, lines in encoded.items():
        yield before + json.dumps(name).encode("ascii") + b": {\n"
        yield b",\n".join(lines.values())
        before = b"},\n"
    yield b"}}\n" if encoded else b"{}\n"
