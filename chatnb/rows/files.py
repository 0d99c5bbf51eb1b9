"""Tables in files: read and written in the form that the suffix names, by polars, pandas or pyarrow."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from ..errors import SettingsError
from .template import is_missing

LIBRARIES: tuple[Literal["polars", "pandas", "pyarrow"], ...] = ("polars", "pandas", "pyarrow")
"""What holds tables; the first that is installed."""

FORMS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".jsonl": "lines", ".ndjson": "lines"}
"""What a file is, by its suffix."""

_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_table(path: Path) -> Any:
    """Return the table that a file holds.

    Raises
    ------
    SettingsError
        If it cannot be read, or nothing is installed that holds a table.
    """
    form = _form(path, "read")
    library = next((name for name in LIBRARIES if importlib.util.find_spec(name)), None)
    if library is None:
        raise SettingsError(f"To read {path.name}, chatnb needs one of {', '.join(LIBRARIES)}: pip install polars")
    if not path.is_file():
        raise SettingsError(f"There is no file {path}.")
    import narwhals.stable.v2 as narwhals  # noqa: PLC0415 - 50 ms that only tables need

    try:
        match form:
            case "csv":
                # By itself it takes the first hundred rows for all.
                options = {"infer_schema_length": None} if library == "polars" else {}
                separator = _SEPARATORS[path.suffix.lower()]
                return narwhals.read_csv(str(path), backend=library, separator=separator, **options).to_native()
            case "parquet":
                return narwhals.read_parquet(str(path), backend=library).to_native()
            case _:
                return narwhals.from_dict(_columns(path), backend=library).to_native()
    except Exception as error:  # each library has its own, and a damaged file brings out any
        raise SettingsError(f"{path} cannot be read: {error}") from error


def check_target(path: Path) -> None:
    """Raise SettingsError if no table can be written to a file: to be known before thousands of rows are asked."""
    _form(path, "written")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise SettingsError(f"{path} cannot be written: there is no such folder, or it is not yours.")


def write_table(table: Any, path: Path) -> None:
    """Write a table to a file, which is there whole or as it was before.

    Raises
    ------
    SettingsError
        If it cannot be written.
    """
    import narwhals.stable.v2 as narwhals  # noqa: PLC0415 - as above

    form, frame = _form(path, "written"), narwhals.from_native(table, eager_only=True)
    new = path.with_name(f"{path.name}.new")
    try:
        if form == "parquet":
            frame.write_parquet(str(new))
        else:
            with new.open("w", encoding="utf-8", newline="") as file:
                if form == "csv":
                    writer = csv.writer(file, delimiter=_SEPARATORS[path.suffix.lower()], lineterminator="\n")
                    writer.writerow(frame.columns)
                    writer.writerows(map(_cell, row) for row in frame.iter_rows())
                else:
                    file.writelines(f"{_json(row)}\n" for row in frame.iter_rows(named=True))
        new.replace(path)
    except Exception as error:  # as above
        new.unlink(missing_ok=True)
        raise SettingsError(
            f"{path} cannot be written: {error}\nThe answers are kept: the same command with another --into writes them."
        ) from error


def _form(path: Path, done: str) -> str:
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise SettingsError(f"{path} ends with none of {', '.join(FORMS)}, so it cannot be {done}.")
    return form


def _columns(path: Path) -> Mapping[str, list[Any]]:
    """Return the columns of a file of JSON objects, one on each line; nothing where a line does not have one."""
    with path.open(encoding="utf-8-sig") as file:
        rows = [json.loads(line) for line in file if not line.isspace()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("not every line is an object of JSON")
    names: Iterable[str] = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _cell(value: Any) -> Any:
    """Return a value as it stands in a file of separated values: what has parts, or two truths, as JSON."""
    if is_missing(value):
        return ""
    return _json(value) if isinstance(value, bool | dict | list) or hasattr(value, "tolist") else value


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it.

    Examples
    --------
    >>> from datetime import date
    >>> _plain({"day": date(2024, 1, 2), "none": float("nan"), "list": (1, True)})
    {'day': '2024-01-02', 'none': None, 'list': [1, True]}
    """
    if hasattr(value, "tolist"):  # numpy's
        value = value.tolist()
    match value:
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case str() | bool() | int():
            return value
        case float() if not is_missing(value):
            return value
    return None if is_missing(value) else str(value)
