"""References to cells, with a real shell and real notebook files."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from chatnb.context.base import Reading, Reference
from chatnb.context.cell import Cell
from chatnb.context.cells import CellsSource
from chatnb.errors import ContextNotFound, ContextRefused
from chatnb.messages import Context
from tests.context.shells import Typed, typed

PNG = base64.b64encode(b"\x89PNG picture").decode()


@pytest.fixture
def cells() -> Iterator[Typed]:
    with typed() as cells:
        yield cells


def saved(folder: Path, *cells: Any) -> Path:
    path = folder / "work.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)
    return path


def code(source: str, cell_id: str, **more: Any) -> Any:
    return nbformat.v4.new_code_cell(source, id=cell_id, **more)


def markdown(source: str, cell_id: str) -> Any:
    return nbformat.v4.new_markdown_cell(source, id=cell_id)


def asked(
    cells: Typed,
    reference: str,
    path: Path | None = None,
    cell_id: str | None = None,
    page: tuple[Sequence[Cell] | None, str] = (None, ""),
) -> Reading:
    """Return what a reference reads in the next cell."""
    source = CellsSource(cells.recorder, lambda: path, lambda: page)
    kind, _, target = reference.partition(":")
    return cells.asking(lambda: source.read(Reference(kind, target)), cell_id)


def sources(reading: Reading) -> list[str]:
    return [part.text.partition("\n\n[output]")[0] for part in reading.parts if isinstance(part, Context)]


def labels(reading: Reading) -> list[str]:
    return [part.label for part in reading.parts if isinstance(part, Context)]


@pytest.mark.parametrize(
    "shown", ["%chat panel", "%load_ext chatnb\n%chat  panel", "if 0:\n    panel = chatnb.ChatPanel()"]
)
def test_cells_that_show_a_panel_are_not_counted_by_a_slice(shown: str, cells: Typed) -> None:
    cells.run("a = 1", "b = '%chat panel'", shown)

    assert sources(asked(cells, "cells:-1:")) == ["b = '%chat panel'"]
    assert sources(asked(cells, "cells::"))[:3] == ["a = 1", "b = '%chat panel'", shown]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("cells:2-3", ["b", "c"]),
        ("cells:4", ["d"]),
        ("cells:3-9", ["c", "d", "e"]),
        ("cells:-2:", ["d", "e"]),
        ("cells:1:3", ["b", "c"]),
        ("cells::-3", ["a", "b"]),
        ("cells:all", ["a", "b", "c", "d", "e"]),
        ("cells::", ["a", "b", "c", "d", "e"]),
        ("cells", ["a", "b", "c", "d", "e"]),
        ("cell:2", ["b"]),
    ],
)
def test_cells_are_named_by_their_counts_or_by_a_slice(reference: str, expected: list[str], cells: Typed) -> None:
    cells.run(*(f"{name} = 1" for name in "abcde"))

    reading = asked(cells, reference)

    assert sources(reading) == [f"{name} = 1" for name in expected]
    assert reading.notes == ()


@pytest.mark.parametrize(
    "reference", ["cells:7-9", "cells:9:", "cells:x", "cell:7", "cell:x", "cell", "out:7", "out:1"]
)
def test_what_is_not_there_is_an_error_that_names_what_is(reference: str, cells: Typed) -> None:
    cells.run("a = 1", "b = 1")

    with pytest.raises(ContextNotFound) as error:
        asked(cells, reference)

    assert any(hint in str(error.value) for hint in ("These ran: 1, 2.", "Write cells:1-3", "shows no output"))


def test_a_part_has_its_count_in_the_label_and_its_id_as_reference(cells: Typed) -> None:
    cells.run("print(1)", cell_id="id-1")
    cells.run("print(2)")

    first, second = asked(cells, "cells:all").parts

    assert first == Context.of("cell 1", "print(1)\n\n[output]\n1", "cell:id-1")
    assert second == Context.of("cell 2", "print(2)\n\n[output]\n2", "cell:2")


def test_of_a_cell_that_ran_twice_the_newest_run_counts_but_the_older_can_be_named(cells: Typed) -> None:
    cells.run("print('old')", cell_id="same")
    cells.run("b = 1", cell_id="other")
    cells.run("print('new')", cell_id="same")

    assert sources(asked(cells, "cells:all")) == ["b = 1", "print('new')"]
    assert sources(asked(cells, "cell:same")) == ["print('new')"]
    assert sources(asked(cells, "cell:1")) == ["print('old')"]


def test_a_cell_that_ran_again_with_the_same_outcome_has_the_same_hash(cells: Typed) -> None:
    cells.run("{}['price']", cell_id="same")
    before = asked(cells, "cell:same").parts[0]
    cells.run("{}['price']", cell_id="same")

    after = asked(cells, "cell:same").parts[0]

    assert isinstance(before, Context)
    assert isinstance(after, Context)
    assert before.label != after.label
    assert before.sha256 == after.sha256


def test_the_output_alone_can_be_named(cells: Typed) -> None:
    cells.run("print(1)\n2")

    assert asked(cells, "out:1").parts == (Context.of("output of cell 1", "1\n2", "out:1"),)


def test_above_is_what_stands_above_in_the_file_with_what_ran(cells: Typed, tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        markdown("# Title", "m"),
        code("first = 'as saved'", "c1"),
        code("never_ran()", "c2"),
        code("answer = ask()", "asking"),
        code("below = 1", "c3"),
    )
    cells.run("below = 1", cell_id="c3")
    cells.run("first = 'as it ran'", cell_id="c1")

    reading = asked(cells, "cells:above", path, "asking")

    assert sources(reading) == ["# Title", "first = 'as it ran'", "never_ran()"]
    assert labels(reading) == ["cell (markdown)", "cell 2", "cell (not run)"]
    assert reading.notes == ()


def test_above_holds_what_ran_since_the_notebook_was_saved_and_says_so(cells: Typed, tmp_path: Path) -> None:
    path = saved(tmp_path, code("a = 1", "c1"), code("answer = ask()", "asking"))
    cells.run("a = 1", cell_id="c1")
    cells.run("new = 1", cell_id="unsaved")

    reading = asked(cells, "cells:above", path, "asking")

    assert sources(reading) == ["a = 1", "new = 1"]
    assert reading.notes == ("Cell 2 ran, but is not in the saved notebook: where it stands is not known.",)


@pytest.mark.parametrize(
    ("is_saved", "reason"), [(False, "The notebook's file is not known"), (True, "The asking cell is not in the saved")]
)
def test_above_is_all_that_ran_where_the_place_is_not_known_and_says_why(
    is_saved: bool, reason: str, cells: Typed, tmp_path: Path
) -> None:
    path = saved(tmp_path, markdown("# Title", "m")) if is_saved else None
    cells.run("a = 1", cell_id="c1")

    reading = asked(cells, "cells:above", path, "asking")

    assert sources(reading) == ["a = 1"]
    assert reading.notes[0].startswith(reason)
    assert "Markdown and cells that have not run are not seen" in reading.notes[0]


def test_an_earlier_run_of_the_asking_cell_is_not_read(cells: Typed) -> None:
    cells.run("a = 1", cell_id="c1")
    asked(cells, "cells:all", cell_id="asking")

    assert sources(asked(cells, "cells:all", cell_id="asking")) == ["a = 1"]
    assert sources(asked(cells, "cells:above", cell_id="asking")) == ["a = 1"]


def test_the_notebook_is_everything_but_the_asking_cell(cells: Typed, tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        code("a = 1", "c1"),
        code("answer = ask()", "asking"),
        markdown("## End", "m"),
        code("earlier", "c2", execution_count=9),
        code(" ", "empty"),
    )
    cells.run("a = 1", cell_id="c1")

    reading = asked(cells, "notebook", path, "asking")

    assert list(zip(labels(reading), sources(reading), strict=True)) == [
        ("cell 1", "a = 1"),
        ("cell (markdown)", "## End"),
        ("cell (not run in this kernel)", "earlier"),
    ]
    assert "saved" in reading.notes[0]


def test_a_notebook_without_a_file_is_what_ran(cells: Typed) -> None:
    cells.run("a = 1")

    reading = asked(cells, "notebook")

    assert sources(reading) == ["a = 1"]
    assert "ChatConfig.notebook" in reading.notes[0]


def test_a_damaged_file_is_said_and_what_ran_is_read(cells: Typed, tmp_path: Path) -> None:
    path = tmp_path / "work.ipynb"
    path.write_text("{")
    cells.run("a = 1")

    reading = asked(cells, "cells:above", path)

    assert sources(reading) == ["a = 1"]
    assert "The notebook work.ipynb cannot be read" in reading.notes[0]


def test_a_cell_of_an_earlier_kernel_is_read_from_the_file_and_says_so(cells: Typed, tmp_path: Path) -> None:
    output = nbformat.v4.new_output("stream", text="seen\n")
    path = saved(tmp_path, code("old()", "c1", execution_count=40, outputs=[output]))

    reading = asked(cells, "cell:40", path)

    assert reading.parts == (Context.of("cell (not run in this kernel)", "old()\n\n[output]\nseen", "cell:c1"),)
    assert reading.notes == ("This cell has not run in this kernel; it is read from the saved notebook.",)


def test_what_a_page_shows_counts_before_what_was_saved_and_has_the_outputs_of_the_file(
    cells: Typed, tmp_path: Path
) -> None:
    output = nbformat.v4.new_output("stream", text="seen\n")
    path = saved(tmp_path, code("old()", "c1", execution_count=40, outputs=[output]), code("answer = ask()", "asking"))
    shown = [Cell("old()", number=40, id="c1"), Cell("new()", id="c2"), Cell("answer = ask()", id="asking")]
    cells.run("gone = 1", cell_id="deleted")
    cells.run("ran = 1", cell_id="c2")

    reading = asked(cells, "cells:above", path, "asking", (shown, ""))

    texts = [part.text for part in reading.parts if isinstance(part, Context)]
    assert texts == ["old()\n\n[output]\nseen", "ran = 1"]
    assert reading.notes == ("Cell 2 was changed since it ran; what ran is read.",)
    assert sources(asked(cells, "notebook", None, "asking", (shown, ""))) == ["old()", "ran = 1"]


@pytest.mark.parametrize("reference", ["cells:above", "notebook", "cell:c1"])
def test_a_page_that_does_not_answer_is_told_and_the_file_is_read(reference: str, cells: Typed, tmp_path: Path) -> None:
    path = saved(tmp_path, code("saved()", "c1"), code("answer = ask()", "asking"))

    reading = asked(cells, reference, path, "asking", (None, "Nobody answered."))

    assert sources(reading) == ["saved()"]
    assert "Nobody answered." in reading.notes


def test_pictures_of_a_cell_are_handed_out_and_only_marked_in_its_text(cells: Typed) -> None:
    source = CellsSource(cells.recorder, lambda: None)
    cells.run(
        "data = {'text/plain': '<Figure>'}",
        f"get_ipython().display_pub.publish(data | {{'image/png': {PNG!r}}})",
        "pass",
    )

    (picture,) = source.pictures("cell:2")

    assert (picture.data, picture.mime) == (b"\x89PNG picture", "image/png")
    assert source.pictures("out:2") == source.pictures("2") == (picture,)
    assert asked(cells, "out:2").parts[0] == Context.of("output of cell 2", "[picture image/png] <Figure>", "out:2")
    with pytest.raises(ContextNotFound, match="Cell 3 shows no PNG or JPEG picture"):
        source.pictures("cell:3")


def test_references_that_would_be_found_are_named_the_newest_first(cells: Typed) -> None:
    source = CellsSource(cells.recorder, lambda: None)
    cells.run("a = 1", "print(2)")

    assert list(source.names()) == ["cells:above", "cells:all", "notebook", "cell:2", "out:2", "cell:1"]


def test_a_notebook_in_which_nothing_ran_holds_nothing(cells: Typed) -> None:
    with pytest.raises(ContextNotFound, match="No cell has run yet"):
        asked(cells, "notebook")
    with pytest.raises((ContextNotFound, ContextRefused), match="There is no cell"):
        asked(cells, "cell:77")
