"""What a call of a tool costs over calling the function."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from chatnb.chat import Chat
from chatnb.events import ToolStarted
from chatnb.messages import ToolCall
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import Settings
from chatnb.stores.memory import MemoryStore
from chatnb.tools.tool import Tool
from chatnb.tools.toolbox import Toolbox

from .rows import Row

CALLS = 10


def rows(quick: bool) -> Iterator[Row]:
    """Yield the milliseconds that a call takes in a round of ten, over ten direct calls, on a thread and on the loop."""
    times = 20 if quick else 200
    for kind, function in (("a plain function", add), ("an asynchronous function", add_soon)):
        tools = Toolbox([Tool.of(function, name="add")])
        calls = [ToolStarted(ToolCall(str(number), "add", {"a": number, "b": 1})) for number in range(CALLS)]
        over_s = [_turn_s(tools, calls) - _turn_s(tools, []) - _direct_s() for _ in range(times)]
        yield Row(
            f"a call of {kind} in a round of {CALLS}",
            1000 * median(over_s) / CALLS,
            "ms",
            5,
            "calling the functions directly, and a turn without calls",
        )


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def add_soon(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def _turn_s(tools: Toolbox, calls: list[ToolStarted]) -> float:
    model = ScriptedModel(*([calls] if calls else []), ["Done."])

    async def asked() -> float:
        chat = Chat(model, store=MemoryStore(), settings=Settings(), tools=tools)
        began_at = time.perf_counter()
        await chat.ask("Add them.")
        return time.perf_counter() - began_at

    return asyncio.run(asked())


def _direct_s() -> float:
    began_at = time.perf_counter()
    for number in range(CALLS):
        add(number, 1)
    return time.perf_counter() - began_at
