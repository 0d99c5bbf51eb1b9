"""What it costs that the outputs of cells are recorded, and what they take in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ..kernel.kernels import Kernel, running_kernel
from .cells import ran
from .rows import Row

REFERENCE = "the same kernel without chatnb"

_PRINT = "for number in range(10_000):\n    print(f'line {number}')"

# Real figures, drawn before: drawing takes a hundred times as long as showing.
_DRAW = """
import base64, io
from matplotlib.figure import Figure
from IPython.display import Image, display
def drawn(number):
    figure, file = Figure(), io.BytesIO()
    figure.subplots().plot([number, 1, number ** 2])
    figure.savefig(file)
    return Image(file.getvalue())
figures = [drawn(number) for number in range(100)]
"""
_FIGURES = "for figure in figures:\n    display(figure)"

_BYTES = "get_ipython().magics_manager.registry['ChatMagics'].recorder.size_bytes"


def rows(quick: bool) -> Iterator[Row]:
    """Yield processor time of cells that show much, with chatnb loaded over without, by turns, and bytes kept."""
    times = 15 if quick else 60
    with TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home, running_kernel(Path(home)) as kernel:
        ran(kernel, _DRAW)
        for name, code in {"10,000 printed lines": _PRINT, "100 figures": _FIGURES}.items():
            recorded, plain, kept = _measured(kernel, code, times)
            yield Row(f"recording a cell of {name}", recorded / plain, "x", 1.03, REFERENCE)
            yield Row(f"the same, without chatnb, {name}", plain * 1000, "ms", None, "none")
            yield Row(f"kept of a cell of {name}", kept / 1000, "kB", None, "none")


def _measured(kernel: Kernel, code: str, times: int) -> tuple[float, float, int]:
    """Return the median seconds of a cell with and without recording, the cell's end included, and the bytes kept."""
    recorded, plain, kept = [], [], 0
    for _ in range(times):
        ran(kernel, "%load_ext chatnb")
        recorded.append(_seconds(kernel, code))
        kept = kernel.value(_BYTES)
        ran(kernel, "%unload_ext chatnb")
        plain.append(_seconds(kernel, code))
    return median(recorded), median(plain), kept


def _seconds(kernel: Kernel, code: str) -> float:
    before_s = kernel.value("__import__('time').process_time()")
    ran(kernel, code)
    seconds: float = kernel.value("__import__('time').process_time()") - before_s
    return seconds
