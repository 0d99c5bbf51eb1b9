"""What an answer costs on IOPub, where every byte goes through the server and a websocket to the browser."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from ..kernel.kernels import running_kernel
from .cells import OURS
from .rows import Row
from .speaking import speaking
from .speaking import tokens as said

BOUNDS = {None: 2.0, 500: 12.0, 50: 90.0}
"""By the model's speed in tokens a second; None is as fast as it can."""

GROWTH = 1.3
REFERENCE = "the answer's bytes"


def rows(quick: bool) -> Iterator[Row]:
    """Yield all bytes of the cell over the answer's, by length and speed; quick leaves out what takes minutes.

    Nothing is simulated: an answer of 16,000 tokens at 50 tokens/s takes 320 s. All that have to wait wait together.
    """
    lengths = (1_000, 4_000) if quick else (1_000, 4_000, 16_000)
    slow = [(tokens, 50) for tokens in (lengths[:1] if quick else lengths)]
    with ThreadPoolExecutor(len(slow)) as pool:
        waiting = {case: pool.submit(_ratio, *case) for case in slow}
        measured = {(tokens, rate): _ratio(tokens, rate) for rate in (None, 500) for tokens in lengths}
        measured |= {case: future.result() for case, future in waiting.items()}
    for rate, bound in BOUNDS.items():
        speed = f"{rate} tokens/s" if rate else "full speed"
        for tokens in lengths:
            if (tokens, rate) in measured:
                yield Row(f"IOPub bytes, {tokens:,} tokens at {speed}", measured[tokens, rate], "x", bound, REFERENCE)
        if (16_000, rate) in measured:
            growth = measured[16_000, rate] / measured[4_000, rate]
            yield Row(f"the same for each token at {speed}, 16,000 tokens", growth, "x", GROWTH, "4,000 tokens")


def _ratio(tokens: int, rate: int | None) -> float:
    """Return the bytes of all messages of the cell, status and input among them, over those of the answer."""
    with speaking(tokens, rate) as server, TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}
        with running_kernel(Path(home), env) as kernel:
            kernel.run("%load_ext chatnb")
            run = kernel.run(OURS, timeout_s=60 + 2 * tokens / (rate or tokens))
    if run.status != "ok":
        raise RuntimeError(f"A measured cell failed: {run.error}")
    return run.size_bytes / len("".join(said(tokens)).encode())
