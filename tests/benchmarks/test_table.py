"""The table of the benchmarks says what holds, and goes on when one of them fails."""

from __future__ import annotations

import importlib

import pytest

from . import __main__ as table
from .rows import Row


@pytest.mark.parametrize(
    ("value", "bound", "holds"), [(1.19, 1.2, "yes"), (1.2, 1.2, "yes"), (1.2049, 1.2, "yes"), (1.21, 1.2, "NO")]
)
def test_a_row_says_whether_its_bound_holds_in_the_digits_that_are_shown(
    value: float, bound: float, holds: str
) -> None:
    line = table.as_line(Row("CPU", value, "x", bound, "a loop"))

    assert line.split() == ["CPU", f"{value:.3g}", "x", f"{bound}", "x", holds, "a", "loop"]


def test_a_comparison_without_a_bound_neither_holds_nor_fails() -> None:
    line = table.as_line(Row("redrawn whole", 547_000, "x", None, "a loop"))

    assert line.split() == ["redrawn", "whole", "547,000", "x", "a", "loop"]


def test_a_benchmark_that_fails_is_a_row_and_the_next_one_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(table, "MODULES", ("nothing_of_this_name", "rows"))

    code = table.main(["--quick"])

    lines = [line for line in capsys.readouterr().out.splitlines() if "ERROR" in line]
    assert code == 1
    assert [line.split()[0] for line in lines] == ["nothing_of_this_name", "rows"]


def test_every_benchmark_can_be_measured_alone() -> None:
    for name in table.MODULES:
        assert callable(importlib.import_module(f".{name}", table.__package__).rows)


def test_a_word_that_names_no_benchmark_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        table.main(["--only", "nonsense"])

    assert "nonsense" in capsys.readouterr().err
