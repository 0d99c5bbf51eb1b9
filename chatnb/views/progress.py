"""How far a download is, in one line that is written over."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from ..models.base import PullProgress
from ..printing import printable

_BAR = 24


class ProgressLine:
    r"""Shows a download; notebooks and terminals both write over a line that ends with "\r".

    Parameters
    ----------
    stream
        Standard output unless given.
    is_live
        Whether somebody watches; if not, each step is one line.
    """

    def __init__(self, stream: TextIO | None = None, *, is_live: bool = True) -> None:
        self._stream, self._is_live = stream or sys.stdout, is_live
        self._status = ""
        self._width = 0
        self._due_at = 0.0

    def __call__(self, progress: PullProgress) -> None:
        """Show how far it is, at most ten times a second."""
        is_new = progress.status != self._status
        if is_new:
            self.close()
            self._status = progress.status
            if not self._is_live:
                self._stream.write(f"{printable(progress.status)}\n")
        if self._is_live and (is_new or time.monotonic() >= self._due_at or _is_done(progress)):
            self._due_at = time.monotonic() + 0.1
            line = progress_line(progress)
            self._stream.write(f"\r{line.ljust(self._width)}")
            self._stream.flush()
            self._width = len(line)

    def close(self) -> None:
        """End the line, so that what comes next does not write over it."""
        if self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0


def progress_line(progress: PullProgress) -> str:
    """Return the line.

    Examples
    --------
    >>> progress_line(PullProgress("pulling 8934d96d3f08", 2_900_000_000, 4_700_000_000))
    'pulling 8934d96d3f08  ██████████████░░░░░░░░░░   62%  2.9 of 4.7 GB'
    >>> progress_line(PullProgress("verifying sha256 digest"))
    'verifying sha256 digest'
    """
    status = printable(progress.status)
    total = progress.total_bytes
    if not total:
        return status
    part = min(progress.completed_bytes / total, 1)
    filled = int(part * _BAR)
    unit, size = next(((u, s) for u, s in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)) if total >= s), ("B", 1.0))
    done, all_ = (f"{count / size:.{0 if size == 1 else 1}f}" for count in (progress.completed_bytes, total))
    return f"{status}  {'█' * filled}{'░' * (_BAR - filled)}  {part:4.0%}  {done} of {all_} {unit}"


def _is_done(progress: PullProgress) -> bool:
    return progress.total_bytes is not None and progress.completed_bytes >= progress.total_bytes
