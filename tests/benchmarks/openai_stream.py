"""What a token over OpenAI's protocol costs, and what loading its client does, over OpenAI's own package."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from statistics import median

from ..faults.process import served
from ..models.asking import asking
from ..models.serving import lab
from .rows import Row

TOKENS = 4_000
CPU = "CPU of AsyncOpenAI's chat.completions.create(stream=True)"
IMPORT = "time of `import openai`"


def rows(quick: bool) -> Iterator[Row]:
    """Yield both ratios; whether to read the stream without the package was decided by them."""
    times = 3 if quick else 9
    with served(tokens=TOKENS) as server:
        ours, theirs = asyncio.run(_cpu(server.url, times))
    yield Row("CPU for a token of an endpoint", ours / theirs, "x", 0.2, CPU)
    pairs = [[_import_s(module) for module in ("chatnb.models.openai", "openai")] for _ in range(times)]
    yield Row(
        "loading what asks an endpoint", median(a for a, _ in pairs) / median(b for _, b in pairs), "x", 0.7, IMPORT
    )


async def _cpu(url: str, times: int) -> tuple[float, float]:
    """Return the median CPU seconds of an answer with each, taken by turns."""
    import openai  # noqa: PLC0415 - its import is measured in other processes, and this one may be asked for its help alone

    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none is needed", max_retries=0)
    provider = lab(url)

    async def ours() -> None:
        async with aclosing(provider.model("tinychat").stream(asking())) as events:
            async for _ in events:
                pass

    async def theirs() -> None:
        stream = await client.chat.completions.create(
            model="tinychat", messages=[{"role": "user", "content": "Why?"}], stream=True
        )
        async for _ in stream:
            pass

    taken = [(await _cpu_s(ours), await _cpu_s(theirs)) for _ in range(times)]
    await provider.aclose()
    await client.close()
    return median(a for a, _ in taken), median(b for _, b in taken)


async def _cpu_s(ask: Callable[[], Awaitable[None]]) -> float:
    began_s = time.process_time()
    await ask()
    return time.process_time() - began_s


def _import_s(module: str) -> float:
    """Return the seconds that an import takes in a fresh Python."""
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
