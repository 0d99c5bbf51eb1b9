"""How long it takes from the execution of a cell to its first visible text."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from chatnb.stores.tinydb import TinyStore

from ..faults.process import served
from ..kernel.kernels import Kernel
from ..ollama.finding import NoOllamaError, find
from ..ollama.server import OllamaServer
from ..stores.examples import asked, said, session
from .cells import LOOP_FLUSHED, OURS, QUESTION, begin_anew, kernel_for, shown_text, succeeded
from .rows import Row

REFERENCE = "the loop of ollama.Client.chat, print(..., flush=True)"
FIRST_TOKEN_S = 0.020
RATE = 200  # tokens a second, from the first on


def rows(quick: bool) -> Iterator[Row]:
    """Yield the ratio with a server that thinks for 20 ms, with a real Ollama, and by the length of the session."""
    times = 25 if quick else 80
    with served(tokens=40, rate=RATE, token_after_s=FIRST_TOKEN_S) as server, kernel_for(server.url) as kernel:
        ours, loop = first_texts(kernel, [OURS, LOOP_FLUSHED], times)
        yield Row("execute to first text, server's first token after 20 ms", ours / loop, "x", 1.0, REFERENCE)
        yield Row("the same loop", loop * 1000, "ms", None, "none")
    with served(tokens=40, rate=RATE, token_after_s=FIRST_TOKEN_S) as server, kernel_for(server.url) as kernel:
        few, many = (f"%%chat -s {_told(kernel, count)}\n{QUESTION}" for count in (10, 1_000))
        short, long = first_texts(kernel, [few, many], times)
        yield Row("the same in a session of 1,000 messages", long / short, "x", None, "in a session of 10 messages")
    try:
        found = find()
    except NoOllamaError as error:
        yield Row("execute to first text, real Ollama", float("nan"), "x", None, f"not measured: {error}")
        return
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        ollama = OllamaServer(found, Path(folder))
        ollama.start()
        stack.callback(ollama.close)
        ollama.create_models()
        kernel = stack.enter_context(kernel_for(ollama.url))
        ours, loop = first_texts(kernel, [OURS, LOOP_FLUSHED], times)
        yield Row("execute to first text, real Ollama with a tiny model", ours / loop, "x", 1.0, REFERENCE)
        yield Row("the same loop", loop * 1000, "ms", None, "none")


def first_texts(kernel: Kernel, cells: Sequence[str], times: int) -> list[float]:
    """Return the median seconds to the first text of each cell, run by turns."""
    seconds: list[list[float]] = [[] for _ in cells]
    for number in range(times):
        if number % 5 == 0:
            begin_anew(kernel)
        for cell, taken in zip(cells, seconds, strict=True):
            began_at = time.monotonic()
            run = succeeded(kernel.start(cell))
            taken.append(next(at for at, text in shown_text(run) if text.strip()) - began_at)
    return [median(taken) for taken in seconds]


def _told(kernel: Kernel, count: int) -> str:
    """Put a session of so many messages into the kernel's store, and return its id."""
    one = session(f"Of {count} messages")
    messages = tuple(said(one.id) if number % 2 else asked(one.id) for number in range(count))
    TinyStore(Path(kernel.process.environ()["CHATNB_HOME"]) / "sessions").create(replace(one, messages=messages))
    return one.id
