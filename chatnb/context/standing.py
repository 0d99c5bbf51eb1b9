"""What stands in the notebook: on the page that shows it, where that can be asked, else in its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ContextError
from .cell import Cell
from .notebook import read_notebook

Told = tuple[Sequence[Cell] | None, str]
"""Cells, or None and the sentence that says why not; it is empty where none were expected."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the notebook.

    Attributes
    ----------
    cells
        None where it is not known.
    note
        What went wrong on the way to it.
    is_live
        Whether the page told it; else it is what was saved.
    """

    cells: Sequence[Cell] | None
    note: str = ""
    is_live: bool = False

    @property
    def name(self) -> str:
        """What it is."""
        return "notebook as it stands now" if self.is_live else "saved notebook"


def standing(page: Told, file: Told) -> Standing:
    """Return what the page shows, else what the file holds.

    A page tells no outputs: those of what ran before this kernel did are the file's.
    """
    live, silence = page
    saved, why = file
    if live is None:
        return Standing(saved, " ".join(filter(None, [silence, why])))
    outputs = {(cell.id, run_of(cell)): cell.outputs for cell in saved or ()}
    return Standing(
        [replace(cell, outputs=outputs.get((cell.id, run_of(cell)), ())) for cell in live],
        is_live=True,
    )


def saved(path: Path | None) -> Told:
    """Return what the notebook's file holds."""
    if path is None:
        return None, "The notebook's file is not known (%config ChatConfig.notebook names it)."
    try:
        return read_notebook(path), ""
    except ContextError as error:
        return None, str(error)


def run_of(cell: Cell) -> tuple[int | None, str]:
    """Return what tells a run where no ids are known."""
    return cell.number, cell.source.strip()
