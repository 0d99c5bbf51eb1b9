"""What an answer in the panel costs on its comm, where every byte goes through the server and a websocket to the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from ..kernel.kernels import running_kernel
from ..kernel.views import opened
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
