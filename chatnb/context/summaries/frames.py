"""Tables and columns of pandas, polars, pyarrow and whatever else narwhals knows; a lazy table is never collected."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from .kinds import Describer, Kind, Lines
from .lookup import is_known, library, roots
from .texts import clip, count, figure, listed, type_name

_LIBRARIES = {
    "pandas",
    "polars",
    "pyarrow",
    "modin",
    "cudf",
    "dask",
    "dask_expr",
    "duckdb",
    "ibis",
    "pyspark",
    "sqlframe",
}
_EXACT_ROWS = 100_000
_SAMPLE_ROWS = 5_000
_ROWS = 3
_CELL = 24
_TIMES = (dt.date, dt.datetime, dt.timedelta)


def kind_of(value: object) -> Kind | None:
    """Return the kind of a table or column."""
    cls = type(value)
    if not roots(cls) & _LIBRARIES:
        return None
    if issubclass(cls, library("pandas", "Index")):
        return _index
    # narwhals refuses those whose columns have equal names.
    if issubclass(cls, library("pandas", "DataFrame")):
        return _frame
    if cls.__name__ in {"DataFrameGroupBy", "SeriesGroupBy", "GroupBy"}:
        return _group_by
    if issubclass(cls, library("pyarrow", "RecordBatch")):
        return _record_batch
    if issubclass(cls, library("pyarrow", "Array")):
        return _arrow_array
    nw = load()
    known = nw.from_native(value, pass_through=True, allow_series=True)
    if isinstance(known, nw.DataFrame):
        return _frame
    if isinstance(known, nw.LazyFrame):
        return _lazy
    return _series if isinstance(known, nw.Series) else None


def load() -> Any:
    """Return narwhals."""
    import narwhals.stable.v2 as narwhals  # noqa: PLC0415 - it costs 50 ms, and only tables need it

    return narwhals


def column_names(value: Any) -> list[Any]:
    """Return the names of a table's columns, without collecting a lazy one; empty if it is no table.

    Examples
    --------
    >>> column_names({"a": 1})
    []
    """
    if not roots(type(value)) & _LIBRARIES or kind_of(value) is not _frame:
        return []
    is_pandas = issubclass(type(value), library("pandas", "DataFrame"))
    return list(value.columns if is_pandas else load().from_native(value).columns)


def _frame(value: Any, describer: Describer) -> Lines:
    nw = load()
    rows, width = value.shape
    yield f"{type_name(type(value))}, {count(rows, 'row')} x {count(width, 'column')}"
    is_pandas = issubclass(type(value), library("pandas", "DataFrame"))
    if is_pandas and type(value.index) is not library("pandas", "RangeIndex")[0]:
        yield f"index: {next(_index(value.index, describer))}"
    names = value.columns if is_pandas else nw.from_native(value, eager_only=True).columns
    most = max(describer.limit // 40, 2)
    few = nw.from_native(_named(value.iloc[:, :most])) if is_pandas else nw.from_native(value)[names[:most]]
    every = -(-rows // _SAMPLE_ROWS) if rows > _EXACT_ROWS else 1
    # Copied, because each look at rows that lie far apart is slow.
    sample = few[::every].clone() if every > 1 else few
    head = list(_first_rows(few.head(_ROWS), describer))
    yield "columns" + (f" (from a sample of {count(len(sample), 'row')}):" if every > 1 else ":")
    room = describer.limit - 200 - sum(map(len, head))
    shown = 0
    for name in few.columns:
        line = f"  {clip(str(name), 60)}: {_of_column(sample[name], describer)}"
        room -= len(line) + 1
        if room < 0 and shown:
            break
        shown += 1
        yield line
    if left := width - shown:
        texts = (clip(str(name), 30) for name in islice(names, shown, None))
        yield f"  … and {count(left, 'more column')}: {listed(texts, left, 100)}"
    yield from head


def _named(frame: Any) -> Any:
    """Return a table of pandas whose columns can be told apart by texts, as narwhals needs them; nothing is copied."""
    names = frame.columns
    if names.is_unique and all(isinstance(name, str) for name in names):
        return frame
    frame = frame.copy(deep=False)
    frame.columns = [str(name) if names.is_unique else f"{name} (column {at})" for at, name in enumerate(names)]
    return frame


def _first_rows(table: Any, describer: Describer) -> Iterator[str]:
    rows = table.rows()
    if rows:
        width = max(describer.limit // 12, 20)
        yield f"first {count(len(rows), 'row')}:"
        for row in rows:
            yield "  " + clip(" | ".join(_cell(cell, describer) for cell in row), width)


def _cell(value: Any, describer: Describer) -> str:
    if isinstance(value, (dt.date, dt.timedelta)) and (type(value) in _TIMES or is_known(type(value))):
        return clip(str(value).removesuffix(" 00:00:00"), _CELL)
    return figure(value) if isinstance(value, float) else describer.brief(value, _CELL)


def _series(value: Any, describer: Describer) -> Lines:
    nw = load()
    column = nw.from_native(value, series_only=True)
    name = f" named {describer.brief(column.name, 60)}" if column.name not in {None, ""} else ""
    yield f"{type_name(type(value))}{name}, {count(len(column), 'row')}, {_dtype(column)}"
    if (
        issubclass(type(value), library("pandas", "Series"))
        and type(value.index) is not library("pandas", "RangeIndex")[0]
    ):
        yield f"index: {next(_index(value.index, describer))}"
    every = -(-len(column) // _SAMPLE_ROWS) if len(column) > _EXACT_ROWS else 1
    sample = column[::every]
    about = f" (from a sample of {count(len(sample), 'row')})" if every > 1 else ""
    yield f"{_of_column(sample, describer)}{about}"
    yield f"first: {_briefly(column.head(5).to_list(), describer)}"
    yield f"last: {_briefly(column.tail(3).to_list(), describer)}"


def _of_column(column: Any, describer: Describer) -> str:
    """Return a column's type and statistics; one that fails is left out."""
    return ", ".join([_dtype(column), *_statistics(column, describer)])


