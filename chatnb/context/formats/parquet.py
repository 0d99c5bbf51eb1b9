"""Parquet files: their schema, number of rows and first rows, without reading the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import ContextRefused
from ..summaries.texts import clip, count
from .sample import composed

_ROWS = 5
_COLUMNS = 50
_CELL = 80
_PAGE_BYTES = 65_536


def describe(path: Path, name: str, limit: int) -> str:
    """Return the columns, the number of rows, and the first rows.

    Raises
    ------
    ContextRefused
        If neither pyarrow nor polars is installed, or the file is damaged.
    """
    try:
        parts = _parts(path)
    except Exception as error:  # each library has its own, and a damaged file brings out any
        raise ContextRefused(
            f"{name} cannot be read as Parquet: {clip(str(error), 200)}. It may be damaged or half written."
        ) from error
    if parts is None:
        raise ContextRefused(f"To read {name}, chatnb needs pyarrow: pip install pyarrow, then ask again.")
    schema, number, rows = parts
    first = f"A Parquet table: {count(number, 'row')}, {count(len(schema), 'column')}."
    columns = [f"  {clip(column, _CELL)}: {clip(kind, _CELL)}" for column, kind in schema.items()]
    of = f" (of the first {_COLUMNS} columns)" if len(schema) > _COLUMNS else ""
    shown = [
        "{" + ", ".join(f"{clip(key, _CELL)}: {clip(repr(value), _CELL)}" for key, value in row.items()) + "}"
        for row in rows
    ]
    return composed(first, [("columns:", columns), (f"first rows{of}:", shown)], limit)


_Parts = tuple[Mapping[str, str], int, Sequence[Mapping[str, Any]]]


def _parts(path: Path) -> _Parts | None:
    """Return schema, number of rows and first rows, or None if no library is there to read them."""
    for read in (_with_pyarrow, _with_polars):
        with suppress(ImportError):
            return read(path)
    return None


def _with_pyarrow(path: Path) -> _Parts:
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]  # noqa: PLC0415 - optional, and 0.1 s to import

    # A small buffer: else the columns of the first row group, which may be the whole table, are read at once.
    with ParquetFile(path, buffer_size=_PAGE_BYTES, pre_buffer=False) as file:
        schema = file.schema_arrow
        names = schema.names[:_COLUMNS]
        batches = file.iter_batches(batch_size=_ROWS, row_groups=[0], columns=names, use_threads=False)
        first = next(batches, None) if file.num_row_groups else None
        rows = [] if first is None else first.to_pylist()
        return {field.name: str(field.type) for field in schema}, file.metadata.num_rows, rows


def _with_polars(path: Path) -> _Parts:
    import polars as pl  # noqa: PLC0415 - optional, and 0.1 s to import

    table = pl.scan_parquet(path)
    schema = {name: str(kind) for name, kind in table.collect_schema().items()}
    number = table.select(pl.len()).collect().item()
    return schema, number, table.select(list(schema)[:_COLUMNS]).head(_ROWS).collect().to_dicts()
