"""How long a cell goes on that is stopped while a tool runs, of each kind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ..faults.server import FaultServer
from ..kernel.held import CASES, SETUP, Case, calling
from ..kernel.kernels import Kernel, Pending, running_kernel
from ..tools.search.server import Server
from .cells import ran
from .interrupt import is_idle
from .rows import Row


def rows(quick: bool) -> Iterator[Row]:
    """Yield the milliseconds from the kernel's interrupt to its idleness."""
    # The call again and again: no turn gets further.
    models = {name.replace(" ", "-"): calling(case)[:1] for name, case in CASES.items()}
    page = Server()
    models["a-page"] = calling(Case("read_page", {"url": page.hangs("/")}))[:1]
    with TemporaryDirectory() as home, closing(page), FaultServer(models) as server:
        folder = Path(home, "work")
        folder.mkdir()
        os.mkfifo(folder / "begun")
        env = {"OLLAMA_HOST": server.url, "PYTHONPATH": str(Path(__file__).parents[2])}
        with running_kernel(Path(home), env, folder) as kernel:
            ran(kernel, f"{SETUP}\n%config ChatConfig.shell = True")
            for name, case in CASES.items():
                times = [_stopped_s(kernel, folder / "begun", name, case) for _ in range(3 if quick else 15)]
                yield Row(f"interrupt to idle kernel, {name}, median", median(times) * 1000, "ms", 200, "none")
            count = 3 if quick else 15
            times = [_left_s(kernel, None) for _ in range(count)]
            yield Row("interrupt to idle kernel, a question at stdin, median", median(times) * 1000, "ms", 200, "none")
            times = [_left_s(kernel, page) for _ in range(count)]
            yield Row("interrupt to idle kernel, a page, median", median(times) * 1000, "ms", 200, "none")
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
    return _idle_s(kernel, pending)


def _left_s(kernel: Kernel, page: Server | None) -> float:
    """Ask for a page, interrupt while it does not come, or while the question for it waits if there is none."""
    ran(kernel, "%chat new")
    pending = kernel.start("%%chat -m a-page -t read_page\nRead it.")
    pending.wait_for_prompt()
    if page is not None:
        page.came.clear()
        kernel.answer("y")
        page.came.wait(60)
    return _idle_s(kernel, pending)


def _idle_s(kernel: Kernel, pending: Pending) -> float:
    """Interrupt, and return the seconds to the idle kernel."""
    stopped_at = time.monotonic()
    kernel.interrupt()
    run = pending.wait()
    return max(message.at for message in run.messages if is_idle(message)) - stopped_at
