"""What is written is what is read, whoever wrote it and whenever."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from chatnb.errors import SettingsError
from chatnb.events import Event, TextDelta
from chatnb.messages import Message, Session, Text, ToolCall, Usage
from chatnb.reply import Reply
from chatnb.wire import event_from_json, message_from_json, session_from_json, to_json
from tests.golden.logs import FILE, LOGS, lines
from tests.talk import events, messages, question, sessions


def through_json(value: Message | Session | Event) -> Any:
    return json.loads(json.dumps(to_json(value)))


@given(messages)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    back = message_from_json(through_json(message))

    assert back == message


@given(sessions)
def test_a_session_comes_back_as_it_was(session: Session) -> None:
    back = session_from_json(through_json(session))

    assert back == session


@given(events)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    back = event_from_json(through_json(event))

    assert back == event


def test_what_has_its_default_is_not_written() -> None:
    written = to_json(question())

    assert sorted(written) == ["created_at", "id", "parts", "role", "session_id", "turn_id"]


def test_a_field_that_a_later_version_adds_is_ignored() -> None:
    written = through_json(question()) | {"mood": "fine"}
    written["parts"][0]["language"] = "en"

    back = message_from_json(written)

    assert back == question()


@pytest.mark.parametrize("read", [message_from_json, session_from_json, event_from_json])
@pytest.mark.parametrize("data", [None, [], {}, "x", 5, {"type": "Nothing"}, {"type": ["TextDelta"]}, {"type": None}])
def test_what_is_nothing_of_ours_is_an_error(read: Callable[[Any], object], data: Any) -> None:
    with pytest.raises(SettingsError):
        read(data)


@pytest.mark.parametrize(
    "change",
    [
        {"parts": [{"type": "Hologram", "text": "x"}]},
        {"parts": [{"type": "TextDelta", "text": "an event is no part"}]},
        {"parts": [{"text": "of no type"}]},
        {"parts": [{"type": "Image", "data": "no base64!", "mime": "image/png"}]},
        {"parts": [{"type": "Text"}]},
        {"parts": [{"type": "Text", "text": None}]},
        {"parts": {"type": "Text", "text": "x"}},
        {"parts": "Text"},
        {"created_at": "yesterday"},
        {"created_at": 1},
        {"id": 7},
        {"id": None},
        {"options": ["temperature"]},
        {"usage": "much"},
        {"usage": {"reply_tokens": "many"}},
        {"duration_s": "long"},
    ],
    ids=str,
)
def test_a_message_with_something_of_another_kind_is_an_error(change: dict[str, Any]) -> None:
    written = through_json(question()) | change

    with pytest.raises(SettingsError, match="no message that chatnb wrote"):
        message_from_json(written)


def test_an_error_shows_the_beginning_of_what_it_is_about() -> None:
    written = through_json(question("x" * 5_000)) | {"parts": 1}

    with pytest.raises(SettingsError) as caught:
        message_from_json(written)

    assert "q0001" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_outcome_of_a_later_version_is_kept() -> None:
    written = through_json(question()) | {"outcome": "paused"}

    back = message_from_json(written)

    assert str(back.outcome) == "paused"


def test_a_whole_number_where_seconds_are_is_read_as_seconds() -> None:
    message = replace(question(), usage=Usage(reply_s=2.0), duration_s=3.0)
    written = through_json(message) | {"usage": {"reply_s": 2}, "duration_s": 3}

    back = message_from_json(written)

    assert repr(back) == repr(message)


def test_arguments_that_look_like_a_part_stay_what_they_are() -> None:
    call = ToolCall("1", "f", {"type": "Text", "text": "x", "created_at": "2026-11-21"})
    message = replace(question(), parts=(call, Text("y")))

    back = message_from_json(through_json(message))

    assert back.parts[0] == call


def test_half_a_character_survives() -> None:
    event = TextDelta("\ud83d")

    back = event_from_json(through_json(event))

    assert back == event


def test_the_golden_file_holds_the_turns_as_they_are_written_today() -> None:
    written = FILE.read_text(encoding="utf-8")

    # If this is meant to change: python -m tests.golden.logs, and think of files that older versions wrote.
    assert written.split("\n")[:-1] == list(lines())


@pytest.mark.parametrize("line", FILE.read_text(encoding="utf-8").split("\n")[:-1], ids=list(LOGS))
def test_a_golden_turn_is_read_and_folded_to_its_messages(line: str) -> None:
    told = json.loads(line)

    reply = Reply(event_from_json(event) for event in told["events"])

    assert [to_json(message) for message in reply.messages()] == told["messages"]
    assert reply.text == told["text"]
