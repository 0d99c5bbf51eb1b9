r"""The answers to many prompts, in a file to which they are only ever added.

One line of JSON for each answer, written in one piece as soon as it is there and brought to the disk soon after. So
whoever is killed finds every line but the one that was being written, perhaps, and that is told by its missing end.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from ..errors import StoreError
from ..stores.disk import explained, make_private

_HEAD = b'{"key'
"""How each line begins."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one prompt.

    Attributes
    ----------
    key
        Names the prompt and all that shapes its answer (many.py).
    error, kind
        What went wrong, and the class of errors.py; empty where all went well.
    text
        The answer as the model gave it, also where it does not fit its schema.
    """

    key: str
    text: str = ""
    error: str = ""
    kind: str = ""
    model: str = ""
    host: str = ""
    prompt_tokens: int = 0
    reply_tokens: int = 0
    duration_s: float = 0.0


class Checkpoint:
    """A file of answers, and what it held when it was opened.

    Parameters
    ----------
    path
        Created with its folder where it is missing; None keeps nothing but in memory.
    is_shared
        Whether other processes add to it meanwhile, each with prompts of its own; else it is locked against them.

    Raises
    ------
    StoreError
        If it cannot be read or written, or another process works with it.
    """

    def __init__(self, path: Path | None, *, is_shared: bool = False) -> None:
        self._path, self._is_shared = path, is_shared
        self._known: dict[str, Kept] = {}
        self._descriptor: int | None = None
        self._lock: FileLock | None = None
        self._is_synced = True

    def __enter__(self) -> Self:
        try:
            if self._path is not None:
                with _explained(self._path):
                    self._open(self._path)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._sync()
        finally:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._lock is not None:
            self._lock.release()

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._known.values())

    def get(self, key: str) -> Kept | None:
        """Return what became of a prompt; the newest where there are several; None if nothing is known."""
        return self._known.get(key)

    def put(self, kept: Kept) -> None:
        """Add what became of a prompt.

        When this returns, the line outlives the process; `sync` makes it outlive the machine.
        """
        self._known[kept.key] = kept
        if self._descriptor is not None and self._path is not None:
            said = {name: value for name, value in asdict(kept).items() if value}
            with _explained(self._path):
                # In one piece, so that lines of several processes do not mix.
                _write(self._descriptor, json.dumps(said, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            self._is_synced = False

    async def sync(self) -> None:
        """Bring all that was added to the disk; many lines at once where they come faster than that."""
        while not self._is_synced:
            await asyncio.to_thread(self._sync)

    def _sync(self) -> None:
        if self._descriptor is not None and self._path is not None and not self._is_synced:
            self._is_synced = True
            with _explained(self._path):
                os.fsync(self._descriptor)

    def _open(self, path: Path) -> None:
        make_private(path.parent)
        if not self._is_shared:
            self._lock = FileLock(path.with_name(path.name + ".lock"), mode=0o600)
            with _told(path):
                self._lock.acquire(timeout=0)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)
        data = path.read_bytes()
        self._known = {kept.key: kept for kept in _read(data)}
        if data and not self._known and not data.startswith(_HEAD):
            raise StoreError(f"{path} is no file of answers, and is left as it is. Name another one for the answers.")
        if data and not data.endswith(b"\n"):  # whoever wrote it was killed
            _write(self._descriptor, b"\n")


def _explained(path: Path) -> AbstractContextManager[None]:
    return explained(path, "answer", "Another file is chosen with --answers FILE, in Python answers=FILE.")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise StoreError(
            f"Another process asks these rows already: it works with {path}.\nWait for it, or stop it, or name another file."
        ) from error


def _read(data: bytes) -> Iterator[Kept]:
    names = {field.name for field in fields(Kept)}
    for line in data.split(b"\n"):
        # One that was cut by a kill is no JSON; a later version may say more than this one knows.
        with suppress(ValueError, TypeError):
            said = json.loads(line)
            if isinstance(said, dict):
                yield Kept(**{name: value for name, value in said.items() if name in names})


def _write(descriptor: int, data: bytes) -> None:
    if os.write(descriptor, data) < len(data):  # as much as there was room for
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
