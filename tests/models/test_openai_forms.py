"""Bodies of requests, which OpenAI's own types check, and events from the forms that servers send."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from chatnb.events import ModelEvent, TextDelta, ThinkingDelta, TokensCounted, ToolStarted
from chatnb.messages import Context, Image, Text, Thinking, ToolCall, ToolResult, ToolSpec, Usage
from chatnb.models.base import ModelInfo, Request
from chatnb.models.openai_answers import Answer
from chatnb.models.openai_listing import entries_of, info_of
from chatnb.models.openai_requests import body_of
from tests.models.asking import asking, message

ADD = ToolSpec("add", "Add two numbers.", {"type": "object", "properties": {"a": {"type": "integer"}}})
CALL = ToolCall("call_1", "add", {"a": 17})
SCHEMA = {"title": "My answer!", "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PNG = b"\x89PNG"


def checked(request: Request, *, is_openai: bool = True) -> dict[str, Any]:
    """Return the body of a request, which OpenAI's types accept."""
    body = body_of("m", request, is_openai=is_openai)
    TypeAdapter(CompletionCreateParamsStreaming).validate_python(body, strict=False)
    return json.loads(json.dumps(body))  # type: ignore[no-any-return]


def test_a_question_with_all_that_it_can_carry_is_of_openais_form() -> None:
    request = Request(
        (
            message("system", "Be brief."),
            message("user", Context("cell 1", "x = 1"), Text("Add."), Image(PNG, "image/png")),
            message("assistant", Thinking("Hm."), Text("I will."), CALL, replace(CALL, id="call_2")),
            message("tool", ToolResult("call_1", "add", "42"), ToolResult("call_2", "add", "42")),
            message("assistant", "It is 42."),
            message("user", "Sure?"),
        ),
        tools=(ADD,),
        options={"temperature": 0, "top_p": 0.5, "seed": 1, "stop": ["x"], "num_predict": 50, "num_ctx": 4096},
        think=True,
        schema=SCHEMA,
        keep_alive="5m",
    )

    body = checked(request)

    system, user, called, first, second, said, last = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"][0]["text"].endswith("Add.")
    assert user["content"][1]["image_url"]["url"] == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert called["content"] == "I will."
    assert [call["id"] for call in called["tool_calls"]] == ["call_1", "call_2"]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"a": 17}
    assert (first["tool_call_id"], second["tool_call_id"]) == ("call_1", "call_2")
    assert (said["content"], last["content"]) == ("It is 42.", "Sure?")
    assert "Hm." not in json.dumps(body)
    assert body["tools"][0]["function"]["name"] == "add"
    assert body["response_format"]["json_schema"]["name"] == "My_answer_"
    assert body["stream_options"] == {"include_usage": True}


def test_options_of_ollamas_own_stay_behind_and_all_others_are_sent() -> None:
    options = {
        "num_ctx": 4096,
        "num_gpu": 1,
        "num_thread": 2,
        "mirostat": 1,
        "repeat_penalty": 1.1,
        "top_k": 5,
        "num_keep": 4,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 3,
        "stop": ["END"],
        "presence_penalty": 1,
        "reasoning_effort": "low",
    }

    body = checked(replace(asking(), options=options), is_openai=False)

    sent = set(body) - {"model", "stream", "messages", "stream_options"}
    assert sent == {"temperature", "top_p", "seed", "stop", "presence_penalty", "reasoning_effort"}


@pytest.mark.parametrize(
    ("options", "is_openai", "sent"),
    [
        ({"num_predict": 50}, False, {"max_tokens": 50}),
        ({"num_predict": 50}, True, {"max_completion_tokens": 50}),
        ({"num_predict": -1}, False, {}),
        ({"num_predict": 50, "max_tokens": 7}, False, {"max_tokens": 7}),
        ({"max_completion_tokens": 7}, False, {"max_completion_tokens": 7}),
    ],
)
def test_a_limit_of_tokens_has_the_name_that_the_server_knows(
    options: Mapping[str, int], is_openai: bool, sent: Mapping[str, int]
) -> None:
    body = checked(replace(asking(), options=options), is_openai=is_openai)

    assert {name: value for name, value in body.items() if name.startswith("max_")} == sent


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (SCHEMA, None),
        ({**SCHEMA, "additionalProperties": False}, True),
        ({**SCHEMA, "additionalProperties": False, "required": []}, None),
        ({"type": "array", "items": SCHEMA}, None),
        ({"type": "string"}, True),
    ],
)
def test_a_schema_is_strict_where_openai_can_be(schema: Mapping[str, Any], strict: bool | None) -> None:
    body = checked(replace(asking(), schema=schema))

    assert body["response_format"]["json_schema"].get("strict") is strict
    assert body["response_format"]["json_schema"]["schema"] == schema


