"""An estimate is careful before the first count, and near after a few."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.messages import Context, Image, Message, Summary, ToolCall, ToolResult, ToolSpec
from chatnb.tokens import UNCALIBRATED, Calibration
from tests.talk import messages, question, reply_to, results_for, turns

PROSE = "The mean of the prices is negative because refunds are stored with a minus sign. " * 5
CODE = "for row in rows:\n    total += row['price'] * row['amount']\n" * 5
HISTORY = [question(PROSE), reply_to(question(), CODE), question(CODE, 2), reply_to(question("", 2), PROSE)]


@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens_but_for_words_that_join(one: str, other: str) -> None:
    together = UNCALIBRATED.count_text(f"{one}\n\n{other}")

    assert together >= max(UNCALIBRATED.count_text(one), UNCALIBRATED.count_text(other)) - 3


@given(messages)
def test_any_message_can_be_counted(message: Message) -> None:
    assert UNCALIBRATED.count(message) >= 0


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        # What vocabularies of 100,000 to 150,000 tokens make of them.
        ("The quick brown fox jumps over the lazy dog.", 9, 16),
        ("Donaudampfschifffahrtsgesellschaft und andere lange Wörter", 14, 26),
        ("3.14159, 2.71828, 1.41421", 13, 32),
        ("def add(a: int, b: int) -> int:\n    return a + b\n", 17, 30),
        ("我们在北京的一家餐馆吃饭。", 7, 20),
        ("QmFzZTY0IGlzIG5vdCBlbmNyeXB0aW9u", 14, 32),
        ("", 0, 2),
    ],
)
def test_texts_of_many_kinds_are_estimated_rather_too_high(text: str, least: int, most: int) -> None:
    assert least <= UNCALIBRATED.count_text(text) <= most


def test_what_is_beside_the_text_counts_too() -> None:
    plain = question("x")
    carrying = question("x", 1, Context.of("cell 1", PROSE), Image(b"", "image/png"), Summary(PROSE, "0"))
    called = reply_to(plain, "x", ToolCall("1", "search", {"query": PROSE}))
    answered = results_for(plain, ToolResult("1", "search", PROSE), ToolResult("2", "search", PROSE))

    counts = [UNCALIBRATED.count(message) for message in (plain, carrying, called, answered)]

    prose = UNCALIBRATED.count_text(PROSE)
    assert counts[0] < 15
    assert counts[1] > 2 * prose + 1_000
    assert counts[2] > prose
    assert counts[3] > 2 * prose


def test_a_request_is_the_sum_of_its_messages() -> None:
    whole = UNCALIBRATED.count_request(HISTORY)

    assert whole == pytest.approx(sum(map(UNCALIBRATED.count, HISTORY)) + UNCALIBRATED.overhead, abs=len(HISTORY) * 3)


@given(st.floats(0.4, 3))
def test_one_count_corrects_the_estimate_of_what_was_counted(ratio: float) -> None:
    counted = round(UNCALIBRATED.count_request(HISTORY) * ratio)

    known = UNCALIBRATED.learn(HISTORY, counted)

    assert known.count_request(HISTORY) == pytest.approx(counted, rel=0.1, abs=3)
    assert known.is_calibrated
    assert known.error is None


def test_what_was_learned_of_one_text_holds_for_others() -> None:
    other = [question("Another sentence, with rather different words, about trains and bridges. " * 9)]

    known = UNCALIBRATED.learn(HISTORY, UNCALIBRATED.count_request(HISTORY) * 2)

    assert known.count_request(other) == pytest.approx(UNCALIBRATED.count_request(other) * 2, rel=0.25)


def test_kinds_of_text_are_told_apart_after_a_few_counts() -> None:
    words, digits = [question(PROSE)], [question("271828 314159 141421 " * 30)]
    known = UNCALIBRATED

    for _ in range(6):
        known = known.learn(words, 80).learn(digits, 600)

    assert known.count_request(words) == pytest.approx(80, rel=0.1)
    assert known.count_request(digits) == pytest.approx(600, rel=0.1)
    assert known.error is not None
    assert known.error < 0.15


def test_tools_are_learned_apart_from_the_conversation() -> None:
    asked, tools = [question(PROSE)], [ToolSpec("add", "Add two numbers. " * 20, {"type": "object"})]
    plain = UNCALIBRATED.count_request(asked)
    known = UNCALIBRATED

    for _ in range(4):
        known = known.learn(asked, plain).learn(asked, plain + 30, tools)

    assert known.count_request(asked, tools) == pytest.approx(plain + 30, rel=0.1)
    assert known.count_request(asked) == pytest.approx(plain, rel=0.1)
    assert known.count_tools(tools) == pytest.approx(30, abs=5)
    assert known.count_tools([]) == 0


@pytest.mark.parametrize("counted", [0, 1, 10**9])
def test_a_count_that_cannot_be_of_the_whole_prompt_is_not_learned(counted: int) -> None:
    known = UNCALIBRATED.learn(HISTORY, counted)

    assert known is UNCALIBRATED


def test_one_odd_count_does_not_undo_what_was_learned() -> None:
    right = UNCALIBRATED.count_request(HISTORY) // 2
    known = UNCALIBRATED
    for _ in range(8):
        known = known.learn(HISTORY, right)

    odd = known.learn(HISTORY, right // 3)

    assert odd.count_request(HISTORY) == pytest.approx(right, rel=0.1)


@given(st.lists(st.tuples(st.lists(messages, min_size=1, max_size=3), st.integers(0, 10**6)), max_size=6))
def test_no_row_of_counts_makes_an_estimate_negative_or_endless(counts: list[tuple[list[Message], int]]) -> None:
    known = UNCALIBRATED

    for asked, counted in counts:
        known = known.learn(asked, counted)

    assert 0 <= known.count_request(turns(3, PROSE)) < 10**9
    assert all(map(math.isfinite, known.factors))


def test_what_is_known_comes_back_from_json() -> None:
    known = UNCALIBRATED.learn(HISTORY, 500).learn(HISTORY[:1], 90)

    back = Calibration.from_json(json.loads(json.dumps(known.to_json())))

    assert back.count_request(HISTORY) == known.count_request(HISTORY)
    assert (back.counts, back.error) == (2, known.error)


@pytest.mark.parametrize(
    "damage",
    [{"kinds": ["words"]}, {"factors": [1.0]}, {"factors": ["x"]}, {"covariance": []}, {"counts": None}],
)
def test_what_is_damaged_or_of_another_version_counts_as_nothing_known(damage: dict[str, object]) -> None:
    data = UNCALIBRATED.learn(HISTORY, 500).to_json()

    assert Calibration.from_json({**data, **damage}) == UNCALIBRATED
    assert Calibration.from_json({}) == UNCALIBRATED
