"""A notebook's file is read as cells, whatever wrote it, and a damaged one is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.context import notebook as module
from chatnb.context.cell import Cell
from chatnb.context.notebook import cells_of, read_notebook
from chatnb.errors import ContextNotFound, ContextRefused


def saved(path: Path, *cells: Any) -> Path:
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)
    return path


def code(source: str, *outputs: Any, **more: Any) -> Any:
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), **more)


def shown(kind: str, **more: Any) -> Any:
    return nbformat.v4.new_output(kind, **more)


def test_cells_of_every_kind_come_in_their_order(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.ipynb",
        nbformat.v4.new_markdown_cell("# Title\n\ntext", id="m1"),
        code("1 + 1", shown("execute_result", data={"text/plain": "2"}, execution_count=3), execution_count=3, id="c1"),
        code("later", id="c2"),
        nbformat.v4.new_raw_cell("raw", id="r1"),
    )

    cells = read_notebook(path)

    assert [(cell.kind, cell.id, cell.number, cell.as_text()) for cell in cells] == [
        ("markdown", "m1", None, "# Title\n\ntext"),
        ("code", "c1", 3, "1 + 1\n\n[output]\n2"),
        ("code", "c2", None, "later"),
        ("raw", "r1", None, "raw"),
    ]
    assert not any(cell.has_run for cell in cells)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (shown("stream", text="50 %\r100 %\ndone\n"), "100 %\ndone"),
        (shown("stream", name="stderr", text="\x1b[31mred\x1b[0m"), "red"),
        (shown("display_data", data={"text/plain": "   a\n0  1", "text/html": "<table></table>"}), "   a\n0  1"),
        (shown("display_data", data={"text/plain": "<X object>", "text/markdown": "**b**"}), "**b**"),
        (
            shown(
                "display_data", data={"text/plain": "<IPython.core.display.HTML object>", "text/html": "<b>a</b><br>c"}
            ),
            "a\nc",
        ),
        (
            shown("display_data", data={"text/html": "<style>x</style><tr><td>1</td><td>2 &lt; 3</td></tr>"}),
            "1 | 2 < 3",
        ),
        (shown("display_data", data={"text/plain": "<Figure>", "image/png": "iVBO"}), "[picture image/png] <Figure>"),
        (shown("display_data", data={"image/svg+xml": "<svg/>"}), "[picture image/svg+xml]"),
        (shown("display_data", data={"application/json": {"a": [1]}}), '{"a": [1]}'),
        (shown("display_data", data={"x-vendor/llm": "for models", "text/plain": "for people"}), "for models"),
        (
            shown("error", ename="KeyError", evalue="'a'", traceback=["\x1b[31mKeyError\x1b[39m", "KeyError: 'a'"]),
            "KeyError\nKeyError: 'a'",
        ),
    ],
)
def test_an_output_is_read_as_plain_text(output: Any, text: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ipynb", code("x", output))

    (cell,) = read_notebook(path)

    assert cell.outputs_as_text() == text


def test_long_outputs_are_cut_in_the_middle_with_a_mark(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ipynb", code("x", shown("stream", text="first\n" + "y" * 1_000_000 + "\nlast")))

    text = read_notebook(path)[0].outputs_as_text()

    assert text.startswith("first\ny")
    assert text.endswith("y\nlast")
    assert "[... 992,011 characters left out ...]" in text
    assert len(text) < 8_100


def test_a_notebook_of_version_3_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.ipynb"
    written = nbformat.v3.new_notebook(
        worksheets=[
            nbformat.v3.new_worksheet(
                cells=[
                    nbformat.v3.new_heading_cell("Title"),
                    nbformat.v3.new_code_cell(
                        "1/1", prompt_number=2, outputs=[nbformat.v3.new_output("pyout", output_text="1.0")]
                    ),
                ]
            )
        ]
    )
    path.write_text(json.dumps(written))

    heading, one = read_notebook(path)

    assert (heading.kind, heading.source) == ("markdown", "Title")
    assert (one.number, one.as_text()) == (2, "1/1\n\n[output]\n1.0")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"cells": [', "Expecting value"),
        (b"\xff\xfe\x00", "decode"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[1, 2]", "no notebook"),
        (b'{"nbformat": 9}', "version 9"),
    ],
)
def test_what_is_no_notebook_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_bytes(content)

    with pytest.raises(ContextRefused, match=reason) as refused:
        read_notebook(path)

    assert str(refused.value).startswith("The notebook bad.ipynb cannot be read: ")


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ContextNotFound, match=r"There is no notebook gone\.ipynb"):
        read_notebook(tmp_path / "gone.ipynb")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.ipynb", code("x" * 1_000))
    monkeypatch.setattr(module, "LARGEST_BYTES", 1_000)

    with pytest.raises(ContextRefused, match="larger than 1,000 bytes"):
        read_notebook(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["cell_type", "source", "id", "execution_count", "outputs", "input"])
kinds = st.sampled_from(["stream", "error", "display_data", "execute_result", "pyout", "pyerr", "other"])
bundles = st.dictionaries(
    st.sampled_from(["text/plain", "image/png", "application/json", "image/svg+xml"]), json_values
)
outputs = st.fixed_dictionaries(
    {"output_type": kinds | json_values},
    optional={
        "data": bundles | json_values,
        **dict.fromkeys(("text", "traceback", "ename", "evalue", "name", "png", "html"), json_values),
    },
)
strange_cells = st.dictionaries(keys, json_values | st.lists(outputs, max_size=3), max_size=6)


@given(st.lists(strange_cells | json_values, max_size=4))
def test_whatever_json_stands_where_cells_are_it_can_be_read(values: list[Any]) -> None:
    cells = cells_of({"nbformat": 4, "cells": values})

    assert all(isinstance(cell, Cell) for cell in cells)
    assert all(isinstance(cell.as_text(), str) for cell in cells)
    assert all(isinstance(text, str) for cell in cells for _, text in cell.pictures())
