"""Try code out in a fork of the process: what it would do to the variables, what it shows, what it would write.

The fork has copies of all variables, so those of the notebook stay as they are. It is kept from writing files, from the
network and from other programs (child.py says how), and what it tried is told; most code stops there.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .child import Limits, live_and_die

TIME_LIMIT_S = 30.0
MEMORY_LIMIT_BYTES = 2_000_000_000
"""What code may take on top of what the process has already."""

_FILES = 20_000
_POLL_S = 0.1
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of a variable; `before` and `after` say in a line what it is, empty where it is not there."""

    name: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        """Return it in one line."""
        if not self.before:
            return f"{self.name} is added: {self.after}"
        if not self.after:
            return f"{self.name} is deleted: {self.before}"
        if self.before == self.after:
            return f"{self.name} changes within: {self.after}"
        return f"{self.name} changes: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Trial:
    """What some code would do.

    Attributes
    ----------
    variables
        Those that would be added, changed or deleted.
    text
        What it showed, with the traceback of its error.
    is_error
        Whether it ended with an error, or did not end.
    refused
        What it tried and was kept from, such as "write a.csv".
    written
        Files below the folder that became others meanwhile, by whomever.
    notes
        What could not be seen, in whole sentences.
    """

    variables: tuple[Change, ...] = ()
    text: str = ""
    is_error: bool = False
    refused: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as the user reads it."""
        lines = [str(change) for change in self.variables]
        lines += [f"it would {tried} (kept from it; what comes after may be missing here)" for tried in self.refused]
        lines += [f"{name} was written meanwhile" for name in self.written]
        return "\n".join([*(lines or ["no variable would change"]), *self.notes, *filter(None, [self.text])])


def try_run(
    code: str,
    shell: Any,
    folder: Path,
    time_limit_s: float = TIME_LIMIT_S,
    memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
) -> Trial:
    """Run code in a fork of this process and return what it would do.

    To be called on the thread that runs cells, while it runs nothing else. It is no prison for code that wants out: where
    Linux does not help (before 5.13, and on other systems), a library in C may write a file, which `written` tells
    then if it lies below the folder; and memory that is shared with other processes, such as a file mapped for
    writing, stays shared. Graphics cards do not work in a fork.

    Raises
    ------
    SettingsError
        If this system has no fork.
    KeyboardInterrupt
        At an interrupt; the fork is gone then.
    """
    if not hasattr(os, "fork"):
        raise SettingsError(
            "Code is tried out in a fork of the process, which Windows does not have. Run it without --trial, "
            "and take it back with `%chat undo --run`."
        )
    before = dict(islice(_files(folder), _FILES))
    reader, writer = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or both processes would
    process, received, status = 0, None, 0
    try:
        with warnings.catch_warnings(), _interrupts_held():
            # From 3.12 on: other threads may hold locks that nobody in the fork ever gives back. The time limit ends that.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
            if process == 0:
                live_and_die(code, shell, writer, Limits(time_limit_s, memory_limit_bytes))
            os.close(writer)
        received = _received(reader, time.monotonic() + time_limit_s)
    finally:
        with _interrupts_held():  # a second one must not leave the fork behind either
            os.close(reader)
            if process:
                status = _ended(process, grace_s=0 if received is None else _GRACE_S)
    after = dict(islice(_files(folder), _FILES))
    written = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    notes = () if len(after) < _FILES else (f"Of the folder's files only {_FILES:,} were compared.",)
    if not received:
        reason = f"It had not ended after {time_limit_s:g} s." if received is None else _died(status)
        return Trial((), reason, is_error=True, written=tuple(written), notes=notes)
    report = json.loads(received)
    return Trial(
        tuple(Change(*each) for each in report["variables"]),
        report["text"],
        report["is_error"],
        tuple(report["refused"]),
        tuple(written),
        (*notes, *report["notes"]),
    )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let an interrupt wait: what is raised in a function that Python calls around a fork is lost."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if held:
            signal.raise_signal(signal.SIGINT)


def _received(reader: int, end_at: float) -> bytes | None:
    """Return what the fork reports, nothing if it ends without; None if it is late."""
    pieces: list[bytes] = []
    while (left_s := end_at - time.monotonic()) > 0:
        if select.select([reader], [], [], min(left_s, _POLL_S))[0]:
            piece = os.read(reader, 65_536)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
    return None


def _ended(process: int, grace_s: float) -> int:
    """End the fork and all that it started, if it does not by itself; return its status."""
    end_at = time.monotonic() + grace_s
    while time.monotonic() < end_at:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return status
        time.sleep(_POLL_S / 100)
    for kill in (os.kill, os.killpg):  # it may not have made its group yet
        with suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)
    return os.waitpid(process, 0)[1]


def _died(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    why = f"by the signal {signal.Signals(-code).name}" if code < 0 else f"with the code {code}"
    return f"The process in which it was tried ended {why}. Run for real, it might end the kernel."


def _files(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each file below a folder with its size and its time."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            with suppress(OSError):
                status = path.lstat()
                yield path.relative_to(folder).as_posix(), (status.st_size, status.st_mtime_ns)
