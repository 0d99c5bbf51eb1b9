"""The tool `edit_cell`: give a cell of the notebook another source, as it stands on the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..context.cell import Cell
from ..context.standing import Told
from .differences import difference
from .tool import Tool


class Page(Protocol):
    """Shows the notebook; on the kernel's thread."""

    def read(self) -> Told:
        """Return the cells as they stand there."""
        ...

    def change(self, cell: Cell, source: str) -> bool:
        """Give a cell another source, in one step of the notebook's undo; return whether it still was what it was."""
        ...


def cell_tools(page: Page) -> tuple[Tool, ...]:
    """Return the tool; what was previewed is what is changed."""
    editor = CellEditor(page)
    return (Tool.of(editor.edit_cell, where="kernel", effects=("reads", "writes"), preview=editor.preview),)


class CellEditor:
    """What the tool does; remembers the cells whose change was previewed, for one turn."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._previewed: dict[tuple[int, str], Cell] = {}

    def edit_cell(self, cell: int, code: str) -> str:
        """Replace the code of a cell of the user's notebook; it is not run.

        Parameters
        ----------
        cell
            The number of the cell, such as 5.
        code
            All that the cell is to hold.
        """
        found = self._previewed.pop((cell, code), None) or self._find(cell)
        if not self._page.change(found, code):
            raise ValueError(f"Cell {cell} was changed meanwhile, or its page does not answer. Read it again.")
        return f"Cell {cell} was changed; it has not run. The user can undo it."

    def preview(self, arguments: Mapping[str, Any]) -> str:
        """Return what would change."""
        cell, code = arguments["cell"], arguments["code"]
        found = self._previewed[cell, code] = self._find(cell)
        return difference(f"cell {found.number}", found.source, code)

    def _find(self, number: int) -> Cell:
        cells, _ = self._page.read()
        if cells is None:
            raise ValueError("The page of this notebook cannot be asked, so no cell can be changed. Use propose_cell.")
        found = [cell for cell in cells if cell.kind == "code" and cell.number == number]
        if len(found) != 1:
            numbers = ", ".join(str(cell.number) for cell in cells if cell.number is not None) or "none"
            raise ValueError(f"There is not one cell of that number. These are there: {numbers}.")
        return found[0]
