"""How long a stopped answer goes on."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from statistics import median

from ..faults.process import ServerProcess, served
from ..kernel.iopub import Published
from ..kernel.kernels import Kernel
from .cells import ANSWER, OURS, kernel_for
from .rows import Row


def rows(quick: bool) -> Iterator[Row]:
    """Yield the seconds from the kernel's interrupt to its idleness, and to the end of the server's connection."""
    chance = random.Random(1)  # noqa: S311 - moments, not secrets
    with served(text=ANSWER, tokens=1_500, rate=500) as server, kernel_for(server.url) as kernel:
        trials = [_stopped(kernel, server, chance.uniform(0.05, 1.0)) for _ in range(20 if quick else 60)]
    idle, closed = zip(*trials, strict=True)
    yield Row("interrupt to idle kernel, median", median(idle) * 1000, "ms", 50, "none")
    yield Row("interrupt to idle kernel, worst", max(idle) * 1000, "ms", None, "none")
    yield Row("interrupt to the server's connection closed, median", median(closed) * 1000, "ms", 20, "none")
    yield Row("interrupt to the server's connection closed, worst", max(closed) * 1000, "ms", None, "none")


def _stopped(kernel: Kernel, server: ServerProcess, after_s: float) -> tuple[float, float]:
    """Ask, interrupt `after_s` after the first word, and return the seconds to the idle kernel and the closed connection."""
    pending = kernel.start(OURS)
    pending.wait_for_text("KeyError")
    time.sleep(after_s)
    stopped_at = time.monotonic()
    kernel.interrupt()
    run = pending.wait()
    idle_at = max(message.at for message in run.messages if is_idle(message))
    return idle_at - stopped_at, server.exchanges()[-1]["client_left_at"] - stopped_at


def is_idle(message: Published) -> bool:
    """Whether a message says that the kernel has nothing to do."""
    return message.type == "status" and message.content["execution_state"] == "idle"
