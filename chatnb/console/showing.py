"""How the value of a command is shown: a table that fits the terminal, or plain text in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..listing import Listing, is_numeric
from ..printing import printable

_BETWEEN = 2  # columns of the screen between two of a table
_LONGEST = 32  # characters of a word that is not broken to make room


def show(value: object, hint: Callable[[str], str], console: Console | None = None) -> None:
    """Print what a command returned; None prints nothing.

    Parameters
    ----------
    hint
        Says what a text of ours tells to type as it is typed here.
    console
        rich's; by default standard output.
    """
    if value is None:
        return
    console = console or Console(highlight=False)
    if not console.is_terminal:
        sys.stdout.write(f"{hint(printable(repr(value)))}\n")
        return
    if not isinstance(value, Listing):
        console.print(Text(hint(printable(repr(value)))))
        return
    if not value:
        console.print(Text(hint(value.empty)))
        return
    if value.caption:
        console.print(Text(hint(printable(value.caption)), style="dim"))
    columns = [[hint(cell) if value.is_ours else cell for cell in column] for column in value.shown]
    needed = [max(map(_least, column)) for column in columns]
    room = console.width - _BETWEEN * (len(columns) - 1)
    if sum(needed) > room:
        _print_records(columns, console)
    else:
        _print_table(columns, _fitting([max(map(len, column)) for column in columns], needed, room), console)


def _fitting(widths: Sequence[int], needed: Sequence[int], room: int) -> list[int]:
    """Return widths that fit into a room, taken from those columns that can spare most.

    Examples
    --------
    >>> _fitting([5, 30, 24], [5, 8, 24], 50)
    [5, 21, 24]
    """
    fitting = list(widths)
    while sum(fitting) > room:
        spare = [width - least for width, least in zip(fitting, needed, strict=True)]
        fitting[spare.index(max(spare))] -= 1
    return fitting


def _least(cell: str) -> int:
    """Return how wide a cell has to be so that none of its words is broken."""
    return min(max(map(len, cell.split()), default=0), _LONGEST)


def _print_table(columns: Sequence[Sequence[str]], widths: Sequence[int], console: Console) -> None:
    has_titles = any(title.strip() for title, *_ in columns)
    table = Table(box=None, pad_edge=False, padding=(0, _BETWEEN, 0, 0), header_style="dim", show_header=has_titles)
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["right", "left"] = "right" if is_numeric(column) else "left"
        table.add_column(Text(column[0]), width=width, overflow="fold", justify=justify)
    for row in zip(*(cells for _, *cells in columns), strict=True):
        table.add_row(*map(Text, row))
    console.print(table)


def _print_records(columns: Sequence[Sequence[str]], console: Console) -> None:
    """Print each row as a paragraph, for a screen on which no table has room."""
    titles, *rows = zip(*columns, strict=True)
    for row in rows:
        marks = [cell for title, cell in zip(titles, row, strict=True) if cell and not title]
        named = [(title, cell) for title, cell in zip(titles, row, strict=True) if cell and title]
        console.print(Text(" ".join([*marks, *(cell for _, cell in named[:1])])))
        if rest := " · ".join(f"{title}: {cell}" for title, cell in named[1:]):
            console.print(Padding(Text(rest, style="dim"), (0, 0, 0, 2)))
