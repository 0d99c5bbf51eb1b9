"""Run code in the user's shell, as a cell runs, and note what it shows.

The user sees all of it in the cell that waits. That cell stays what it is: the code gets no number, does not appear
in the history, and leaves `_` and `Out` alone.
"""

from __future__ import annotations

import asyncio
import sys
import tokenize
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from IPython.core.async_helpers import get_asyncio_loop

from ..context.cell import Cell, Output, clipped, readable

_KEPT_CHARACTERS = 100_000  # of one output; Cell makes the whole shorter still
_KEPT_OUTPUTS = 1_000
_MANY = 1_000
_GRACE_S = 0.1  # what is cancelled has to tidy up in that time


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of some code.

    Attributes
    ----------
    text
        What it showed, as a model reads it, with the traceback of its error.
    error
        What ended it.
    pictures
        The MIME type of each picture that it showed, and its bytes or their base64.
    """

    text: str
    error: BaseException | None = None
    pictures: tuple[tuple[str, str | bytes], ...] = ()


def run_code(shell: Any, code: str) -> Ran:
    """Run code as a cell of the user's, with magics and `await`, and return what it showed.

    To be called on the thread that runs cells. An interrupt ends the code as it ends a cell, and is its error.
    """
    screen = _Screen(shell, code)
    with screen.watched():
        result = _ran_as_in_a_cell(shell, code)
    shown = screen.shown()
    return Ran(shown.outputs_as_text(), result.error_before_exec or result.error_in_exec, shown.pictures())


class _Screen:
    """Notes what is shown while it is watched, and lets it pass."""

    def __init__(self, shell: Any, code: str) -> None:
        self._shell, self._code = shell, code
        self._outputs: list[dict[str, Any]] = []
        self._displays: dict[str, dict[str, Any]] = {}
        self._pieces: list[str] = []  # printed to the last output, and not yet in its text
        self._is_publishing = self._clears_at_next = False

    def shown(self) -> Cell:
        self._join()
        outputs: tuple[Output, ...] = tuple(self._outputs)
        return Cell(self._code, number=self._shell.execution_count, outputs=outputs)

    @contextmanager
    def watched(self) -> Iterator[None]:
        shell = self._shell
        result = shell.displayhook.exec_result  # of the cell that waits; the code's own run forgets it
        with ExitStack() as undo, shell.display_trap:
            undo.callback(setattr, sys, "displayhook", sys.displayhook)
            sys.displayhook = self._show_result
            for name in ("stdout", "stderr"):
                _replace(undo, getattr(sys, name), "write", partial(self._write, name, getattr(sys, name).write))
            _replace(undo, shell.display_pub, "publish", partial(self._publish, shell.display_pub.publish))
            # Passed on, it would take the answer off the screen.
            _replace(undo, shell.display_pub, "clear_output", self._clear)
            _replace(undo, shell, "showtraceback", partial(self._show_failure, shell.showtraceback))
            _replace(undo, shell, "_showtraceback", partial(self._show_error, shell._showtraceback))  # noqa: SLF001 - IPython's own place for it
            yield
        shell.displayhook.exec_result = result

    def _write(self, stream: str, write: Callable[[str], object], text: str) -> object:
        if text and not self._is_publishing:
            last = self._outputs[-1] if self._outputs and not self._clears_at_next else {}
            if last.get("name") != stream:
                self._add({"output_type": "stream", "name": stream, "text": ""})
            self._pieces.append(text[:_KEPT_CHARACTERS])
            if len(self._pieces) > _MANY:
                self._join()
        return write(text)

    def _publish(
        self, publish: Callable[..., object], data: Mapping[str, Any], *args: Any, update: bool = False, **kwargs: Any
    ) -> None:
        name = str((kwargs.get("transient") or {}).get("display_id", ""))
        output = {"output_type": "display_data", "data": readable(data)}
        if not update:
            self._add(output)
            self._displays[name] = output
        elif name in self._displays:
            self._displays[name].update(output)
        self._is_publishing = True  # a terminal prints what it publishes
        try:
            publish(data, *args, update=update, **kwargs)
        finally:
            self._is_publishing = False

    def _clear(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - as IPython calls it
        self._clears_at_next = wait
        if not wait:
            self._pieces.clear()
            self._outputs.clear()

    def _show_result(self, value: object) -> None:
        if value is None or self._is_quiet():
            return
        data, metadata = self._shell.display_formatter.format(value)
        if data:
            self._shell.display_pub.publish(data=data, metadata=metadata)

    def _show_failure(self, show: Callable[..., object], raised: Any = None, *args: Any, **kwargs: Any) -> None:
        """Show an error as IPython does, but no traceback of an interrupt: the cell would wait for it.

        IPython takes up to half a second to write one that leads through a large module, such as asyncio's, and whoever
        interrupts sees that the cell ends.
        """
        error = raised[1] if raised else sys.exception()
        if type(error) is KeyboardInterrupt:
            name, line = type(error).__name__, "".join(traceback.format_exception_only(error)).rstrip()
            self._add({"output_type": "error", "ename": name, "evalue": str(error), "traceback": [line]})
        else:
            show(raised, *args, **kwargs)

    def _show_error(
        self, show: Callable[..., object], kind: type[BaseException], error: BaseException, lines: list[str]
    ) -> None:
        self._add({"output_type": "error", "ename": kind.__name__, "evalue": str(error), "traceback": lines})
        self._is_publishing = True
        try:
            show(kind, error, lines)
        finally:
            self._is_publishing = False

    def _join(self) -> None:
        if self._pieces and self._outputs:
            last = self._outputs[-1]
            last["text"] = clipped(last["text"] + "".join(self._pieces), _KEPT_CHARACTERS)
        self._pieces.clear()

    def _add(self, output: dict[str, Any]) -> None:
        self._join()
        if self._clears_at_next:
            self._outputs.clear()
            self._clears_at_next = False
        self._outputs.append(output)
        del self._outputs[:-_KEPT_OUTPUTS]

    def _is_quiet(self) -> bool:
        with suppress(tokenize.TokenError, SyntaxError):
            return bool(self._shell.displayhook.semicolon_at_end_of_expression(self._code))
        return False


def _replace(undo: ExitStack, owner: object, name: str, value: object) -> None:
    """Replace a method of an object for a while."""
    if name in vars(owner):
        undo.callback(setattr, owner, name, vars(owner)[name])
    else:
        undo.callback(delattr, owner, name)
    setattr(owner, name, value)


def _ran_as_in_a_cell(shell: Any, code: str) -> Any:
    """Let IPython run code, one with `await` on a loop of its own: the kernel's stands still while a cell waits.

    So nothing can be awaited that belongs to the kernel's loop; what the code makes itself can.
    """
    is_awaiting = False
    with suppress(Exception):  # what cannot be read, IPython shows
        is_awaiting = shell.should_run_async(code, transformed_cell=shell.transform_cell(code))
    if not is_awaiting:
        return shell.run_cell(code, store_history=False)
    running = asyncio._get_running_loop()  # noqa: SLF001 - public by asyncio's __all__, "for event loops"
    asyncio._set_running_loop(None)  # noqa: SLF001
    try:
        loop: asyncio.AbstractEventLoop = get_asyncio_loop()  # type: ignore[no-untyped-call]
        before = asyncio.all_tasks(loop)
        result = shell.run_cell(code, store_history=False)
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            _cancel(shell, loop, asyncio.all_tasks(loop) - before)
    finally:
        asyncio._set_running_loop(running)  # noqa: SLF001
    return result


def _cancel(shell: Any, loop: asyncio.AbstractEventLoop, tasks: Collection[asyncio.Task[Any]]) -> None:
    """End what an interrupt has left on the loop: the next code that awaits would go on with it."""
    for task in tasks:
        task.cancel()
    if tasks:
        with ExitStack() as undo:
            _replace(undo, shell, "showtraceback", lambda *_, **__: None)  # that it was cancelled is no error
            loop.run_until_complete(asyncio.wait(tasks, timeout=_GRACE_S))
