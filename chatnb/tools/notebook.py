"""The tools `notebook`: read cells and variables, and propose a cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..context.gather import Gatherer
from ..context.references import parse
from ..context.summaries import summarize
from ..context.summaries.texts import clip, count
from ..context.variables import VariablesSource
from ..messages import Context
from .tool import Tool

_CELLS = ("cells", "cell", "out", "notebook", "error")
_LISTED = 100
_LINE = 160
_LIST_S = 1.0


def notebook_tools(
    gatherer: Gatherer, namespace: Mapping[str, Any], offer: Callable[[str], object]
) -> tuple[Tool, ...]:
    """Return the tools that read the notebook and propose a cell; for one turn.

    Parameters
    ----------
    gatherer
        Reads cells and variables.
    namespace
        The user's.
    offer
        Puts code into the next cell: `shell.set_next_input`. Front ends take one cell at the end of the one that runs.
    """
    notebook = Notebook(gatherer, namespace, offer)
    reading = (notebook.read_cells, notebook.list_variables, notebook.read_variable)
    return (
        *(Tool.of(each, where="kernel", effects=("reads",), scope=lambda _: "notebook") for each in reading),
        Tool.of(notebook.propose_cell, where="kernel"),
    )


class Notebook:
    """What the tools do; the docstrings are what a model reads of them."""

    def __init__(self, gatherer: Gatherer, namespace: Mapping[str, Any], offer: Callable[[str], object]) -> None:
        self._gatherer, self._namespace, self._offer = gatherer, namespace, offer
        self._has_proposed = False

    def read_cells(self, reference: str) -> str:
        """Read cells of the user's notebook, with their outputs.

        Parameters
        ----------
        reference
            cells:-3: (the last three), cells:2-5, cell:5, out:5 (its outputs alone), notebook (all), or error (the last).
        """
        if parse(reference).kind not in _CELLS:
            raise ValueError(
                f"{reference!r} names no cells. Write cells:-3:, cells:2-5, cell:5, out:5, notebook or error."
            )
        return self._text(reference)

    def list_variables(self, pattern: str = "") -> str:
        """List the variables of the user's notebook, each with what it is.

        Parameters
        ----------
        pattern
            Names that are wanted, such as df or train_*; all, if it is empty.
        """
        known = [name for name in VariablesSource(self._namespace).names() if "." not in name]
        names = [name for name in known if fnmatchcase(name, pattern or "*")]
        if not names:
            return f"No variable is called {pattern}." if pattern else "There are no variables yet."
        ends_at = time.monotonic() + _LIST_S
        lines = []
        for name in names[:_LISTED]:
            about = summarize(self._namespace[name], _LINE) if time.monotonic() < ends_at else "…"
            lines.append(clip(f"{name}: {about.partition(chr(10))[0]}", _LINE))
        if len(names) > _LISTED:
            lines.append(f"[{count(len(names) - _LISTED, 'more variable')}: ask with a pattern]")
        return "\n".join(lines)

    def read_variable(self, path: str) -> str:
        """Read what a variable of the user's notebook holds, or a part of it.

        Parameters
        ----------
        path
            A name with attributes, columns, keys or numbers behind it: df, df.price, config['model'], rows[0].
        """
        return self._text(f"var:{path.strip()}")

    def propose_cell(self, code: str, replace: str = "") -> str:
        """Offer the user a new cell below the answer, to look at and run; nothing is run. One cell for each question.

        Parameters
        ----------
        code
            The whole cell.
        replace
            The number of the cell that it is meant to replace, if any.
        """
        if not code.strip():
            raise ValueError("There is no code.")
        # A magic of the cell has to be its first line.
        head = f"# Instead of cell {clip(replace, 40)}\n" if replace and not code.lstrip().startswith("%%") else ""
        self._offer(head + code)
        offered = "The user is offered the cell below the answer" + (f", instead of cell {replace}" if replace else "")
        again = " It takes the place of the one proposed before: there is one for each question." * self._has_proposed
        self._has_proposed = True
        return f"{offered}; it has not run.{again}"

    def _text(self, reference: str) -> str:
        reading = self._gatherer.read(reference)
        parts = [
            f"[{part.label}]\n{part.text}" if isinstance(part, Context) else f"[picture {part.mime}]"
            for part in reading.parts
        ]
        return "\n\n".join([*parts, *reading.notes]) or "There is nothing."
