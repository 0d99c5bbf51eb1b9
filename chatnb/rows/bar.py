"""How far many rows are: a bar in the cell, in the terminal, or nothing but the end."""

from __future__ import annotations

import secrets
import time
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from ..views.notebook import Shell
from .many import Progress as Far

INTERVAL_S = 0.2
"""Between two drawings."""

LEAST = 0.01
"""What costs less is not told in figures."""

FIRST = 10
"""So many answers are enough to judge the rest by."""


class Bar(Protocol):
    """Shows how far it is."""

    def show(self, far: Far) -> None:
        """Take note of it, and draw it now and then."""
        ...

    def close(self) -> None:
        """Leave what is shown in a state to keep."""
        ...


class CellBar:
    """A bar in the outputs of the running cell: one display that is drawn again.

    Parameters
    ----------
    is_live
        Whether somebody watches; if not, there is one display at the end, without figures that change from run to run.
    """

    def __init__(self, shell: Shell, *, is_live: bool) -> None:
        self._shell, self._is_live = shell, is_live
        self._display_id = secrets.token_hex(4)
        self._is_shown = False
        self._due_s = 0.0
        self._far: Far | None = None

    def show(self, far: Far) -> None:
        """Draw it, at most five times a second."""
        self._far = far
        if self._is_live and time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + INTERVAL_S
            self._draw(line(far), far)

    def close(self) -> None:
        """Draw how it ended."""
        if self._far is not None:
            self._draw(line(self._far) if self._is_live else ending(self._far), self._far)

    def _draw(self, text: str, far: Far) -> None:
        done = far.kept + far.asked
        # A sanitised page leaves the text.
        style = "width:12em;vertical-align:middle"
        html = f'<progress value="{done}" max="{max(far.total, 1)}" style="{style}"></progress> {text}'
        data = {"text/html": html, "text/plain": text}
        self._shell.display_pub.publish(
            data if self._is_live else {"text/plain": text},
            transient={"display_id": self._display_id},
            update=self._is_shown,
        )
        self._is_shown = True


class TerminalBar:
    """A bar on a terminal's last line."""

    def __init__(self, stream: TextIO) -> None:
        console = Console(file=stream)
        self._progress = Progress(BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), console=console)
        self._task = self._progress.add_task("", total=None)

    def show(self, far: Far) -> None:
        """Move it on."""
        self._progress.start()
        self._progress.update(self._task, total=far.total, completed=far.kept + far.asked, description=line(far))

    def close(self) -> None:
        """Stop drawing."""
        self._progress.stop()


class PlainBar:
    """One line at the end, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._far: Far | None = None

    def show(self, far: Far) -> None:
        """Take note of it."""
        self._far = far

    def close(self) -> None:
        """Say how it ended."""
        if self._far is not None:
            self._stream.write(f"{line(self._far)}\n")


def line(far: Far) -> str:
    """Return how far it is, and what the rest will take, judged by what was asked so far.

    Examples
    --------
    >>> line(Far(2_000, kept=500, asked=100, failed=2, seconds=60, prompt_tokens=9_000, reply_tokens=1_000))
    '600 of 2,000 rows · 2 failed · 500 were kept · about 14 min left · about 135,000 tokens to read and 15,000 to write in all'
    >>> line(Far(3, asked=3, failed=1, seconds=1.5, prompt_tokens=60, reply_tokens=9))
    '3 of 3 rows · 1 failed (--retry-failed asks again) · 2 s · 60 tokens read and 9 written'
    >>> line(Far(2, asked=2, seconds=9, prompt_tokens=400_000, reply_tokens=50_000, price=(0.5, 2)))
    '2 of 2 rows · 9 s · 400,000 tokens read and 50,000 written, for 0.30'
    >>> line(Far(1, asked=1, seconds=9, prompt_tokens=400, reply_tokens=50, price=(0.5, 2)))
    '1 of 1 rows · 9 s · 400 tokens read and 50 written, for less than 0.01'
    """
    said = [f"{far.kept + far.asked:,} of {far.total:,} rows"]
    if far.failed:
        said.append(f"{far.failed:,} failed" + ("" if far.left else " (--retry-failed asks again)"))
    if far.kept:
        said.append(f"{far.kept:,} were kept")
    if far.left and far.left_s is not None and far.asked >= min(FIRST, far.total):
        said.append(f"about {_span(far.left_s)} left")
        read, written = far.in_all(far.prompt_tokens), far.in_all(far.reply_tokens)
        if read or written:
            said.append(f"about {read:,} tokens to read and {written:,} to write in all{_cost(far, read, written)}")
    elif not far.left and far.asked:
        said.append(_span(far.seconds))
        if far.prompt_tokens or far.reply_tokens:
            cost = _cost(far, far.prompt_tokens, far.reply_tokens)
            said.append(f"{far.prompt_tokens:,} tokens read and {far.reply_tokens:,} written{cost}")
    return " · ".join(said)


def ending(far: Far) -> str:
    """Return how it ended, the same in every run.

    Examples
    --------
    >>> ending(Far(2_000, kept=500, asked=1_500, failed=2))
    '1,998 of 2,000 rows were answered, 2 failed.'
    """
    failed = f", {far.failed:,} failed" if far.failed else ""
    return f"{far.kept + far.asked - far.failed:,} of {far.total:,} rows were answered{failed}."


def _cost(far: Far, read: int, written: int) -> str:
    cost = far.cost(read, written)
    if cost is None:
        return ""
    return f", for {cost:,.2f}" if cost >= LEAST or not cost else f", for less than {LEAST}"


def _span(seconds: float) -> str:
    """Return a length of time in the unit that suits it.

    Examples
    --------
    >>> _span(1.6), _span(600), _span(9_000)
    ('2 s', '10 min', '2.5 h')
    """
    if seconds < 100:  # noqa: PLR2004 - from there on seconds say too much
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"  # noqa: PLR2004 - likewise
