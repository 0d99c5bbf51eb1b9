"""Answers that are still being written, kept aside until their session gets them.

Each store that writes an answer of a session has two files here: `SESSION.WRITER.part` holds what was said by then, and
`SESSION.WRITER.live` is locked for as long as the answer lives. The system frees that lock when the process dies, however
it dies and on whichever machine; so a part whose lock is free was left behind, and one whose lock is held is another
kernel's answer and none of our business. Process ids would not do: they are used again, and mean nothing in another
container.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import SettingsError
from ..messages import Message
from ..wire import VERSION, message_from_json, to_json
from .disk import patiently, write_aside


@dataclass(frozen=True, slots=True)
class Left:
    """What a process that is no more left behind; no messages if it died before it had written any, or they are damaged."""

    part: Path
    messages: tuple[Message, ...]
    damage: str = ""


class Unfinished:
    """The folder of unfinished answers. Who calls it holds the session's lock, except for `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer = secrets.token_hex(4)
        self._held: dict[str, FileLock] = {}

    def keep(self, session_id: str, messages: Sequence[Message]) -> None:
        """Replace what is kept of this store's answer in the session."""
        part = self.folder / f"{session_id}.{self._writer}.part"
        if session_id not in self._held:
            # Any thread may end an answer that another one began.
            lock = FileLock(part.with_suffix(".live"), mode=0o600, thread_local=False)
            lock.acquire(timeout=0)
            self._held[session_id] = lock
        data = {"version": VERSION, "messages": [to_json(message) for message in messages]}
        write_aside(part, [json.dumps(data).encode("ascii")])

    def end(self, session_id: str) -> None:
        """Forget this store's answer in the session, which has it now."""
        lock = self._held.pop(session_id, None)
        if lock is None:
            return
        live = Path(lock.lock_file)
        # What stays behind does no harm: its messages are in the session.
        with suppress(OSError):
            live.with_suffix(".part").unlink(missing_ok=True)
        lock.release()  # before the file goes: Windows removes no open file
        with suppress(OSError):
            live.unlink(missing_ok=True)

    def has_others(self, session_id: str) -> bool:
        """Return whether another store, of a living process or a dead one, has files for the session."""
        return bool(self._others(session_id))

    def left_behind(self, session_id: str) -> list[Left]:
        """Return what processes that are no more left of the session, oldest first."""
        left = []
        for live in self._others(session_id):
            lock = FileLock(live, mode=0o600)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            lock.release()
            left.append(_left(live.with_suffix(".part")))
        return sorted(left, key=lambda one: [message.id for message in one.messages])

    def forget(self, left: Left) -> None:
        """Remove what was left behind; damaged, it gets another name instead."""
        if left.damage:
            patiently(os.replace, left.part, left.part.with_suffix(".part.damaged"))
        for suffix in (".part", ".part.new", ".live"):
            left.part.with_suffix(suffix).unlink(missing_ok=True)

    def remove(self, session_id: str) -> None:
        """Remove all that is kept of the session, whoever writes it."""
        self.end(session_id)
        for path in self.folder.glob(f"{session_id}.*"):
            with suppress(PermissionError):  # Windows: it is open; its writer removes it
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of all answers; what is not in its session by now counts as left behind."""
        while self._held:
            _, lock = self._held.popitem()
            lock.release()

    def _others(self, session_id: str) -> list[Path]:
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 - iterdir builds a Path for each
        except FileNotFoundError:
            return []
        own = f"{session_id}.{self._writer}.live"
        return [
            self.folder / name
            for name in names
            if name.startswith(f"{session_id}.") and name.endswith(".live") and name != own
        ]


def _left(part: Path) -> Left:
    try:
        data = json.loads(part.read_bytes())
        return Left(part, tuple(message_from_json(message) for message in data["messages"]))
    except FileNotFoundError:
        return Left(part, ())
    except (ValueError, TypeError, LookupError, RecursionError, SettingsError) as error:
        return Left(part, (), damage=str(error))
