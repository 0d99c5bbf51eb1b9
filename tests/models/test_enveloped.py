"""Tools for a model that has no form of its own for them."""

import json
from dataclasses import replace

import pytest

from chatnb.engine import answer
from chatnb.errors import ModelBroken
from chatnb.events import Continued, Retrying, TextDelta, ThinkingDelta, ToolFinished, ToolStarted, Waiting
from chatnb.messages import Text, ToolCall, ToolResult, ToolSpec
from chatnb.models.base import Request
from chatnb.models.deadline import DeadlineModel
from chatnb.models.envelope import envelope_schema
from chatnb.models.enveloped import EnvelopedModel
from chatnb.models.ollama import OllamaProvider
from chatnb.models.retrying import RetryingModel
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import RetryPolicy
from chatnb.tools.toolbox import Toolbox
from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.models.asking import asking, folded, heard, message, told

ADD = ToolSpec("add", "Add two numbers.", {"type": "object", "properties": {"a": {"type": "integer"}}})
ASKED = Request((message("user", "Add 17 and 25."),), tools=(ADD,))
AT_ONCE = RetryPolicy(attempts=3, initial_delay_s=0.0, max_delay_s=0.0)


def retried(below: ScriptedModel) -> RetryingModel:
    return RetryingModel(EnvelopedModel(DeadlineModel(below, 60, 60)), AT_ONCE)


async def test_an_answer_streams_as_its_text() -> None:
    below = ScriptedModel(['{"ans', 'wer": "It is', " \\u0034", '2."', "}\n"])

    events = await heard(EnvelopedModel(below), ASKED)

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["It is", " 4", "2."]
    assert len(told(events)) == 1


async def test_a_call_is_started_before_the_answer_is_counted() -> None:
    below = ScriptedModel(['{"calls": [{"name": "add", ', '"arguments": {"a": 17}}]}'])

    started, counted = await heard(EnvelopedModel(below), ASKED)

    assert isinstance(started, ToolStarted)
    assert (started.call.name, started.call.arguments) == ("add", {"a": 17})
    assert counted == told([counted])[0]


async def test_thoughts_and_waits_pass() -> None:
    below = ScriptedModel([Waiting("loading", 1.0), ThinkingDelta("Hm."), '{"answer": "42"}'])

    events = await heard(EnvelopedModel(below), ASKED)

    assert events[:3] == [Waiting("loading", 1.0), ThinkingDelta("Hm."), TextDelta("42")]


async def test_what_a_model_says_that_ignores_the_form_is_its_answer() -> None:
    below = ScriptedModel(["The sum", " is 42."])

    events = await heard(EnvelopedModel(below), ASKED)

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["The sum", " is 42."]


async def test_a_call_that_breaks_off_at_a_limit_of_tokens_is_shown_and_not_run() -> None:
    below = ScriptedModel(['{"calls": [{"name": "add", "arg'])

    events = await heard(EnvelopedModel(below), ASKED)

    assert folded(events).text == '{"calls": [{"name": "add", "arg'
    assert folded(events).open_calls == ()


async def test_the_model_is_sent_a_schema_and_no_tools() -> None:
    below = ScriptedModel(['{"answer": "42"}'])

    await heard(EnvelopedModel(below), ASKED)

    [sent] = below.requests
    assert sent.tools == ()
    assert sent.schema is not None
    assert sent.messages[0].role == "system"


async def test_on_the_wire_there_is_a_format_and_no_tools() -> None:
    with FaultServer([Answer(text=('{"answer":', ' "42"}'))]) as server:
        provider = OllamaProvider(server.url)

        events = await heard(EnvelopedModel(provider.model("tinychat")), ASKED)
        await provider.aclose()

    [exchange] = server.chats
    assert exchange.body["format"] == envelope_schema([ADD])
    assert "tools" not in exchange.body
    assert "Add two numbers." in exchange.body["messages"][0]["content"]
    assert folded(events).text == "42"


