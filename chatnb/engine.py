"""Model, tools, model, until the answer is there.

Knows nothing of sessions, stores and screens: a request goes in, events come out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from .events import Asked, ModelEvent, ToolFinished
from .messages import ToolCall, ToolResult, ToolSpec
from .models.base import Model, Request
from .reply import Reply


class Tools(Protocol):
    """What the engine asks of a box of tools."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told of."""
        ...

    def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolResult]:
        """Yield one result for each call, as they come; a failure is a result. Closing it stops what still runs.

        Raises
        ------
        ToolsGoOn
            If it is cancelled and cannot stop what still runs.
        """
        ...


async def answer(
    model: Model, request: Request, tools: Tools | None = None, rounds: int = 20
) -> AsyncGenerator[ModelEvent | ToolFinished]:
    """Yield what happens until `model` answers without calling a tool.

    Parameters
    ----------
    request
        Its last message is the question; its `tools` are filled in from `tools`.
    rounds
        How many answers may call tools. The calls of one more are refused, and the answer ends there: its last event
        is a ToolFinished.

    Raises
    ------
    ModelError
        As `Model.stream` does.
    """
    if tools is None or not tools.specs:
        async with aclosing(model.stream(request)) as stream:
            async for event in stream:
                yield event
        return
    told = Reply([Asked(request.messages[-1], model.name)])  # what the model reads of the rounds so far
    for number in range(rounds + 1):
        asked = replace(request, messages=(*request.messages, *told.messages()), tools=tools.specs)
        async with aclosing(model.stream(asked)) as stream:
            async for event in stream:
                told.add(event)
                yield event
        calls = told.open_calls
        if not calls:
            return
        async with aclosing(tools.run(calls) if number < rounds else _refuse(calls, rounds)) as results:
            async for result in results:
                told.add(ToolFinished(result))
                yield ToolFinished(result)


async def _refuse(calls: Sequence[ToolCall], rounds: int) -> AsyncGenerator[ToolResult]:
    for call in calls:
        yield ToolResult(
            call.id, call.name, f"Error: not run, the limit of {rounds} rounds of tools is reached.", is_error=True
        )
