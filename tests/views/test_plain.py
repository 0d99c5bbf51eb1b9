"""What a pipe gets."""

import io

import pytest

from chatnb.events import Event, TextDelta
from chatnb.views.plain import REPLACED, PlainView
from tests.views.logs import ANSWER, ASKED, COUNTED, FELL_BACK, LOGS, RETRYING, said, turn
from tests.views.surfaces import Screen, one_by_one, shown


def piped(events: list[Event]) -> tuple[str, str]:
    """Return what is written to the stream and to the notes."""
    stream, notes = io.StringIO(), io.StringIO()
    shown(PlainView(stream, notes), one_by_one(events))
    return stream.getvalue(), notes.getvalue()


def test_a_pipe_gets_the_answer_and_a_line_end() -> None:
    for name in ("an answer", "thoughts before the answer", "a wait before the answer"):
        assert piped(LOGS[name]) == (f"{ANSWER}\n", "")


def test_it_comes_as_it_is_said() -> None:
    stream = io.StringIO()

    shown(PlainView(stream, io.StringIO()), one_by_one([ASKED, TextDelta("The "), TextDelta("mean")]))

    assert stream.getvalue() == "The mean"


def test_a_pipe_gets_every_character_as_it_is() -> None:
    text = "a\x1b[31m\r\n\tb\x00"

    assert piped(turn(said(text, 1))) == (f"{text}\n", "")


def test_a_terminal_gets_no_control_characters() -> None:
    stream = Screen()

    shown(PlainView(stream, io.StringIO()), one_by_one(turn(said("a\x1b[31mred\x1b]0;title\x07\tb", 1))))

    assert stream.getvalue() == "ared\tb\n"


def test_the_texts_of_all_rounds_are_apart() -> None:
    assert piped(LOGS["a tool"]) == ("I look it up.\n\nThree rows.\n", "")


def test_no_answer_writes_nothing() -> None:
    assert piped(LOGS["no answer"])[0] == ""
    assert piped(LOGS["a failure"]) == ("", "")


def test_an_answer_that_begins_anew_with_the_same_words_goes_on() -> None:
    events = turn(said("The mean is"), RETRYING, said("The mean is negative."), COUNTED)

    assert piped(events) == ("The mean is negative.\n", "")


@pytest.mark.parametrize("dropped", [RETRYING, FELL_BACK])
def test_an_answer_that_begins_anew_otherwise_is_whole_in_a_new_line(dropped: Event) -> None:
    stream, notes = piped(turn(said("Wrong words"), dropped, said(ANSWER), COUNTED))

    assert stream == f"Wrong words\n{ANSWER}\n"
    assert REPLACED in notes


def test_a_shorter_answer_replaces_the_longer_one_that_was_dropped() -> None:
    stream, notes = piped(turn(said("Yes, it is."), RETRYING, said("Yes"), COUNTED))

    assert stream == "Yes, it is.\nYes\n"
    assert REPLACED in notes


def test_what_is_no_answer_goes_elsewhere() -> None:
    assert "llama3 answers instead" in piped(LOGS["a fallback before the answer"])[1]
    assert piped(LOGS["an answer that was stopped"]) == ("The mean is\n", "stopped\n")
