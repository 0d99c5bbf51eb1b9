"""Tables with a delimiter between their fields: CSV and TSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from ..summaries.texts import clip, count
from .sample import Sample, composed

_DELIMITERS = ",;\t|"
_TYPED_CELLS = 100_000
_SHOWN_ROWS = 10
_CELL = 80
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def describe(sample: Sample, delimiter: str, limit: int) -> str:
    """Return the columns, the number of rows, and the first rows of a table.

    Parameters
    ----------
    sample
        The beginning of the file, or all of it.
    delimiter
        What stands between two fields; "" to find out.
    limit
        How many characters the description may have.
    """
    delimiter = delimiter or _delimiter(sample.text)
    rows, number, consumed, reason = _parsed(sample, delimiter)
    if not rows:
        beginning = (f"  {clip(sample.text, max(limit // 2, 1))}",)
        return composed(f"A table of {sample.size_bytes:,} bytes; {reason}.", [("It begins:", beginning)], limit)
    has_header = _is_header(rows[0])
    body = rows[1:] if has_header else rows
    width = max(map(len, rows))
    names = [*(rows[0] if has_header else ()), *[""] * width][:width]
    total = sample.total(max(number - has_header, 0), consumed, "row")
    lines = [
        f"  {clip(name, _CELL) or f'(column {place + 1})'}: {_type([row[place] for row in body if place < len(row)])}"
        for place, name in enumerate(names)
    ]
    first = (
        f"A table with {_NAMES.get(delimiter, repr(delimiter))} between its fields: {total}, {count(width, 'column')}"
    )
    first += "" if has_header else ", no header"
    first += f"; {reason}." if reason else "."
    shown = [_line(row, delimiter) for row in rows[: _SHOWN_ROWS + has_header]]
    return composed(
        first, [(f"columns (by the first {count(len(body), 'row')}):", lines), ("first rows:", shown)], limit
    )


def _parsed(sample: Sample, delimiter: str) -> tuple[list[list[str]], int, int, str]:
    """Return the first rows, how many there are, in how many characters, and why there are no more."""
    lines = _Lines(sample.text)
    reader = csv.reader(lines, delimiter=delimiter)
    kept: list[list[str]] = []
    number = consumed = before = cells = 0
    reason = ""
    try:
        for row in reader:
            if not sample.is_whole and lines.position >= len(sample.text):
                break  # the last row was cut by the end of the sample
            before, consumed = consumed, lines.position
            if row:
                number += 1
                if cells < _TYPED_CELLS:
                    kept.append(row)
                    cells += len(row)
    except csv.Error:
        reason = f"after {count(number, 'row')} comes a field of more than {csv.field_size_limit():,} characters"
    if not kept and not reason:
        reason = f"its first row is longer than {len(sample.text):,} characters" if sample.text.strip() else "no rows"
    return kept, number, consumed or before, reason


class _Lines:
    """The lines of a text, and how far they were taken."""

    def __init__(self, text: str) -> None:
        self.position = 0
        self._lines = io.StringIO(text, newline="")

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.position += len(line)
            yield line


def _delimiter(text: str) -> str:
    """Return what cuts the first rows into the same number of fields, more than one.

    The standard library's Sniffer searches with regular expressions that take minutes on some texts.
    """

    def quality(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(islice(csv.reader(_Lines(text[:50_000]), delimiter=delimiter), 50))[:-1]
        except csv.Error:
            return 0, 0
        widths = Counter(len(row) for row in rows if len(row) > 1)
        width, rows_of_it = max(widths.items(), key=lambda item: item[1], default=(0, 0))
        return rows_of_it, width

    return max(_DELIMITERS, key=quality)


def _is_header(row: Sequence[str]) -> bool:
    named = [cell for cell in row if cell]
    return len(set(named)) == len(named) >= len(row) - 1 and not any(map(_is_number, named))


def _type(cells: Sequence[str]) -> str:
    filled = [cell for cell in cells if cell.strip()]
    empty = f", {len(cells) - len(filled):,} empty" if len(filled) < len(cells) else ""
    if not filled:
        return "empty"
    if all(map(_is_number, filled)):
        numbers = [float(cell) for cell in filled]
        is_whole = all(cell.strip().lstrip("+-").isdecimal() for cell in filled)
        low, high = filled[numbers.index(min(numbers))], filled[numbers.index(max(numbers))]
        return f"{'integer' if is_whole else 'number'}, {clip(low, _CELL)} to {clip(high, _CELL)}{empty}"
    different = len(set(filled))
    return f"text, {different:,} different{empty}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # which only Python takes for a number


def _line(row: Sequence[str], delimiter: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="").writerow([clip(cell, _CELL) for cell in row])
    return written.getvalue()
