"""Envelopes that are read while they are written."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.events import TextDelta, ToolStarted
from chatnb.messages import Json
from chatnb.models.opening import Opening

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
CALLS = st.lists(
    st.fixed_dictionaries({"name": st.text(), "arguments": st.dictionaries(st.text(), JSON)}), min_size=1, max_size=4
)
SPACE = st.text(" \n\t\r", max_size=3)


def opened(pieces: Iterable[str], *, keeps_json: bool = False) -> tuple[str, list[Json]]:
    """Return the text and the calls of an envelope that comes in pieces."""
    opening = Opening(keeps_json=keeps_json)
    events = [event for piece in pieces for event in opening.add(piece)]
    events += opening.end()
    assert all(event.text for event in events if isinstance(event, TextDelta))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    calls = [event.call for event in events if isinstance(event, ToolStarted)]
    return text, [{"name": call.name, "arguments": dict(call.arguments)} for call in calls]


@st.composite
def split(draw: st.DrawFn, text: str) -> list[str]:
    """Split a text anywhere, into many pieces or few."""
    cuts = sorted(draw(st.sets(st.integers(0, len(text)))))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def written(draw: st.DrawFn, envelope: Any) -> list[str]:
    """Write an envelope in one of JSON's many forms, in pieces."""
    text = json.dumps(
        envelope, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 2])), separators=(",", ": ")
    )
    return draw(split(draw(SPACE) + text + draw(SPACE)))


@given(st.data(), st.text())
def test_any_answer_split_anywhere_is_the_text_that_was_written(data: st.DataObject, answer: str) -> None:
    pieces = data.draw(written({"answer": answer}))

    assert opened(pieces) == (answer, [])


@given(st.data(), CALLS)
def test_any_calls_split_anywhere_are_the_calls_that_were_written(data: st.DataObject, calls: list[Json]) -> None:
    pieces = data.draw(written({"calls": calls}))

    assert opened(pieces) == ("", calls)


@given(st.data(), JSON)
def test_an_answer_of_a_schema_is_the_json_that_was_written(data: st.DataObject, answer: Json) -> None:
    pieces = data.draw(written({"answer": answer}))

    text, calls = opened(pieces, keeps_json=True)

    assert (json.loads(text), calls) == (answer, [])


@given(st.data(), st.text())
def test_any_text_that_is_no_envelope_is_given_as_it_is(data: st.DataObject, text: str) -> None:
    foreign = f"Well: {text}"

    assert opened(data.draw(split(foreign))) == (foreign, [])


@given(st.data(), CALLS)
def test_calls_that_break_off_are_text_and_nothing_is_called(data: st.DataObject, calls: list[Json]) -> None:
    whole = json.dumps({"calls": calls})
    broken = whole[: data.draw(st.integers(0, len(whole) - 2))]

    assert opened(data.draw(split(broken))) == (broken, [])


@given(st.data(), st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters='"\\')))
def test_an_answer_that_breaks_off_is_what_was_said_of_it(data: st.DataObject, answer: str) -> None:
    length = data.draw(st.integers(0, len(answer)))
    broken = f'{{"answer": "{answer[:length]}'

    assert opened(data.draw(split(broken))) == (answer[:length], [])


def test_an_answer_is_told_as_it_comes() -> None:
    opening = Opening()

    told = [opening.add(piece) for piece in ('{"ans', 'wer": "It', " is \\", "n4", '2."', "}")]

    assert told == [[], [TextDelta("It")], [TextDelta(" is ")], [TextDelta("\n4")], [TextDelta("2.")], []]


def test_foreign_text_is_told_from_its_first_word() -> None:
    opening = Opening()

    assert [opening.add(piece) for piece in ("It", " is")] == [[TextDelta("It")], [TextDelta(" is")]]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r'{"answer": "\ud83d\ude00"}', "😀"),
        (r'{"answer": "\uD83D\uDE00\\\/\b\f\n\r\t\""}', '😀\\/\b\f\n\r\t"'),
        (r'{"answer": "\ud83d"}', "\ufffd"),
        (r'{"answer": "\ud83dx"}', "\ufffdx"),
        (r'{"answer": "\ude00x"}', "\ufffdx"),
        (r'{"answer": "\ud83d\ud83d\ude00"}', "\ufffd😀"),
        (r'{"answer": "\(x\)"}', r"\(x\)"),
        ('{"answer": "two\nlines"}', "two\nlines"),
        (r'{"answer": "\u12"}', r'\u12"}'),
    ],
)
def test_escapes_are_what_they_stand_for_and_else_themselves(written: str, text: str) -> None:
    assert opened(written) == (text, [])


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("", ""),
        ("{", "{"),
        ('{"an', '{"an'),
        ('{"name": "add", "arguments": {}}', '{"name": "add", "arguments": {}}'),
        ('```json\n{"answer": "x"}\n```', '```json\n{"answer": "x"}\n```'),
        ('{"calls": []}', '{"calls": []}'),
        ('{"calls": "add"}', '{"calls": "add"}'),
        ('{"calls": [{"name": "add"}]}', '{"calls": [{"name": "add"}]}'),
        ('{"calls": [{"name": "add", "arguments": {}}, 3]}', '{"calls": [{"name": "add", "arguments": {}}, 3]}'),
        ('{"calls": ]}', '{"calls": ]}'),
        ('{"calls" [', '{"calls" ['),
        (f'{{"calls": [{"[" * 2000}{"]" * 2000}]}}', f'{{"calls": [{"[" * 2000}{"]" * 2000}]}}'),
        ('{"answer": "He said "hi" to me"}', 'He said "hi" to me"}'),
        ('{"answer": "x"} And more.', "x And more."),
        ('{"answer": "x", "why": "y"}', 'x "why": "y"}'),
        ('{"answer": 42}', "42"),
        ('{"answer": {"n": "}"} }', '{"n": "}"}'),
        ('{"answer": [1, ', "[1, "),
        ('{"answer": "x"', "x"),
        ('{"answer": "x",', "x"),
    ],
)
def test_what_a_model_says_beside_the_form_is_not_lost(written: str, text: str) -> None:
    assert opened([written]) == (text, [])
    assert opened(written) == (text, [])


def test_a_model_may_answer_and_call_at_once() -> None:
    text, calls = opened('{"answer": "Let me see.", "calls": [{"name": "f", "arguments": {}}]}')

    assert (text, calls) == ("Let me see.", [{"name": "f", "arguments": {}}])


def test_calls_are_told_as_soon_as_all_are_there() -> None:
    opening = Opening()
    opening.add('{"calls": [{"name": "f", "arguments": {}}')

    [event] = opening.add("]")

    assert isinstance(event, ToolStarted)
    assert event.call.name == "f"


def test_each_call_has_an_id_of_its_own() -> None:
    opening = Opening()

    events = opening.add('{"calls": [{"name": "f", "arguments": {}}, {"name": "f", "arguments": {}}]}')

    assert len({event.call.id for event in events if isinstance(event, ToolStarted)}) == 2
