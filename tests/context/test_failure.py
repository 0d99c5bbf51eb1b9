"""The last error: its traceback as the user knows the places, and the values of the user's own frames."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb.context.base import Reference
from chatnb.context.failure import ErrorSource
from chatnb.errors import ChatError, ContextNotFound
from chatnb.messages import Context
from tests.context.shells import Typed, typed


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    for name in ("last_value", "last_type", "last_traceback", "last_exc"):
        monkeypatch.delattr(sys, name, raising=False)
    with typed() as cells:
        yield cells


def asked(cells: Typed, folder: Path, target: str = "") -> Context:
    source = ErrorSource(cells.shell, cells.recorder, lambda value, limit: repr(value)[:limit], folder)
    (part,) = cells.asking(lambda: source.read(Reference("error", target))).parts
    assert isinstance(part, Context)
    return part


def test_it_is_the_traceback_and_what_the_failing_statement_names(cells: Typed, tmp_path: Path) -> None:
    cells.run("import json\nunused = 1\nrow = {'name': 'tea'}", "row['price']")

    part = asked(cells, tmp_path)

    assert (part.label, part.ref) == ("error", "error")
    assert part.text == (
        "Traceback (most recent call last):\n"
        '  File "cell 2", line 1, in <module>\n'
        "    row['price']\n"
        "    ~~~^^^^^^^^^\n"
        "KeyError: 'price'\n\n"
        "[variables]\n"
        "cell 2, line 1:\n"
        "row = {'name': 'tea'}"
    )


def test_the_frames_of_own_files_are_told_and_those_of_libraries_are_not(cells: Typed, tmp_path: Path) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "loading.py").write_text("import json\ndef load(text, depth):\n    return json.loads(text)\n")
    cells.run(f"import sys\nsys.path.insert(0, {str(folder)!r})\nfrom loading import load", "load('{', depth=3)")

    text = asked(cells, tmp_path).text

    assert f'File "{Path("src", "loading.py")}", line 3, in load' in text
    assert f"load, {Path('src', 'loading.py')}, line 3:\ntext = '{{'\ndepth = 3" in text
    assert "JSONDecodeError" in text
    assert "idx" not in text.partition("[variables]")[2]  # of the json module
    assert "interactiveshell" not in text


def test_a_syntax_error_is_shown_where_it_is(cells: Typed, tmp_path: Path) -> None:
    cells.run("x = 1\n1 +")

    text = asked(cells, tmp_path).text

    assert 'File "cell 1", line 2' in text
    assert "SyntaxError: invalid syntax" in text


def test_of_a_long_way_the_outermost_and_the_innermost_frames_are_told(cells: Typed, tmp_path: Path) -> None:
    cells.run("def down(depth):\n    return 1 / depth if depth == 0 else down(depth - 1)\ndown(40)")

    values = asked(cells, tmp_path).text.partition("[variables]")[2]

    assert [line for line in values.splitlines() if line.startswith("depth")] == ["depth = 2", "depth = 1", "depth = 0"]


def test_all_is_bounded(cells: Typed, tmp_path: Path) -> None:
    names = "\n".join(f"    value_{number} = 'x' * 100_000" for number in range(50))
    cells.run(f"def fail():\n{names}\n    raise ValueError('y' * 1_000_000)\nfail()")

    text = asked(cells, tmp_path).text

    assert len(text) < 15_000
    assert "characters left out ...]" in text
    assert "[... 38 more variables left out ...]" in text


def test_an_error_that_came_of_another_tells_both(cells: Typed, tmp_path: Path) -> None:
    cells.run("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('no') from error")

    text = asked(cells, tmp_path).text

    assert text.count('File "cell 1"') == 2
    assert "direct cause" in text


def test_a_refusal_of_our_own_is_not_the_last_error(cells: Typed, tmp_path: Path) -> None:
    def refuse() -> None:
        raise ChatError("There is no model.")

    cells.run("{}['price']")
    with pytest.raises(ChatError):
        cells.asking(refuse)

    assert "KeyError: 'price'" in asked(cells, tmp_path).text


def test_where_nothing_failed_but_us_there_is_no_error(cells: Typed, tmp_path: Path) -> None:
    def refuse() -> None:
        raise ChatError("There is no model.")

    cells.run("fine = 1")
    with pytest.raises(ChatError):
        cells.asking(refuse)

    with pytest.raises(ContextNotFound, match="No cell has failed yet"):
        asked(cells, tmp_path)


def test_an_earlier_error_is_named_by_its_cell(cells: Typed, tmp_path: Path) -> None:
    cells.run("{}['first']", "1 / 0", "fine = 1")

    part = asked(cells, tmp_path, "1")

    assert (part.label, part.ref) == ("error of cell 1", "error:1")
    assert "KeyError: 'first'" in part.text
    with pytest.raises(ContextNotFound, match=r"Cell 3 has not failed. Cells that failed: 2, 1"):
        asked(cells, tmp_path, "3")


def test_reading_it_keeps_nothing_alive(cells: Typed, tmp_path: Path) -> None:
    cells.run("class Thing: pass\ndef fail():\n    thing = Thing()\n    seen(thing)\n    raise ValueError")
    seen: list[weakref.ref[object]] = []
    cells.shell.user_ns["seen"] = lambda thing: seen.append(weakref.ref(thing))
    cells.run("fail()")
    asked(cells, tmp_path)

    cells.run("raise KeyError")
    gc.collect()

    assert seen[0]() is None