def test_thinking_is_asked_for_in_the_servers_words() -> None:
    assert checked(replace(asking(), think=False))["reasoning_effort"] == "none"
    assert body_of("m", replace(asking(), think=False))["chat_template_kwargs"] == {"enable_thinking": False}
    assert not {"reasoning_effort", "chat_template_kwargs"} & set(checked(asking()))


def test_what_is_to_be_gone_on_from_says_so_but_to_openai() -> None:
    begun = asking(partial="The capital")

    assert body_of("m", begun)["continue_final_message"] is True
    assert "continue_final_message" not in body_of("m", asking())
    assert "continue_final_message" not in checked(begun)


def heard(*chunks: Mapping[str, Any]) -> list[ModelEvent]:
    """Return the events of an answer."""
    answer = Answer()
    told = [event for chunk in chunks for event in answer.add(chunk)]
    return [*told, *answer.end()]


def said(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def calls_of(events: list[ModelEvent]) -> list[ToolCall]:
    return [event.call for event in events if isinstance(event, ToolStarted)]


def piece(
    index: int | None = 0, call_id: str | None = None, name: str | None = None, arguments: Any = None
) -> dict[str, Any]:
    told = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
    return said(tool_calls=[{key: value for key, value in told.items() if value is not None}])


def test_pieces_of_a_call_are_joined_by_index_and_the_id_is_kept() -> None:
    events = heard(
        piece(0, "a", "add", ""),
        piece(1, "b", "sub", '{"x"'),
        piece(0, arguments='{"a": '),
        piece(1, arguments=": 1}"),
        piece(0, arguments="17}"),
        said("tool_calls"),
    )

    assert calls_of(events) == [ToolCall("a", "add", {"a": 17}), ToolCall("b", "sub", {"x": 1})]
    assert isinstance(events[-1], TokensCounted)


@pytest.mark.parametrize("index", [0, None], ids=["always 0", "without"])
def test_whole_calls_with_the_same_index_are_two(index: int | None) -> None:
    events = heard(piece(index, "a", "add", '{"a": 1}'), piece(index, "b", "add", '{"a": 2}'))

    assert [call.arguments for call in calls_of(events)] == [{"a": 1}, {"a": 2}]


def test_a_call_without_an_id_gets_one_and_no_two_have_the_same() -> None:
    events = heard(piece(0, None, "add", "{}"), piece(1, "x", "add", ""), piece(2, "x", "add", {"a": 1}))

    ids = [call.id for call in calls_of(events)]
    assert len(set(ids)) == 3
    assert all(ids)
    assert [call.arguments for call in calls_of(events)] == [{}, {}, {"a": 1}]


def test_a_call_that_was_cut_by_a_limit_is_left_out_and_the_limit_told() -> None:
    events = heard(piece(0, "a", "add", '{"a": 1}'), piece(1, "b", "add", '{"a'), said("length"))

    assert [call.id for call in calls_of(events)] == ["a"]
    assert events[-1] == TokensCounted(Usage(), "length")


@pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', "3"])
def test_arguments_that_are_no_object_are_an_error(arguments: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        heard(piece(0, "a", "add", arguments), said("tool_calls"))


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "Hm."},
        {"reasoning": "Hm."},
        {"content": "<think>Hm.</think>"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]},
    ],
    ids=["reasoning_content", "reasoning", "tags", "parts"],
)
def test_reasoning_comes_apart_in_every_form_that_servers_send(delta: Mapping[str, Any]) -> None:
    events = heard(said(**delta), said(content="Yes"), said("stop"))

    assert events[:-1] == [ThinkingDelta("Hm."), TextDelta("Yes")]


