"""Requests in Ollama's form, and events out of it."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.errors import ModelBroken
from chatnb.events import TextDelta, ThinkingDelta, TokensCounted, ToolStarted
from chatnb.messages import Context, Image, Text, Thinking, ToolCall, ToolResult, ToolSpec, Usage
from chatnb.models.base import Request
from chatnb.models.ollama_forms import body_of, events_of
from tests.models.asking import asking, message

HOST = "http://lab:11434"


def test_a_plain_question_names_the_model_and_asks_for_a_stream() -> None:
    assert body_of("tinychat", asking("Why?")) == {
        "model": "tinychat",
        "stream": True,
        "messages": [{"role": "user", "content": "Why?"}],
        "options": {},
    }


def test_everything_that_was_set_is_sent() -> None:
    schema = {"type": "object"}
    request = Request(
        (message("system", "Be brief."), message("user", "Why?")),
        options={"temperature": 0, "num_ctx": 4096},
        think=False,
        schema=schema,
        keep_alive="5m",
    )

    body = body_of("tinychat", request)

    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["options"] == {"temperature": 0, "num_ctx": 4096}
    assert (body["think"], body["format"], body["keep_alive"]) == (False, schema, "5m")


@pytest.mark.parametrize(("keep_alive", "sent"), [("-1", -1), ("0", 0), ("300", 300), ("5m", "5m"), ("1h30m", "1h30m")])
def test_seconds_without_a_unit_are_sent_as_the_number_that_ollama_wants(keep_alive: str, sent: object) -> None:
    request = Request((message("user", "Why?"),), keep_alive=keep_alive)

    assert body_of("tinychat", request)["keep_alive"] == sent


def test_pictures_are_sent_beside_the_text_and_context_inside_it() -> None:
    asked = message("user", Context("cell 1", "x = 1"), Image(b"\x89PNG", "image/png"), Text("What is it?"))

    (sent,) = body_of("tinychat", Request((asked,)))["messages"]

    assert base64.b64decode(sent["images"][0]) == b"\x89PNG"
    assert sent["content"] == "Context: cell 1\n```\nx = 1\n```\n\nWhat is it?"


def test_calls_and_their_results_are_sent_with_their_names_and_ids() -> None:
    call = ToolCall("call_1", "add", {"a": 1})
    history = (
        message("user", "Add."),
        message("assistant", Thinking("hm"), Text("I add."), call),
        message("tool", ToolResult("call_1", "add", "2"), ToolResult("call_2", "add", "3")),
    )

    _, said, first, second = body_of("tinychat", Request(history))["messages"]

    assert said == {
        "role": "assistant",
        "content": "I add.",
        "thinking": "hm",
        "tool_calls": [{"id": "call_1", "function": {"name": "add", "arguments": {"a": 1}}}],
    }
    assert first == {"role": "tool", "content": "2", "tool_name": "add", "tool_call_id": "call_1"}
    assert second["content"] == "3"


def test_a_tools_schema_is_sent_whole() -> None:
    parameters = {
        "type": "object",
        "properties": {"where": {"type": "object", "properties": {"x": {"anyOf": [{"type": "integer"}]}}}},
        "additionalProperties": False,
    }
    request = Request((message("user", "Go."),), tools=(ToolSpec("go", "Go there.", parameters),))

    assert body_of("tinychat", request)["tools"] == [
        {"type": "function", "function": {"name": "go", "description": "Go there.", "parameters": parameters}}
    ]


def test_a_line_tells_thoughts_text_and_calls() -> None:
    call = {"function": {"name": "add", "arguments": {"a": 1}}}
    line = {"message": {"role": "assistant", "thinking": "hm", "content": "yes", "tool_calls": [call]}, "done": False}

    thought, said, started = events_of(line, HOST)

    assert (thought, said) == (ThinkingDelta("hm"), TextDelta("yes"))
    assert isinstance(started, ToolStarted)
    assert (started.call.name, started.call.arguments) == ("add", {"a": 1})


def test_each_call_gets_an_id_of_its_own_unless_the_server_gives_one() -> None:
    function = {"name": "add", "arguments": {}}
    line = {
        "message": {"tool_calls": [{"function": function}, {"function": function}, {"id": "x", "function": function}]}
    }

    ids = [event.call.id for event in events_of(line, HOST) if isinstance(event, ToolStarted)]

    assert len(set(ids)) == 3
    assert all(ids)
    assert ids[-1] == "x"


def test_arguments_may_come_as_text() -> None:
    line = {"message": {"tool_calls": [{"function": {"name": "add", "arguments": '{"a": 1}'}}]}}

    (started,) = events_of(line, HOST)

    assert isinstance(started, ToolStarted)
    assert started.call.arguments == {"a": 1}


def test_the_last_line_tells_the_counts_in_seconds() -> None:
    line = {
        "message": {"content": ""},
        "done": True,
        "done_reason": "stop",
        "load_duration": 2_000_000_000,
        "prompt_eval_count": 7,
        "prompt_eval_duration": 500_000_000,
        "eval_count": 40,
        "eval_duration": 1_000_000_000,
    }

    assert events_of(line, HOST) == [TokensCounted(Usage(7, 40, 2.0, 0.5, 1.0))]


def test_an_answer_that_a_limit_cut_says_so_and_counts_may_be_missing() -> None:
    assert events_of({"done": True, "done_reason": "length"}, HOST) == [TokensCounted(Usage(), "length")]


@pytest.mark.parametrize(
    "message_sent",
    [
        "text",
        {"content": 5},
        {"thinking": ["x"]},
        {"tool_calls": 3},
        {"tool_calls": [{}]},
        {"tool_calls": [{"function": {"name": "add", "arguments": [1]}}]},
        {"tool_calls": [{"function": {"name": "add", "arguments": "{"}}]},
        {"tool_calls": [{"function": {"arguments": {}}}]},
    ],
    ids=json.dumps,
)
def test_another_form_than_ollamas_is_a_broken_answer(message_sent: object) -> None:
    with pytest.raises(ModelBroken, match="cannot read"):
        events_of({"message": message_sent}, HOST)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["content", "thinking", "tool_calls", "function", "name", "arguments"]), inner
        )
    ),
    max_leaves=10,
)


@given(line=st.dictionaries(st.sampled_from(["message", "done", "eval_count", "load_duration"]), values))
def test_any_json_object_gives_events_or_a_model_error(line: dict[str, object]) -> None:
    try:
        events = events_of(line, HOST)
    except ModelBroken:
        return
    assert all(isinstance(event.text, str) for event in events if isinstance(event, TextDelta | ThinkingDelta))


def test_what_a_tool_read_is_sent_in_a_fence_and_what_it_showed_as_pictures() -> None:
    shown = ToolResult("call_1", "run_python", "~~~", is_foreign=True, images=(Image(b"\x89PNG", "image/png"),))
    history = (message("user", "Plot."), message("assistant", ToolCall("call_1", "run_python", {})))

    *_, sent = body_of("tinychat", Request((*history, message("tool", shown))))["messages"]

    assert sent["content"] == "~~~~\n~~~\n~~~~"
    assert [base64.b64decode(image) for image in sent["images"]] == [b"\x89PNG"]
