"""Silences: when they are told, and when they are too long."""

from collections.abc import Sequence

import pytest

from chatnb.errors import ModelStalled
from chatnb.events import ModelEvent, TextDelta, Waiting
from chatnb.messages import ToolSpec
from chatnb.models.base import Request
from chatnb.models.deadline import DeadlineModel
from chatnb.models.scripted import ScriptedModel, Step
from tests.models.asking import asking, folded, heard, heard_until_error, message
from tests.models.clock import in_no_time


def model(*steps: Step) -> DeadlineModel:
    return DeadlineModel(ScriptedModel(steps), first_token_s=300, stall_s=60)


def waits(events: Sequence[ModelEvent]) -> list[tuple[str, int]]:
    return [(event.reason, round(event.waited_s)) for event in events if isinstance(event, Waiting)]


def test_an_answer_without_silences_is_passed_on_as_it_is() -> None:
    events = in_no_time(heard(model("a", 1, "b", 1, "c")))

    assert [type(event).__name__ for event in events] == ["TextDelta", "TextDelta", "TextDelta", "TokensCounted"]


def test_a_silence_is_told_after_2_5_10_20_seconds_and_then_every_20() -> None:
    events = in_no_time(heard(model(65, "Hello")))

    assert waits(events) == [("the script pauses", seconds) for seconds in (2, 5, 10, 20, 40, 60)]
    assert folded(events).text == "Hello"


def test_a_pause_in_mid_answer_is_told_in_its_own_words() -> None:
    events = in_no_time(heard(model("Hel", 6, "lo", 3)))

    assert waits(events) == [("no more text comes", 2), ("no more text comes", 5), ("no more text comes", 2)]
    assert folded(events).text == "Hello"


def test_a_model_that_does_not_begin_in_time_has_stalled_and_is_not_asked_again() -> None:
    events, error = in_no_time(heard_until_error(model(301, "Hello")))

    assert isinstance(error, ModelStalled)
    assert str(error).startswith("scripted did not begin to answer within 300 s.")
    assert not error.is_retryable
    assert folded(events).text == ""


def test_a_model_that_falls_silent_in_mid_answer_has_stalled_and_may_be_asked_again() -> None:
    events, error = in_no_time(heard_until_error(model("Hel", 61, "lo")))

    assert isinstance(error, ModelStalled)
    assert str(error).startswith("scripted fell silent in mid-answer, for 60 s.")
    assert error.is_retryable
    assert folded(events).text == "Hel"


def test_a_long_answer_may_take_as_long_as_it_likes() -> None:
    steps: list[Step] = ["word ", 59.0] * 20

    events = in_no_time(heard(model(*steps)))

    assert folded(events).text == "word " * 20


def test_a_model_with_tools_may_write_a_call_for_as_long_as_it_may_load() -> None:
    request = Request((message("user", "Add."),), tools=(ToolSpec("add", "", {}),))

    events = in_no_time(heard(model("I add.", 200, " Done."), request))

    assert folded(events).text == "I add. Done."


def test_what_came_before_the_deadline_is_not_lost() -> None:
    events, _ = in_no_time(heard_until_error(model("a", "b", "c", 3600)))

    assert [event for event in events if isinstance(event, TextDelta)] == [
        TextDelta("a"),
        TextDelta("b"),
        TextDelta("c"),
    ]


@pytest.mark.parametrize("notice_s", [0.5, 10.0])
def test_the_first_notice_can_be_set(notice_s: float) -> None:
    patient = DeadlineModel(ScriptedModel([11, "Hello"]), first_token_s=300, stall_s=60, notice_s=notice_s)

    events = in_no_time(heard(patient, asking()))

    assert next(event.waited_s for event in events if isinstance(event, Waiting)) == pytest.approx(notice_s, abs=0.1)
