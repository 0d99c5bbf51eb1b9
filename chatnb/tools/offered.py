"""What a kernel answers to programs that look into it from outside (mcp_server.py); runs in the kernel.

Whoever may send it this request may send it any code, so nothing is refused here but what comes too late.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from IPython.core.getipython import get_ipython

from ..context.cell import Cell
from ..context.cells import CellsSource
from ..context.gather import Gatherer
from ..context.recorder import Recorder
from ..context.summaries.texts import clip, count
from ..context.variables import VariablesSource
from .notebook import Notebook
from .running import run_code

MIME = "application/vnd.chatnb.answer+json"

_LISTED = 200
_LINE = 120
_MAGICS = "ChatMagics"  # magic.py stands above; its recorder knows more than the history does


@dataclass(frozen=True, slots=True)
class Answer:
    """A text for whoever asked; travels by a MIME type of its own, which no formatter of the user's changes."""

    text: str
    is_error: bool = False

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {MIME: {"text": self.text, "is_error": self.is_error}}


def answer(request: str) -> Answer:
    """Do what was asked for.

    Parameters
    ----------
    request
        JSON of `do` (a key of `DEEDS`), `with` (its arguments) and `until`, seconds since the epoch: whoever asked does
        not wait any longer, since a cell kept the kernel busy, and was told that nothing happened.
    """
    asked = json.loads(request)
    if time.time() > asked["until"]:
        return Answer("It came too late.", is_error=True)
    try:
        return Answer(DEEDS[asked["do"]](get_ipython(), **asked["with"]))
    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
        return Answer(str(error) or type(error).__name__, is_error=True)


def _list_variables(shell: Any, pattern: str = "") -> str:
    return _notebook(shell, Recorder(shell)).list_variables(pattern)


def _read_variable(shell: Any, path: str) -> str:
    return _notebook(shell, Recorder(shell)).read_variable(path)


def _list_cells(shell: Any) -> str:
    with _recorder(shell) as recorder:
        cells = recorder.cells()
    if not cells:
        return "No cell has run yet."
    lines = [_line(cell) for cell in cells[-_LISTED:] if cell.source.strip()]
    if len(cells) > _LISTED:
        lines.insert(0, f"[{count(len(cells) - _LISTED, 'earlier cell')} left out]")
    return "\n".join(lines)


def _read_cell(shell: Any, number: int) -> str:
    with _recorder(shell) as recorder:
        return _notebook(shell, recorder).read_cells(f"cell:{number}")


def _read_output(shell: Any, number: int) -> str:
    with _recorder(shell) as recorder:
        return _notebook(shell, recorder).read_cells(f"out:{number}")


def _run_code(shell: Any, code: str) -> str:
    ran = run_code(shell, code)
    if ran.error is not None:
        raise RuntimeError(f"The code stopped with an error.\n{ran.text or type(ran.error).__name__}")
    return ran.text or "[it ran and showed nothing]"


DEEDS: Mapping[str, Callable[..., str]] = {
    "list_variables": _list_variables,
    "read_variable": _read_variable,
    "list_cells": _list_cells,
    "read_cell": _read_cell,
    "read_output": _read_output,
    "run_code": _run_code,
}
"""What can be asked for; each gets the shell, and arguments by their names."""


def _notebook(shell: Any, recorder: Recorder) -> Notebook:
    sources = (CellsSource(recorder, lambda: None), VariablesSource(shell.user_ns))
    return Notebook(Gatherer(sources), shell.user_ns, lambda _: None)


@contextmanager
def _recorder(shell: Any) -> Iterator[Recorder]:
    """Give the recorder of the extension, or one that knows what IPython's history has."""
    if magics := shell.magics_manager.registry.get(_MAGICS):
        yield magics.recorder
        return
    recorder = Recorder(shell)
    recorder.install()  # so that it knows that no cell asks, and the last one is complete
    try:
        yield recorder
    finally:
        recorder.uninstall()


def _line(cell: Cell) -> str:
    error = cell.error
    outcome = f"  -> {error['ename']}" if error else "  -> output" if cell.outputs else ""
    return f"{cell.number}: {clip(cell.source, _LINE)}{outcome}"
