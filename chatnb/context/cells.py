"""Cells as context: what ran in this kernel, and the notebook's file where it is known.

=================  ===================================================================================================
`cells:3`          the run with this execution count
`cells:1-3`        the runs with these execution counts, both ends included
`cells:-3:`        the last three cells that ran; a slice as Python's, over the cells that ran before the asking one,
`cells:2:5`        each once, in the order of their newest runs (the first is 0); cells that show a panel are not counted
`cells:all`        all of them, as `cells::`
`cells:above`      what stands above the asking cell in the notebook: Markdown and cells that have not run, too
`notebook`         everything that stands in the notebook, but for the asking cell
`cell:5`           one run: source, outputs, error
`cell:3f2a9c1b`    the cell with this id, its newest run
`out:5`, `out:ID`  its outputs alone
=================  ===================================================================================================

What ran wins over what is saved: of a cell that was changed after it ran, the model reads what ran and what came of it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ContextError, ContextNotFound
from ..messages import Context, Image
from .base import Reading, Reference
from .cell import Cell
from .notebook import read_notebook
from .recorder import Recorder

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_SLICE = re.compile(r"(-?\d+)?:(-?\d+)?")
_PANEL = re.compile(r"^\s*(?:%chat\s+panel\b|(?:\w+ *= *)?(?:\w+\.)?ChatPanel\()", re.MULTILINE)
_NAMED = 12  # counts that an error lists


class CellsSource:
    """Reads cells; see the table above.

    Parameters
    ----------
    recorder
        Knows what ran.
    notebook
        Returns the path of the notebook's file, or None where it is not known; asked at each reading, since a notebook
        may be renamed.
    """

    kinds = ("cells", "cell", "out", "notebook")

    def __init__(self, recorder: Recorder, notebook: Callable[[], Path | None]) -> None:
        self._recorder, self._notebook = recorder, notebook

    def read(self, reference: Reference) -> Reading:
        """Return the cells that the reference names, each as a part of its own.

        Raises
        ------
        ContextNotFound
            If there is no such cell; names the counts that there are.
        ContextRefused
            If the notebook's file has to be read and cannot be.
        """
        target = reference.target
        match reference.kind:
            case "cell" | "out":
                cell, notes = self._find(target)
                return Reading((_part(cell) if reference.kind == "cell" else _output_part(cell),), notes)
            case "notebook":
                cells, notes = self._document()
            case _ if target == "above":
                cells, notes = self._above()
            case _:
                cells, notes = self._completed(self._ran(target))
        parts = tuple(_part(cell) for cell in cells if cell.source.strip())
        if not parts:
            raise ContextNotFound(f"{reference} names no cells. {self._counts()}")
        return Reading(parts, notes)

    def names(self) -> Iterable[str]:
        """Yield the references that name cells, the newest cells first."""
        runs = self._ran_before()
        if runs:
            yield from ("cells:above", "cells:all")
        yield "notebook"
        for cell in reversed(runs):
            yield f"cell:{cell.number}"
            if cell.outputs:
                yield f"out:{cell.number}"

    def pictures(self, target: str) -> tuple[Image, ...]:
        """Return the pictures that a cell shows, in their order.

        Parameters
        ----------
        target
            What stands after `image:`, such as "cell:5", "out:5" or "cell:3f2a9c1b".

        Raises
        ------
        ContextNotFound
            If there is no such cell, or it shows no picture that models can see.
        """
        cell, _ = self._find(target.removeprefix("cell:").removeprefix("out:"))
        images = tuple(Image(data, mime) for mime, text in cell.pictures() if (data := _decoded(text)))
        if not images:
            raise ContextNotFound(f"{_label(cell).capitalize()} shows no PNG or JPEG picture.")
        return images

    def _ran(self, target: str) -> Sequence[Cell]:
        """Return what ran and is named by counts or by a slice."""
        if found := _RANGE.fullmatch(target):
            first, last = int(found[1]), int(found[2] or found[1])
            return [cell for cell in self._recorder.cells() if first <= (cell.number or 0) <= last]
        if target in {"", "all", ":"}:
            return self._ran_before()
        if found := _SLICE.fullmatch(target):
            start, end = (int(text) if text else None for text in found.groups())
            # Who asks in a panel means what stands above it by `cells:-1:`, whenever the panel was shown.
            return [cell for cell in self._ran_before() if not _PANEL.search(cell.source)][start:end]
        raise ContextNotFound(
            f"cells:{target} names no cells. Write cells:1-3 for execution counts, cells:-3: for the last three, "
            "cells:above or cells:all."
        )

    def _ran_before(self) -> list[Cell]:
        """Return the newest run of each cell but the asking one, which may have run before, too."""
        runs, asking = self._recorder.cells(), self._recorder.asking_id
        newest = {cell.id: cell.number for cell in runs if cell.id}
        return [cell for cell in runs if not cell.id or (cell.number == newest[cell.id] and cell.id != asking)]

    def _find(self, target: str) -> tuple[Cell, tuple[str, ...]]:
        """Return one cell by its count or id."""
        runs = self._recorder.cells()
        found = [cell for cell in runs if str(cell.number) == target] or [
            cell for cell in runs if cell.id == target != ""
        ]
        if found:
            (cell,), notes = self._completed(found[-1:])
            return cell, notes
        saved = [] if not target else self._saved()[0] or []
        for cell in saved:
            if target in {cell.id, str(cell.number)}:
                return cell, ("This cell has not run in this kernel; it is read from the saved notebook.",)
        raise ContextNotFound(f"There is no cell {target!r}. {self._counts()}")

    def _above(self) -> tuple[Sequence[Cell], tuple[str, ...]]:
        """Return what stands above the asking cell; where that is not known, what ran."""
        saved, why = self._saved()
        asking = self._recorder.asking_id
        place = next((place for place, cell in enumerate(saved or ()) if asking and cell.id == asking), None)
        if saved is None or place is None:
            why = why or "The asking cell is not in the saved notebook, which has to be saved first."
            cells, notes = self._completed(self._ran_before())
            what = "So these are all cells that ran; Markdown and cells that have not run are not seen."
            return cells, (f"{why} {what}", *notes)
        cells, others, notes = self._overlaid(saved)
        return [*cells[:place], *others], notes

    def _document(self) -> tuple[Sequence[Cell], tuple[str, ...]]:
        """Return everything in the notebook but the asking cell; without a file, what ran."""
        saved, why = self._saved()
        if saved is None:
            cells, notes = self._completed(self._ran_before())
            return cells, (f"{why} So only cells that ran are read.", *notes)
        cells, others, notes = self._overlaid(saved)
        asking = self._recorder.asking_id
        cells = [cell for cell in cells if not asking or cell.id != asking]
        return [*cells, *others], (
            "What was changed since the notebook was saved, and has not run, is not seen.",
            *notes,
        )

    def _saved(self) -> tuple[Sequence[Cell] | None, str]:
        """Return what the file holds, or None and the sentence that says why not."""
        path = self._notebook()
        if path is None:
            return None, "The notebook's file is not known (%config ChatConfig.notebook names it)."
        try:
            return read_notebook(path), ""
        except ContextError as error:
            return None, str(error)

    def _overlaid(self, saved: Sequence[Cell]) -> tuple[list[Cell], list[Cell], tuple[str, ...]]:
        """Return the file's cells with what ran in their place, and what ran and is not in the file."""
        runs = {run.id or _run_of(run): run for run in self._ran_before()}
        cells = []
        for cell in saved:
            run = runs.pop(cell.id, None) or runs.pop(_run_of(cell), None)
            cells.append(_completed(run, cell) if run else cell)
        others = list(runs.values())
        note = f"{_listed(others)} ran, but is not in the saved notebook: where it stands is not known."
        return cells, others, (note,) if others else ()

    def _completed(self, runs: Sequence[Cell]) -> tuple[Sequence[Cell], tuple[str, ...]]:
        """Take from the file what was displayed before anything was recorded, if it is there."""
        if all(run.is_whole for run in runs):
            return runs, ()
        saved = {_run_of(cell): cell for cell in self._saved()[0] or ()}
        completed = [_completed(run, saved[_run_of(run)]) if _run_of(run) in saved else run for run in runs]
        missing = [run for run in completed if not run.is_whole]
        note = f"{_listed(missing)} ran before chatnb was loaded: figures and other displays of that time are not seen."
        return completed, (note,) if missing else ()

    def _counts(self) -> str:
        numbers = [str(cell.number) for cell in self._recorder.cells()]
        if not numbers:
            return "No cell has run yet."
        dots = "..., " if len(numbers) > _NAMED else ""
        return f"These ran: {dots}{', '.join(numbers[-_NAMED:])}."


