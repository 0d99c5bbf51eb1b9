"""Calls of tools that a model printed as text."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.messages import Json
from chatnb.tools.printed import LONGEST_LINE, MOST_STARTS, printed_calls

NAMES = ("add", "read_file", "web-search")
ADD: Json = {"name": "add", "arguments": {"a": 17, "b": 25}}
WORDS = json.dumps(ADD)

ARGUMENTS = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)


def found(text: str) -> list[tuple[str, Mapping[str, Json]]]:
    return [(call.name, call.arguments) for call in printed_calls(text, NAMES)]


@pytest.mark.parametrize(
    "text",
    [
        WORDS,
        f"I will add them.\n\n{WORDS}\n\nOne moment.",
        f"```json\n{json.dumps(ADD, indent=2)}\n```",
        f"Like this:\n  ```\n  {WORDS}\n  ```",
        f"`{WORDS}`",
        f"``` {WORDS} ```",
        f"[{WORDS}]",
        '{"name": "add", "parameters": {"a": 17, "b": 25}}',
        '{"arguments": {"a": 17, "b": 25}, "name": "add"}',
        '{"tool": "add", "args": {"a": 17, "b": 25}}',
        '{"type": "function", "id": "1", "function": {"name": "add", "arguments": {"a": 17, "b": 25}}}',
        '{"type": "function", "name": "add", "parameters": {"a": 17, "b": 25}}',
        r'{"name": "add", "arguments": "{\"a\": 17, \"b\": 25}"}',
        f'{{"tool_calls": [{WORDS}]}}',
        f'{{"calls": [{WORDS}]}}',
        f"<tool_call>\n{WORDS}\n</tool_call>",
        f"Let me see. <tool_call>{WORDS}",
        f"[TOOL_CALLS] [{WORDS}]",
        f"[TOOL_CALLS][{WORDS}]</s>",
        f"<|python_tag|>{WORDS}",
        '<function=add>{"a": 17, "b": 25}</function>',
        '<function=add>{"a": 17, "b": 25}',
        "add(a=17, b=25)",
        "Sure.\n\n    add(a = 17, b = 25)\n\nDone.",
        "`add(a=17, b=25)`",
        "[add(a=17, b=25)]",
        "```python\nadd(a=17, b=25)\n```",
        "```tool_code\r\nadd(a=17, b=25)\r\n```",
    ],
)
def test_a_call_is_found_in_any_of_the_common_forms(text: str) -> None:
    assert found(text) == [("add", {"a": 17, "b": 25})]


def test_the_parameters_of_qwen_coder_are_texts() -> None:
    text = (
        "<tool_call>\n<function=add>\n<parameter=a>\n17\n</parameter>\n<parameter=b>\nx\n  y\n</parameter>\n"
        "</function>\n</tool_call>"
    )

    assert found(text) == [("add", {"a": "17", "b": "x\n  y"})]


@pytest.mark.parametrize(
    "text",
    [
        f'{WORDS}\n\nAnd then:\n\n{{"name": "read_file", "arguments": {{"path": "a"}}}}',
        f'<tool_call>{WORDS}</tool_call><tool_call>{{"name": "read_file", "arguments": {{"path": "a"}}}}</tool_call>',
        f'[TOOL_CALLS] [{WORDS}, {{"name": "read_file", "arguments": {{"path": "a"}}}}]',
        '<function=add>{"a": 17, "b": 25}</function>\n<function=read_file>{"path": "a"}</function>',
        'add(a=17, b=25)\nread_file(path="a")',
        '[add(a=17, b=25), read_file(path="a")]',
        '```\nadd(a=17, b=25)\n\nread_file(path="a")\n```',
    ],
)
def test_several_calls_are_found_in_their_order(text: str) -> None:
    assert found(text) == [("add", {"a": 17, "b": 25}), ("read_file", {"path": "a"})]


def test_each_call_has_an_id_of_its_own() -> None:
    calls = printed_calls(f"{WORDS}\n{WORDS}", NAMES)

    assert len({call.id for call in calls}) == 2


def test_a_name_that_python_would_not_take_is_found_in_json() -> None:
    assert found('{"name": "web-search", "arguments": {}}') == [("web-search", {})]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would add them.",
        '{"name": "remove", "arguments": {}}',
        "remove(a=1)",
        '{"name": "add"}',
        '{"name": ["add"], "arguments": {}}',
        '{"name": "add", "arguments": [17, 25]}',
        '{"name": "add", "arguments": "17"}',
        '{"name": "add", "arguments": "{"}',
        '{"name": "add", "description": "Add.", "parameters": {}}',
        '{"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}',
        '{"name": "add", "arguments": {"a": 17',
        f"The form is {WORDS} as a rule.",
        "<function=add>soon</function>",
        "Call add(a=17) now.",
        "add(17, 25)",
        "add(**{'a': 17})",
        "add(a=x)",
        "add(a=b'17')",
        "add(a=1e999)",
        "add(a=17",
        "x = add(a=17)",
        "[add(a=17), 3]",
        "```python\ndef f():\n    pass\n\nadd(a=17)\n```",
    ],
)
def test_what_is_no_call_of_a_tool_that_there_is_stays_text(text: str) -> None:
    assert found(text) == []


@given(ARGUMENTS, st.booleans(), st.sampled_from([None, 2]))
def test_any_arguments_come_as_they_were_printed(
    arguments: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    printed = json.dumps({"name": "add", "arguments": arguments}, ensure_ascii=ascii_only, indent=indent)

    calls = found(f"Well.\n{printed}\nSo.")

    assert calls == ([] if arguments.keys() >= {"type", "properties"} else [("add", arguments)])


MARKS = st.sampled_from(["{", "}", "[", "]", "(", ")", ":", ",", '"', "'", "\\", "\n", " ", "```", "`", "\ud800"])
WORDS_OF_CALLS = st.sampled_from(["name", "arguments", "add", "a=", "1", "<tool_call>", "[TOOL_CALLS]"])
TAGS = st.sampled_from(["<function=add>", "</function>", "<parameter=a>", "</parameter>", "</tool_call>"])


@given(st.lists(MARKS | WORDS_OF_CALLS | TAGS | st.text(max_size=3), max_size=40).map("".join))
def test_no_text_makes_it_fail(text: str) -> None:
    printed_calls(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        '{"calls": [' * 490 + "]}" * 490,
        '{"name": "add", "arguments": ' + '{"a":' * 100_000,
        "add(a=" + "[" * 10_000 + ")",
        "add(a=" + "-" * (LONGEST_LINE - 20) + "1)",
        "add(a=" + "1+" * 9_000 + "1)",
        f"add(a={'9' * 5_000})",
        r"add(a='\d')" * 2,
    ],
)
def test_no_depth_makes_it_fail(text: str) -> None:
    assert found(text) == []


def test_an_escape_that_is_none_is_kept_without_a_warning() -> None:
    assert found(r"read_file(path='\d')") == [("read_file", {"path": r"\d"})]


def test_only_so_many_beginnings_that_lead_nowhere_are_followed() -> None:
    few, many = '{"a":\n' * (MOST_STARTS - 1), '{"a":\n' * MOST_STARTS

    assert found(f"{few}{WORDS}") == [("add", {"a": 17, "b": 25})]
    assert found(f"{many}{WORDS}") == []
