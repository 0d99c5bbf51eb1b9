"""What a list of sessions shows, remembered, so that a list need not read every session.

It is derived: an entry counts as long as its file is the one it was made of (inode, size, time), whoever wrote that; a
lost or damaged index is made again from the sessions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..messages import SessionInfo
from .atomic import Damaged, Tables, parsed
from .disk import Stamp, locked, stamp_of, write_aside

_VERSION = 2
_SUFFIX = ".json"

_Row = list[Any]  # the stamp's three numbers, then the fields of SessionInfo, as JSON has them


class Index:
    """The list of the sessions in a folder.

    Parameters
    ----------
    folder
        Where the sessions are.
    path
        Where the index is kept.
    describe
        Makes the entry of a session's tables and id; raises Damaged where it cannot.
    """

    def __init__(self, folder: Path, path: Path, describe: Callable[[Tables, str], SessionInfo]) -> None:
        self._folder = folder
        self._path = path
        self._describe = describe

    def refreshed(self) -> Listing:
        """Return all sessions in no order, having read those that are not as they were.

        Raises
        ------
        OSError
            If the folder cannot be read.
        """
        known = self._load()
        stamps = self.stamps()
        rows = {name: row for name, row in known.items() if stamps.get(name) == tuple(row[:3])}
        damaged, refused = [], []
        for name in stamps.keys() - rows.keys():
            session_id = name.removesuffix(_SUFFIX)
            try:
                info = self._describe(parsed((self._folder / name).read_bytes()), session_id)
                rows[name] = [*stamps[name], *_plain(info)]
            except Damaged:
                damaged.append(session_id)
            except FileNotFoundError:
                continue  # deleted since the folder was read
            except OSError as error:
                refused.append(f"{self._folder / name} ({error.strerror})")
        # What is known of a damaged session helps to mend it.
        last_known = {name: known[name] for name in (known.keys() & stamps.keys()) - rows.keys()}
        if (all_rows := rows | last_known) != known:
            self._save(all_rows)
        return Listing([_info(row) for row in rows.values()], sorted(damaged), refused)

    def remembered(self, session_id: str) -> SessionInfo | None:
        """Return the last known entry of a session, be its file lost or damaged."""
        row = self._load().get(session_id + _SUFFIX)
        return None if row is None else _info(row)

    def stamps(self) -> dict[str, Stamp]:
        """Return the stamp of each session's file, by its name; raises OSError if the folder cannot be read."""
        stamps = {}
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX) and entry.is_file():
                    with suppress(FileNotFoundError):
                        stamps[entry.name] = stamp_of(entry.stat())
        return stamps

    def _load(self) -> dict[str, _Row]:
        try:
            data = json.loads(self._path.read_bytes())
            is_ours = data["version"] == _VERSION and all(len(row) == _WIDTH for row in data["rows"].values())
            return dict(data["rows"]) if is_ours else {}
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return {}

    def _save(self, rows: dict[str, _Row]) -> None:
        # Only a convenience: a folder that cannot be written, or another process that saves just now, is no failure;
        # nor need it outlive a loss of power, so it is not brought to the disk.
        with suppress(OSError, StoreError), locked(self._path.with_suffix(".lock"), timeout_s=0):
            data = json.dumps({"version": _VERSION, "rows": rows}).encode()
            write_aside(self._path, [data], is_durable=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The sessions that could be read, the ids of those that are damaged, and which others could not be opened."""

    sessions: Sequence[SessionInfo]
    damaged: Sequence[str]
    refused: Sequence[str]


_WIDTH = 3 + len(fields(SessionInfo))


def _plain(info: SessionInfo) -> list[Any]:
    return [value.isoformat() if isinstance(value, datetime) else value for value in astuple(info)]


def _info(row: _Row) -> SessionInfo:
    session_id, title, model, place, user_id, created_at, updated_at, message_count, tags, state = row[3:]
    return SessionInfo(
        session_id,
        title,
        model,
        place,
        user_id,
        datetime.fromisoformat(created_at),
        datetime.fromisoformat(updated_at),
        message_count,
        tuple(tags),
        state,
    )
