"""What rows take that are asked side by side, over a loop that somebody writes for it; and two thousand of a real model."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import polars as pl

from chatnb.chat import Chat
from chatnb.rows.each_row import EachRow
from chatnb.settings import Settings

from ..faults.process import served
from ..ollama.finding import NoOllamaError, find
from ..ollama.server import OllamaServer
from .rows import Row

TOKENS, RATE, PARALLEL = 20, 50.0, 4
BARE = "ollama.AsyncClient.chat under an asyncio.Semaphore(4), 0.4 s an answer"
ROOT = Path(__file__).parents[2]
KILLS = (500, 1_000, 1_500)


def rows(quick: bool) -> Iterator[Row]:
    """Yield the ratio of the times, with answers at the pace of a model, and what became of rows that were killed."""
    count, times = (16, 3) if quick else (200, 3)
    with served(tokens=TOKENS, rate=RATE) as server:
        _ours_s(server.url, PARALLEL)  # imports
        asyncio.run(_bare_s(server.url, PARALLEL))
        pairs = [(_ours_s(server.url, count), asyncio.run(_bare_s(server.url, count))) for _ in range(times)]
    yield Row(f"time of {count} rows", median(a / b for a, b in pairs), "x", 1.05, BARE)
    yield from _killed(200 if quick else 2_000)


def _ours_s(url: str, count: int) -> float:
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(model="tinychat", host=url, home=home, parallel=PARALLEL)
        chat = Chat(settings=settings)
        chat.portal.call(chat.catalog.model(settings))
        each, frame = EachRow("Row {n}", settings), pl.DataFrame({"n": range(count)})
        began_s = time.perf_counter()
        each.run(frame, chat)
        taken_s = time.perf_counter() - began_s
        chat.close()
    return taken_s


async def _bare_s(url: str, count: int) -> float:
    import ollama  # noqa: PLC0415 - its import is no part of what others measure in this process

    client, gate = ollama.AsyncClient(url), asyncio.Semaphore(PARALLEL)

    async def ask(number: int) -> str:
        async with gate:
            parts = await client.chat("tinychat", [{"role": "user", "content": f"Row {number}"}], stream=True)
            return "".join([part.message.content or "" async for part in parts])

    began_s = time.perf_counter()
    await asyncio.gather(*map(ask, range(count)))
    return time.perf_counter() - began_s


def _killed(count: int) -> Iterator[Row]:
    """Ask a real model about rows, kill that three times, and count what is missing and what is there twice."""
    try:
        found = find()
    except NoOllamaError:
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = OllamaServer(found, home)
        server.start()
        server.create_models()
        try:
            began_s = time.monotonic()
            missing, twice = _missing_and_twice(server.url, home, count)
            yield Row(f"rows of {count:,} that three kills left out", missing, "", 0, "the real tiny model")
            yield Row(f"rows of {count:,} that are kept twice", twice, "", 0, "the real tiny model")
            yield Row(f"{count:,} rows with three kills", time.monotonic() - began_s, "s", None, "the real tiny model")
        finally:
            server.close()


def _missing_and_twice(url: str, home: Path, count: int) -> tuple[int, int]:
    pl.DataFrame({"n": range(count)}).write_csv(home / "rows.csv")
    answers = home / "answers.jsonl"
    command = [sys.executable, "-m", "chatnb", "over", "-m", f"tinychat@{url}", "-o", "num_predict=8"]
    command += ["--answers", str(answers), "rows.csv", "What is {n} + 1?"]
    env = {**os.environ, "CHATNB_HOME": str(home), "PYTHONPATH": str(ROOT)}
    for kill in KILLS:
        _kill_at(command, env, home, answers, kill * count // 2_000)
    subprocess.run(command, cwd=home, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [line for line in answers.read_text().splitlines() if line.endswith("}")]
    answered = pl.read_csv(home / "rows.answers.csv")["answer"]
    return count - (len(answered) - answered.null_count()), len(lines) - count


def _kill_at(command: Sequence[str], env: dict[str, str], home: Path, answers: Path, count: int) -> None:
    with subprocess.Popen(command, cwd=home, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while (not answers.exists() or answers.read_bytes().count(b"\n") < count) and process.poll() is None:
            time.sleep(0.02)
        process.kill()
