"""The tool `python`: run code in the user's kernel, on the thread that runs cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .outcome import Outcome, pictured
from .running import run_code
from .showing import plainly
from .tool import Tool
from .touching import names_in, touches
from .undo import Undo

TIME_LIMIT_S = 3600.0
"""A cell may compute for long, and the user may stop it; nothing else can stop the thread that runs cells."""

_ASKING = {"%chat", "%%chat", "%ask", "%%ask"}


class CodeFailed(Exception):  # noqa: N818 - named after what happened
    """Code raised an error; holds what it showed, with the traceback."""


def python_tools(shell: Any, undo: Undo | None = None) -> tuple[Tool, ...]:
    """Return the tool that runs code.

    Parameters
    ----------
    shell
        IPython's, of a kernel or a terminal.
    undo
        Remembers the variables before each run; one of the caller's, so that it can be asked to put them back.
    """
    python = Python(shell, undo or Undo(shell.user_ns))
    tool = Tool.of(
        python.run_python, where="kernel", effects=("runs",), preview=python.preview, time_limit_s=TIME_LIMIT_S
    )
    return (tool,)


class Python:
    """Runs code among the user's variables."""

    def __init__(self, shell: Any, undo: Undo) -> None:
        self._shell = shell
        self._undo = undo

    def run_python(self, code: str) -> str | Outcome:
        """Run Python code in the user's notebook, with its variables, and return what it prints and its last value.

        The user sees the output too. Variables that it sets stay for later.

        Parameters
        ----------
        code
            As in a cell of a notebook; the value of a last expression is shown without print.
        """
        if not code.strip():
            raise ValueError("There is no code.")
        if not _ASKING.isdisjoint(touches(code).magics):
            raise PermissionError("Code that a model runs cannot ask a model: the turn would wait for itself.")
        with self._undo.watching(names_in(code)):
            ran = run_code(self._shell, code)
        if isinstance(ran.error, KeyboardInterrupt):
            raise ran.error
        if ran.error is not None:
            raise CodeFailed(f"The code stopped with an error.\n{ran.text}")
        done = f"[variables {self._undo.changes}]" if str(self._undo.changes) else ""
        text = "\n".join(filter(None, (ran.text, done))) or "[it ran and showed nothing]"
        return pictured(text, ran.pictures) if ran.pictures else text

    def preview(self, arguments: Mapping[str, Any]) -> str:
        """Return the code, and below it what it would touch as far as that shows."""
        code = str(arguments["code"])
        return f"{plainly(code)}\n\n{touches(code)}"
