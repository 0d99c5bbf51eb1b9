"""What `%load_ext chatnb` costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ..kernel.kernels import running_kernel
from .rows import Row

LOAD = "get_ipython().run_line_magic('load_ext', 'chatnb')"
IMPORT = "import ollama"
TIMED = """
import time
began_at = time.perf_counter()
{}
seconds = time.perf_counter() - began_at
"""


def rows(quick: bool) -> Iterator[Row]:
    """Yield the time of `%load_ext chatnb` over that of `import ollama`, each in fresh kernels, by turns."""
    ours, theirs = [], []
    for _ in range(4 if quick else 10):
        ours.append(_in_a_fresh_kernel(LOAD))
        theirs.append(_in_a_fresh_kernel(IMPORT))
    yield Row("%load_ext chatnb", median(ours) / median(theirs), "x", 0.2, IMPORT)
    yield Row("%load_ext chatnb", median(ours) * 1000, "ms", None, "none")


def _in_a_fresh_kernel(statement: str) -> float:
    with TemporaryDirectory() as home, running_kernel(Path(home)) as kernel:
        run = kernel.run(TIMED.format(statement))
        if run.status != "ok":
            raise RuntimeError(f"{statement} failed: {run.error}")
        seconds: float = kernel.value("seconds")
    return seconds
