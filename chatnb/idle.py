"""The thread that runs cells, while it runs none: where a panel's turn reads variables and runs its tools.

A kernel has one event loop on its main thread, which stands still while a cell runs. What is handed to it is done when the
cell has ended; a cell that waits at an `await` has not. Nothing is ever done in a widget's handler: with subshells that is
another thread, and whatever fails there vanishes.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any, TypeVar

from IPython.core.interactiveshell import InteractiveShell

T = TypeVar("T")


class IdleThread:
    """Calls functions on the kernel thread when no cell runs.

    Parameters
    ----------
    loop
        The kernel thread's own, which the kernel runs.
    """

    def __init__(self, shell: InteractiveShell, loop: asyncio.AbstractEventLoop) -> None:
        self._shell, self._loop = shell, loop
        self._depth = 0  # of cells in cells
        self._is_working = False
        self._left: list[Callable[[], object]] = []  # for when the cell has ended that is at an `await` now
        shell.events.register("pre_execute", self._begin)
        shell.events.register("post_execute", self._end)

    def call_soon(self, function: Callable[[], object]) -> None:
        """Call a function on the kernel thread once no cell runs; from any thread."""
        with suppress(RuntimeError):  # the kernel ends
            self._loop.call_soon_threadsafe(self._call, function)

    def interrupt(self) -> None:
        """Interrupt what runs between cells, as the kernel's stop button does; from any thread."""
        if self._is_working:
            os.kill(os.getpid(), signal.SIGINT)  # by the system, so that it also ends a sleep

    def close(self) -> None:
        """Leave the shell alone."""
        self._shell.events.unregister("pre_execute", self._begin)
        self._shell.events.unregister("post_execute", self._end)

    def _call(self, function: Callable[[], object]) -> None:
        if self._depth:
            self._left.append(function)
            return
        # Between cells a kernel ignores interrupts; whoever presses stop now means this.
        previous = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with suppress(KeyboardInterrupt):
                self._is_working = True
                function()
        finally:
            self._is_working = False
            signal.signal(signal.SIGINT, previous)

    def _begin(self) -> None:
        self._depth += 1

    def _end(self) -> None:
        self._depth = max(self._depth - 1, 0)  # the first cell had begun before this was there
        if not self._depth:
            left, self._left = self._left, []
            for function in left:
                self.call_soon(function)


def quietly(function: Callable[[], T], shell: Any) -> tuple[T, str]:
    """Call a function of the kernel thread; return its result and what it printed, which no cell is to show.

    Between cells the kernel would put it under the one that ran last. Nothing is put in the publisher's place, as
    `%%capture` does: a kernel with subshells that reads a message meanwhile would lose it.
    """
    displays = 0

    def swallow(_: object) -> None:
        nonlocal displays
        displays += 1

    printed = io.StringIO()
    publisher = shell.display_pub
    publisher.register_hook(swallow)  # of this thread alone
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            result = function()
    finally:
        publisher.unregister_hook(swallow)
    shown = f"[it also displayed {displays} {'thing' if displays == 1 else 'things'}]" if displays else ""
    return result, "\n".join(filter(None, (printed.getvalue().strip(), shown)))
