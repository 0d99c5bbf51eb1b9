"""The last exception as context: its traceback, and what the user's own variables were where it happened.

IPython keeps the exception with its frames until the next one (`sys.last_value`); nothing here keeps it longer.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType, TracebackType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..errors import ChatError, ChatInterrupted, ContextNotFound, named
from ..messages import Context
from .base import Reading, Reference
from .cell import Output, as_text, clipped
from .recorder import Recorder

TRACEBACK_CHARS = 8_000
VALUE_CHARS = 400
VALUES_CHARS = 6_000
"""The most that a model reads of the traceback, of one variable, and of all variables."""

_NAMES = 12  # variables of one frame
_OUTERMOST, _INNERMOST = 1, 3  # frames


class ErrorSource:
    """Reads `error`, the last exception of the user's code, and `error:5`, what ended cell 5.

    A refusal of chatnb's own, such as a mistyped option, is not an error in this sense.

    Parameters
    ----------
    shell
        Knows which code belongs to which cell.
    recorder
        Knows how earlier cells ended.
    summarize
        Returns a value as a text of at most so many characters.
    folder
        What lies below is the user's own code, but for what is installed there.
    """

    kinds = ("error",)

    def __init__(
        self, shell: InteractiveShell, recorder: Recorder, summarize: Callable[[object, int], str], folder: Path
    ) -> None:
        self._shell, self._recorder, self._summarize, self._folder = shell, recorder, summarize, folder

    def read(self, reference: Reference) -> Reading:
        """Return traceback and variables of the last exception, or the traceback of the cell that is named.

        Raises
        ------
        ContextNotFound
            If nothing has failed.
        """
        if reference.target:
            return Reading((self._of_cell(reference.target),))
        error = getattr(sys, "last_value", None)
        if error is not None and not isinstance(error, ChatError | ChatInterrupted):
            return Reading((Context.of("error", self._as_text(error), "error"),))
        recorded = next((output for _, output in self._failed()), None)
        if recorded is None:
            raise ContextNotFound("No cell has failed yet, so there is no error to read.")
        text = clipped(as_text(recorded), TRACEBACK_CHARS)
        return Reading((Context.of("error", text, "error"),), ("What the variables were when it failed is not known.",))

    def names(self) -> Iterable[str]:
        """Yield `error`, if something has failed, and the cells that did, the newest first."""
        failed = [f"error:{number}" for number, _ in self._failed()]
        return ["error", *failed] if failed else []

    def _of_cell(self, number: str) -> Context:
        for failed, output in self._failed():
            if number == str(failed):
                text = clipped(as_text(output), TRACEBACK_CHARS)
                return Context.of(f"error of cell {number}", text, f"error:{number}")
        failures = ", ".join(str(failed) for failed, _ in self._failed()) or "none"
        raise ContextNotFound(f"Cell {number} has not failed. Cells that failed: {failures}.")

    def _failed(self) -> Iterator[tuple[int | None, Output]]:
        """Yield the number and the error of each cell that failed, the newest first."""
        for cell in reversed(self._recorder.cells()):
            if (error := cell.error) is not None and not _is_ours(str(error["ename"])):
                yield cell.number, error

    def _as_text(self, error: BaseException) -> str:
        report = traceback.TracebackException.from_exception(error)
        self._tidy(report)
        text = clipped("".join(report.format()).rstrip(), TRACEBACK_CHARS)
        values = clipped("\n\n".join(self._values(error.__traceback__)), VALUES_CHARS)
        return f"{text}\n\n[variables]\n{values}" if values else text

    def _tidy(self, report: traceback.TracebackException) -> None:
        """Name cells and own files as the user does, and leave out how IPython came to run them."""
        own = [place for place, frame in enumerate(report.stack) if self._place(frame.filename)]
        del report.stack[: own[0] if own else 0]
        for frame in report.stack:
            frame.filename = self._place(frame.filename) or frame.filename
        if isinstance(getattr(report, "filename", None), str):  # of a SyntaxError
            report.filename = self._place(str(report.filename)) or report.filename
        for before in (report.__cause__, report.__context__, *(report.exceptions or ())):
            if before is not None:
                self._tidy(before)

    def _values(self, trace: TracebackType | None) -> Iterator[str]:
        """Yield a paragraph for each of the user's own frames, the outermost first."""
        own = [(frame, line) for frame, line in traceback.walk_tb(trace) if self._place(frame.f_code.co_filename)]
        if len(own) > _OUTERMOST + _INNERMOST:
            own = own[:_OUTERMOST] + own[-_INNERMOST:]
        for frame, line in own:
            variables = _variables(frame)
            lines = [f"{name} = {self._summary(value)}" for name, value in variables[:_NAMES]]
            if len(variables) > _NAMES:
                lines.append(f"[... {len(variables) - _NAMES} more variables left out ...]")
            if lines:
                where = f"{_function(frame.f_code)}{self._place(frame.f_code.co_filename)}, line {line}:"
                yield "\n".join([where, *lines])

    def _summary(self, value: object) -> str:
        return clipped(self._summarize(value, VALUE_CHARS), VALUE_CHARS).strip().replace("\n", "\n    ")

    def _place(self, filename: str) -> str:
        """Return what the user calls the place of some code; empty if it is not the user's own."""
        if cell := self._shell.compile.format_code_name(filename):
            return cell[1].replace("In[", "cell ").rstrip("]")
        path = Path(filename)
        is_own = path.is_relative_to(self._folder) and not path.is_relative_to(sys.prefix)
        return str(path.relative_to(self._folder)) if is_own and "site-packages" not in path.parts else ""


def _variables(frame: FrameType) -> list[tuple[str, Any]]:
    """Return what a frame's code has at hand; of a cell, where all is global, what the failing statement names."""
    variables = frame.f_locals
    names = frame.f_code.co_names if variables is frame.f_globals else tuple(variables)
    found = [(name, variables[name]) for name in names if name in variables and not name.startswith("_")]
    return [(name, value) for name, value in found if not isinstance(value, ModuleType | FunctionType | type)]


def _function(code: CodeType) -> str:
    return "" if code.co_name == "<module>" else f"{code.co_name}, "


def _is_ours(name: str) -> bool:
    return name == ChatInterrupted.__name__ or type(named(name, "")).__name__ == name
