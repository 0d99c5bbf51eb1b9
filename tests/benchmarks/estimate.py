"""How near the estimate of tokens comes to a real server's counts, before and after it was calibrated."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from statistics import median, quantiles

from chatnb.events import TokensCounted
from chatnb.messages import Message
from chatnb.models.base import Model, Request
from chatnb.models.ollama import OllamaProvider
from chatnb.tokens import UNCALIBRATED, Calibration

from ..ollama.finding import find
from ..ollama.server import OllamaServer
from ..talk import question
from .rows import Row
from .texts import pairs

REFERENCE = "prompt_eval_count of a real Ollama, vocabulary of 1,280 tokens"


def rows(quick: bool) -> Iterator[Row]:
    """Yield the errors of the estimate, relative to the count, over other texts than those that it was calibrated with."""
    texts = pairs()
    kinds = list(texts)
    with tempfile.TemporaryDirectory() as folder:
        server = OllamaServer(find(), Path(folder))
        try:
            server.start()
            server.create_models()
            counts = asyncio.run(_counts(server.url, [text for kind in kinds for text in texts[kind]]))
        finally:
            server.close()
    yield from _rows(texts, kinds, counts)


def _rows(texts: Mapping[str, tuple[str, str]], kinds: list[str], counts: Mapping[str, int]) -> Iterator[Row]:
    others = {kind: texts[kind][1] for kind in kinds}
    # Every second kind is met, the others never.
    met, strange = kinds[::2], kinds[1::2]
    some = _learned([texts[kind][0] for kind in met[:: max(len(met) // 5, 1)]], counts)
    half = _learned([texts[kind][0] for kind in met], counts)
    every = _learned([texts[kind][0] for kind in kinds], counts)
    again = _learned([texts[kind][0] for _ in range(3) for kind in kinds], counts)
    named = f"{len(kinds)} kinds of text"
    for name, known, measured, bounds in (
        (f"estimate, {named}, before any count", UNCALIBRATED, kinds, (None, None)),
        ("estimate after 5 counts of 5 kinds, all", some, kinds, (0.2, 0.55)),
        ("estimate after a count of half the kinds, these", half, met, (0.1, 0.4)),
        ("estimate after a count of half the kinds, others", half, strange, (0.15, 0.4)),
        ("estimate after one count of each kind", every, kinds, (0.1, 0.25)),
        ("estimate after three counts of each kind", again, kinds, (0.08, 0.25)),
    ):
        errors = [abs(known.count_request([_asked(others[kind])]) / counts[others[kind]] - 1) for kind in measured]
        yield Row(f"{name}: median", median(errors), "", bounds[0], REFERENCE)
        yield Row(f"{name}: 9 of 10", quantiles(errors, n=10)[-1], "", bounds[1], REFERENCE)


def _learned(texts: list[str], counts: Mapping[str, int]) -> Calibration:
    known = UNCALIBRATED
    for text in texts:
        known = known.learn([_asked(text)], counts[text])
    return known


async def _counts(url: str, texts: list[str]) -> dict[str, int]:
    provider = OllamaProvider(url)
    try:
        return {text: await _count(provider.model("tinychat"), text) for text in texts}
    finally:
        await provider.aclose()


async def _count(model: Model, text: str) -> int:
    request = Request((_asked(text),), options={"num_ctx": 2_048, "num_predict": 1})
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            if isinstance(event, TokensCounted) and event.usage.prompt_tokens:
                return event.usage.prompt_tokens
    msg = "the server did not count"
    raise RuntimeError(msg)


def _asked(text: str) -> Message:
    return question(text)
