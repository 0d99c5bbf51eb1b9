"""What a summary must not do, and what holds for all values."""

from __future__ import annotations

import collections
import subprocess
import sys
import threading
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import BaseFormatter
from IPython.core.interactiveshell import InteractiveShell

from chatnb.context.summaries import summarize

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=50,
)


@given(JSON, st.integers(0, 3_000))
def test_any_json_is_summarised_within_the_limit(value: Any, limit: int) -> None:
    text = summarize(value, limit)

    assert len(text) <= limit
    assert bool(text) == bool(limit)


@given(JSON)
def test_a_summary_of_the_same_is_the_same(value: Any) -> None:
    assert summarize(value) == summarize(value)


def test_nothing_heavy_is_imported_for_it() -> None:
    program = (
        "import sys\n"
        "from chatnb.context.summaries import summarize\n"
        "from chatnb.context import variables\n"
        "summarize([{'a': object()}, summarize, sys])\n"
        "print(*{'numpy', 'pandas', 'polars', 'narwhals', 'IPython', 'matplotlib'} & sys.modules.keys())"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_a_generator_and_an_iterator_are_not_consumed() -> None:
    generator, iterator = (number for number in range(3)), iter([1, 2, 3])

    summarize([generator, iterator])
    summarize(generator)
    summarize(iterator)

    assert (list(generator), list(iterator)) == ([0, 1, 2], [1, 2, 3])


def test_a_lazy_table_is_not_collected() -> None:
    collected = []

    def look(frame: pl.DataFrame) -> pl.DataFrame:
        collected.append(frame)
        return frame

    lazy = pl.LazyFrame({"a": [1]}).map_batches(look, schema={"a": pl.Int64})
    text = summarize({"lazy": lazy}) + summarize(lazy)

    assert "a: Int64" in text
    assert collected == []


def test_a_dict_that_makes_its_values_is_left_as_it_is() -> None:
    counts: collections.defaultdict[str, int] = collections.defaultdict(int, a=1)

    summarize(counts)

    assert dict(counts) == {"a": 1}


def test_a_plain_value_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise AssertionError

    monkeypatch.setattr(threading.Thread, "start", refuse)

    texts = [summarize(value) for value in ([1, "a", {"b": (1,)}], pd.DataFrame({"a": [1]}), "text", 10**9)]

    assert [text.partition(" ")[0] for text in texts] == ["list", "pandas.DataFrame,", "str", "int:"]


def test_a_formatter_for_models_that_somebody_registered_is_asked() -> None:
    class LLMFormatter(BaseFormatter):
        format_type = "x-vendor/llm"
        print_method = "_repr_llm_"

    shell: Any = InteractiveShell.instance()
    formatter: Any = LLMFormatter(parent=shell.display_formatter)
    formatter.for_type(int, lambda number: {"a number": number})
    shell.display_formatter.formatters["x-vendor/llm"] = formatter
    try:
        text = summarize(42)
    finally:
        InteractiveShell.clear_instance()

    assert '"a number": 42' in text


def test_what_an_object_says_of_itself_for_models_is_bounded_too() -> None:
    class Chatty:
        def _repr_llm_(self) -> str:
            return "x" * 10**6

    text = summarize(Chatty(), 100)

    assert text == "x" * 99 + "…"


@pytest.mark.parametrize("value", [{"a": 1, "b": 2}, pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]})])
def test_where_time_runs_out_the_summary_says_that_there_is_more(value: object) -> None:
    first, *rest = summarize(value, time_s=0).splitlines()

    assert first == summarize(value).splitlines()[0]
    assert rest == ["(the rest takes too long)"]
