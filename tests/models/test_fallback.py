"""One model after the other."""

from dataclasses import replace

import pytest

from chatnb.errors import ModelBroken, ModelError, ModelNotFound, ModelRefused, ModelTooLarge, ModelUnreachable
from chatnb.events import FellBack, Retrying, TokensCounted
from chatnb.messages import Usage
from chatnb.models.fallback import FallbackModel
from chatnb.models.retrying import RetryingModel
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import RetryPolicy
from tests.models.asking import asking, folded, heard, heard_until_error, told

GONE = ModelUnreachable("Nobody answered.\nStart the server.")
SAID = "The capital of France"


async def test_the_first_model_that_answers_is_the_only_one_asked() -> None:
    first, second = ScriptedModel(["Hello"]), ScriptedModel(["Hi"])

    events = await heard(FallbackModel([first, second]))

    assert folded(events).text == "Hello"
    assert told(events) == [TokensCounted(Usage(reply_tokens=1))]
    assert second.requests == []


@pytest.mark.parametrize(
    "error",
    [GONE, ModelNotFound("No such model."), ModelTooLarge("Too large."), ModelRefused("No tools."), ModelBroken("Oh.")],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_model_fails_with_the_next_one_is_asked_and_the_user_told(error: ModelError) -> None:
    model = FallbackModel([ScriptedModel([error], name="a"), ScriptedModel(["Hi"], name="b")])

    events = await heard(model)

    assert events[0] == FellBack("a", "b", str(error).partition("\n")[0])
    assert folded(events).text == "Hi"
    assert folded(events).model == "b"


async def test_a_window_that_may_shrink_is_not_a_reason_to_ask_another_model() -> None:
    first, second = ScriptedModel([ModelTooLarge("No memory.")], ["Hello"], name="a"), ScriptedModel(["Hi"], name="b")
    model = FallbackModel([first, second])

    with pytest.raises(ModelTooLarge):
        await heard(model, replace(asking(), may_shrink=True))

    assert folded(await heard(model)).text == "Hello"
    assert second.requests == []


async def test_the_model_that_answered_is_asked_first_from_then_on() -> None:
    first, second = ScriptedModel([GONE], name="a"), ScriptedModel(["Hi"], name="b")
    model = FallbackModel([first, second])
    await heard(model)

    events = await heard(model)

    assert model.name == "b"
    assert told(events) == [TokensCounted(Usage(reply_tokens=1))]
    assert len(first.requests) == 1


async def test_when_that_one_fails_the_preferred_ones_are_tried_again() -> None:
    model = FallbackModel(
        [
            ScriptedModel([GONE], ["Back"], name="a"),
            ScriptedModel(["Hi"], [GONE], name="b"),
            ScriptedModel(["Never"], name="c"),
        ]
    )
    await heard(model)

    events = await heard(model)

    assert folded(events).text == "Back"
    assert model.name == "a"


async def test_what_was_shown_goes_along_to_a_model_that_can_go_on() -> None:
    second = ScriptedModel([" is Paris."], name="b")
    model = FallbackModel([ScriptedModel([SAID, GONE], name="a"), second])

    events = await heard(model)

    assert FellBack("a", "b", "Nobody answered.", keeps_text=True) in events
    assert second.requests[0].messages[-1].text == SAID
    reply = folded(events)
    assert reply.text == "The capital of France is Paris."
    assert [(seam.offset, seam.model) for seam in reply.seams] == [(len(SAID), "b")]


async def test_what_was_shown_is_dropped_for_a_model_that_cannot_go_on() -> None:
    second = ScriptedModel(["It is Paris."], name="b", can_continue=False)
    model = FallbackModel([ScriptedModel([SAID, GONE], name="a"), second])

    events = await heard(model)

    assert FellBack("a", "b", "Nobody answered.") in events
    assert second.requests[0] == asking()
    assert folded(events).text == "It is Paris."


async def test_a_partial_goes_from_model_to_model() -> None:
    third = ScriptedModel([" Paris."], name="c")
    model = FallbackModel(
        [ScriptedModel([SAID, GONE], name="a"), ScriptedModel([" is", GONE], name="b"), third],
    )

    events = await heard(model)

    assert third.requests[0].messages[-1].text == f"{SAID} is"
    assert folded(events).text == "The capital of France is Paris."


async def test_a_next_model_that_begins_again_is_not_shown_twice() -> None:
    once = RetryPolicy(attempts=1)
    model = FallbackModel(
        [
            RetryingModel(ScriptedModel([SAID, GONE], name="a"), once),
            RetryingModel(ScriptedModel(["The capital of ", "France is Paris."], name="b"), once),
        ]
    )

    events = await heard(model)

    assert folded(events).text == "The capital of France is Paris."


async def test_a_next_model_that_fails_at_first_keeps_what_was_shown() -> None:
    quick = RetryPolicy(initial_delay_s=0.0)
    model = FallbackModel(
        [
            RetryingModel(ScriptedModel([SAID, GONE], [GONE], name="a"), quick),
            RetryingModel(ScriptedModel([GONE], [" is Paris."], name="b"), quick),
        ]
    )

    events = await heard(model)

    assert folded(events).text == "The capital of France is Paris."
    assert not any(isinstance(event, Retrying) for event in events)


async def test_when_all_fail_the_error_gives_each_ones_reason() -> None:
    model = FallbackModel([ScriptedModel([GONE], name="a"), ScriptedModel([ModelNotFound("No b.")], name="b")])

    events, error = await heard_until_error(model)

    assert type(error) is ModelError
    assert str(error) == ("None of the 2 models could answer.\n- a: Nobody answered.\n  Start the server.\n- b: No b.")
    assert len(events) == 1
    assert model.name == "a"


async def test_when_all_fail_alike_the_error_is_of_that_kind() -> None:
    model = FallbackModel([ScriptedModel([GONE], name="a"), ScriptedModel([GONE], name="b")])

    _, error = await heard_until_error(model)

    assert type(error) is ModelUnreachable


async def test_the_error_of_the_only_model_is_its_own() -> None:
    _, error = await heard_until_error(FallbackModel([ScriptedModel([GONE])]))

    assert str(error) == str(GONE)


def test_no_models_are_a_mistake_of_the_programmer() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FallbackModel([])
