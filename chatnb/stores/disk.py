"""What the stores ask of a file system: to replace a file whole, to lock, and to say what is wrong.

On NFS the lock is the server's (Linux makes flock a byte-range lock there), renaming is atomic, and an opened file is
looked up at the server anew, so processes on several machines may share a folder. Where a server has no locks, filelock
falls back to a lock by existence or refuses, depending on its version; the first outlives a killed process, and the
error after the wait names the file to remove. On macOS "brought to the disk" means handed to the drive, which is what
SQLite's default means too.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import StoreError

LOCK_S = 30.0
"""How long to wait for a lock that another process holds; it should need milliseconds."""

ELSEWHERE = 'Sessions are kept elsewhere with %config ChatConfig.home = "..." or the environment\'s CHATNB_HOME.'
"""How another place is chosen."""

Stamp = tuple[int, int, int]
"""What changes whenever a file does: inode, size, time in nanoseconds."""


def stamp_of(stat: os.stat_result) -> Stamp:
    """Return the stamp of a file."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def write_aside(path: Path, pieces: Iterable[bytes], *, is_durable: bool = True, mode: int = 0o600) -> None:
    """Replace the file by `pieces`: at any moment there is the old content or the new. One writer at a time.

    Parameters
    ----------
    is_durable
        Whether it has to outlive a loss of power, too; what can be made anew need not wait for the disk.
    mode
        The rights of the file, less those that the process does not give away; by default it is its user's alone.

    Raises
    ------
    OSError
        If it could not be done; the old content is there still.
    """
    new = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a Path cannot open with a mode for new files
            file.writelines(pieces)
            file.flush()
            # Inodes are used again, and before Linux 6.13 a file's clock ticks only every few milliseconds: two changes
            # within a tick would look like none.
            written_at = time.time_ns()
            os.utime(new, ns=(written_at, written_at))
            if is_durable:
                os.fsync(file.fileno())
        patiently(os.replace, new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    if is_durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk, where the system can (Windows does so by itself)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private(folder: Path) -> None:
    """Create a folder, and those above it that are missing, for its user alone."""
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def patiently(call: Callable[..., Any], *args: Any) -> Any:
    """Return what `call` does; on Windows, where a file that somebody has open is refused, try for two seconds."""
    give_up_at = time.monotonic() + (2.0 if os.name == "nt" else 0.0)
    while True:
        try:
            return call(*args)
        except PermissionError:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(0.01)


@contextmanager
def locked(path: Path, timeout_s: float = LOCK_S) -> Iterator[None]:
    """Hold the lock of a file, against other threads and other processes; the system frees it when its holder dies.

    Raises
    ------
    StoreError
        If somebody else holds it for all of `timeout_s`.
    """
    lock = FileLock(path, mode=0o600)
    try:
        # Locks are held for a millisecond or two; the default of 50 ms would be nearly all waiting.
        lock.acquire(timeout=timeout_s, poll_interval=0.005)
    except Timeout as error:
        msg = (
            f"{path} has been locked by another process for {timeout_s:.0f} s, so nothing was saved. "
            "Find the process that hangs (`lsof` on that file names it) and stop it; if there is none, remove the file."
        )
        raise StoreError(msg) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def explained(path: Path, what: str = "chat session", elsewhere: str = ELSEWHERE) -> Iterator[None]:
    """Turn an error of the system into a StoreError that names the file and the way out.

    Parameters
    ----------
    what
        Is kept there.
    elsewhere
        Says how another place is chosen.
    """
    try:
        yield
    except NotImplementedError as error:
        msg = f"The file system of {path} has no locks, so the {what} could be lost there. {elsewhere}"
        raise StoreError(msg) from error
    except OSError as error:
        where, way_out = error.filename or path, f"{_way_out(error)} {elsewhere}"
        raise StoreError(f"{_reason(error, what)}: {where} ({error.strerror or error}). {way_out}") from error


_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def _reason(error: OSError, what: str) -> str:
    if error.errno in _FULL:
        return f"There is no room left to save the {what}"
    if error.errno in _REFUSED:
        return f"The {what} may not be read or written here"
    return f"The {what} could not be read or written"


def _way_out(error: OSError) -> str:
    kept = "What was saved before is still whole."
    if error.errno in _FULL:
        return f"{kept} Free some space and ask again."
    if error.errno in _REFUSED:
        return f"{kept} Make the folder writable for you, or choose another."
    return kept
