"""How long a cell goes on that is stopped while a tool runs, of each kind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ..faults.server import FaultServer
from ..kernel.held import CASES, SETUP, Case, calling
from ..kernel.kernels import Kernel, running_kernel
from .cells import ran
from .interrupt import is_idle
from .rows import Row


def rows(quick: bool) -> Iterator[Row]:
    """Yield the milliseconds from the kernel's interrupt to its idleness."""
    # The call again and again: no turn gets further.
    models = {name.replace(" ", "-"): calling(case)[:1] for name, case in CASES.items()}
    with TemporaryDirectory() as home, FaultServer(models) as server:
        folder = Path(home, "work")
        folder.mkdir()
        os.mkfifo(folder / "begun")
        env = {"OLLAMA_HOST": server.url, "PYTHONPATH": str(Path(__file__).parents[2])}
        with running_kernel(Path(home), env, folder) as kernel:
            ran(kernel, f"{SETUP}\n%config ChatConfig.shell = True")
            for name, case in CASES.items():
                times = [_stopped_s(kernel, folder / "begun", name, case) for _ in range(3 if quick else 15)]
                yield Row(f"interrupt to idle kernel, {name}, median", median(times) * 1000, "ms", 200, "none")
            kernel.run("released.set()")


def _stopped_s(kernel: Kernel, begun: Path, name: str, case: Case) -> float:
    """Ask, interrupt once the tool has begun, and return the seconds to the idle kernel."""
    ran(kernel, "%chat new")
    pending = kernel.start(f"%%chat -m {name.replace(' ', '-')} {case.options}\nCall it.")
    if case.is_asked:
        pending.wait_for_prompt()
        kernel.answer("y")
    with begun.open("w" if "--trial" in case.options else "r"):
        pass
    stopped_at = time.monotonic()
    kernel.interrupt()
    run = pending.wait()
    return max(message.at for message in run.messages if is_idle(message)) - stopped_at
