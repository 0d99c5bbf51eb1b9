"""Tables in files."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from chatnb.errors import SettingsError
from chatnb.rows import files
from chatnb.rows.files import FORMS, check_target, read_table, write_table

ROWS: list[dict[str, Any]] = [
    {
        "text": 'a "b",\tc\nd\u2028e',
        "stars": 4.5,
        "day": date(2024, 1, 2),
        "good": True,
        "words": ["x", "y"],
        "sure": 0.5,
    },
    {"text": "Größe", "stars": None, "day": None, "good": None, "words": None, "sure": None},
]
AS_READ: dict[str, dict[str, Any]] = {
    "csv": {"day": "2024-01-02", "words": '["x", "y"]'},
    "lines": {"day": "2024-01-02"},
    "parquet": {},
}


@pytest.mark.parametrize("library", files.LIBRARIES)
@pytest.mark.parametrize("suffix", FORMS)
def test_what_was_written_is_read_again(
    suffix: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LIBRARIES", (library,))
    make: Any = {"polars": pl.DataFrame, "pandas": pd.DataFrame, "pyarrow": pa.Table.from_pylist}[library]
    path = tmp_path / f"rows{suffix.upper()}"

    write_table(make(ROWS), path)
    table = read_table(path)

    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert type(table).__module__.partition(".")[0] == library
    rows = table.to_pylist() if library == "pyarrow" else pl.from_dataframe(table).to_dicts()
    expected = {**ROWS[0], **AS_READ[FORMS[suffix]]}
    assert {name: str(value) for name, value in rows[0].items()} == {
        name: str(value) for name, value in expected.items()
    }
    assert rows[1]["text"] == "Größe"
    assert rows[1]["stars"] != rows[1]["stars"] or rows[1]["stars"] is None


def test_rows_of_json_may_lack_what_others_have(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n{"b": [2]}\n')

    assert read_table(path).to_dicts() == [{"a": 1, "b": None}, {"a": None, "b": [2]}]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("rows.xlsx", "", "ends with none of .csv, .tsv, .parquet, .jsonl, .ndjson, so it cannot be read"),
        ("rows.csv", None, "There is no file"),
        ("rows.parquet", "text", "cannot be read"),
        ("rows.jsonl", "[1]", "not every line is an object of JSON"),
        ("rows.jsonl", '{"a": ', "cannot be read: Expecting value"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, text: str | None, says: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(SettingsError) as caught:
        read_table(tmp_path / name)

    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["missing/rows.csv", "folder.csv", "rows.txt"])
def test_where_nothing_can_be_written_is_told_before(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()

    with pytest.raises(SettingsError, match="cannot be written"):
        check_target(tmp_path / name)


def test_a_table_that_cannot_be_written_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"before")

    with pytest.raises(SettingsError, match="The answers are kept"):
        write_table(pd.DataFrame({"mixed": [1, "a"]}), path)

    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
