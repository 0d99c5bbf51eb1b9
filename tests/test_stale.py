"""Answers whose context has changed are found, and only those."""

from dataclasses import replace

import pytest

from chatnb.context.base import Reading
from chatnb.errors import ContextNotFound
from chatnb.messages import Context, Message, Outcome
from chatnb.stale import find_stale
from tests.talk import question, reply_to


def df(text: str) -> Context:
    return Context.of("variable df", text, "var:df")


def now(**things: str) -> dict[str, Context]:
    return {f"var:{name}": Context.of(f"variable {name}", text, f"var:{name}") for name, text in things.items()}


def stale(history: list[Message], things: dict[str, Context]) -> list[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    def read(ref: str) -> Reading:
        if ref not in things:
            raise ContextNotFound(ref)
        return Reading((things[ref],))

    return [(each.number, each.changed, each.lost) for each in find_stale(history, read)]


def test_an_answer_is_stale_once_what_it_read_has_changed() -> None:
    asked = question("Why?", 1, df("mean 3"))
    history = [asked, reply_to(asked)]

    assert stale(history, now(df="mean 3")) == []
    assert stale(history, now(df="mean 4")) == [(1, ("variable df",), ())]
    assert stale(history, now()) == [(1, (), ("variable df",))]


def test_what_cannot_be_read_again_is_never_stale() -> None:
    asked = question("Why?", 1, Context.of("last error", "KeyError"))

    assert stale([asked, reply_to(asked)], now()) == []


def test_a_question_that_was_asked_again_counts_as_it_was_asked_last() -> None:
    first, second = question("Why?", 1, df("mean 3")), question("Why?", 2, df("mean 4"))
    history = [first, reply_to(first), second, reply_to(second)]

    assert stale(history, now(df="mean 4")) == []
    assert stale(history, now(df="mean 5")) == [(3, ("variable df",), ())]


def test_a_question_without_an_answer_is_not_stale() -> None:
    assert stale([question("Why?", 1, df("mean 3"))], now(df="mean 4")) == []


@pytest.mark.parametrize("outcome", ["cancelled", "failed"])
def test_an_answer_that_was_stopped_leaves_the_earlier_one_stale(outcome: Outcome) -> None:
    first, second = question("Why?", 1, df("mean 3")), question("Why?", 2, df("mean 4"))
    stopped = replace(reply_to(second, "Bec"), outcome=outcome)

    assert stale([first, reply_to(first), second, stopped], now(df="mean 4")) == [(1, ("variable df",), ())]
    assert stale([second, stopped], now(df="mean 5")) == [(1, ("variable df",), ())]
    assert stale([second, replace(stopped, parts=())], now(df="mean 5")) == []


def test_each_thing_is_read_once_however_many_questions_name_it() -> None:
    asked = [question(f"Question {n}", n, df("mean 3")) for n in range(1, 4)]
    history = [message for each in asked for message in (each, reply_to(each))]
    read = []

    def note(ref: str) -> Reading:
        read.append(ref)
        return Reading((df("mean 4"),))

    assert len(find_stale(history, note)) == 3
    assert read == ["var:df"]
