"""A sequence of values that shows itself as a table: in a notebook, in a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class Listing(Sequence[T], Generic[T]):
    """Values, and how to show them.

    Parameters
    ----------
    columns
        Each column's title, and the text of one value in it.
    caption
        A line above the table.
    empty
        What is shown instead of a table without rows; says what to do.

    Examples
    --------
    >>> Listing([1, 2], {"n": str, "square": lambda n: str(n * n)})
    n  square
    1  1
    2  4
    """

    def __init__(
        self,
        items: Sequence[T],
        columns: Mapping[str, Callable[[T], str]],
        *,
        caption: str = "",
        empty: str = "Nothing.",
    ) -> None:
        self._items = tuple(items)
        self._columns = columns
        self.caption = caption
        self.empty = empty

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def rows(self) -> list[list[str]]:
        """The cells as text, each on one line."""
        return [[" ".join(show(item).split()) for show in self._columns.values()] for item in self._items]

    def __repr__(self) -> str:
        if not self._items:
            return self.empty
        table = [list(self._columns), *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self._columns))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
        ]
        return "\n".join([*([self.caption] if self.caption else []), *lines])

    def _repr_html_(self) -> str:
        if not self._items:
            return f"<p>{escape(self.empty)}</p>"
        head = "".join(f"<th style='text-align:left'>{escape(title)}</th>" for title in self._columns)
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        caption = f"<caption style='text-align:left'>{escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def size(size_bytes: int | None) -> str:
    """Return a size in words.

    Examples
    --------
    >>> size(2_927_104), size(9_000_000_000), size(None)
    ('2.9 MB', '9.0 GB', '')
    """
    if size_bytes is None:
        return ""
    value = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1_000:  # noqa: PLR2004 - as disks are sold
            return f"{value:.1f} {unit}" if unit != "B" else f"{value:.0f} B"
        value /= 1_000
    return f"{value:.1f} TB"
