"""What the kernel's processors do for an answer, over a loop that prints its chunks."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ..faults.process import served
from ..kernel.kernels import Kernel
from .cells import ANSWER, LOOP, OURS, REDRAW, begin_anew, kernel_for, timed
from .rows import Row

REFERENCE = "CPU of a loop that prints the chunks of ollama.Client.chat"


def rows(quick: bool) -> Iterator[Row]:
    """Yield the ratio at full speed and at 500 tokens/s, and what a redraw at each token would cost."""
    with served(text=ANSWER, tokens=4_000) as server, kernel_for(server.url) as kernel:
        ours, loop = _cpu(kernel, [OURS, LOOP], 9 if quick else 25)
        yield Row("kernel CPU, 4,000 tokens at full speed", ours / loop, "x", 1.2, REFERENCE)
        redraw, loop = _cpu(kernel, [REDRAW, LOOP], 1 if quick else 3)
        yield Row("the same, the whole text redrawn at each token", redraw / loop, "x", None, REFERENCE)
    with served(text=ANSWER, tokens=2_000, rate=500) as server, kernel_for(server.url) as kernel:
        ours, loop = _cpu(kernel, [OURS, LOOP], 3 if quick else 9)
        yield Row("kernel CPU, 2,000 tokens at 500 tokens/s", ours / loop, "x", 1.0, REFERENCE)


def _cpu(kernel: Kernel, cells: list[str], times: int) -> list[float]:
    """Return the median CPU seconds of each cell, run by turns."""
    seconds: list[list[float]] = [[] for _ in cells]
    for _ in range(times):
        begin_anew(kernel)
        for cell, taken in zip(cells, seconds, strict=True):
            taken.append(timed(kernel, cell).cpu_s)
    return [median(taken) for taken in seconds]