def _run_of(cell: Cell) -> tuple[int | None, str]:
    """Return what tells a run where no ids are known."""
    return cell.number, cell.source.strip()


def _completed(run: Cell, saved: Cell) -> Cell:
    """Return what ran, with the id and, of a run that was not recorded whole, the outputs that the file holds of it."""
    run = replace(run, id=run.id or saved.id)
    if run.is_whole or _run_of(run) != _run_of(saved):
        return run
    return replace(run, outputs=saved.outputs, is_whole=True)


def _part(cell: Cell) -> Context:
    name = cell.id or (str(cell.number) if cell.has_run else "")
    return Context.of(_label(cell), cell.as_text(), f"cell:{name}" if name else "")


def _output_part(cell: Cell) -> Context:
    text = cell.outputs_as_text()
    if not text:
        raise ContextNotFound(f"{_label(cell).capitalize()} shows no output.")
    return Context.of(f"output of {_label(cell)}", text, f"out:{cell.id or cell.number}")


def _label(cell: Cell) -> str:
    if cell.has_run:
        return f"cell {cell.number}"
    if cell.kind != "code":
        return f"cell ({cell.kind})"
    return "cell (not run)" if cell.number is None else "cell (not run in this kernel)"


def _listed(cells: Sequence[Cell]) -> str:
    numbers = [str(cell.number) for cell in cells]
    return f"Cell {numbers[0]}" if len(numbers) == 1 else f"Each of the cells {', '.join(numbers)}"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
