"""Asking again before the first word, and going on after it; on a clock that does not wait."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chatnb.errors import (
    ModelBroken,
    ModelBusy,
    ModelError,
    ModelNotFound,
    ModelRefused,
    ModelStalled,
    ModelTooLarge,
    ModelUnreachable,
)
from chatnb.events import (
    Continued,
    ModelEvent,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolStarted,
    Waiting,
)
from chatnb.messages import ToolCall
from chatnb.models.retrying import PERSISTENCE, RetryingModel
from chatnb.models.scripted import ScriptedModel, Step
from chatnb.settings import RetryPolicy
from tests.models.asking import asking, folded, heard, heard_until_error, told
from tests.models.clock import in_no_time

STEADY = RetryPolicy(jitter=0.0)
GONE = ModelUnreachable("Nobody answered.\nStart the server.")
BROKEN = ModelBroken("It broke.\nAsk again.")
SAID = "The capital of France"


def retrying(*scripts: Sequence[Step], policy: RetryPolicy = STEADY, can_continue: bool = True) -> RetryingModel:
    return RetryingModel(ScriptedModel(*scripts, name="model", can_continue=can_continue), policy)


def delays(events: Sequence[ModelEvent]) -> list[float]:
    return [event.delay_s for event in events if isinstance(event, Retrying)]


def test_before_the_first_word_the_question_is_asked_again() -> None:
    events = in_no_time(heard(retrying([GONE], ["Hello"])))

    assert told(events)[:-1] == [Retrying("model", 2, 3, 0.5, "Nobody answered.")]
    assert folded(events).text == "Hello"


def test_the_waits_grow_as_the_policy_says_up_to_its_maximum() -> None:
    policy = RetryPolicy(attempts=8, initial_delay_s=0.5, max_delay_s=8.0, multiplier=2.0, jitter=0.0)

    events, _ = in_no_time(heard_until_error(retrying([GONE], policy=policy)))

    assert delays(events) == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_the_jitter_adds_up_to_its_part_at_random() -> None:
    policy = RetryPolicy(attempts=200, initial_delay_s=1.0, max_delay_s=1.0, jitter=0.1)

    events, _ = in_no_time(heard_until_error(retrying([GONE], policy=policy)))

    assert all(1.0 <= delay <= 1.1 for delay in delays(events))
    assert len(set(delays(events))) > 100


def test_the_waits_are_really_waited() -> None:
    async def seconds() -> float:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        await heard(retrying([GONE], [GONE], ["Hello"]))
        return loop.time() - began_at

    assert in_no_time(seconds()) == pytest.approx(1.5, abs=0.2)


def test_the_last_error_tells_how_often_and_how_long_it_was_tried() -> None:
    _, error = in_no_time(heard_until_error(retrying([GONE])))

    assert isinstance(error, ModelUnreachable)
    assert str(error) == "Nobody answered (3 attempts, 1.5 s).\nStart the server."


def test_an_error_after_one_attempt_is_left_as_it_is() -> None:
    _, error = in_no_time(heard_until_error(retrying([GONE], policy=replace(STEADY, attempts=1))))

    assert str(error) == str(GONE)


@pytest.mark.parametrize("error", [ModelNotFound("x"), ModelRefused("x"), ModelTooLarge("x")], ids=repr)
def test_what_cannot_pass_is_not_asked_again(error: ModelError) -> None:
    below = ScriptedModel([error], ["Hello"])

    _, raised = in_no_time(heard_until_error(RetryingModel(below)))

    assert type(raised) is type(error)
    assert len(below.requests) == 1


@pytest.mark.parametrize(
    "error", [ModelUnreachable("x"), ModelBusy("x"), ModelBroken("x"), ModelStalled("x")], ids=repr
)
def test_what_may_pass_is_asked_again(error: ModelError) -> None:
    events = in_no_time(heard(retrying([error], ["Hello"])))

    assert folded(events).text == "Hello"


def test_an_error_may_say_for_itself_that_it_will_not_pass() -> None:
    error = ModelStalled("It did not begin.")
    error.is_retryable = False
    below = ScriptedModel([error])

    in_no_time(heard_until_error(RetryingModel(below)))

    assert len(below.requests) == 1


def test_a_server_that_names_a_time_is_obeyed() -> None:
    events = in_no_time(heard(retrying([ModelBusy("Busy.", retry_after_s=7.0)], ["Hello"])))

    assert delays(events) == [7.0]


def test_a_server_that_names_a_time_beyond_patience_is_not_waited_for() -> None:
    below = ScriptedModel([ModelBusy("Busy, come back in 3600 s.", retry_after_s=3600.0)], ["Hello"])

    _, error = in_no_time(heard_until_error(RetryingModel(below)))

    assert str(error) == "Busy, come back in 3600 s."
    assert len(below.requests) == 1


def test_a_broken_answer_is_continued_from_what_was_shown() -> None:
    model = ScriptedModel([SAID, BROKEN], [" is Paris."], name="model")

    events = in_no_time(heard(RetryingModel(model, STEADY)))

    assert model.requests[1].messages[-1].role == "assistant"
    assert model.requests[1].messages[-1].text == SAID
    assert told(events)[:-1] == [
        Waiting("It broke. Going on from there in 0.5 s", 0.0),
        Continued("model", "It broke."),
    ]
    assert folded(events).text == "The capital of France is Paris."


def test_the_seam_is_where_it_broke() -> None:
    events = in_no_time(heard(retrying([SAID, BROKEN], [" is Paris."])))

    assert [(seam.offset, seam.model, seam.reason) for seam in folded(events).seams] == [
        (len(SAID), "model", "It broke.")
    ]


def test_an_answer_that_breaks_several_times_has_a_seam_for_each() -> None:
    events = in_no_time(heard(retrying([SAID, BROKEN], [" is", BROKEN], [BROKEN], [" Paris."])))

    assert folded(events).text == "The capital of France is Paris."
    assert [seam.offset for seam in folded(events).seams] == [len(SAID), len(SAID) + 3]


def test_a_server_that_begins_again_is_not_shown_twice() -> None:
    events = in_no_time(heard(retrying([SAID, BROKEN], ["The ", "capital ", "of ", "France ", "is Paris."])))

    assert [event.text for event in events if isinstance(event, TextDelta)] == [SAID, " ", "is Paris."]


def test_a_server_that_begins_again_with_other_words_replaces_what_was_shown() -> None:
    model = ScriptedModel([SAID, BROKEN], ["The capital city", ", I think,", BROKEN], [" is Paris."])

    events = in_no_time(heard(RetryingModel(model, STEADY)))

    assert folded(events).text == "The capital city, I think, is Paris."
    assert model.requests[2].messages[-1].text == "The capital city, I think,"


@pytest.mark.parametrize(
    ("first", "can_continue"),
    [
        (["Too short", BROKEN], True),
        ([SAID, BROKEN], False),
        ([ThinkingDelta("The user asks for a capital."), BROKEN], True),
        ([SAID, ToolStarted(ToolCall("1", "add", {})), BROKEN], True),
    ],
    ids=["too little", "a model that cannot", "thoughts alone", "a call"],
)
def test_what_cannot_be_continued_is_dropped_and_asked_anew(first: Sequence[Step], can_continue: bool) -> None:
    model = ScriptedModel(first, ["Hello"], can_continue=can_continue)

    events = in_no_time(heard(RetryingModel(model, STEADY)))

    assert model.requests[1] == asking()
    assert [type(event) for event in told(events)][-2:] == [Retrying, TokensCounted]
    reply = folded(events)
    assert reply.text == "Hello"
    assert len(reply.parts) == 1


def test_an_answer_that_has_to_fit_a_schema_is_asked_anew() -> None:
    model = ScriptedModel(['{"city": "Par', BROKEN], ['{"city": "Paris"}'])
    request = replace(asking(), schema={"type": "object"})

    events = in_no_time(heard(RetryingModel(model, STEADY), request))

    assert folded(events).text == '{"city": "Paris"}'
    assert model.requests[1] == request


def test_thoughts_go_along_when_an_answer_is_continued() -> None:
    model = ScriptedModel([ThinkingDelta("Easy."), SAID, BROKEN], [ThinkingDelta("Again?"), " is Paris."])

    events = in_no_time(heard(RetryingModel(model, STEADY)))

    assert model.requests[1].messages[-1].thinking == "Easy."
    assert "".join(event.text for event in events if isinstance(event, ThinkingDelta)) == "Easy."


def test_an_answer_that_grows_has_new_attempts_each_time() -> None:
    pieces = [SAID, " is", " Paris,", " and", " that", " was", " all."]
    scripts: list[list[Step]] = [[piece, BROKEN] for piece in pieces]
    scripts[-1].pop()

    events = in_no_time(heard(retrying(*scripts)))

    assert folded(events).text == "".join(pieces)


def test_an_answer_that_breaks_at_every_word_is_given_up_in_the_end() -> None:
    scripts: list[list[Step]] = [[f" {number} words", BROKEN] for number in range(100, 200)]
    model = ScriptedModel([SAID, BROKEN], *scripts)

    _, error = in_no_time(heard_until_error(RetryingModel(model, STEADY)))

    assert len(model.requests) == STEADY.attempts * PERSISTENCE
    assert f"({len(model.requests)} attempts," in str(error)


def test_a_broken_answer_that_nobody_continues_stays_shown() -> None:
    events, error = in_no_time(heard_until_error(retrying([SAID, BROKEN], [GONE])))

    assert folded(events).text == SAID
    assert str(error) == "Nobody answered (4 attempts, 3.5 s).\nStart the server."


def test_attempts_that_are_dropped_are_no_progress() -> None:
    model = ScriptedModel([SAID, BROKEN], can_continue=False)

    in_no_time(heard_until_error(RetryingModel(model, STEADY)))

    assert len(model.requests) == STEADY.attempts


def test_a_request_that_somebody_else_began_is_not_dropped_when_it_fails() -> None:
    model = ScriptedModel([GONE], [" is Paris."])

    events = in_no_time(heard(RetryingModel(model, STEADY), asking(partial=SAID)))

    assert [type(event) for event in told(events)] == [Waiting, TokensCounted]
    assert folded(events).text == " is Paris."
    assert model.requests[1].messages[-1].text == SAID


def test_a_request_that_somebody_else_began_is_not_shown_twice_by_a_server_that_begins_again() -> None:
    model = ScriptedModel([f"{SAID} is", BROKEN], [f"{SAID} is Paris."])

    events = in_no_time(heard(RetryingModel(model, STEADY), asking(partial=SAID)))

    assert folded(events).text == " is Paris."
