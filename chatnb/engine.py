"""Model, tools, model, until the answer is there.

Knows nothing of sessions, stores and screens: a request goes in, events come out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from .events import Asked, ModelEvent, Offered, ToolFinished, ToolStarted
from .messages import ToolCall, ToolResult, ToolSpec
from .models.base import Model, Request
from .reply import Reply
from .tools.printed import printed_calls


class Tools(Protocol):
    """What the engine asks of a box of tools."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told of."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What the user is to be told of them, in sentences."""
        ...

    @property
    def are_foreign(self) -> bool:
        """Whether any of them may give back what others wrote, such as files and pages."""
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
    model: Model, request: Request, tools: Tools | None = None, rounds: int = 20, calls: Sequence[ToolCall] = ()
) -> AsyncGenerator[ModelEvent | ToolFinished | Offered]:
    """Yield what happens until `model` answers without calling a tool.

    Calls that the answer only prints are told at its end, and not made.

    Parameters
    ----------
    request
        Its last message is the question; its `tools` are filled in from `tools`.
    rounds
        How many answers may call tools. The calls of one more are refused, and the answer ends there: its last event
        is a ToolFinished.
    calls
        What is called first, as if the model had called it; then it is asked.

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
        begun = _begin(calls) if calls and not number else model.stream(asked)
        async with aclosing(begun) as stream:
            async for event in stream:
                told.add(event)
                yield event
        wanted = told.open_calls
        if not wanted:
            if offered := _printed(told, request, tools):
                yield Offered(offered)
            return
        async with aclosing(tools.run(wanted) if number < rounds else _refuse(wanted, rounds)) as results:
            async for result in results:
                told.add(ToolFinished(result))
                yield ToolFinished(result)


async def _begin(calls: Sequence[ToolCall]) -> AsyncGenerator[ModelEvent]:
    for call in calls:
        yield ToolStarted(call)


def _printed(told: Reply, request: Request, tools: Tools) -> tuple[ToolCall, ...]:
    if request.schema is not None:  # the JSON that the user wants
        return ()
    made = [part for part in told.parts if isinstance(part, ToolCall)]
    return printed_calls(told.answer, {spec.name for spec in tools.specs}, made)


async def _refuse(calls: Sequence[ToolCall], rounds: int) -> AsyncGenerator[ToolResult]:
    for call in calls:
        yield ToolResult(
            call.id, call.name, f"Error: not run, the limit of {rounds} rounds of tools is reached.", is_error=True
        )
