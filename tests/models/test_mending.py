"""A broken answer and what goes on from it: joined so that nothing is shown twice, and nothing is lost."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatnb.errors import ModelBroken
from chatnb.events import (
    Continued,
    FellBack,
    ModelEvent,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolStarted,
    Waiting,
)
from chatnb.messages import Thinking, ToolCall, Usage
from chatnb.models import mending
from chatnb.models.mending import CERTAIN, CERTAIN_AFTER_SPACE, Partial, joined
from tests.models.asking import asking, folded

CONTINUED = Continued("model", "It broke.")
BEGUN_AGAIN = Retrying("model", 1, 3, 0.0, "It began again.")
END = TokensCounted(Usage())

# Words of which no two are alike and none is in another, so that nothing repeats itself by chance.
WORDS = [f" w{number:03d}x" for number in range(200)]
texts = st.integers(4, 60).map(lambda count: "".join(WORDS[:count]).strip())


def cut(text: str, at: Sequence[int]) -> list[str]:
    """Return `text` in pieces."""
    places = sorted({place % (len(text) + 1) for place in at} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


cuts = st.lists(st.integers(0, 10_000), max_size=60)


def mended(partial: str, *events: ModelEvent) -> list[ModelEvent]:
    """Return what is yielded for a stream that is to go on from `partial`."""

    async def stream() -> AsyncGenerator[ModelEvent]:
        for event in events:
            yield event

    async def run() -> list[ModelEvent]:
        return [event async for event in joined(partial, stream(), CONTINUED, BEGUN_AGAIN)]

    return asyncio.run(run())


def shown(partial: str, pieces: Sequence[str]) -> str:
    """Return the whole text that is shown when a stream says `pieces` after `partial`."""
    events = mended(partial, *map(TextDelta, pieces), END)
    assert events[-1] == END
    return folded([TextDelta(partial), *events]).text


@given(text=texts, broken_at=st.integers(CERTAIN, 1000), pieces=cuts)
def test_a_server_that_goes_on_is_joined_to_the_unbroken_text(text: str, broken_at: int, pieces: list[int]) -> None:
    partial, rest = text[:broken_at], text[broken_at:]

    assert shown(partial, cut(rest, pieces)) == text


@given(text=texts, broken_at=st.integers(CERTAIN, 1000), pieces=cuts)
def test_a_server_that_begins_again_is_joined_to_the_unbroken_text(
    text: str, broken_at: int, pieces: list[int]
) -> None:
    assert shown(text[:broken_at], cut(text, pieces)) == text


@given(text=texts, broken_at=st.integers(CERTAIN, 1000), overlap=st.integers(CERTAIN, 500), pieces=cuts)
def test_a_server_that_repeats_an_overlap_is_joined_to_the_unbroken_text(
    text: str, broken_at: int, overlap: int, pieces: list[int]
) -> None:
    partial = text[:broken_at]
    start = max(0, len(partial) - overlap)

    assert shown(partial, cut(text[start:], pieces)) == text


@given(text=texts, other=st.integers(CERTAIN, 300), pieces=cuts)
def test_a_server_that_begins_again_and_says_something_else_replaces_the_partial(
    text: str, other: int, pieces: list[int]
) -> None:
    assume(other < len(text))
    answer = text[:other] + "? No: something else."

    assert shown(text, cut(answer, pieces)) == answer


@given(partial=st.text(min_size=CERTAIN), text=st.text(), pieces=cuts)
def test_whatever_comes_is_added_replaced_or_trimmed_by_what_the_partial_ends_with(
    partial: str, text: str, pieces: list[int]
) -> None:
    whole = shown(partial, cut(text, pieces))

    trimmed = {partial + text[n:] for n in range(len(text) + 1) if partial.endswith(text[:n])}
    assert whole in {partial + text, text} | trimmed


@given(partial=st.text(alphabet="ab \n", min_size=1), text=st.text(alphabet="ab \n"), pieces=cuts)
def test_how_a_stream_is_cut_into_deltas_changes_nothing(partial: str, text: str, pieces: list[int]) -> None:
    assert shown(partial, cut(text, pieces)) == shown(partial, [text] if text else [])


@given(text=texts, broken_at=st.integers(CERTAIN, 1000), pieces=cuts)
def test_what_is_shown_is_never_taken_back_from_a_server_that_goes_on(
    text: str, broken_at: int, pieces: list[int]
) -> None:
    events = mended(text[:broken_at], *map(TextDelta, cut(text[broken_at:], pieces)), END)

    assert events.count(CONTINUED) == 1
    assert BEGUN_AGAIN not in events


@pytest.mark.parametrize(
    ("partial", "said", "whole"),
    [
        ("The capital of", " France is Paris.", "The capital of France is Paris."),
        ("It prints:\n\n- one\n- two\n", "- three\n", "It prints:\n\n- one\n- two\n- three\n"),
        ("- one apple\n- two apples\n", "- one apple too many\n", "- one apple\n- two apples\n- one apple too many\n"),
        (
            "for x in range(10):\n    pass\n",
            "for x in range(20):",
            "for x in range(10):\n    pass\nfor x in range(20):",
        ),
        ("[0, 0, 0, 0, 0, 0, 0, 0,", " 0, 0, 0, 0]", "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]"),
        ("[0, 0, 0, 0, 0, 0, 0, 0,", " 0, 0, 0, 0, 0, 0]", "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]"),
        ("They say: x = x + 1\nx = x + 1\n", "x = x + 1\nx = x + 1\n.", "They say: " + "x = x + 1\n" * 4 + "."),
        ("<div><p></p></div></div></div>", "</div></div></div>", "<div><p></p>" + "</div>" * 6),
        ("It is 1000000", "000000", "It is 1000000000000"),
        ("Two lines,\n", "\nthen a third.", "Two lines,\n\nthen a third."),
        ("very, very, very, ", "very, very much", "very, very, very, very, very much"),
    ],
)
def test_a_text_that_repeats_itself_loses_nothing(partial: str, said: str, whole: str) -> None:
    assert shown(partial, list(said)) == whole


PROSE_AND_CODE = Path(mending.__file__).read_text(encoding="utf-8")
TOKENS = re.findall(r"\s*\S{1,6}|\s+$", PROSE_AND_CODE)


@pytest.mark.parametrize("offset", range(5))
def test_real_prose_and_code_that_broke_anywhere_is_joined_by_a_server_that_goes_on(offset: int) -> None:
    for count in range(20 + offset, len(TOKENS), 5):
        partial, rest = "".join(TOKENS[:count]), TOKENS[count : count + 40]

        assert shown(partial, rest) == partial + "".join(rest)


def test_nothing_is_held_back_longer_than_it_has_to_be() -> None:
    events = mended("The capital of", TextDelta(" Fr"), TextDelta("ance"), END)

    assert events == [CONTINUED, TextDelta(" Fr"), TextDelta("ance"), END]


def test_a_repetition_is_held_back_until_it_ends() -> None:
    events = mended("The capital of", TextDelta("The "), TextDelta("capital of"), TextDelta(" France"), END)

    assert events == [CONTINUED, TextDelta(" France"), END]


def test_an_answer_that_was_complete_but_for_its_end_gets_the_end() -> None:
    assert mended("The capital of France is Paris.", END) == [CONTINUED, END]


def test_a_new_answer_that_is_shorter_than_the_partial_replaces_it() -> None:
    events = mended("The capital of France is", TextDelta("The capital of"), END)

    assert events == [BEGUN_AGAIN, TextDelta("The capital of"), END]


def test_after_white_space_a_like_beginning_is_no_new_answer() -> None:
    line = "x" * (CERTAIN_AFTER_SPACE - 1)

    assert shown(f"{line}1\n", [f"{line}2\n"]) == f"{line}1\n{line}2\n"
    assert shown(f"{line}y1\n", [f"{line}y2\n"]) == f"{line}y2\n"


def test_thoughts_are_left_out_of_an_answer_that_goes_on() -> None:
    events = mended("The capital of", ThinkingDelta("hm"), TextDelta(" France"), ThinkingDelta("so"), END)

    assert events == [CONTINUED, TextDelta(" France"), END]


def test_thoughts_belong_to_an_answer_that_is_new() -> None:
    new = "The capital city, I mean."

    events = mended("The capital of", ThinkingDelta("hm"), TextDelta(new), ThinkingDelta("so"), END)

    assert events == [BEGUN_AGAIN, ThinkingDelta("hm"), TextDelta(new), ThinkingDelta("so"), END]


def test_a_call_of_a_tool_ends_the_doubt() -> None:
    call = ToolStarted(ToolCall("1", "add", {}))

    events = mended("The capital of", TextDelta("The"), call, END)

    assert events == [CONTINUED, TextDelta("The"), call, END]


def test_a_wait_is_told_at_once() -> None:
    wait = Waiting("loading", 2.0)

    events = mended("The capital of", TextDelta("The"), wait, TextDelta(" capital of France"), END)

    assert events == [wait, CONTINUED, TextDelta(" France"), END]


def test_what_was_held_back_when_the_stream_breaks_is_not_shown() -> None:
    async def stream() -> AsyncGenerator[ModelEvent]:
        yield TextDelta("The capital")
        raise ModelBroken("again")

    events: list[ModelEvent] = []

    async def run() -> None:
        async for event in joined("The capital of", stream(), CONTINUED, BEGUN_AGAIN):
            events.append(event)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(ModelBroken):
        asyncio.run(run())

    assert events == []


def test_a_partial_asks_to_go_on_from_its_thoughts_and_its_text() -> None:
    partial = Partial(asking())
    for event in (ThinkingDelta("hm"), TextDelta("The capital"), TextDelta(" of")):
        partial.add(event)

    asked = partial.request()

    assert partial.can_go_on
    assert [each.role for each in asked.messages] == ["user", "assistant"]
    assert asked.messages[-1].text == partial.text == "The capital of"
    assert Thinking("hm") in asked.messages[-1].parts


def test_a_partial_goes_on_from_a_beginning_that_somebody_else_wrote() -> None:
    partial = Partial(asking(partial="The capital"))
    partial.add(TextDelta(" of"))

    asked = partial.request()

    assert [each.role for each in asked.messages] == ["user", "assistant"]
    assert asked.messages[-1].text == "The capital of"


@pytest.mark.parametrize("event", [BEGUN_AGAIN, FellBack("a", "b", "gone")], ids=["retrying", "fell back"])
def test_a_partial_that_is_dropped_asks_the_question_anew(event: ModelEvent) -> None:
    partial = Partial(asking(partial="The capital of"))
    partial.add(TextDelta(" France"))

    partial.add(event)

    assert partial.request() == asking()
    assert not partial.can_go_on


def test_thoughts_alone_cannot_be_gone_on_from() -> None:
    partial = Partial(asking())
    partial.add(ThinkingDelta("The user wants to know a lot."))

    assert not partial.can_go_on
    assert partial.request() == asking()


def test_a_call_of_a_tool_cannot_be_gone_on_from() -> None:
    partial = Partial(asking())
    partial.add(TextDelta("I will search the web."))
    partial.add(ToolStarted(ToolCall("1", "search", {})))

    assert not partial.can_go_on


def test_a_message_of_the_user_last_is_no_beginning() -> None:
    partial = Partial(asking("And why?"))

    assert partial.text == ""
    assert partial.request() == asking("And why?")