def test_text_in_parts_and_refusals_are_text() -> None:
    assert heard(said(content=[{"type": "text", "text": "Yes"}]))[0] == TextDelta("Yes")
    assert heard(said(refusal="I cannot."))[0] == TextDelta("I cannot.")


def test_counts_come_from_the_last_chunk_that_has_them() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    timings = {"prompt_ms": 500.0, "predicted_ms": 1500.0, "prompt_n": 4, "cache_n": 3, "predicted_n": 3}

    counted = heard(said(content="x"), said("stop"), {"choices": [], "usage": usage, "timings": timings})[-1]
    from_timings = heard(said("stop"), {"choices": [], "usage": None, "timings": timings})[-1]

    expected = Usage(7, 3, prompt_s=0.5, reply_s=1.5)
    assert counted == TokensCounted(expected)
    assert from_timings == TokensCounted(expected)


@pytest.mark.parametrize(
    ("entry", "more", "info"),
    [
        ({"id": "a"}, {}, ModelInfo("lab:a", has_fixed_window=True)),
        ({"id": "a", "max_model_len": 8192}, {}, ModelInfo("lab:a", context_length=8192, has_fixed_window=True)),
        (
            {
                "id": "a",
                "meta": {"n_ctx": 2048, "n_ctx_train": 4096, "n_params": 8_030_261_248, "size": 9, "ftype": "Q4_0"},
            },
            {"modalities": {"vision": True}},
            ModelInfo("lab:a", 9, "8B", "Q4_0", 2048, ("completion", "tools", "vision"), has_fixed_window=True),
        ),
        (
            {"id": "a", "meta": {"n_ctx_train": 4096}},
            {"default_generation_settings": {"n_ctx": 1024}},
            ModelInfo("lab:a", context_length=1024, has_fixed_window=True),
        ),
        (
            {"id": "a"},
            {"type": "vlm", "max_context_length": 9000, "loaded_context_length": 4096, "capabilities": ["tool_use"]},
            ModelInfo(
                "lab:a", context_length=4096, capabilities=("completion", "tools", "vision"), has_fixed_window=True
            ),
        ),
        ({"id": "a"}, {"type": "embeddings"}, ModelInfo("lab:a", capabilities=("embedding",), has_fixed_window=True)),
        (
            {
                "id": "a",
                "context_length": 7,
                "supported_parameters": [],
                "architecture": {"input_modalities": ["text"]},
            },
            {},
            ModelInfo("lab:a", context_length=7, capabilities=("completion",), has_fixed_window=True),
        ),
    ],
    ids=["bare", "vllm", "llama.cpp", "older llama.cpp", "lm studio", "embeddings", "openrouter"],
)
def test_what_servers_tell_of_a_model_is_found(
    entry: Mapping[str, Any], more: Mapping[str, Any], info: ModelInfo
) -> None:
    assert info_of("lab:a", entry, more) == info


def test_a_list_may_be_bare_and_anything_else_is_none() -> None:
    assert entries_of([{"id": "a"}]) == entries_of({"data": [{"id": "a"}]}) == [{"id": "a"}]
    for other in ({}, {"data": 3}, [3], [{"id": 3}], None):
        with pytest.raises(TypeError):
            entries_of(other)


def test_pictures_of_tools_come_behind_their_results_and_foreign_text_in_a_fence() -> None:
    shown = ToolResult("call_1", "plot", "see", is_foreign=True, images=(Image(PNG, "image/png"),))
    request = Request(
        (
            message("user", "Plot."),
            message("assistant", CALL, replace(CALL, id="call_2")),
            message("tool", shown, ToolResult("call_2", "add", "42")),
        )
    )

    _, _, first, second, picture = checked(request)["messages"]

    assert (first["role"], first["content"]) == ("tool", "~~~\nsee\n~~~")
    assert second["content"] == "42"
    assert picture["role"] == "user"
    assert picture["content"][0]["text"] == "What plot shows:"
    assert picture["content"][1]["type"] == "image_url"