def _dtype(column: Any) -> str:
    return clip(str(column.to_native().dtype if hasattr(column.to_native(), "dtype") else column.to_native().type), 60)


def _statistics(column: Any, describer: Describer) -> Iterator[str]:
    dtype, size = column.dtype, len(column)
    nulls = int(column.null_count())
    if nulls:
        yield f"{count(nulls, 'null')} ({nulls / size:.0%})"
    if nulls == size:
        return
    try:
        if dtype.is_numeric():
            low, middle, high = column.min(), column.mean(), column.max()
            yield f"min {figure(low)}, mean {figure(middle)}, max {figure(high)}"
        elif dtype.is_temporal():
            yield " to ".join(str(end).removesuffix(" 00:00:00") for end in (column.min(), column.max()))
        elif str(dtype) == "Boolean":
            yield f"{float(column.mean() or 0):.0%} true"
        elif str(dtype).startswith(("String", "Categorical", "Enum")):
            yield from _texts(column)
        else:
            yield f"such as {describer.brief(next(v for v in column.head(100).to_list() if v is not None), 40)}"
    except Exception:  # noqa: BLE001 - a statistic is worth nothing against the rest
        return


def _texts(column: Any) -> Iterator[str]:
    # Only true texts are counted: anything else in a column of objects could have a hash or equality of its own.
    values = [value for value in column.head(_SAMPLE_ROWS).to_list() if type(value) is str]
    counts = Counter(values)
    among = "" if len(column) <= _SAMPLE_ROWS else f" in {_SAMPLE_ROWS:,}"
    yield f"{len(counts):,} distinct{among}"
    if len(counts) * 2 <= len(values):
        yield "most often " + ", ".join(
            f"{clip(repr(text), 20)} ({times / len(values):.0%})" for text, times in counts.most_common(3)
        )
    elif values:
        yield f"such as {clip(repr(values[0]), 30)}"


def _briefly(values: Iterable[Any], describer: Describer) -> str:
    return ", ".join(_cell(value, describer) for value in values)


def _index(value: Any, describer: Describer) -> Lines:
    names = [name for name in value.names if name is not None]
    named = f" named {listed(map(str, names), len(names), 60)}" if names else ""
    levels = f" of {count(value.nlevels, 'level')}" if value.nlevels > 1 else ""
    ends = f", {describer.brief(value[0], 40)} to {describer.brief(value[-1], 40)}" if len(value) else ""
    yield f"{type_name(type(value))}{levels}{named}, {count(len(value), 'label')}, {value.dtype}{ends}"
    yield f"first: {_briefly(islice(value, 5), describer)}"


def _group_by(value: Any, describer: Describer) -> Lines:
    source = value.obj if hasattr(value, "obj") else value.df
    keys = value.keys if hasattr(value, "obj") else value.by
    yield f"{type_name(type(value))} by {describer.brief(keys)}"
    if hasattr(value, "ngroups") and len(source) <= _EXACT_ROWS:
        yield count(describer.call(lambda: value.ngroups), "group")
    yield "of:"
    yield from describer.inner(source)


def _lazy(value: Any, describer: Describer) -> Lines:
    nw = load()
    yield f"{type_name(type(value))}, lazy: not computed, so the number of its rows is not known"
    schema = describer.call(lambda: nw.from_native(value).collect_schema())
    yield f"{count(len(schema), 'column')}:"
    shown = max(describer.limit // 50, 2)
    for name, dtype in islice(schema.items(), shown):
        yield f"  {clip(str(name), 60)}: {clip(str(dtype), 60)}"
    if len(schema) > shown:
        yield f"  … and {count(len(schema) - shown, 'more column')}"


def _record_batch(value: Any, describer: Describer) -> Lines:
    table: Any = library("pyarrow", "Table")[0]
    yield from _frame(table.from_batches([value]), describer)


def _arrow_array(value: Any, describer: Describer) -> Lines:
    yield f"{type_name(type(value))}, {count(len(value), 'value')}, {value.type}, {count(value.null_count, 'null')}"
    yield f"first: {_briefly((one.as_py() for one in value[:5]), describer)}"
