"""The notebook as the page shows it that runs the cell: what stands in its cells now, and changes to them.

A kernel knows what ran, and a file what was saved; only the page knows the rest. It is asked by static/bridge.js, which the
labextension brings to all notebooks and a panel to its own. Which of the two is there, or neither, makes no difference
here: who does not answer within a bound is not there, and is not waited for again until it gives a sign of life.

A question is a message of our own on IOPub. The answer comes over the control channel, as a custom request of the debug
protocol (https://microsoft.github.io/debug-adapter-protocol/specification), which ipykernel hears on a thread of its own
while the main thread runs the cell that waits. A comm would not do: ipykernel 6 reads comms when the cell has ended, and
from 7.1 on the first message of a comm comes so late, too.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Literal

from IPython.core.interactiveshell import InteractiveShell

from .context.cell import Cell
from .context.notebook import cells_of
from .context.standing import Told

WAITS_S = 0.3
"""How long a question that is asked of a model waits for the page."""

PUTS_S = 3.0
"""How long a change is waited for: whoever is there, and slow, may still make it."""

NewCell = tuple[Literal["code", "markdown"], str]
"""The kind of a cell and its source."""


class Bridge:
    """Asks the page of a kernel's notebook; used on the thread that runs cells.

    Parameters
    ----------
    shell
        A kernel's; with any other one there is no page.
    asking
        Returns the id of the cell that runs; empty where it is not known.
    is_attended
        Whether somebody is there who has a page.
    """

    def __init__(self, shell: InteractiveShell, asking: Callable[[], str], is_attended: Callable[[], bool]) -> None:
        self._shell, self._asking, self._is_attended = shell, asking, is_attended
        self._kernel: Any = getattr(shell, "kernel", None)
        self._waiting: dict[str, Future[Any]] = {}
        self._is_there: bool | None = None  # None: nobody has been asked yet
        self._handlers: dict[str, Any] = getattr(self._kernel, "control_handlers", {})
        self._debug: Any = self._handlers.get("debug_request")
        if self._debug is not None:
            self._handlers["debug_request"] = self._hear

    def close(self) -> None:
        """Leave the kernel as it was."""
        if self._debug is not None:
            self._handlers["debug_request"] = self._debug

    def read(self) -> Told:
        """Return the notebook's cells, without outputs."""
        was_there = self._is_there
        answer = self._ask(self._patience_s)
        if answer is None:
            return None, f"The notebook's page did not answer within {WAITS_S} s." if was_there else ""
        if answer.get("cells") is None:
            return None, "The notebook is too large to be read before it is saved."
        return cells_of({"nbformat": 4, "cells": answer["cells"]}), ""

    def put(self, cells: Sequence[NewCell]) -> bool:
        """Put cells below the one that runs, all in one step of the notebook's undo; return whether that was done."""
        # Nothing first: to find out that nobody is there by cells that may be made later would make them twice.
        if not self._asking() or self._ask(self._patience_s, put=[]) is None:
            return False
        made = [{"cell_type": kind, "source": source, "metadata": {}} for kind, source in cells]
        return self._ask(PUTS_S, put=made) is not None

    def change(self, cell: Cell, source: str) -> bool:
        """Give a cell another source, in one step of the notebook's undo; return whether it still was what it was."""
        change = {"id": cell.id, "before": cell.source, "after": source}
        answer = self._ask(PUTS_S, change=change)
        return answer is not None and answer.get("is_changed") is True

    @property
    def _patience_s(self) -> float:
        """How long an answer is waited for; whoever was not there is asked all the same, and counts the next time."""
        return 0 if self._is_there is False else WAITS_S

    def _ask(self, patience_s: float, **what: Any) -> Mapping[str, Any] | None:
        """Ask the page, and return its answer if it comes in time."""
        if self._debug is None or not self._is_attended():
            return None
        parent = self._shell.get_parent()  # type: ignore[attr-defined]  # a kernel's shell
        is_in_cell = self._shell.displayhook.exec_result is not None
        name, answered = secrets.token_hex(8), Future[Any]()
        question = {
            "v": 1,
            "id": name,
            "cell": self._asking() if is_in_cell else "",
            "client": parent.get("header", {}).get("session", "") if is_in_cell else "",
            **what,
        }
        self._waiting[name] = answered
        self._is_there = False  # until it answers
        try:
            self._kernel.session.send(
                self._kernel.iopub_socket, "chatnb_ask", question, parent=parent, ident=b"chatnb_ask"
            )
            answer: Mapping[str, Any] = answered.result(timeout=patience_s)
        except TimeoutError:
            return None
        else:
            return answer
        finally:
            del self._waiting[name]

    async def _hear(self, stream: Any, ident: Any, parent: Any) -> None:
        """Take an answer, however late, and leave everything else to the debugger; on the thread of the control channel."""
        content = parent["content"]
        if content.get("command") != "chatnb":
            result = self._debug(stream, ident, parent)
            if inspect.isawaitable(result):
                await result
            return
        answer = content.get("arguments", {})
        self._is_there = True
        if (waiting := self._waiting.get(answer.get("id"))) is not None and not waiting.done():
            waiting.set_result(answer)
        self._kernel.session.send(stream, "debug_reply", {"type": "response", "success": True}, parent, ident)
