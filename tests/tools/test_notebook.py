"""A model reads cells and variables by their names, nothing else, and proposes one cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb.context.cells import CellsSource
from chatnb.context.files import FilesSource
from chatnb.context.gather import Gatherer
from chatnb.context.variables import VariablesSource
from chatnb.errors import ContextNotFound
from chatnb.tools.notebook import notebook_tools
from chatnb.tools.tool import Tool
from tests.context.shells import Typed, typed

Tools = dict[str, Tool]


@pytest.fixture
def terminal() -> Iterator[Typed]:
    with typed() as terminal:
        yield terminal


@pytest.fixture
def offered() -> list[str]:
    return []


@pytest.fixture
def tools(terminal: Typed, offered: list[str], tmp_path: Path) -> Tools:
    names = terminal.shell.user_ns
    (tmp_path / "a.txt").write_text("a file")
    sources = (
        CellsSource(terminal.recorder, lambda: None),
        VariablesSource(names),
        FilesSource(tmp_path, lambda _: False),
    )
    return {tool.spec.name: tool for tool in notebook_tools(Gatherer(sources), names, offered.append)}


def test_cells_are_read_with_their_outputs(terminal: Typed, tools: Tools) -> None:
    terminal.run("1 + 1", "print('two')")

    text = tools["read_cells"].function(reference="cells:1-2")

    assert text == "[cell 1]\n1 + 1\n\n[output]\n2\n\n[cell 2]\nprint('two')\n\n[output]\ntwo"


@pytest.mark.parametrize("reference", ["file:a.txt", "a.txt", "var:x", "url:https://example.org", "past", "x", "dir:."])
def test_no_other_thing_is_read_by_way_of_cells(tools: Tools, reference: str) -> None:
    with pytest.raises(ValueError, match="names no cells"):
        tools["read_cells"].function(reference=reference)


def test_a_cell_that_is_not_there_is_told(tools: Tools) -> None:
    with pytest.raises(ContextNotFound):
        tools["read_cells"].function(reference="cell:9")


def test_variables_are_listed_with_what_they_are(terminal: Typed, tools: Tools) -> None:
    terminal.run("rows = [1, 2]; train_x = 1; train_y = 2")

    everything = tools["list_variables"].function()
    some = tools["list_variables"].function(pattern="train_*")

    assert "rows: list of 2 elements: int" in everything.splitlines()
    assert sorted(some.splitlines()) == ["train_x: int: 1", "train_y: int: 2"]


def test_many_variables_are_counted(terminal: Typed, tools: Tools) -> None:
    terminal.shell.user_ns.update({f"x{i}": i for i in range(150)})

    lines = tools["list_variables"].function(pattern="x*").splitlines()

    assert (len(lines), lines[-1]) == (101, "[50 more variables: ask with a pattern]")


def test_it_is_told_that_there_are_none(tools: Tools) -> None:
    text = tools["list_variables"].function(pattern="q*")

    assert text == "No variable is called q*."


def test_a_variable_and_its_parts_are_read(terminal: Typed, tools: Tools) -> None:
    terminal.run("config = {'lr': 0.1, 'layers': [1, 2]}")

    whole = tools["read_variable"].function(path="config")
    part = tools["read_variable"].function(path="config['layers'][1]")

    assert "'lr'" in whole
    assert part == "[variable config['layers'][1]]\nint: 2"


def test_a_path_is_no_variable(tools: Tools) -> None:
    with pytest.raises(ContextNotFound):
        tools["read_variable"].function(path="a.txt")


def test_a_cell_is_proposed_and_not_run(terminal: Typed, tools: Tools, offered: list[str]) -> None:
    told = tools["propose_cell"].function(code="x = 1")

    assert offered == ["x = 1"]
    assert "x" not in terminal.shell.user_ns
    assert "has not run" in told


def test_a_second_proposal_takes_the_place_of_the_first_and_says_so(tools: Tools, offered: list[str]) -> None:
    tools["propose_cell"].function(code="x = 1")

    told = tools["propose_cell"].function(code="x = 2")

    assert offered[-1] == "x = 2"
    assert "takes the place of the one proposed before" in told


@pytest.mark.parametrize(
    ("code", "cell"), [("x = 1", "# Instead of cell 5\nx = 1"), ("%%time\nx = 1", "%%time\nx = 1")]
)
def test_a_changed_cell_says_which_it_is_for(tools: Tools, offered: list[str], code: str, cell: str) -> None:
    told = tools["propose_cell"].function(code=code, replace="5")

    assert offered == [cell]
    assert "instead of cell 5" in told


def test_the_number_of_a_cell_cannot_bring_in_code(tools: Tools, offered: list[str]) -> None:
    tools["propose_cell"].function(code="x = 1", replace="5\nimport os")

    assert offered[0].splitlines() == ["# Instead of cell 5 import os", "x = 1"]


def test_reading_says_so_and_all_of_it_belongs_to_the_kernels_thread(tools: Tools) -> None:
    effects = {name: set(tool.effects) for name, tool in tools.items()}

    assert effects == {
        "read_cells": {"reads"},
        "list_variables": {"reads"},
        "read_variable": {"reads"},
        "propose_cell": set(),
    }
    assert {tool.where for tool in tools.values()} == {"kernel"}
