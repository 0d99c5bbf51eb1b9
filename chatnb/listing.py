"""What a command shows, in a notebook, in a terminal, and as text: a table of values, or a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Generic, TypeVar, overload

from .messages import Json
from .printing import printable

T = TypeVar("T")

Bundle = tuple[dict[str, str], dict[str, Json]]

_TYPED = re.compile(r"`(.+?)`")


@dataclass(frozen=True, slots=True, repr=False)
class Said:
    """A sentence that shows itself.

    Attributes
    ----------
    kept
        What a saved output has in its metadata; what was done is shown wherever its command stands in a cell.
    """

    text: str
    kept: Mapping[str, Json] = field(default_factory=dict)

    def __repr__(self) -> str:
        return printable(self.text)

    @property
    def bundle(self) -> Bundle:
        """What an output has of it: by MIME type, and the metadata."""
        return {"text/plain": repr(self), "text/html": f"<p>{_prose(self.text)}</p>"}, dict(self.kept)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self.bundle


class Listing(Sequence[T], Generic[T]):
    """Values, and how to show them.

    A column of whole numbers is aligned to the right, and one in which nothing stands is not shown.

    Parameters
    ----------
    columns
        Each column's title, and the text of one value in it.
    caption
        What stands above the table, in one line or several. In a notebook what is between backticks is code, as it is in
        the cells.
    empty
        What is shown instead of a table without rows; says what to do.
    kept
        See `Said.kept`.
    is_ours
        Whether the cells are words of ours, too, which tell what to type, and not what users and models have said.

    Examples
    --------
    >>> Listing([2, 4], {"n": str, "in words": lambda n: "two" if n == 2 else "four", "square": lambda n: str(n * n)})
    n  in words  square
    2  two            4
    4  four          16
    """

    def __init__(
        self,
        items: Sequence[T],
        columns: Mapping[str, Callable[[T], str]],
        *,
        caption: str = "",
        empty: str = "Nothing.",
        kept: Mapping[str, Json] = {},
        is_ours: bool = False,
    ) -> None:
        self._items = tuple(items)
        self._columns = columns
        self.caption = caption
        self.empty = empty
        self.kept = kept
        self.is_ours = is_ours

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
        """The cells as text, each on one line, and harmless to a terminal."""
        return [[printable(" ".join(show(item).split())) for show in self._columns.values()] for item in self._items]

    def __repr__(self) -> str:
        if not self._items:
            return self.empty
        lines = zip(*map(_as_text, self.shown), strict=True)
        return "\n".join(
            [*([printable(self.caption)] if self.caption else []), *("  ".join(line).rstrip() for line in lines)]
        )

    @property
    def bundle(self) -> Bundle:
        """See `Said.bundle`."""
        return {"text/plain": repr(self), "text/html": self._repr_html_()}, dict(self.kept)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self.bundle

    def _repr_html_(self) -> str:
        if not self._items:
            return f"<p>{_prose(self.empty)}</p>"
        lines = zip(*map(_as_html, self.shown), strict=True)
        head, *body = (f"<tr>{''.join(line)}</tr>" for line in lines)
        # A <caption> would be no wider than the table.
        caption = f"<p>{_prose(self.caption)}</p>" if self.caption else ""
        return f"{caption}<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"

    @property
    def shown(self) -> list[list[str]]:
        """The columns in which something stands, each with its title first."""
        columns = [[title, *cells] for title, *cells in zip(self._columns, *self.rows, strict=True)]
        return [column for column in columns if any(column[1:])]


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


def is_numeric(column: Sequence[str]) -> bool:
    """Tell whether whole numbers stand below a column's title, and nothing else."""
    return all(cell.replace(",", "").isdecimal() for cell in column[1:])


def _as_text(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    return [cell.rjust(width) if is_numeric(column) else cell.ljust(width) for cell in column]


def _as_html(column: Sequence[str]) -> list[str]:
    style = f"style='text-align:{'right' if is_numeric(column) else 'left'}'"
    title, *cells = map(_prose, column)
    return [f"<th {style}>{title}</th>", *(f"<td {style}>{cell}</td>" for cell in cells)]


def _prose(text: str) -> str:
    """Return lines as HTML."""
    return _TYPED.sub(r"<code>\1</code>", escape(text)).replace("\n", "<br>")
