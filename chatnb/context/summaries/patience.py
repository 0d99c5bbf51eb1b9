"""Call code that is not ours, and give up on it in time.

A `__repr__` or a property may sleep for ever or loop. A signal (SIGALRM) would stop it, but only on the main thread, not on
Windows, and it is the user's own or that of pytest-timeout. So the call runs on a daemon thread which is left behind when
its time is over, with an exception on its way to it: a loop of Python code dies of it at its next step, a sleep when
it wakes. What cannot be stopped by anything in the same process is one long step of C code that keeps the GIL, such as the
`repr` of a list of ten million numbers; so nothing here asks that of a container, and `is_heavy` finds those who would.
"""

from __future__ import annotations

import contextvars
import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_HEAVY = 100_000
_HEAVY_TYPES = (list, tuple, dict, set, frozenset, str, bytes, bytearray, deque)
_here = threading.local()


class Patience:
    """The time that code which is not ours may take, all of its calls together.

    Parameters
    ----------
    seconds
        In all. One call gets half of it at most, so that one that hangs does not hide all others.
    """

    def __init__(self, seconds: float) -> None:
        self._each_s = seconds / 2
        self._ends_at = time.monotonic() + seconds

    @property
    def is_long_over(self) -> bool:
        """Whether even what is known to end has to end; not sooner, as what it says shall not hang on the machine's load."""
        return time.monotonic() >= self._ends_at + 100 * self._each_s

    def call(self, function: Callable[[], T]) -> T:
        """Return what the function returns.

        Called by such a function itself, on its thread, this is a plain call: its caller's time is running.

        Raises
        ------
        TimeoutError
            If it took too long, or no time was left.
        Exception
            What the function raised; what is no Exception, such as a SystemExit, comes as a RuntimeError.
        """
        if getattr(_here, "is_worker", False):
            return function()
        seconds = min(self._each_s, self._ends_at - time.monotonic())
        if seconds <= 0:
            raise TimeoutError("No time is left.")
        call = _Call(function)
        call.start(contextvars.copy_context())
        return call.result(seconds)


def is_heavy(value: object) -> bool:
    """Whether the object holds so much itself that its `repr`, if it shows that, could not be stopped."""
    try:
        held = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return False
    return type(held) is dict and any(
        type(part) in _HEAVY_TYPES and len(part) > _HEAVY for part in tuple(held.values())[:_HEAVY]
    )


class _GivenUp(SystemExit):
    """Ends a thread; no Exception, so that `except Exception` lets it pass."""


class _Call(Generic[T]):
    """One call on a thread of its own."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._is_done = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, context: contextvars.Context) -> None:
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="chatnb-patience", daemon=True)
        self._thread.start()

    def result(self, seconds: float) -> T:
        if not self._is_done.wait(seconds):
            self._give_up()
        if self._error is not None:
            if isinstance(self._error, Exception):
                raise self._error
            raise RuntimeError(f"{type(self._error).__name__} was raised.")
        return self._results[0]

    def _give_up(self) -> None:
        with self._lock:
            if self._is_done.is_set():
                return
            if self._thread is not None and self._thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident), ctypes.py_object(_GivenUp)
                )
        raise TimeoutError("It took too long.")

    def _run(self) -> None:
        _here.is_worker = True
        try:
            try:
                self._results.append(self._function())
            except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever asked
                self._error = error
            # Only a thread that is still within these blocks is ever sent an exception.
            with self._lock:
                self._is_done.set()
        except _GivenUp:
            pass