@pytest.mark.parametrize("said", ['{"n": "x"}', '"x"', "[1, 2]", "42"])
async def test_with_a_schema_of_the_user_the_answer_is_json(said: str) -> None:
    below = ScriptedModel(['{"answer": ', said[:2], said[2:], "}"])

    events = await heard(EnvelopedModel(below), replace(ASKED, schema={"type": "object"}))

    assert folded(events).text == said


async def test_without_tools_it_is_the_model_itself() -> None:
    below = ScriptedModel(['{"answer": "42"}'])
    asked = replace(asking(), schema={"type": "object"})

    events = await heard(EnvelopedModel(below), asked)

    assert below.requests == [asked]
    assert folded(events).text == '{"answer": "42"}'


async def test_without_tools_what_was_called_before_is_text() -> None:
    below = ScriptedModel(["Yes."])
    called = message("assistant", ToolCall("1", "add", {}))
    asked = Request(
        (message("user", "Add."), called, message("tool", ToolResult("1", "add", "42")), message("user", "So?"))
    )

    await heard(EnvelopedModel(below), asked)

    [sent] = below.requests
    assert [each.role for each in sent.messages] == ["user", "assistant", "user", "user"]
    assert sent.schema is None


async def test_a_model_that_calls_tools_by_itself_is_left_alone() -> None:
    below = ScriptedModel(["42"])
    looks: list[str] = []

    async def can() -> bool:
        looks.append("asked")
        return True

    model = EnvelopedModel(below, can)
    await heard(model, ASKED)
    await heard(model, asking())

    assert below.requests == [ASKED, asking()]
    assert looks == ["asked"]


async def test_an_answer_that_breaks_goes_on_in_plain_text() -> None:
    below = ScriptedModel(
        ['{"answer": "The capital\\nof France', ModelBroken("gone")],
        [" is Paris."],
    )

    events = await heard(retried(below), ASKED)

    assert folded(events).text == "The capital\nof France is Paris."
    assert [type(event) for event in told(events)][:2] == [Waiting, Continued]
    again = below.requests[1]
    assert (again.schema, again.tools) == (None, ())
    assert again.messages == (*ASKED.messages, again.messages[-1])
    assert again.messages[-1].parts == (Text("The capital\nof France"),)


async def test_a_break_within_an_escape_loses_and_repeats_nothing() -> None:
    below = ScriptedModel(['{"answer": "It is 20 degrees \\u00', ModelBroken("gone")], ["°C outside."])

    events = await heard(retried(below), ASKED)

    assert folded(events).text == "It is 20 degrees °C outside."


async def test_calls_that_break_are_asked_for_anew() -> None:
    below = ScriptedModel(
        ['{"calls": [{"name": "add", "arguments": {"a": 1', ModelBroken("gone")],
        ['{"calls": [{"name": "add", "arguments": {"a": 17}}]}'],
    )

    events = await heard(retried(below), ASKED)

    [call] = folded(events).open_calls
    assert call.arguments == {"a": 17}
    assert folded(events).text == ""
    assert below.requests[1].schema == below.requests[0].schema


async def test_a_retry_below_begins_a_new_envelope() -> None:
    below = ScriptedModel(['{"answer": "It i', Retrying("m", 2, 3, 0.0, "gone"), '{"answer": "It is 42."}'])

    events = await heard(EnvelopedModel(below), ASKED)

    assert folded(events).text == "It is 42."


async def test_a_round_of_tools_is_asked_called_and_answered() -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    below = ScriptedModel(
        ['{"calls": [{"name": "add", "arguments": {"a": 17, "b": 25}}, {"name": "add", "arguments": {"a": "x"}}]}'],
        ['{"answer": "It is 42."}'],
    )

    events = [event async for event in answer(EnvelopedModel(below), asking("Add."), Toolbox([add]))]

    results = [event.result for event in events if isinstance(event, ToolFinished)]
    assert {(result.text, result.is_error) for result in results} >= {("42", False)}
    assert folded(events).answer == "It is 42."
    read = below.requests[1].messages
    assert [each.role for each in read] == ["system", "user", "assistant", "user"]
    assert json.loads(read[2].text)["calls"][0]["arguments"] == {"a": 17, "b": 25}
    first, second, _ = read[3].parts
    assert "42" in str(first)
    assert "do not fit" in str(second)
