"""One file as the text that a model reads, by what kind of file it is."""

from __future__ import annotations

from pathlib import Path

from ..errors import ContextNotFound, ContextRefused
from . import documents, tables
from .cell import clipped
from .guarded import Ends, read_ends
from .notebook import read_notebook
from .texts import decode

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".ico"})
"""The endings of files that models look at and do not read."""

TABLE_BYTES = 20_000
"""Tables and records (CSV, JSON, ...) up to this size are read as they are, larger ones as structure and sample."""

# Fewer than the characters of any text of more than TABLE_BYTES, in every encoding.
_DESCRIPTION_CHARS = TABLE_BYTES // 4 - 1


def read_text(path: Path, limit: int, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file, and notes for the user.

    A notebook is read as its cells, a PDF or Office document as its text, a long table as its structure and a sample.

    Parameters
    ----------
    path
        Of a regular file, without links (`real_file` returns it).
    limit
        How many bytes of a text are read at most; a longer one is cut in the middle, with a mark that says how much is
        left out.
    name
        What the file is called in notes and errors; one line.

    Raises
    ------
    ContextNotFound
        If the file has vanished.
    ContextRefused
        If it is no text, is damaged, or may not be read.
    """
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        raise ContextRefused(f"{name} is a picture. Write image:{name} to show it to a model that sees.")
    if suffix in documents.SUFFIXES:
        return _document(path, name), ()
    if suffix == ".ipynb":
        return _shortened(_notebook(path), limit, name)
    ends = read_ends(path, limit, name)
    if suffix in tables.SUFFIXES and (suffix == ".parquet" or ends.size_bytes > TABLE_BYTES):
        return tables.describe(path, _DESCRIPTION_CHARS), (f"Of {name} the structure and a sample are read, not all.",)
    head, tail = _decoded(ends, name)
    if not head:
        return "", (f"{name} is empty.",)
    if not ends.left_out_bytes:
        return head, ()
    left_out = f"{ends.left_out_bytes:,} of {ends.size_bytes:,} bytes"
    return f"{head}\n[... {left_out} left out ...]\n{tail}", (
        f"{name} is long: {left_out} are left out, in the middle.",
    )


def read_lines(path: Path, first: int, last: int, limit: int, name: str) -> str:
    """Return the lines from `first` to `last`, counted from 1; those that are beyond the end are left out.

    Raises
    ------
    ContextNotFound
        If there is no line `first`, or none of the lines is within the first `limit` bytes.
    ContextRefused
        If the file is no text, or may not be read.
    """
    ends = read_ends(path, 2 * limit, name)
    head, _ = _decoded(ends, name)
    lines = head.split("\n")[: -1 if ends.left_out_bytes or head.endswith("\n") else None]
    if not 1 <= first <= last or first > len(lines) or (ends.left_out_bytes and last > len(lines)):
        where = f"within its first {len(ends.head):,} bytes" if ends.left_out_bytes else "in all"
        raise ContextNotFound(f"{name} has no lines {first}-{last}: there are {len(lines):,} {where}.")
    return "\n".join(lines[first - 1 : last])


def _document(path: Path, name: str) -> str:
    ends = read_ends(path, documents.LARGEST_BYTES, name)
    if ends.left_out_bytes:
        raise ContextRefused(f"{name} is too large ({ends.size_bytes:,} bytes). Save the part that matters as a file.")
    return documents.text_of(ends.head, path.suffix.lower(), name)


def _notebook(path: Path) -> str:
    numbered = enumerate(read_notebook(path), start=1)
    return "\n\n".join(f"[{cell.kind} cell, {number}.]\n{cell.as_text()}" for number, cell in numbered)


def _shortened(text: str, limit: int, name: str) -> tuple[str, tuple[str, ...]]:
    if len(text) <= limit:
        return text, ()
    return clipped(text, limit), (f"{name} is long: of {len(text):,} characters {limit:,} are read.",)


def _decoded(ends: Ends, name: str) -> tuple[str, str]:
    texts = decode(ends.head, ends.tail)
    if texts is None:
        raise ContextRefused(
            f"{name} is binary ({ends.size_bytes:,} bytes), no text. Load it in a cell, and ask about the variable."
        )
    return texts
