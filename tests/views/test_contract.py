"""What every view promises, of every kind of turn."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatnb.events import Event, TextDelta
from chatnb.reply import Reply
from tests.views.logs import DROPS, LOGS, QUESTION, answers, said, split, turn
from tests.views.surfaces import SURFACES, Surface, one_by_one, shown

Make = Callable[[], Surface]


@pytest.fixture(params=SURFACES)
def make(request: pytest.FixtureRequest) -> Make:
    """Return what makes a fresh view of each kind."""
    return SURFACES[request.param]


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest) -> list[Event]:
    """Return the events of each kind of turn in which nothing is dropped."""
    return LOGS[request.param]


def words(text: str) -> list[str]:
    """Return the words of a text, without marks and gaps, wherever it is wrapped."""
    return re.findall(r"\w+", text)


def contains(seen: str, text: str) -> bool:
    """Tell whether the words of a text are seen, in their order."""
    return " ".join(words(text)) in " ".join(words(seen))


def test_the_answer_is_seen_in_the_end(make: Make, log: list[Event]) -> None:
    surface = make()

    reply = shown(surface.view, one_by_one(log))

    assert contains(surface.seen(), reply.answer)


def test_closing_twice_changes_nothing(make: Make, log: list[Event]) -> None:
    surface = make()
    shown(surface.view, one_by_one(log))
    before = surface.seen()

    surface.view.close()
    surface.view.close()

    assert surface.seen() == before


def test_nothing_is_shown_after_the_end(make: Make, log: list[Event]) -> None:
    surface = make()
    reply = shown(surface.view, one_by_one(log))
    before = surface.seen()

    surface.view.show([TextDelta("late")], reply)

    assert surface.seen() == before


def test_a_late_view_shows_the_same(make: Make, log: list[Event]) -> None:
    late, early = make(), make()

    shown(late.view, [log])
    shown(early.view, one_by_one(log))

    assert late.seen() == early.seen()


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.parametrize("name", SURFACES)
def test_how_events_are_batched_does_not_show(name: str, data: st.DataObject) -> None:
    events = data.draw(answers())
    batched, early = SURFACES[name](), SURFACES[name]()

    shown(batched.view, data.draw(split(events)))
    shown(early.view, one_by_one(events))

    assert batched.seen() == early.seen()


@pytest.mark.parametrize("log", DROPS.values(), ids=DROPS)
def test_an_answer_that_is_asked_for_anew_is_seen_once(make: Make, log: list[Event]) -> None:
    surface = make()

    reply = shown(surface.view, one_by_one(log))

    seen = " ".join(words(surface.seen()))
    assert seen.count(" ".join(words(reply.answer))) == 1


def test_what_was_said_stays_when_nobody_follows_any_more(make: Make) -> None:
    surface = make()
    shown(surface.view, one_by_one(turn(said("The mean is half a"))[:-1]))

    surface.view.close()

    assert contains(surface.seen(), "The mean is half a")


def test_a_view_that_never_showed_anything_closes(make: Make) -> None:
    surface = make()

    surface.view.close()

    assert surface.seen() == ""


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("a part of the session", "2 oldest messages are left out"),
        ("a fallback before the answer", "qwen3 8b could not answer not enough memory llama3 answers instead"),
        ("an answer that was stopped", "stopped"),
        ("a stopped answer with a tool that goes on", "This goes on search"),
        ("an answer that broke off", "broke off"),
        ("an answer that was cut", "cut at the limit of tokens"),
        ("no answer", "an empty answer"),
        ("a call that is only printed", "only prints a call of a tool search words refund limit 3"),
        ("calls that are only printed", "5 search words refund limit 3 and 2 more"),
    ],
)
def test_what_a_reader_has_to_know_is_told(make: Make, name: str, note: str) -> None:
    surface = make()

    shown(surface.view, one_by_one(LOGS[name]))

    assert note in " ".join(words(surface.seen()))


def test_nothing_of_a_question_is_shown(make: Make) -> None:
    surface = make()

    shown(surface.view, one_by_one(LOGS["an answer"]))

    assert not contains(surface.seen(), QUESTION.text)


def test_a_view_asks_for_short_intervals_at_first(make: Make) -> None:
    view = make().view

    assert 0 < view.interval_s() <= 0.25


def test_the_reply_is_not_changed(make: Make, log: list[Event]) -> None:
    reply = shown(make().view, one_by_one(log))

    assert reply.messages() == Reply(log).messages()
