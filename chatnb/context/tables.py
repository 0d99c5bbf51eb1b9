"""Files of tables and records: as they are if they are small, else their structure and a sample.

What is read of a file does not grow with it: all of 16 MB, the beginning of a larger one. Then a number of rows is an
estimate, and says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..errors import ContextRefused
from .formats import delimited, parquet, records
from .formats.sample import Sample
from .guarded import explained, one_line, read_ends, real_file
from .texts import decode

SUFFIXES: Final = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet"})

WHOLE_BYTES: Final = 16_000_000
"""Files up to this size are read whole, so that their rows are counted."""

_SAMPLE_BYTES = 1_000_000


def describe(path: Path, limit: int) -> str:
    """Return a file whose text has at most `limit` characters as it is, else what it holds in as many.

    * CSV, TSV: delimiter, number of rows, columns with their types and ranges, the first rows.
    * JSON, JSON Lines: number of items or lines, keys, types and lengths, and the beginning.
    * Parquet: number of rows, columns with their types, the first rows.

    Parameters
    ----------
    path
        Its suffix, one of `SUFFIXES`, says what it is.
    limit
        In characters.

    Raises
    ------
    ContextNotFound
        If there is no such file.
    ContextRefused
        If it is no regular file, is binary where it should be text, is damaged, or may not be read; or if no library
        for Parquet is installed.
    """
    name, suffix = one_line(path.name), path.suffix.lower()
    real = real_file(path, name)
    if suffix == ".parquet":
        return parquet.describe(real, name, limit)
    sample = _sample(real, name)
    if sample.is_whole and len(sample.text) <= limit:
        return sample.text
    match suffix:
        case ".json":
            return records.describe_json(sample, limit)
        case ".jsonl" | ".ndjson":
            return records.describe_lines(sample, limit)
        case _:
            return delimited.describe(sample, "\t" if suffix == ".tsv" else "", limit)


def _sample(path: Path, name: str) -> Sample:
    with explained(name):
        size = path.stat().st_size
    ends = read_ends(path, WHOLE_BYTES if size <= WHOLE_BYTES else 2 * _SAMPLE_BYTES, name)
    texts = decode(ends.head, ends.tail)
    if texts is None:
        raise ContextRefused(f"{name} is binary ({size:,} bytes), where its name says that it is text. Rename it.")
    return Sample(texts[0], is_whole=not ends.left_out_bytes, size_bytes=ends.size_bytes, tail=texts[1])
