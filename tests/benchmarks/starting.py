"""How long `chatnb ask --help` takes: what a console costs before it does anything."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .rows import Row

OURS = (str(Path(sys.executable).with_name("chatnb")), "ask", "--help")
PASS = (sys.executable, "-c", "pass")


def rows(quick: bool) -> Iterator[Row]:
    """Yield its time over that of Python alone, and over that of `llm --help`, which is installed for this alone."""
    times = 8 if quick else 25
    ours, python = _medians([OURS, PASS], times)
    yield Row("chatnb ask --help", ours / python, "x", 6, "python -c pass")
    with TemporaryDirectory() as folder:
        try:
            theirs = _installed(Path(folder))
        except subprocess.CalledProcessError as error:
            why = (error.stderr or "pip failed").strip().splitlines()[-1]
            yield Row("chatnb ask --help", float("nan"), "x", None, f"not measured over llm --help: {why}")
            return
        ours, other = _medians([OURS, theirs], times)
        yield Row("chatnb ask --help", ours / other, "x", 0.5, "llm --help")
    yield Row("chatnb ask --help", ours * 1000, "ms", None, "none")


def _installed(folder: Path) -> Sequence[str]:
    """Install llm into a virtual environment and return what is measured of it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "llm"]
    subprocess.run(pip, check=True, capture_output=True, text=True)
    return str(folder / "bin" / "llm"), "--help"


def _medians(commands: Sequence[Sequence[str]], times: int) -> list[float]:
    """Return the median seconds of each command, run by turns; the first time does not count: files are read then."""
    seconds: list[list[float]] = [[] for _ in commands]
    for _ in range(times + 1):
        for command, taken in zip(commands, seconds, strict=True):
            began_at = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            taken.append(time.perf_counter() - began_at)
    return [median(taken[1:]) for taken in seconds]
