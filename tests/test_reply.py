"""Whoever folds the events of a turn, early or late, in one go or bit by bit, arrives at the same reply."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.events import (
    Asked,
    Continued,
    Event,
    FellBack,
    Finished,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolFinished,
    ToolStarted,
    Waiting,
)
from chatnb.messages import Seam, Text, Thinking, ToolCall, ToolResult, Usage
from chatnb.reply import Reply
from tests.talk import logs, question, words

ASKED = Asked(question(), "m", {"seed": 1}, 4096)
CALL, OTHER = ToolCall("1", "f", {}), ToolCall("2", "g", {"x": 1})
RESULT, OTHER_RESULT = ToolResult("1", "f", "one"), ToolResult("2", "g", "two")
COUNTED = TokensCounted(Usage(10, 2, 0.5, 0.25, 1.0))
DONE = Finished("done", duration_s=1.5)


def replied(*events: Event) -> Reply:
    return Reply([ASKED, *events])


def split(text: str, cuts: Sequence[int]) -> list[str]:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(places)]


@given(words, words, st.lists(st.integers(0, 100)), st.lists(st.integers(0, 100)))
def test_any_split_of_a_text_into_deltas_folds_to_the_same_reply(
    thought: str, text: str, cuts: list[int], more: list[int]
) -> None:
    whole = replied(ThinkingDelta(thought), TextDelta(text), COUNTED, DONE)

    pieces = replied(*map(ThinkingDelta, split(thought, cuts)), *map(TextDelta, split(text, more)), COUNTED, DONE)

    assert pieces.messages() == whole.messages()
    assert pieces.text == whole.text == text


@given(logs())
def test_a_late_watcher_arrives_at_the_same_messages(log: list[Event]) -> None:
    early = Reply()
    for event in log:
        early.add(event)
        early.messages()

    late = Reply(log)

    assert late.messages() == early.messages()
    assert late.parts == early.parts


@given(logs())
def test_ids_stay_the_same_from_each_checkpoint_to_the_end(log: list[Event]) -> None:
    final = [message.id for message in Reply(log).messages()]

    for length in range(len(log)):
        ids = [message.id for message in Reply(log[:length]).messages()]
        assert ids == final[: len(ids)]

    assert len(set(final)) == len(final)
    assert final == sorted(final)


@given(logs())
def test_what_is_shown_is_what_is_saved(log: list[Event]) -> None:
    reply = Reply(log)

    messages = reply.messages()

    assert tuple(part for message in messages for part in message.parts) == reply.parts
    assert "\n\n".join(m.text for m in messages if m.role == "assistant" and m.text) == reply.text


@given(logs())
def test_only_the_last_answer_carries_how_the_turn_ended(log: list[Event]) -> None:
    end = log[-1]
    assert isinstance(end, Finished)

    *earlier, last = [message for message in Reply(log).messages() if message.role == "assistant"]

    assert (last.outcome, last.error, last.duration_s) == (end.outcome, end.error, end.duration_s)
    assert [message.outcome for message in earlier] == ["done"] * len(earlier)


@given(logs())
def test_each_tools_result_stands_behind_the_answer_that_called_it(log: list[Event]) -> None:
    messages = Reply(log).messages()

    for message, after in itertools.pairwise(messages):
        called = [part.id for part in message.parts if isinstance(part, ToolCall)]
        answered = [part.call_id for part in after.parts if isinstance(part, ToolResult)]
        assert sorted(called) == sorted(answered)


def test_nothing_is_saved_of_a_turn_that_was_not_asked() -> None:
    messages = Reply([TextDelta("x")]).messages()

    assert messages == ()


def test_an_answer_says_who_gave_it_with_which_options_at_what_cost() -> None:
    [message] = replied(TextDelta("Yes"), COUNTED, DONE).messages()

    assert (message.model, message.options, message.usage) == ("m", {"seed": 1}, COUNTED.usage)
    assert (message.turn_id, message.session_id, message.role) == ("q0001", "s", "assistant")


def test_a_turn_without_a_word_leaves_an_empty_answer_that_says_how_it_ended() -> None:
    [message] = replied(Finished("failed", "Gone.", "ModelUnreachable", 2.0)).messages()

    assert (message.parts, message.outcome, message.error) == ((), "failed", "Gone.")


def test_a_checkpoint_has_no_outcome_yet() -> None:
    [message] = replied(TextDelta("Ye")).messages()

    assert message.outcome is None


def test_parts_stand_in_the_order_in_which_they_came() -> None:
    reply = replied(
        ThinkingDelta("hm"),
        TextDelta("Let me look."),
        ToolStarted(CALL),
        ToolStarted(OTHER),
        COUNTED,
        ToolFinished(OTHER_RESULT),
        ToolFinished(RESULT),
        TextDelta("There."),
    )

    parts = reply.parts

    assert parts == (Thinking("hm"), Text("Let me look."), CALL, OTHER, OTHER_RESULT, RESULT, Text("There."))


def test_text_is_of_all_rounds_and_the_answer_of_the_last() -> None:
    reply = replied(TextDelta("Look."), ToolStarted(CALL), COUNTED, ToolFinished(RESULT), TextDelta("Found."))

    said = reply.text, reply.answer

    assert said == ("Look.\n\nFound.", "Found.")


def test_open_calls_are_those_without_a_result() -> None:
    reply = replied(ToolStarted(CALL), ToolStarted(OTHER), COUNTED, ToolFinished(RESULT))

    calls = reply.open_calls

    assert calls == (OTHER,)


def test_a_retry_drops_the_partial_reply() -> None:
    reply = replied(ThinkingDelta("x"), TextDelta("Half"), Retrying("m", 2, 3, 0.5, "broke"), TextDelta("Whole"))

    parts = reply.parts

    assert parts == (Text("Whole"),)


def test_a_retry_drops_the_current_round_alone() -> None:
    reply = replied(
        TextDelta("Look."),
        ToolStarted(CALL),
        COUNTED,
        ToolFinished(RESULT),
        TextDelta("Half"),
        ToolStarted(OTHER),
        Retrying("m", 2, 3, 0.5, "broke"),
        TextDelta("Whole"),
    )

    parts = reply.parts

    assert parts == (Text("Look."), CALL, RESULT, Text("Whole"))


def test_a_retry_right_after_tools_drops_none_of_them() -> None:
    reply = replied(ToolStarted(CALL), COUNTED, ToolFinished(RESULT), Retrying("m", 2, 3, 0.5, "broke"))

    parts = reply.parts

    assert parts == (CALL, RESULT)


def test_a_seam_stands_where_the_text_was_mended() -> None:
    reply = replied(
        ThinkingDelta("thoughts do not count"), TextDelta("Hel"), TextDelta("lo"), Continued("m", "broke"), DONE
    )

    seams = reply.messages()[-1].seams

    assert seams == (Seam(5, "m", "broke"),)


def test_a_model_that_goes_on_for_another_leaves_a_seam_and_its_name() -> None:
    reply = replied(TextDelta("Hel"), FellBack("m", "n", "gone", keeps_text=True), TextDelta("lo"), DONE)

    [message] = reply.messages()

    assert (message.text, message.model, message.seams) == ("Hello", "n", (Seam(3, "n", "gone"),))


def test_a_model_that_begins_anew_leaves_nothing_of_the_other() -> None:
    reply = replied(TextDelta("Hel"), Continued("m", "broke"), FellBack("m", "n", "gone"), TextDelta("Hi"), DONE)

    [message] = reply.messages()

    assert (message.text, message.model, message.seams) == ("Hi", "n", ())


def test_every_change_of_the_model_is_remembered() -> None:
    first, second = FellBack("m", "n", "gone"), FellBack("n", "o", "gone too")

    reply = replied(first, second)

    assert reply.fallbacks == [first, second]
    assert reply.model == "o"


def test_a_round_before_a_fallback_keeps_its_models_name() -> None:
    reply = replied(ToolStarted(CALL), COUNTED, ToolFinished(RESULT), FellBack("m", "n", "gone"), TextDelta("Hi"), DONE)

    models = [message.model for message in reply.messages() if message.role == "assistant"]

    assert models == ["m", "n"]


@pytest.mark.parametrize(
    "event",
    [
        TextDelta("x"),
        ThinkingDelta("x"),
        ToolStarted(CALL),
        Continued("m", "broke"),
        FellBack("m", "n", "gone"),
        COUNTED,
        DONE,
    ],
)
def test_a_reason_to_wait_is_over_with_whatever_comes_next(event: Event) -> None:
    reply = replied(Waiting("loading", 2.0), Retrying("m", 2, 3, 0.5, "broke"))

    reply.add(event)

    assert reply.status is None


def test_a_reason_to_wait_is_there_while_nothing_comes() -> None:
    waiting = Waiting("loading", 2.0)

    reply = replied(waiting)

    assert reply.status is waiting


def test_the_cost_of_several_rounds_is_their_sum_and_the_last_prompt() -> None:
    reply = replied(
        ToolStarted(CALL),
        TokensCounted(Usage(10, 2, 0.5, 0.25, 1.0)),
        ToolFinished(RESULT),
        TextDelta("x"),
        TokensCounted(Usage(20, 3, None, 0.25, 2.0)),
    )

    usage = reply.usage

    assert usage == Usage(20, 5, 0.5, 0.5, 3.0)


def test_what_no_server_counted_is_not_zero() -> None:
    usage = replied(TextDelta("x"), TokensCounted(Usage())).usage

    assert usage == Usage()


def test_only_a_limit_of_the_last_answer_means_that_it_is_cut() -> None:
    first: list[Event] = [ToolStarted(CALL), TokensCounted(Usage(), "length"), ToolFinished(RESULT)]

    cut, whole = replied(*first), replied(*first, TextDelta("x"), COUNTED)

    assert (cut.is_truncated, whole.is_truncated) == (True, False)


def test_the_outcome_is_open_until_the_end() -> None:
    reply = replied(TextDelta("x"))
    before = reply.outcome

    reply.add(DONE)

    assert (before, reply.outcome) == (None, "done")
