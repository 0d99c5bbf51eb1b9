"""The values that a conversation is made of."""

from dataclasses import FrozenInstanceError
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.messages import Context, Text, Thinking, ToolCall, Usage, new_id, now, title_of
from tests.talk import question, reply_to


def test_ids_sort_in_the_order_of_their_times() -> None:
    begin = now()

    ids = [new_id(begin + timedelta(microseconds=n)) for n in range(50)]

    assert ids == sorted(ids)


def test_two_ids_of_one_moment_differ() -> None:
    at = now()

    ids = {new_id(at) for _ in range(100)}

    assert len(ids) == 100


def test_an_answers_id_sorts_behind_its_question_and_before_the_next() -> None:
    at = now()
    asked, later = new_id(at), new_id(at + timedelta(microseconds=1))

    ordered = sorted([later, f"{asked}.002", asked, f"{asked}.001"])

    assert ordered == [asked, f"{asked}.001", f"{asked}.002", later]


def test_the_time_is_aware_and_in_utc() -> None:
    at = now()

    assert at.tzinfo is UTC


def test_a_messages_text_is_what_was_said_and_nothing_else() -> None:
    message = reply_to(question(), "One", Thinking("hm"), Context.of("x", "y"), ToolCall("1", "f", {}), Text(" two"))

    said = message.text, message.thinking

    assert said == ("One two", "hm")


def test_a_value_cannot_be_changed() -> None:
    message = question()

    with pytest.raises(FrozenInstanceError):
        message.model = "other"  # type: ignore[misc]  # this is what is tested


def test_context_carries_the_hash_of_its_text() -> None:
    context = Context.of("cell 1", "abc")

    assert context.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_context_may_hold_what_is_no_character() -> None:
    context = Context.of("file", "caf\udce9")

    assert len(context.sha256) == 64


@pytest.mark.parametrize(
    ("usage", "speed"),
    [(Usage(reply_tokens=10, reply_s=2.0), 5.0), (Usage(), None), (Usage(reply_tokens=10, reply_s=0.0), None)],
)
def test_the_speed_of_writing_is_known_where_the_server_counted(usage: Usage, speed: float | None) -> None:
    found = usage.tokens_per_s

    assert found == speed


@given(st.text(), st.integers(2, 80))
def test_a_title_is_one_line_of_bounded_length(text: str, limit: int) -> None:
    title = title_of(text, limit)

    assert title
    assert len(title.splitlines()) == 1
    assert len(title) <= limit + 1 or title == "Untitled"


def test_a_question_without_words_is_untitled() -> None:
    title = title_of(" \n\n")

    assert title == "Untitled"
