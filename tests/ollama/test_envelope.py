"""Tools for a real model that cannot call any: the envelope is accepted, and whatever the tiny model writes is read."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chatnb.engine import answer
from chatnb.errors import ModelError, ModelRefused
from chatnb.events import ModelEvent, TextDelta, TokensCounted, ToolStarted
from chatnb.messages import Json, ToolCall, ToolResult, ToolSpec
from chatnb.models.base import Model, Request
from chatnb.models.deadline import DeadlineModel
from chatnb.models.envelope import envelope_schema
from chatnb.models.enveloped import EnvelopedModel
from chatnb.models.ollama import OllamaProvider
from chatnb.models.opening import Opening
from chatnb.models.retrying import RetryingModel
from chatnb.tools.toolbox import Toolbox
from tests.models.asking import asking, folded, heard, message
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.ollama

QUESTIONS = ("Add 17 and 25.", "What is the capital of France?", "Read the file notes.txt.", "Tell me a long story.")
FEW_TOKENS = {"num_predict": 120}
NUMBER: Json = {"type": "integer"}
ADD = ToolSpec(
    "add", "Add two numbers.", {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a", "b"]}
)
# Each of these alone makes the server refuse a request whose format holds it.
REFUSED: Json = {
    "pattern": {"type": "string", "pattern": "[0-9]"},
    "escape": {"type": "string", "pattern": r"^a\/b$"},
    "lost": {"$ref": "#/$defs/Nobody"},
    "anything": True,
    "negated": {"not": {"type": "string"}},
}
ODD = ToolSpec("odd", 'Says "```" and more.\n```', {"type": "object", "properties": REFUSED, "required": list(REFUSED)})


@dataclass
class Overheard:
    """A model whose requests and words are noted, as they are on the wire."""

    model: Model
    requests: list[Request] = field(default_factory=list)
    text: str = ""

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def can_continue(self) -> bool:
        return self.model.can_continue

    async def explain_wait(self) -> str:
        return await self.model.explain_wait()

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        self.requests.append(request)
        self.text = ""
        async with aclosing(self.model.stream(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    self.text += event.text
                yield event


@pytest.fixture
async def plain(ollama_server: OllamaServer) -> AsyncIterator[Overheard]:
    """Give the model that cannot call tools, as the server has it."""
    provider = OllamaProvider(ollama_server.url)
    yield Overheard(provider.model("tinyplain"))
    await provider.aclose()


def wrapped(plain: Model) -> Model:
    return RetryingModel(EnvelopedModel(DeadlineModel(plain, 60, 60)))


def with_tools(question: str, *tools: ToolSpec) -> Request:
    return Request((message("user", question),), tools=tools, options=FEW_TOKENS)


async def test_a_request_that_is_refused_with_tools_is_answered_with_an_envelope(plain: Overheard) -> None:
    asked = with_tools(QUESTIONS[0], ADD)

    with pytest.raises(ModelRefused, match="cannot use tools"):
        await heard(plain, asked)
    events = await heard(wrapped(plain), asked)

    assert isinstance(events[-1], TokensCounted)
    assert plain.requests[-1].tools == ()
    assert plain.requests[-1].schema == envelope_schema([ADD])
    assert plain.text.startswith("{")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("tools", [(ADD,), (ADD, ODD)], ids=["one tool", "two tools"])
async def test_whatever_the_model_writes_is_read(plain: Overheard, question: str, tools: tuple[ToolSpec, ...]) -> None:
    events = await heard(wrapped(plain), with_tools(question, *tools))

    reply = folded(events)
    counted = events[-1]
    assert isinstance(counted, TokensCounted)
    if counted.stop == "stop":
        written = json.loads(plain.text)
        assert written.get("answer", "") == reply.text
        assert [call["name"] for call in written.get("calls", ())] == [call.name for call in reply.open_calls]
    assert reply.text or reply.open_calls


@pytest.mark.parametrize("name", REFUSED)
async def test_the_server_refuses_what_is_left_out_of_the_schema(plain: Overheard, name: str) -> None:
    whole = {"type": "object", "properties": {name: REFUSED[name]}, "required": [name]}

    with pytest.raises(ModelError, match=r"invalid JSON schema|sampling context"):
        await heard(plain, replace(asking("Go."), schema=whole))
    events = await heard(wrapped(plain), with_tools("Go.", ToolSpec("odd", "", whole)))

    assert isinstance(events[-1], TokensCounted)


async def test_a_model_that_has_no_choice_calls_the_tool(plain: Overheard) -> None:
    forced = replace(
        ADD,
        parameters={"type": "object", "properties": {"a": {"const": 17}, "b": {"enum": [25]}}, "required": ["a", "b"]},
    )
    calls_only = envelope_schema([forced])["anyOf"][0]
    one: Any = {**calls_only, "properties": {"calls": {**calls_only["properties"]["calls"], "maxItems": 1}}}
    opening = Opening()
    events: list[Any] = []

    for event in await heard(plain, replace(asking("Add 17 and 25."), schema=one, options={"num_predict": 300})):
        events += opening.add(event.text) if isinstance(event, TextDelta) else ()
    events += opening.end()

    [started] = events
    assert isinstance(started, ToolStarted)
    assert (started.call.name, started.call.arguments) == ("add", {"a": 17, "b": 25})


async def test_a_result_of_a_tool_is_read_by_a_template_without_tools(plain: Overheard) -> None:
    called = ToolCall("1", "add", {"a": 17, "b": 25})
    asked = replace(
        with_tools("Add 17 and 25.", ADD),
        messages=(
            message("user", "Add 17 and 25."),
            message("assistant", called),
            message("tool", ToolResult("1", "add", "42")),
        ),
    )

    events = await heard(wrapped(plain), asked)
    counted = events[-1]
    shorter = await heard(wrapped(plain), replace(asked, messages=asked.messages[:1]))

    assert isinstance(counted, TokensCounted)
    assert isinstance(shorter[-1], TokensCounted)
    assert (counted.usage.prompt_tokens or 0) > (shorter[-1].usage.prompt_tokens or 0) + 20


async def test_an_answer_that_was_begun_goes_on_in_plain_text(plain: Overheard) -> None:
    asked = with_tools(QUESTIONS[1], ADD)

    events = await heard(
        EnvelopedModel(plain), replace(asked, messages=(*asked.messages, message("assistant", "The capital of")))
    )

    assert folded(events).text == " France is Paris."


async def test_a_schema_that_points_to_itself_is_that_of_the_answer(plain: Overheard) -> None:
    tree: Json = {
        "type": "object",
        "properties": {"n": {"enum": [1]}, "next": {"anyOf": [{"$ref": "#/$defs/End"}, {"type": "null"}]}},
        "required": ["n", "next"],
        "$defs": {"End": {"type": "object", "properties": {"n": {"enum": [2]}}, "required": ["n"]}},
    }

    events = await heard(wrapped(plain), replace(with_tools(QUESTIONS[1], ADD), schema=tree))

    reply = folded(events)
    assert reply.open_calls or json.loads(reply.text)["n"] == 1


async def test_a_whole_turn_with_tools_ends_well(plain: Overheard) -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    asked = replace(asking("Add 17 and 25."), options=FEW_TOKENS)

    events = [event async for event in answer(wrapped(plain), asked, Toolbox([add]), rounds=2)]

    assert folded(events).parts
