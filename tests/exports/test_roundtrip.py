"""Sessions that were exported come back as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chatnb.exports.base import Style
from chatnb.exports.data import as_json, as_jsonl
from chatnb.exports.notebook import as_notebook
from chatnb.history import turns_of
from chatnb.imports import notebook, ours
from chatnb.messages import Message, Session, ToolCall, ToolResult
from chatnb.models.fenced import spoken
from tests.exports import examples

STYLES = [Style(), Style(as_markdown=True), Style(run_ready=True), Style(as_markdown=True, run_ready=True)]
NOWHERE = Path("/nowhere/x")
# Sessions are large to draw, and take minutes to shrink.
LAW = settings(
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def by_id(sessions: list[Session]) -> list[Session]:
    return sorted({session.id: session for session in sessions}.values(), key=lambda session: session.id)


@given(st.lists(examples.sessions(), max_size=2))
@LAW
def test_any_sessions_come_back_from_json(sessions: list[Session]) -> None:
    data = json.loads("".join(as_json(sessions)))

    assert ours.fits_json(data)
    assert ours.read_json(data, NOWHERE) == sessions


@given(st.lists(examples.sessions(), min_size=1, max_size=2).map(by_id), st.sampled_from(STYLES))
@LAW
def test_any_sessions_come_back_from_a_notebook(sessions: list[Session], style: Style) -> None:
    data = json.loads("".join(as_notebook(sessions, style)))

    assert notebook.fits(data)
    assert notebook.read(data, NOWHERE) == sessions


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_a_session_with_everything_comes_back_from_a_notebook(style: Style) -> None:
    session = examples.everything()

    data = json.loads("".join(as_notebook([session], style)))

    assert notebook.read(data, NOWHERE) == [session]


def held(messages: tuple[Message, ...]) -> list[tuple[str, str, tuple[object, ...]]]:
    """Return what a line of JSON Lines can hold of messages."""
    told: list[tuple[str, str, tuple[object, ...]]] = []
    for message in messages:
        tools = tuple(
            (part.id, part.name, part.arguments) if isinstance(part, ToolCall) else (part.call_id, part.text)
            for part in message.parts
            if isinstance(part, ToolCall | ToolResult)
        )
        if message.role == "tool":
            told += [("tool", "", (result,)) for result in tools]
        elif message.role == "assistant":
            calls = tuple(tool for tool in tools if len(tool) == 3)
            if message.text or calls:
                told.append(("assistant", message.text, calls))
        elif text := spoken(message):
            told.append((message.role, text, ()))
    return [each for each in told if each[0] != "tool" or each[2]]


@given(examples.sessions())
@LAW
def test_of_any_session_what_a_model_would_read_comes_back_from_jsonl(session: Session) -> None:
    read = tuple(message for turn in turns_of(session.messages, session.hidden) for message in turn.sent)
    expected = [each for each in held(read) if each[0] != "system"]

    lines = [json.loads(line) for line in "".join(as_jsonl([session])).splitlines()]

    found = [message for line in ours.read_lines(lines, NOWHERE) for message in line.messages]
    assert [each for each in held(tuple(found)) if each[0] != "system"] == expected


def test_a_chat_is_one_line_for_whatever_splits_lines() -> None:
    text = "a\x85b\u2028c"

    (line,) = "".join(as_jsonl([examples.hostile_session(text)])).splitlines()

    assert text in [message["content"] for message in json.loads(line)["messages"]]


def test_the_system_prompt_travels_with_a_chat() -> None:
    session = replace(examples.everything(), system="Be brief.")

    (line,) = "".join(as_jsonl([session])).splitlines()

    assert json.loads(line)["messages"][0] == {"role": "system", "content": "Be brief."}
    (read,) = ours.read_lines([json.loads(line)], NOWHERE)
    assert read.system == "Be brief."
