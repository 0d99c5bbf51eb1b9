"""Cells as context: what ran in this kernel, and what stands in the notebook: on its page, else in its file.

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

from ..errors import ContextNotFound
from ..messages import Context, Image
from .base import Reading, Reference
from .cell import Cell
from .recorder import Recorder
from .standing import Standing, Told, run_of, saved, standing

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
    page
        Returns the cells as they stand on the notebook's page, saved or not, without their outputs.
    """

    kinds = ("cells", "cell", "out", "notebook")

    def __init__(
        self,
        recorder: Recorder,
        notebook: Callable[[], Path | None],
        page: Callable[[], Told] = lambda: (None, ""),
    ) -> None:
        self._recorder, self._notebook, self._page = recorder, notebook, page

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
        there = self._standing() if target else Standing(None)
        for cell in there.cells or ():
            if target in {cell.id, str(cell.number)}:
                note = f"This cell has not run in this kernel; it is read from the {there.name}."
                return cell, (*filter(None, [there.note]), note)
        raise ContextNotFound(f"There is no cell {target!r}. {self._counts()}")

    def _above(self) -> tuple[Sequence[Cell], tuple[str, ...]]:
        """Return what stands above the asking cell; where that is not known, what ran."""
        there = self._standing()
        asking = self._recorder.asking_id
        cells = there.cells
        place = next((place for place, cell in enumerate(cells or ()) if asking and cell.id == asking), None)
        if cells is None or place is None:
            why = [there.note] if there.note else []
            if cells is not None:
                saving = "" if there.is_live else ", which has to be saved first"
                why.append(f"The asking cell is not in the {there.name}{saving}.")
            ran, notes = self._completed(self._ran_before())
            what = "So these are all cells that ran; Markdown and cells that have not run are not seen."
            return ran, (" ".join([*why, what]), *notes)
        overlaid, others, notes = self._overlaid(there)
        return [*overlaid[:place], *others], (*filter(None, [there.note]), *notes)

    def _document(self) -> tuple[Sequence[Cell], tuple[str, ...]]:
        """Return everything in the notebook but the asking cell; where it is not known, what ran."""
        there = self._standing()
        if there.cells is None:
            ran, notes = self._completed(self._ran_before())
            return ran, (f"{there.note} So only cells that ran are read.", *notes)
        overlaid, others, notes = self._overlaid(there)
        asking = self._recorder.asking_id
        cells = [cell for cell in overlaid if not asking or cell.id != asking]
        if not there.is_live:
            unseen = "What was changed since the notebook was saved, and has not run, is not seen."
            notes = (*filter(None, [there.note]), unseen, *notes)
        return [*cells, *others], notes

    def _standing(self) -> Standing:
        """Return what stands in the notebook."""
        return standing(self._page(), saved(self._notebook()))

    def _overlaid(self, there: Standing) -> tuple[list[Cell], list[Cell], tuple[str, ...]]:
        """Return the notebook's cells with what ran in their place, and what ran and is not in the notebook."""
        runs = {run.id or run_of(run): run for run in self._ran_before()}
        cells, changed = [], []
        for cell in there.cells or ():
            run = runs.pop(cell.id, None) or runs.pop(run_of(cell), None)
            cells.append(_completed(run, cell) if run else cell)
            if run and run.source.strip() != cell.source.strip():
                changed.append(run)
        # A page shows no more what was deleted; a file may be older than what ran.
        others = [] if there.is_live else list(runs.values())
        notes = []
        if changed and there.is_live:
            notes.append(f"{_listed(changed)} was changed since it ran; what ran is read.")
        if others:
            notes.append(f"{_listed(others)} ran, but is not in the saved notebook: where it stands is not known.")
        return cells, others, tuple(notes)

    def _completed(self, runs: Sequence[Cell]) -> tuple[Sequence[Cell], tuple[str, ...]]:
        """Take from the file what was displayed before anything was recorded, if it is there."""
        if all(run.is_whole for run in runs):
            return runs, ()
        saved_runs = {run_of(cell): cell for cell in saved(self._notebook())[0] or ()}
        completed = [_completed(run, saved_runs[run_of(run)]) if run_of(run) in saved_runs else run for run in runs]
        missing = [run for run in completed if not run.is_whole]
        note = f"{_listed(missing)} ran before chatnb was loaded: figures and other displays of that time are not seen."
        return completed, (note,) if missing else ()

    def _counts(self) -> str:
        numbers = [str(cell.number) for cell in self._recorder.cells()]
        if not numbers:
            return "No cell has run yet."
        dots = "..., " if len(numbers) > _NAMED else ""
        return f"These ran: {dots}{', '.join(numbers[-_NAMED:])}."


def _completed(run: Cell, saved: Cell) -> Cell:
    """Return what ran, with the id and, of a run that was not recorded whole, the outputs that the file holds of it."""
    run = replace(run, id=run.id or saved.id)
    if run.is_whole or run_of(run) != run_of(saved):
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
