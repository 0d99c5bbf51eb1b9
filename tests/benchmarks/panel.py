"""What an answer in the panel costs on its comm, where every byte goes through the server and a websocket to the browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ..faults.process import ServerProcess, served
from ..kernel.kernels import Kernel, running_kernel
from ..kernel.views import View, opened
from .cells import ANSWER
from .rows import Row
from .speaking import speaking
from .speaking import tokens as said

SPEEDS = (None, 500, 50)
"""Tokens a second; None is as fast as it can."""

LONG, BOUND = 16_000, 6.0
"""The bound is that of a long answer: of a short one, and of a slow model's, the envelopes weigh more, and nobody minds."""

GROWTH = 1.2
A_SECOND = 100
REFERENCE = "the answer's bytes"


def rows(quick: bool) -> Iterator[Row]:
    """Yield all bytes of the comm over the answer's, by length and speed, and how many messages there were a second."""
    lengths = (1_000, 4_000) if quick else (1_000, 4_000, 16_000)
    for rate in SPEEDS:
        speed = f"{rate} tokens/s" if rate else "full speed"
        measured = {}
        for tokens in lengths[:1] if rate == 50 else lengths:
            measured[tokens], a_second = _measured(tokens, rate)
            bound = BOUND if tokens == LONG else None
            yield Row(f"comm bytes, {tokens:,} tokens at {speed}", measured[tokens], "x", bound, REFERENCE)
        yield Row(f"comm messages in a second at {speed}, {tokens:,} tokens", a_second, "", A_SECOND, "none: a count")
        if len(measured) > 1:
            growth = measured[tokens] / measured[4_000]
            yield Row(f"the same for each token at {speed}, {tokens:,} tokens", growth, "x", GROWTH, "4,000 tokens")

    stops = _stops(10 if quick else 30)
    yield Row("a click on Stop to the server's connection closed, median", median(stops) * 1000, "ms", 150, "none")
    yield Row("a click on Stop to the server's connection closed, worst", max(stops) * 1000, "ms", None, "none")


def _stops(count: int) -> list[float]:
    """Return the seconds from a click on Stop, while no cell runs, to the end of the server's connection."""
    with (
        served(text=ANSWER, tokens=1_500, rate=500) as server,
        TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home,
        running_kernel(Path(home), {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel,
    ):
        kernel.run("%load_ext chatnb")
        view = opened(kernel, subshell=kernel.new_subshell())
        view.hello()
        return [_stopped(kernel, view, server) for _ in range(count)]


def _stopped(kernel: Kernel, view: View, server: ServerProcess) -> float:
    seen = len(view.messages())
    turn = view.call("ask", text="Why?")["turn"]

    def has(kind: str) -> bool:
        told = [change for message in view.messages()[seen:] for change in message.get("changes", ())]
        return any(change["is"] == kind for change in told)

    kernel.iopub.wait_for(lambda _: has("blocks"), 30)
    clicked_at = time.monotonic()
    view.send("cancel", turn=turn)
    kernel.iopub.wait_for(lambda _: has("finished"), 30)
    left_at: float = server.exchanges()[-1]["client_left_at"]
    return left_at - clicked_at


def _measured(tokens: int, rate: int | None) -> tuple[float, float]:
    """Return the bytes of all messages of the comm over those of the answer, and the most messages in a second."""
    with speaking(tokens, rate) as server, TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}
        with running_kernel(Path(home), env) as kernel:
            kernel.run("%load_ext chatnb")
            view = opened(kernel)
            view.hello()
            before = len(kernel.iopub.messages())
            view.call("ask", text="Why?")
            ended = view.wait_for(
                lambda message: any(change["is"] == "finished" for change in message.get("changes", ())),
                60 + 2 * tokens / (rate or tokens),
            )
            if ended is None:
                raise RuntimeError("The answer did not end.")
            sent = [message for message in kernel.iopub.messages()[before:] if message.type == "comm_msg"]
    at = [message.at for message in sent]
    a_second = max(sum(start <= other < start + 1 for other in at) for start in at)
    return sum(message.size_bytes for message in sent) / len("".join(said(tokens)).encode()), a_second
