"""`chatnb over FILE PROMPT`: one question about each row of a file."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from ..chat import Chat
from ..errors import SettingsError
from ..grammar import add_model_options, add_row_options, options_of
from ..receipt import Receipt
from ..rows.each_row import EachRow
from ..rows.over import ask_rows, bar_for
from .opening import configured

LIBRARIES = ("polars", "pandas", "pyarrow")
"""What reads and writes files of tables; the first that is installed."""

SUFFIXES = (".csv", ".parquet")


def add_over_flags(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads to a parser."""
    add_model_options(parser)
    add_row_options(parser)
    add = parser.add_argument
    add("--no-save", dest="save", action="store_false", help="keep no answers but in the table")
    add("--dry-run", action="store_true", help="show exactly what would be sent for the first row, and send nothing")
    add(
        "--schema",
        default="",
        metavar="FILE",
        help="JSON schema that each answer has to fit; its properties are columns",
    )
    add("--into", default="", metavar="FILE", help="where the table goes, with the answers: .csv or .parquet")
    add("path", metavar="FILE", help="the table: .csv or .parquet")
    add("prompt", metavar="PROMPT", help="the question; {column} is what the row has there")


def run(parsed: argparse.Namespace) -> int:
    """Ask about each row of a file and write the table with the answers; return the exit code.

    Raises
    ------
    ChatError
        If a file cannot be used, or as `chatnb.over` does.
    """
    options, path = options_of(parsed), Path(parsed.path)
    into = Path(parsed.into) if parsed.into else path.with_name(f"{path.stem}.answers{path.suffix}")
    if into.suffix not in SUFFIXES:
        raise SettingsError(f"{into} ends neither with .csv nor with .parquet, so its format is not known.")
    table = _read(path)
    each = EachRow(
        parsed.prompt,
        options.over(configured(parsed).settings()),
        _schema(parsed.schema) if parsed.schema else None,
        Path(options.answers) if options.answers else None,
        options.key,
        options.retry_failed,
        options.prefix,
        options.price,
    )
    with closing(Chat(settings=each.settings)) as chat:
        if options.dry_run:
            sys.stdout.write(f"{Receipt(each.first(table, chat), is_sent=False)}\n")
            return 0
        asked = ask_rows(table, each, chat, bar_for(sys.stderr))
    _write(asked, into)
    sys.stdout.write(f"{into}\n")
    return 0


def _read(path: Path) -> Any:
    import narwhals.stable.v2 as narwhals  # noqa: PLC0415 - 50 ms that only tables need

    readers: Mapping[str, Callable[..., Any]] = {".csv": narwhals.read_csv, ".parquet": narwhals.read_parquet}
    if path.suffix not in readers:
        raise SettingsError(f"{path} ends neither with .csv nor with .parquet, so it cannot be read.")
    library = next((name for name in LIBRARIES if importlib.util.find_spec(name)), None)
    if library is None:
        raise SettingsError(f"To read {path.name}, chatnb needs one of {', '.join(LIBRARIES)}: pip install polars")
    if not path.is_file():
        raise SettingsError(f"There is no file {path}.")
    try:
        return readers[path.suffix](str(path), backend=library).to_native()
    except Exception as error:  # each library has its own, and a damaged file brings out any
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _write(table: Any, path: Path) -> None:
    import narwhals.stable.v2 as narwhals  # noqa: PLC0415 - as above

    frame = narwhals.from_native(table, eager_only=True)
    (frame.write_csv if path.suffix == ".csv" else frame.write_parquet)(str(path))


def _schema(name: str) -> Mapping[str, Any]:
    try:
        schema = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"--schema {name}: no JSON schema can be read there ({error}).") from error
    if not isinstance(schema, dict):
        raise SettingsError(f"--schema {name}: a JSON schema is an object.")
    return schema
