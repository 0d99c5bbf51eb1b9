"""What ran in a shell is kept, and no more than may be; what only a kernel shows is in tests/kernel/test_cells.py."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from chatnb.errors import ChatError, ChatInterrupted
from tests.context.shells import Typed, typed


@pytest.fixture
def cells() -> Iterator[Typed]:
    with typed() as cells:
        yield cells


def texts(cells: Typed) -> list[str]:
    return [cell.as_text() for cell in cells.recorder.cells()]


def test_a_cell_is_kept_with_what_it_printed_and_returned(cells: Typed) -> None:
    cells.run("print('one')\n1 + 1", cell_id="a1")

    (cell,) = cells.recorder.cells()
    assert (cell.number, cell.id, cell.has_run, cell.is_whole) == (1, "a1", True, True)
    assert cell.as_text() == "print('one')\n1 + 1\n\n[output]\none\n2"


def test_an_error_is_kept_without_what_colours_it(cells: Typed) -> None:
    cells.run("{}['price']")

    (cell,) = cells.recorder.cells()
    assert cell.error is not None
    assert cell.error["ename"] == "KeyError"
    assert "KeyError: 'price'" in cell.as_text()
    assert "\x1b" not in cell.as_text()


def test_a_syntax_error_is_kept(cells: Typed) -> None:
    cells.run("1 +")

    (cell,) = cells.recorder.cells()
    assert cell.error is not None
    assert "SyntaxError: invalid syntax" in cell.as_text()


def test_the_text_is_the_same_when_a_cell_fails_again(cells: Typed) -> None:
    cells.run("def f():\n    return {}['price']\nf()", "pass", "def f():\n    return {}['price']\nf()")

    first, _, last = cells.recorder.cells()
    assert first.number != last.number
    assert first.as_text() == last.as_text()


def test_the_cell_that_runs_is_not_among_those_that_ran(cells: Typed) -> None:
    cells.run("1", "2")

    assert [cell.source for cell in cells.asking(cells.recorder.cells)] == ["1", "2"]


def test_what_a_nested_cell_shows_belongs_to_the_cell_around_it(cells: Typed) -> None:
    cells.run("get_ipython().run_cell('print(1)');\nprint(2)", "print(3)")

    assert [text.partition("[output]\n")[2] for text in texts(cells)] == ["1\n2", "3"]


def test_what_is_captured_is_not_shown_by_the_cell_after_it(cells: Typed) -> None:
    cells.run("%%capture out\nprint('captured')", "print('shown')")

    assert [text.partition("[output]\n")[2] for text in texts(cells)] == ["", "shown"]


def test_an_empty_cell_and_one_without_a_number_are_passed_over(cells: Typed) -> None:
    cells.run("", "  \n")
    cells.shell.run_cell("print('inspected')", store_history=False)
    cells.run("print('typed')")

    assert texts(cells) == ["print('typed')\n\n[output]\ntyped"]


def test_what_ran_before_is_read_from_the_history(cells: Typed) -> None:
    cells.recorder.uninstall()
    cells.run("print('early')\n41", "{}['price']")
    cells.recorder.install()
    cells.run("print('late')")

    first, failed, last = cells.recorder.cells()
    assert first.as_text().endswith("early\n41")
    assert failed.error is not None
    assert last.as_text().endswith("late")


def test_counting_anew_forgets_what_had_the_numbers_before(cells: Typed) -> None:
    cells.run("1", "2", "3", "%reset -f", "print('after')")

    assert [text for text in texts(cells) if "after" in text] == ["print('after')\n\n[output]\nafter"]
    assert "3" not in texts(cells)


def test_nothing_is_kept_of_a_recorder_that_was_turned_off(cells: Typed) -> None:
    cells.run("print(1)")

    cells.recorder.uninstall()

    assert cells.recorder.size_bytes == 0
    assert cells.shell.events.callbacks["pre_run_cell"] == []


def test_a_long_text_keeps_its_beginning_its_end_and_a_true_count(cells: Typed) -> None:
    cells.run("for number in range(100_000): print(f'{number:09}')")

    (cell,) = cells.recorder.cells()
    shown = cell.outputs_as_text()
    head, _, rest = shown.partition("\n[... ")
    count, _, tail = rest.partition(" characters left out ...]\n")
    assert head.startswith("000000000\n000000001\n")
    assert tail.endswith("000099998\n000099999")
    assert len(head) + int(count.replace(",", "")) + len(tail) == 1_000_000 - 1  # the last line's end
    assert cells.recorder.size_bytes < 150_000


def test_the_oldest_cells_are_forgotten_first() -> None:
    with typed(bytes_limit=100_000) as cells:
        for _ in range(20):
            cells.run("print('x' * 20_000)")

        assert cells.recorder.size_bytes <= 105_000
        assert cells.recorder._runs.keys() == {17, 18, 19, 20}


def test_only_so_many_cells_are_known() -> None:
    with typed(cells_limit=3) as cells:
        cells.run("1", "2", "3", "4", "5")

        assert [cell.source for cell in cells.recorder.cells()] == ["3", "4", "5"]


def test_no_object_of_the_user_is_kept_alive(cells: Typed) -> None:
    cells.run("class Thing: pass\nthing = Thing()\n[thing]\nraise ValueError(thing)")
    kept = weakref.ref(cells.shell.user_ns["thing"])

    cells.run("raise KeyError", "%reset -f out", "del thing\n%xdel _\n0")  # what IPython itself keeps
    cells.shell.last_execution_result = None
    gc.collect()

    assert len(cells.recorder.cells()) == 4
    assert kept() is None


@pytest.mark.parametrize("refusal", [ChatError("No."), ChatInterrupted("Stopped.")])
def test_a_refusal_of_our_own_leaves_the_last_failure_to_the_debugger(cells: Typed, refusal: BaseException) -> None:
    def refuse() -> None:
        raise refusal

    cells.run("{}['price']")
    failure = sys.last_value
    with pytest.raises(type(refusal)):
        cells.asking(refuse)

    assert isinstance(failure, KeyError)
    assert sys.last_value is failure
    assert sys.last_type is KeyError
