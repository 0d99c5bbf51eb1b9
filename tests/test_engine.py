"""Model, tools, model, until the answer is there."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from chatnb.engine import answer
from chatnb.errors import ModelBroken
from chatnb.events import (
    Event,
    ModelEvent,
    Offered,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolFinished,
    ToolStarted,
)
from chatnb.messages import Message, Text, Thinking, ToolCall, ToolResult, ToolSpec, Usage
from chatnb.models.base import Request
from chatnb.models.scripted import ScriptedModel, Step
from chatnb.tools.tool import Tool
from chatnb.tools.toolbox import Toolbox
from tests.talk import question, turns

REQUEST = Request((*turns(1), question("What is 2 + 3?", 2)), options={"seed": 1}, think=True, keep_alive="5m")
ADD = ToolCall("c1", "add", {"x": 2, "y": 3})


def add(x: int, y: int) -> int:
    """Add."""
    return x + y


def fail() -> None:
    """Fail."""
    raise KeyError("gone")


BOX = Toolbox([Tool.of(add), Tool.of(fail)])


async def told(
    model: ScriptedModel,
    tools: Toolbox | None = BOX,
    rounds: int = 20,
    events: list[Event] | None = None,
    *,
    request: Request = REQUEST,
    calls: Sequence[ToolCall] = (),
) -> list[Event]:
    events = [] if events is None else events
    async with aclosing(answer(model, request, tools, rounds, calls)) as stream:
        async for event in stream:
            events.append(event)
    return events


def texts(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_without_tools_the_models_events_are_the_answer() -> None:
    model = ScriptedModel(["Hel", "lo"])

    events = await told(model, tools=None)

    assert events == [TextDelta("Hel"), TextDelta("lo"), TokensCounted(Usage(reply_tokens=2))]
    assert model.requests == [REQUEST]


async def test_an_empty_box_is_no_box() -> None:
    model = ScriptedModel(["Hello"])

    await told(model, Toolbox())

    assert model.requests == [REQUEST]


async def test_the_model_is_told_of_the_tools_and_asked_as_it_was() -> None:
    model = ScriptedModel(["5"])

    await told(model)

    [asked] = model.requests
    assert asked.tools == BOX.specs
    assert (asked.messages, asked.options, asked.think, asked.keep_alive) == (
        REQUEST.messages,
        REQUEST.options,
        REQUEST.think,
        REQUEST.keep_alive,
    )


async def test_a_tool_runs_and_the_model_reads_its_result() -> None:
    model = ScriptedModel([ThinkingDelta("Hm."), "I add.", ToolStarted(ADD)], ["It is 5."])

    events = await told(model)

    [finished] = [event.result for event in events if isinstance(event, ToolFinished)]
    *earlier, said, result = model.requests[1].messages
    assert (finished.text, finished.is_error) == ("5", False)
    assert tuple(earlier) == REQUEST.messages
    assert (said.role, said.parts) == ("assistant", (Thinking("Hm."), Text("I add."), ADD))
    assert (result.role, result.parts) == ("tool", (finished,))
    assert texts(events) == "I add.It is 5."


async def test_all_calls_are_told_before_the_first_result() -> None:
    other = ToolCall("c2", "add", {"x": 1, "y": 1})
    model = ScriptedModel([ToolStarted(ADD), ToolStarted(other)], ["Done."])

    events = await told(model)

    kinds = [type(event).__name__ for event in events]
    assert kinds == [
        "ToolStarted",
        "ToolStarted",
        "TokensCounted",
        "ToolFinished",
        "ToolFinished",
        "TextDelta",
        "TokensCounted",
    ]


async def test_every_round_is_read_by_the_next() -> None:
    model = ScriptedModel([ToolStarted(ADD)], [ToolStarted(ToolCall("c2", "add", {"x": 5, "y": 5}))], ["It is 10."])

    await told(model)

    assert [message.role for message in model.requests[2].messages[-5:]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("c1", "fail", {}),
        ToolCall("c1", "nothing", {}),
        ToolCall("c1", "add", {"x": "many", "y": 1}),
    ],
)
async def test_a_tool_that_fails_is_read_by_the_model_like_any_other(call: ToolCall) -> None:
    model = ScriptedModel([ToolStarted(call)], ["I am sorry."])

    events = await told(model)

    [finished] = [event.result for event in events if isinstance(event, ToolFinished)]
    assert finished.is_error
    assert model.requests[1].messages[-1].parts == (finished,)
    assert texts(events) == "I am sorry."


async def test_what_a_retry_drops_is_not_read_again() -> None:
    dropped = ToolCall("c0", "fail", {})
    script: list[Step] = ["Half", ToolStarted(dropped), Retrying("m", 2, 3, 0.0, "broke"), "I add.", ToolStarted(ADD)]
    model = ScriptedModel(script, ["5"])

    await told(model)

    assert model.requests[1].messages[-2].parts == (Text("I add."), ADD)


async def test_a_model_that_never_stops_calling_is_refused_at_the_limit() -> None:
    model = ScriptedModel([ToolStarted(ADD)])

    events = await told(model, rounds=3)

    results = [event.result for event in events if isinstance(event, ToolFinished)]
    assert [result.is_error for result in results] == [False, False, False, True]
    assert "limit of 3" in results[-1].text
    assert isinstance(events[-1], ToolFinished)
    assert len(model.requests) == 4


async def test_a_limit_of_zero_runs_no_tool() -> None:
    model = ScriptedModel([ToolStarted(ADD)])

    events = await told(model, rounds=0)

    results = [event.result for event in events if isinstance(event, ToolFinished)]
    assert [result.is_error for result in results] == [True]


async def test_a_models_error_passes_through_with_what_came_before_it() -> None:
    model = ScriptedModel([ToolStarted(ADD)], ["It", ModelBroken("gone")])
    events: list[Event] = []

    with pytest.raises(ModelBroken, match="gone"):
        await told(model, events=events)

    assert texts(events) == "It"
    assert model.open_streams == 0


@pytest.mark.parametrize("tools", [None, BOX])
async def test_closing_closes_the_models_stream(tools: Toolbox | None) -> None:
    model = ScriptedModel(["Hel", "lo"])
    stream = answer(model, REQUEST, tools)
    await anext(stream)
    assert model.open_streams == 1

    await stream.aclose()

    assert model.open_streams == 0


async def test_closing_among_tools_stops_them() -> None:
    class Endless:
        """Tools that note how they end."""

        specs = (ToolSpec("wait", "", {}),)
        notes = ()
        are_foreign = False

        def __init__(self) -> None:
            self.is_closed = False

        async def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolResult]:
            try:
                yield ToolResult(calls[0].id, "wait", "first")
                await asyncio.Event().wait()
            finally:
                self.is_closed = True

    model, tools = ScriptedModel([ToolStarted(ADD), ToolStarted(ToolCall("c2", "wait", {}))]), Endless()
    stream = answer(model, REQUEST, tools)
    async for event in stream:
        if isinstance(event, ToolFinished):
            break

    await stream.aclose()

    assert tools.is_closed
    assert model.open_streams == 0


async def test_a_model_is_never_asked_while_its_last_stream_is_open() -> None:
    class Watched(ScriptedModel):
        """Counts its open streams whenever it is asked."""

        most = 0

        def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
            self.most = max(self.most, self.open_streams)
            return super().stream(request)

    model = Watched([ToolStarted(ADD)], ["5"])

    await told(model)

    assert model.most == 0


def test_a_message_of_the_conversation_is_not_changed() -> None:
    before: tuple[Message, ...] = REQUEST.messages

    asyncio.run(told(ScriptedModel([ToolStarted(ADD)], ["5"])))

    assert REQUEST.messages == before


PRINTED = 'Let me add:\n\n```json\n{"name": "add", "arguments": {"x": 2, "y": 3}}\n```'


def offered(events: Sequence[Event]) -> list[tuple[str, object]]:
    return [(call.name, call.arguments) for event in events if isinstance(event, Offered) for call in event.calls]


async def test_a_call_that_is_only_printed_is_offered_and_not_made() -> None:
    model = ScriptedModel([PRINTED])

    events = await told(model)

    assert [type(event) for event in events] == [TextDelta, TokensCounted, Offered]
    assert offered(events) == [("add", {"x": 2, "y": 3})]
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("script", "tools", "request_"),
    [
        ([["It is 5."]], BOX, REQUEST),
        ([[PRINTED]], None, REQUEST),
        ([[PRINTED.replace("add", "remove")]], BOX, REQUEST),
        ([[ToolStarted(ADD)], [f"I did it: {PRINTED}"]], BOX, REQUEST),
        ([[PRINTED, ToolStarted(ADD)], ["It is 5."]], BOX, REQUEST),
        ([[PRINTED]], BOX, replace(REQUEST, schema={"type": "object"})),
    ],
    ids=["none", "no tools", "no such tool", "made before", "made beside it", "JSON was asked for"],
)
async def test_nothing_is_offered_that_is_no_call_or_is_made(
    script: list[Sequence[Step]], tools: Toolbox | None, request_: Request
) -> None:
    events = await told(ScriptedModel(*script), tools, request=request_)

    assert offered(events) == []


async def test_calls_to_begin_with_are_made_before_the_model_is_asked() -> None:
    model = ScriptedModel(["It is 5."])

    events = await told(model, calls=[ADD])

    [asked] = model.requests
    *earlier, said, result = asked.messages
    assert [type(event) for event in events] == [ToolStarted, ToolFinished, TextDelta, TokensCounted]
    assert tuple(earlier) == REQUEST.messages
    assert (said.role, said.parts) == ("assistant", (ADD,))
    assert [part.text for part in result.parts if isinstance(part, ToolResult)] == ["5"]
