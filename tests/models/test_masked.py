"""A model that reads placeholders in place of secrets."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.errors import ModelBroken
from chatnb.events import (
    Continued,
    FellBack,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolStarted,
    Waiting,
)
from chatnb.masking import Mask
from chatnb.messages import Context, Image, Summary, Text, Thinking, ToolCall, ToolResult, ToolSpec, Usage
from chatnb.models.base import Request
from chatnb.models.catalog import Catalog
from chatnb.models.masked import MaskedModel, is_masked
from chatnb.models.retrying import RetryingModel
from chatnb.models.scripted import ScriptedModel, Step
from chatnb.settings import RetryPolicy, Settings
from tests.faults.server import FaultServer
from tests.models.asking import asking, folded, heard, heard_until_error, message
from tests.models.test_ollama import serving

SECRET = "f81d4fae7dec"  # noqa: S105 - made up
ENVIRONMENT = {"LAB_TOKEN": SECRET}
QUESTION = asking(f"My token is {SECRET}.")


def masked(*script: Step) -> tuple[MaskedModel, ScriptedModel]:
    below = ScriptedModel(script)
    return MaskedModel(below, Mask(ENVIRONMENT)), below


def texts_of(events: list[ModelEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


async def test_no_part_of_a_request_holds_a_secret() -> None:
    model, below = masked("ok")
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"description": SECRET, "enum": [SECRET]}}}
    said = f"It is {SECRET}."
    request = Request(
        messages=(
            message("system", said),
            message("user", Context(said, said), Summary(said, "1"), Image(b"x", "image/png"), Text(said)),
            message("assistant", Thinking(said), Text(said), ToolCall("1", "f", {SECRET: [said, {"b": said}, 3]})),
            message("tool", ToolResult("1", "f", said)),
        ),
        tools=(ToolSpec("f", said, schema),),
        schema=schema,
    )

    await heard(model, request)

    asked = below.requests[0]
    assert SECRET not in repr(asked)
    assert repr(asked) == repr(request).replace(SECRET, "<SECRET_1>")
    assert SECRET in repr(request)


async def test_a_secret_that_one_message_gives_away_is_hidden_in_all() -> None:
    model, below = masked("ok")
    request = Request((message("user", "Is kaffee&9 good?"), message("user", "password = 'kaffee&9'")))

    await heard(model, request)

    assert below.requests[0].messages[0].text == "Is <SECRET_1> good?"


async def test_the_name_of_an_argument_tells_that_its_value_is_a_secret() -> None:
    model, below = masked("ok")
    call = ToolCall("1", "connect", {"password": "kaffee&9"})

    await heard(model, Request((message("assistant", call),)))

    assert below.requests[0].messages[0].parts == (replace(call, arguments={"password": "<SECRET_1>"}),)


async def test_the_secret_is_back_in_the_answer_and_in_the_thoughts() -> None:
    model, _ = masked(ThinkingDelta("<SECRET_1>?"), "Keep <SECRET_1> safe.")

    events = await heard(model, QUESTION)

    assert events[:2] == [ThinkingDelta(f"{SECRET}?"), TextDelta(f"Keep {SECRET} safe.")]


@given(st.data())
async def test_however_an_answer_is_cut_the_secrets_are_back(data: st.DataObject) -> None:
    text = data.draw(
        st.lists(st.sampled_from(["<SECRET_1>", "<SECRET_", "<", "<S", "<SECRET_9>", "a", ">"])).map("".join)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if a < b]
    model, _ = masked(*pieces)

    events = await heard(model, QUESTION)

    assert "".join(texts_of(events)) == text.replace("<SECRET_1>", SECRET)
    assert all(texts_of(events))


async def test_only_what_may_become_a_placeholder_is_held_back() -> None:
    model, _ = masked("a < b", " <SEC", "TION> ", "<SECRET_1", "> c")

    events = await heard(model, QUESTION)

    assert texts_of(events) == ["a < b", " ", "<SECTION> ", f"{SECRET} c"]


async def test_what_is_held_back_comes_before_what_ends_the_text() -> None:
    call = ToolCall("1", "f", {})
    model, _ = masked("a <SEC", ToolStarted(call), "b <", FellBack("a", "b", "gone", keeps_text=True), "c")

    events = await heard(model, QUESTION)

    assert events[:-1] == [
        TextDelta("a "),
        TextDelta("<SEC"),
        ToolStarted(call),
        TextDelta("b "),
        TextDelta("<"),
        FellBack("a", "b", "gone", keeps_text=True),
        TextDelta("c"),
    ]


async def test_a_placeholder_may_stand_on_both_sides_of_a_seam() -> None:
    model, _ = masked("a <SEC", Waiting("slow", 1.0), Continued("m", "gone"), "RET_1>")

    events = await heard(model, QUESTION)

    assert events[:-1] == [TextDelta("a "), Waiting("slow", 1.0), Continued("m", "gone"), TextDelta(SECRET)]


async def test_what_is_held_back_when_the_stream_breaks_is_not_lost() -> None:
    model, _ = masked("a <SEC", ModelBroken("gone"))

    events, error = await heard_until_error(model, QUESTION)

    assert texts_of(events) == ["a ", "<SEC"]
    assert str(error) == "gone"


async def test_a_broken_answer_is_continued_without_the_secret() -> None:
    below = ScriptedModel(["The token <SECRET_1> is", ModelBroken("gone")], [" yours."])
    retrying = RetryingModel(below, RetryPolicy(initial_delay_s=0.0))
    model = MaskedModel(retrying, Mask(ENVIRONMENT))

    events = await heard(model, QUESTION)

    assert folded(events).text == f"The token {SECRET} is yours."
    assert SECRET not in repr(below.requests)


async def test_a_tool_gets_the_placeholder_and_the_model_reads_it_again() -> None:
    call = ToolCall("1", "post", {"body": "<SECRET_1>"})
    model, below = masked(ToolStarted(call))
    first = await heard(model, QUESTION)

    again = replace(
        QUESTION,
        messages=(
            *QUESTION.messages,
            message("assistant", call),
            message("tool", ToolResult("1", "post", "<SECRET_1>")),
        ),
    )
    await heard(model, again)

    assert first == [ToolStarted(call), TokensCounted(Usage(reply_tokens=0))]
    assert "<SECRET_2>" not in repr(below.requests)


async def test_a_call_that_was_printed_has_no_more_secrets_than_one_that_was_made() -> None:
    model, _ = masked()
    await model.hidden(QUESTION)

    calls = await model.hidden_calls([ToolCall("1", "post", {"body": [f"It is {SECRET}."]})])

    assert calls == (ToolCall("1", "post", {"body": ["It is <SECRET_1>."]}),)


async def test_an_answer_in_json_stays_json() -> None:
    mask = Mask({"LAB_TOKEN": 'quo"ted 1'})
    model = MaskedModel(ScriptedModel(['{"token": "<SEC', 'RET_1>"}']), mask)

    events = await heard(model, replace(asking('quo"ted 1'), schema={"type": "object"}))

    assert json.loads("".join(texts_of(events))) == {"token": 'quo"ted 1'}


async def test_what_is_hidden_can_be_told_before_it_is_asked() -> None:
    model, below = masked("ok")

    hidden, kinds = await model.hidden(QUESTION)

    assert hidden.messages[0].text == "My token is <SECRET_1>."
    assert kinds == ("value of LAB_TOKEN",)
    assert below.requests == []


@pytest.mark.parametrize(
    ("model", "host", "secrets", "expected"),
    [
        ("scripted:demo", "", "remote", False),
        ("scripted:demo", "", "always", True),
        ("qwen3:8b", "https://ollama.com", "remote", True),
        ("qwen3:8b", "https://ollama.com", "never", False),
        ("gpt-oss:120b-cloud", "", "remote", True),
        ("scripted:demo,gpt-oss:120b-cloud", "", "remote", True),
    ],
)
async def test_secrets_are_hidden_from_remote_models(model: str, host: str, secrets: Any, expected: bool) -> None:
    settings = Settings(model=model, host=host, secrets=secrets)

    assert await is_masked(settings.models, settings, Catalog()) is expected


async def test_a_model_of_ones_own_server_reads_everything() -> None:
    with FaultServer() as server:
        settings = Settings(model="tinychat", host=server.url)
        catalog = Catalog()

        assert not await is_masked(settings.models, settings, catalog)
        await catalog.aclose()


async def test_a_copy_of_a_cloud_model_on_ones_own_server_is_remote_under_any_name() -> None:
    async with serving(("/api/show", {"details": {}, "remote_host": "https://ollama.com:443"})) as url:
        settings = Settings(model="mine", host=url)
        catalog = Catalog()

        assert await is_masked(settings.models, settings, catalog)
        await catalog.aclose()
