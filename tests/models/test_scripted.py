"""The model that follows a script."""

import asyncio

import pytest

from chatnb.errors import ModelUnreachable
from chatnb.events import TextDelta, ThinkingDelta, TokensCounted
from chatnb.messages import Usage
from chatnb.models.scripted import ScriptedModel
from tests.models.asking import asking, folded, heard, heard_until_error
from tests.models.clock import in_no_time


async def test_each_request_gets_the_next_script_and_then_the_last_one_again() -> None:
    model = ScriptedModel(["one"], ["two"])

    texts = [folded(await heard(model)).text for _ in range(3)]

    assert texts == ["one", "two", "two"]


async def test_requests_are_kept() -> None:
    model = ScriptedModel()

    await heard(model, asking("First?"))
    await heard(model, asking("Second?"))

    assert [request.messages[-1].text for request in model.requests] == ["First?", "Second?"]


async def test_events_are_told_as_they_are_and_nothing_follows_the_count() -> None:
    counted = TokensCounted(Usage(reply_tokens=7), "length")
    model = ScriptedModel([ThinkingDelta("hm"), "yes", counted, "too late"])

    assert await heard(model) == [ThinkingDelta("hm"), TextDelta("yes"), counted]


async def test_a_script_without_a_count_gets_one() -> None:
    assert await heard(ScriptedModel(["a", "b"])) == [
        TextDelta("a"),
        TextDelta("b"),
        TokensCounted(Usage(reply_tokens=2)),
    ]


async def test_an_error_is_raised_anew_each_time() -> None:
    model = ScriptedModel(["Hel", ModelUnreachable("gone")])

    events, first = await heard_until_error(model)
    _, second = await heard_until_error(model)

    assert events == [TextDelta("Hel")]
    assert (type(first), str(first)) == (type(second), str(second)) == (ModelUnreachable, "gone")
    assert first is not second


async def seconds_for(model: ScriptedModel) -> float:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    await heard(model)
    return loop.time() - began_at


def test_numbers_are_seconds() -> None:
    model = ScriptedModel([2, "a", 0.5, "b"])

    assert in_no_time(seconds_for(model)) == pytest.approx(2.5, abs=0.2)


def test_a_rate_gives_each_text_its_time() -> None:
    model = ScriptedModel(["word"] * 11, rate=2.0)

    assert in_no_time(seconds_for(model)) == pytest.approx(5.0, abs=0.2)
