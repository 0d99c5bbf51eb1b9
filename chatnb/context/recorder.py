"""What the cells of this kernel were and showed, kept as texts and pictures within a bound.

IPython keeps what was typed, printed and returned anyway, so that recording it costs next to nothing. What it does not
know is what a kernel displayed, and what a cell with `await` printed: the first comes from the hook of the publisher,
the second from the streams themselves, while such a cell runs. Of cells that ran before the extension was loaded there
is what IPython's history has.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from IPython.core.interactiveshell import InteractiveShell

from ..errors import ChatError, ChatInterrupted
from .cell import Cell
from .run import Run, Shown, id_of


class Recorder:
    """Keeps the executed cells of one shell; belongs to the thread that runs cells.

    No object of the user's is kept alive, and nothing that a cell shows is changed.

    Parameters
    ----------
    shell
        A kernel's or a terminal's.
    cells_limit
        How many cells are known, the newest.
    bytes_limit
        How much their outputs may take in memory, within a twentieth: the oldest cells are forgotten first, then the
        oldest outputs of the cell that runs.
    """

    def __init__(self, shell: InteractiveShell, cells_limit: int = 500, bytes_limit: int = 64_000_000) -> None:
        self._shell = shell
        self._is_kernel = hasattr(shell.display_pub, "register_hook")
        self._cells_limit, self._bytes_limit = cells_limit, bytes_limit
        self._runs: dict[int, Run] = {}
        self._displays: dict[str, WeakSet[Shown]] = {}
        self._unchecked_bytes = 0
        self._open: Run | None = None
        self._depth = 0
        self._next_number: int | None = None
        self._last_failure: BaseException | None = None
        self._undo: list[Callable[[], object]] = []

    def install(self) -> None:
        """Begin with the next cell."""
        if self._undo:
            return
        if self._shell.displayhook.exec_result is None:  # no cell runs
            self._next_number = self._shell.execution_count
        events = self._shell.events
        events.register("pre_run_cell", self._begin)
        events.register("post_run_cell", self._end)
        self._undo = [
            lambda: events.unregister("pre_run_cell", self._begin),
            lambda: events.unregister("post_run_cell", self._end),
        ]
        if self._is_kernel:
            publisher: Any = self._shell.display_pub
            publisher.register_hook(self._take_display)  # of this thread: what others display is not seen
            self._undo.append(lambda: publisher.unregister_hook(self._take_display))

    def uninstall(self) -> None:
        """Stop, and forget what was recorded."""
        while self._undo:
            self._undo.pop()()
        if self._open is not None:
            self._open.close()
        self._open, self._depth, self._next_number, self._last_failure = None, 0, None, None
        self._runs.clear()
        self._displays.clear()

    @property
    def asking_id(self) -> str:
        """The id of the cell that runs now; empty where there is none, or it is not known."""
        if self._open is not None:
            return self._open.id
        if not hasattr(self._shell, "get_parent"):
            return ""
        return id_of(self._shell.get_parent().get("metadata", {}).get("cellId"))

    @property
    def size_bytes(self) -> int:
        """About what the recorded cells take in memory."""
        return sum(run.size_bytes for run in self._runs.values())

    def cells(self) -> tuple[Cell, ...]:
        """Return the cells that were executed, oldest first, without the one that runs now.

        One that ran several times is there with each of its runs.
        """
        typed = getattr(self._shell.history_manager, "input_hist_raw", [""])
        # Until the first cell has ended that was recorded, the one that asks is the last that was typed.
        end = len(typed) - 1 if self._next_number is None else self._next_number
        numbers = range(max(1, end - self._cells_limit), end)
        return tuple(self._cell(number, typed) for number in numbers if number in self._runs or number < len(typed))

    def _cell(self, number: int, typed: Sequence[str]) -> Cell:
        if number in self._runs:
            return self._runs[number].cell()
        run = Run(self._shell, number, typed[number])
        run.read()
        if number in getattr(self._shell.history_manager, "exceptions", {}):
            run.fail(None)
        return run.cell(is_whole=not self._is_kernel)

    def _begin(self, info: Any) -> None:
        if self._open is not None:
            self._depth += 1  # run_cell within a cell: what it shows, the cell shows
        elif info.store_history:
            # Between two cells the counter has the number of the next one, whenever IPython counts it up.
            number = self._shell.execution_count if self._next_number is None else self._next_number
            self._runs.pop(number, None)  # where %reset began to count anew
            self._open = self._runs[number] = Run(self._shell, number, info.raw_cell, id_of(info.cell_id))
            self._open.begin()
            self._last_failure = getattr(sys, "last_value", None)

    def _end(self, result: Any) -> None:
        if result is not None and (not result.info.raw_cell or result.info.raw_cell.isspace()):
            return  # IPython says that it has ended, but not that it began
        if self._depth:
            self._depth -= 1
            return
        if self._open is not None:
            self._open.read()
            error = None if result is None else result.error_before_exec or result.error_in_exec
            if isinstance(error, BaseException):
                self._open.fail(error)
            if isinstance(error, ChatError | ChatInterrupted):
                self._restore_last_failure()
            self._open.close()
            self._open = self._last_failure = None
            self._shrink()
        self._next_number = self._shell.execution_count

    def _restore_last_failure(self) -> None:
        """Let `%debug` and the next question find what failed before, rather than our own refusal."""
        if (error := self._last_failure) is not None:
            sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
            if sys.version_info >= (3, 12):
                sys.last_exc = error

    def _take_display(self, message: dict[str, Any]) -> dict[str, Any]:
        """Note a display, its update, or that the output is cleared; a hook of ipykernel's publisher."""
        content = message["content"]
        name = content.get("transient", {}).get("display_id")
        match message["header"]["msg_type"]:
            case "display_data" if self._open is not None:
                shown = self._open.display(content["data"])
                self._check(shown.size_bytes)
                if name:
                    self._displays.setdefault(name, WeakSet()).add(shown)
            case "update_display_data":
                for shown in self._displays.get(name, ()):
                    shown.update(content["data"])
                    self._check(shown.size_bytes)
            case "clear_output" if self._open is not None:
                self._open.clear(waits=content["wait"])
        return message

    def _check(self, new_bytes: int) -> None:
        self._unchecked_bytes += new_bytes
        if self._unchecked_bytes > self._bytes_limit // 20:
            self._shrink()

    def _shrink(self) -> None:
        """Forget the oldest until the rest is within the bounds."""
        self._unchecked_bytes = 0
        over = self.size_bytes - self._bytes_limit
        while len(self._runs) > 1 and (over > 0 or len(self._runs) > self._cells_limit):
            oldest = self._runs.pop(next(iter(self._runs)))
            over -= oldest.size_bytes
        if over > 0:
            next(iter(self._runs.values())).forget(over)
        self._displays = {name: shown for name, shown in self._displays.items() if shown}
