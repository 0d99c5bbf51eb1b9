"""A model reads the question always, the newest whole turns that fit, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.errors import SettingsError
from chatnb.messages import Context, Image, Message, Text, Thinking, ToolCall, ToolResult
from chatnb.prompt import ANSWER_TOKENS, CONTEXT_STEPS, compose
from tests.talk import question, reply_to, results_for, turns

ASKED = question("And now?", 9_999)
CALL, OTHER = ToolCall("1", "f", {}), ToolCall("2", "f", {})
RESULT = ToolResult("1", "f", "one")


def asked_with_tools(number: int, length: int) -> list[Message]:
    asked = question("x" * length, number)
    return [
        asked,
        reply_to(asked, "Look.", ToolCall("1", "f", {})),
        results_for(asked, ToolResult("1", "f", "y" * length)),
        reply_to(asked, "z" * length, number=3),
    ]


histories = st.lists(st.tuples(st.booleans(), st.integers(1, 3_000)), max_size=12).map(
    lambda shapes: [
        message
        for number, (has_tools, length) in enumerate(shapes, 1)
        for message in (asked_with_tools(number, length) if has_tools else turns(number, "x" * length)[-2:])
    ]
)


@given(histories, st.integers(0, 40), st.none() | st.integers(1, 20_000), st.integers(1, 20_000), st.text(max_size=50))
def test_the_question_is_always_there_and_the_rest_is_whole_turns_from_the_end(
    history: list[Message], limit: int, num_ctx: int | None, at_most: int, system: str
) -> None:
    composed = compose(ASKED, history, system=system, limit=limit, num_ctx=num_ctx, at_most=at_most)

    *earlier, last = composed.messages[bool(system) :]
    assert last is ASKED
    assert earlier == history[len(history) - len(earlier) :]
    assert not earlier or earlier[0].role == "user"
    assert len(earlier) <= limit
    assert not system or composed.messages[0].text == system


@given(histories, st.none() | st.integers(1, 20_000), st.integers(1, 20_000))
def test_history_never_takes_the_room_of_the_answer(history: list[Message], num_ctx: int | None, at_most: int) -> None:
    composed = compose(ASKED, history, num_ctx=num_ctx, at_most=at_most)

    room = min(ANSWER_TOKENS, composed.num_ctx // 2)
    assert composed.messages == (ASKED,) or composed.tokens + room <= composed.num_ctx


@given(histories, st.integers(0, 40), st.integers(1, 20_000))
def test_what_did_not_fit_is_counted(history: list[Message], limit: int, at_most: int) -> None:
    everything = compose(ASKED, history, limit=limit, at_most=10**9)

    composed = compose(ASKED, history, limit=limit, at_most=at_most)

    assert everything.left_out == 0
    assert composed.left_out == len(everything.messages) - len(composed.messages)


@given(histories, st.integers(0, 10**7), st.integers(1, 10**7))
def test_the_window_is_one_of_few_and_within_its_bounds(history: list[Message], at_least: int, at_most: int) -> None:
    composed = compose(ASKED, history, at_least=at_least, at_most=at_most)

    assert composed.num_ctx in {*CONTEXT_STEPS, at_most}
    assert composed.num_ctx >= min(at_least, at_most)
    assert composed.num_ctx <= at_most


@given(st.text())
def test_what_was_typed_is_sent_as_typed(text: str) -> None:
    asked = question(text, 9_999)

    composed = compose(asked, turns(1, text))

    assert composed.messages[-1].parts == (Text(text),)
    assert not text or composed.messages[-2].text == text


@pytest.mark.parametrize("text", ["{x}", "{}", "{{", "%s %(a)s", "$x ${y}", "@cell:1", "\\n", "{0.__class__}"])
def test_braces_and_the_like_mean_nothing(text: str) -> None:
    composed = compose(question(text), system=text)

    assert [message.text for message in composed.messages] == [text, text]


def test_everything_fits_into_the_smallest_window_at_first() -> None:
    composed = compose(ASKED, turns(2))

    assert (composed.num_ctx, composed.left_out, len(composed.messages)) == (4096, 0, 5)


def test_a_longer_history_gets_a_larger_window() -> None:
    composed = compose(ASKED, turns(10, "x" * 3_000))

    assert (composed.num_ctx, composed.left_out) == (16_384, 0)


def test_a_window_that_the_user_chose_is_kept_to() -> None:
    composed = compose(ASKED, turns(10, "x" * 3_000), num_ctx=5_000)

    assert composed.num_ctx == 5_000
    assert composed.left_out == 16


def test_a_model_is_not_loaded_anew_for_a_shorter_question() -> None:
    composed = compose(ASKED, at_least=16_384)

    assert composed.num_ctx == 16_384


def test_a_model_for_short_texts_still_remembers_what_was_said() -> None:
    composed = compose(ASKED, turns(2, "x" * 1_200), at_most=2_048)

    assert (composed.num_ctx, composed.left_out) == (2_048, 0)


def test_room_for_an_answer_of_a_known_length_is_left() -> None:
    composed = compose(ASKED, turns(4, "x" * 3_000), answer_tokens=6_000, num_ctx=12_000)

    assert composed.left_out == 0
    assert composed.tokens + 6_000 <= 12_000


def test_spare_room_makes_the_window_larger_but_no_history_shorter() -> None:
    history = turns(3, "x" * 1_500)

    chosen = compose(ASKED, history, spare_tokens=8_000)
    given = compose(ASKED, history, spare_tokens=8_000, num_ctx=4_096)

    assert chosen.num_ctx == 16_384
    assert (given.num_ctx, given.left_out) == (4_096, 0)


def test_without_history_only_the_question_is_read() -> None:
    composed = compose(ASKED, turns(3), limit=0)

    assert composed.messages == (ASKED,)


def test_a_limit_of_messages_keeps_whole_turns() -> None:
    composed = compose(ASKED, turns(3), limit=3)

    assert [message.id for message in composed.messages] == ["q0003", "q0003.001", "q9999"]


def test_a_question_that_is_in_the_history_already_is_sent_once() -> None:
    composed = compose(ASKED, [*turns(1), ASKED])

    assert composed.messages.count(ASKED) == 1


def test_a_question_that_got_no_answer_is_not_read_again() -> None:
    alone = question("Nobody answered", 2)

    composed = compose(ASKED, [*turns(1), alone])

    assert alone not in composed.messages


def test_a_turn_that_failed_before_its_first_word_is_not_read() -> None:
    asked = question("Broken", 2)

    composed = compose(ASKED, [*turns(1), asked, reply_to(asked, "")])

    assert [message.id for message in composed.messages] == ["q0001", "q0001.001", "q9999"]


def test_an_answer_that_was_stopped_is_read_as_far_as_it_came() -> None:
    asked = question("Long", 2)
    partial = reply_to(asked, "Once upon")

    composed = compose(ASKED, [asked, partial])

    assert composed.messages == (asked, partial, ASKED)


def test_old_thoughts_are_not_read() -> None:
    asked = question("Deep", 2)

    composed = compose(ASKED, [asked, reply_to(asked, "So.", Thinking("hm" * 5_000))])

    assert composed.messages[1].parts == (Text("So."),)
    assert composed.num_ctx == 4096


def test_an_answer_of_thoughts_alone_is_none() -> None:
    asked = question("Deep", 2)

    composed = compose(ASKED, [asked, reply_to(asked, "", Thinking("hm"))])

    assert composed.messages == (ASKED,)


def test_a_call_whose_result_never_came_is_left_out() -> None:
    asked = question("Stopped among tools", 2)
    history = [asked, reply_to(asked, "Look.", CALL, OTHER), results_for(asked, RESULT)]

    composed = compose(ASKED, history)

    assert composed.messages[1].parts == (Text("Look."), CALL)
    assert composed.messages[2].parts == (RESULT,)


def test_a_turn_of_nothing_but_unanswered_calls_is_not_read() -> None:
    asked = question("Stopped at once", 2)

    composed = compose(ASKED, [asked, reply_to(asked, "", CALL)])

    assert composed.messages == (ASKED,)


def test_an_answer_whose_question_is_gone_is_not_read() -> None:
    orphan = turns(1)[1]

    composed = compose(ASKED, [orphan, *turns(2)[2:]])

    assert [message.id for message in composed.messages] == ["q0002", "q0002.001", "q9999"]


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"num_ctx": 0}, {"num_ctx": -4}])
def test_a_size_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError):
        compose(ASKED, **wrong)  # type: ignore[arg-type]  # numbers only
