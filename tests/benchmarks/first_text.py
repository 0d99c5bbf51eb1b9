"""How long it takes from the execution of a cell to its first visible text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
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

REFERENCE = "print(..., flush=True) of ollama.Client.chat, newly connected"
RATE = 200
"""Tokens a second, from the first on."""

Cell = Callable[[], str]

_numbers = count()


def rows(quick: bool) -> Iterator[Row]:
    """Yield the ratio by how long the server takes for its first token, by the session's length, with a real Ollama."""
    times = 20 if quick else 100
    for first_token_s in (0.02, 0.1):
        with served(tokens=40, rate=RATE, token_after_s=first_token_s) as server, kernel_for(server.url) as kernel:
            ours, loop = first_texts(kernel, [lambda: OURS, lambda: LOOP_FLUSHED], times)
        after = f"first token after {first_token_s * 1000:.0f} ms"
        yield Row(f"execute to first text, {after}", ours / loop, "x", 1.0, REFERENCE)
        yield Row(f"the loop alone, {after}", loop * 1000, "ms", None, "none")
    with served(tokens=40, rate=RATE, token_after_s=0.02) as server, kernel_for(server.url) as kernel:
        few, many = (f"%%chat -s {_told(kernel, messages)}\n{QUESTION}" for messages in (10, 1_000))
        short, long = first_texts(kernel, [lambda: few, lambda: many], times)
    yield Row("execute to first text in a session of 1,000 messages", long / short, "x", None, "of 10 messages")
    try:
        yield from _with_a_real_server(times)
    except NoOllamaError as error:
        yield Row("execute to first text, real Ollama", float("nan"), "x", None, f"not measured: {error}")


def first_texts(kernel: Kernel, cells: Sequence[Cell], times: int) -> list[float]:
    """Return the median seconds to the first text of each cell, run by turns, each time in a new session."""
    seconds: list[list[float]] = [[] for _ in cells]
    for _ in range(times):
        begin_anew(kernel)
        for cell, taken in zip(cells, seconds, strict=True):
            code = cell()
            began_at = time.monotonic()
            run = succeeded(kernel.start(code))
            taken.append(next(at for at, text in shown_text(run) if text.strip()) - began_at)
    return [median(taken) for taken in seconds]


def _with_a_real_server(times: int) -> Iterator[Row]:
    with ExitStack() as stack:
        ollama = OllamaServer(find(), Path(stack.enter_context(TemporaryDirectory())))
        ollama.start()
        stack.callback(ollama.close)
        ollama.create_models()
        kernel = stack.enter_context(kernel_for(ollama.url))
        ours, loop = first_texts(kernel, [_new_each_time(OURS), _new_each_time(LOOP_FLUSHED)], times)
    yield Row("execute to first text, real Ollama, 100 new words", ours / loop, "x", 1.0, REFERENCE)
    yield Row("the loop alone, real Ollama, 100 new words", loop * 1000, "ms", None, "none")


def _new_each_time(cell: str) -> Cell:
    """Return the cell with another question each time: one that a server has just read costs it nothing to read."""
    return lambda: cell.replace(QUESTION, f"Number {next(_numbers)}. {'What does this mean? ' * 25}")


def _told(kernel: Kernel, messages: int) -> str:
    """Put a session of so many messages into the kernel's store, and return its id."""
    one = session(f"Of {messages} messages")
    told = tuple(said(one.id) if number % 2 else asked(one.id) for number in range(messages))
    TinyStore(Path(kernel.process.environ()["CHATNB_HOME"]) / "sessions").create(replace(one, messages=told))
    return one.id
