"""A model gives a cell another source, as it was previewed, or is told why not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chatnb.context.cell import Cell
from chatnb.context.standing import Told
from chatnb.tools.cell import CellEditor


class Notebook:
    """A page that shows cells."""

    def __init__(self, cells: Sequence[Cell] | None) -> None:
        self.cells = None if cells is None else {cell.id: cell for cell in cells}

    def read(self) -> Told:
        return (None, "") if self.cells is None else (tuple(self.cells.values()), "")

    def change(self, cell: Cell, source: str) -> bool:
        if self.cells is None or self.cells[cell.id] != cell:
            return False
        self.cells[cell.id] = Cell(source, id=cell.id, number=cell.number)
        return True


@pytest.fixture
def notebook() -> Notebook:
    return Notebook([Cell("x = 1\ny = 2", id="a", number=5), Cell("# 5", kind="markdown", id="m")])


def test_what_was_previewed_is_what_is_changed(notebook: Notebook) -> None:
    editor = CellEditor(notebook)

    preview = editor.preview({"cell": 5, "code": "x = 1\ny = 3"})
    told = editor.edit_cell(5, "x = 1\ny = 3")

    assert preview.splitlines()[-2:] == ["-y = 2", "+y = 3"]
    assert "cell 5" in preview
    assert "has not run" in told
    assert notebook.cells is not None
    assert notebook.cells["a"].source == "x = 1\ny = 3"


def test_a_cell_that_was_changed_since_the_preview_stays(notebook: Notebook) -> None:
    editor = CellEditor(notebook)
    editor.preview({"cell": 5, "code": "y = 3"})
    notebook.cells = {"a": Cell("mine", id="a", number=5)}

    with pytest.raises(ValueError, match="was changed meanwhile"):
        editor.edit_cell(5, "y = 3")

    assert notebook.cells["a"].source == "mine"


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (None, "cannot be asked"),
        ([], "These are there: none"),
        ([Cell("a", number=5, id="a"), Cell("b", number=5, id="b")], "There is not one cell of that number"),
    ],
)
def test_without_that_cell_the_model_is_told(cells: Sequence[Cell] | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        CellEditor(Notebook(cells)).preview({"cell": 5, "code": "x"})
