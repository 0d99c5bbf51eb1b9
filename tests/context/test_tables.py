"""Files of tables and records: whole if small, else structure and sample."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.context import tables
from chatnb.context.formats import delimited, records
from chatnb.context.formats.sample import Sample
from chatnb.errors import ContextNotFound, ContextRefused

ROWS = [["id", "name", "price"], *([str(n), f"tea {n % 7}", str(n / 2) if n % 5 else ""] for n in range(500))]


def table(path: Path, delimiter: str = ",", encoding: str = "utf-8", rows: list[list[str]] = ROWS) -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def whole(text: str) -> Sample:
    return Sample(text, is_whole=True, size_bytes=len(text))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.ndjson"])
def test_a_small_file_is_given_as_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("whatever, it says: größer\n", encoding="utf-8")

    assert tables.describe(path, 100) == "whatever, it says: größer\n"


@pytest.mark.parametrize(("delimiter", "word"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_table_tells_its_delimiter_rows_and_columns(tmp_path: Path, delimiter: str, word: str) -> None:
    path = table(tmp_path / "a.csv", delimiter)

    text = tables.describe(path, 800)

    assert text.startswith(f"A table with {word} between its fields: 500 rows, 3 columns.\n")
    assert "\n  id: integer, 0 to 499\n  name: text, 7 different\n  price: number, 0.5 to 249.5, 100 empty\n" in text
    assert delimiter.join(["3", "tea 3", "1.5"]) in text


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_table_in_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = table(tmp_path / "a.csv", encoding=encoding, rows=[["größe", "straße"], *[["7", "Grüne Gasse, öde"]] * 99])

    text = tables.describe(path, 500)

    assert "99 rows" in text
    assert "größe: integer" in text


def test_a_newline_within_quotes_begins_no_row(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", rows=[["a", "b"], *[["1", "two\nlines, and a comma"]] * 300])

    text = tables.describe(path, 500)

    assert "300 rows, 2 columns" in text


def test_a_table_without_a_header_says_so(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", rows=[["1", "x"], *[["2", "y"]] * 300])

    text = tables.describe(path, 500)

    assert "301 rows, 2 columns, no header" in text
    assert "(column 1): integer, 1 to 2" in text


def test_the_rows_of_a_large_table_are_estimated_and_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text("id,name\n" + "".join(f"{n},tea {n}\n" for n in range(1_200_000)))

    text = tables.describe(path, 500)

    about = text.removeprefix("A table with commas between its fields: about ").split(" ")[0]
    assert 1_000_000 < int(about.replace(",", "")) < 1_400_000


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl"])
@pytest.mark.parametrize("start", [b"", b"a,b\n1,2\n", b'{"a": "', b'[{"a": 1}, "', b"[" * 999, b'{"a": 1}\n{"b": "'])
def test_a_line_of_100_mb_is_described_in_a_few_characters(tmp_path: Path, name: str, start: bytes) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(start)
        for _ in range(100):
            file.write(b"x" * 1_000_000)

    text = tables.describe(path, 600)

    assert 0 < len(text) <= 600
    assert "about" not in text


def test_a_sparse_file_of_several_gb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n" + b"1,2\n" * 1_000)
        file.truncate(6_000_000_000)

    with pytest.raises(ContextRefused, match=r"huge\.csv is binary"):
        tables.describe(path, 600)


def test_json_tells_its_structure(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    items = [{"id": n, "of": {"tags": ["a"] * (n % 3)}, **({"rare": None} if n % 2 else {})} for n in range(100)]
    path.write_text(json.dumps({"version": 1.5, "items": items}))

    text = tables.describe(path, 1_000)

    structure = text.split("structure:\n")[1].split("\n\n")[0]
    assert structure.splitlines() == [
        "  version: number",
        "  items: list of 100",
        "    each: object",
        "      id: integer",
        "      of: object",
        "        tags: list of 0 to 2 (text)",
        "      rare: null (in 50 of 100)",
    ]


def test_the_beginning_of_a_large_json_file_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text(json.dumps([{"id": n, "name": "x" * 30} for n in range(400_000)]))

    text = tables.describe(path, 500)

    assert "a list of about 4" in text
    assert "    id: integer\n    name: text\n" in text


def test_json_lines_tell_their_keys_and_how_many_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"id": n, "ok": n % 2 == 0}) + "\n" for n in range(1_500)) + "\n")

    text = tables.describe(path, 500)

    assert "1,500 lines" in text
    assert "\n  id: integer\n  ok: true or false\n" in text
    assert '\n{"id": 0, "ok": true}\n' in text


@pytest.mark.parametrize("text", ["{'a': 1}", "[1, 2", "[" * 100_000, "9" * 9_000])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_what_is_no_json_is_shown_as_far_as_there_is_room(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text + " " * 500)

    told = tables.describe(path, 400)

    assert "could not be parsed" in told
    assert len(told) <= 400


def parquet(path: Path, columns: int = 2, rows: int = 100_000) -> Path:
    pq.write_table(pa.table({f"c{n}": range(n, n + rows) for n in range(columns)}), path)
    return path


@pytest.mark.parametrize("missing", ["nothing", "pyarrow"])
def test_parquet_tells_its_schema_and_first_rows(tmp_path: Path, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, f"{missing}.parquet", raising=False)

    text = tables.describe(path, 500)

    assert text.startswith("A Parquet table: 100,000 rows, 2 columns.\n")
    assert "c1: int64\n" in text.lower()
    assert "\n{c0: 0, c1: 1}\n" in text


def test_without_a_library_for_parquet_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "a.parquet")
    for name in ("pyarrow", "pyarrow.parquet", "polars"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ContextRefused, match="pip install pyarrow"):
        tables.describe(path, 500)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(ContextRefused, match=r"a\.parquet cannot be read as Parquet"):
        tables.describe(path, 500)


def test_a_file_that_is_not_there_and_one_that_is_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(ContextNotFound, match=r"nothing\.csv"):
        tables.describe(tmp_path / "nothing.csv", 500)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(ContextRefused, match="pipe"):
            tables.describe(tmp_path / "pipe.csv", 500)


@given(text=st.text() | st.text(',;"\n\r\t1a'), is_whole=st.booleans(), limit=st.integers(0, 300))
def test_no_text_makes_a_table_longer_than_the_limit(text: str, is_whole: bool, limit: int) -> None:
    sample = Sample(text, is_whole=is_whole, size_bytes=10_000)

    assert len(delimited.describe(sample, "", limit)) <= limit


@given(text=st.text() | st.text('{}[]",:\\1 \n'), is_whole=st.booleans(), limit=st.integers(0, 300))
def test_no_text_makes_json_longer_than_the_limit(text: str, is_whole: bool, limit: int) -> None:
    sample = Sample(text, is_whole=is_whole, size_bytes=10_000)

    assert len(records.describe_json(sample, limit)) <= limit
    assert len(records.describe_lines(sample, limit)) <= limit


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=JSON, share=st.floats(0, 1))
def test_the_beginning_of_any_json_is_understood(value: object, share: float) -> None:
    text = json.dumps([0, value])
    beginning = text[: 3 + int((len(text) - 3) * share)]

    told = records.describe_json(Sample(beginning, is_whole=False, size_bytes=len(text)), 2_000)

    assert "a list of" in told


def test_many_columns_are_counted_when_there_is_no_room() -> None:
    text = delimited.describe(
        whole("\n".join([",".join(f"c{n}" for n in range(5_000))] + ["," * 4_999] * 9)), "", 1_000
    )

    assert "5,000 columns" in text
    assert "more\n" in text
    assert len(text) <= 1_000
