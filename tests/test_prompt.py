"""A model reads the question always, what it carries, the newest whole turns that fit, and nothing else."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.errors import SettingsError
from chatnb.lines import Item
from chatnb.messages import Context, Image, Message, Part, Summary, Text, Thinking, ToolCall, ToolResult
from chatnb.models.fenced import DATA, returned, spoken
from chatnb.prompt import ANSWER_TOKENS, CONTEXT_STEPS, Prompt, compose
from chatnb.tokens import UNCALIBRATED
from tests.talk import question, reply_to, results_for, turns

ASKED = question("And now?", 9_999)
CALL, OTHER = ToolCall("1", "f", {}), ToolCall("2", "f", {})
RESULT = ToolResult("1", "f", "one")


def asked_with_tools(number: int, length: int) -> list[Message]:
    asked = question("x" * length, number)
    return [
        asked,
        reply_to(asked, "Look.", ToolCall("1", "f", {})),
        results_for(asked, ToolResult("1", "f", "y" * length)),
        reply_to(asked, "z" * length, number=3),
    ]


histories = st.lists(st.tuples(st.booleans(), st.integers(1, 3_000)), max_size=12).map(
    lambda shapes: [
        message
        for number, (has_tools, length) in enumerate(shapes, 1)
        for message in (asked_with_tools(number, length) if has_tools else turns(number, "x" * length)[-2:])
    ]
)


@given(histories, st.integers(0, 40), st.none() | st.integers(1, 20_000), st.integers(1, 20_000), st.text(max_size=50))
def test_the_question_is_always_there_and_the_rest_is_whole_turns_from_the_end(
    history: list[Message], limit: int, num_ctx: int | None, at_most: int, system: str
) -> None:
    composed = compose(ASKED, history, system=system, limit=limit, num_ctx=num_ctx, at_most=at_most)

    *earlier, last = composed.messages[bool(system) :]
    assert last is ASKED
    assert earlier == history[len(history) - len(earlier) :]
    assert not earlier or earlier[0].role == "user"
    assert len(earlier) <= limit
    assert not system or composed.messages[0].text == system


@given(histories, st.none() | st.integers(1, 20_000), st.integers(1, 20_000))
def test_history_never_takes_the_room_of_the_answer(history: list[Message], num_ctx: int | None, at_most: int) -> None:
    composed = compose(ASKED, history, num_ctx=num_ctx, at_most=at_most)

    room = min(ANSWER_TOKENS, composed.num_ctx // 2)
    assert composed.messages == (ASKED,) or composed.tokens + room <= composed.num_ctx


@given(histories, st.integers(0, 40), st.integers(1, 20_000))
def test_what_did_not_fit_is_counted(history: list[Message], limit: int, at_most: int) -> None:
    everything = compose(ASKED, history, limit=limit, at_most=10**9)

    composed = compose(ASKED, history, limit=limit, at_most=at_most)

    assert everything.left_out == 0
    assert composed.left_out == len(everything.messages) - len(composed.messages)


@given(histories, st.integers(0, 10**7), st.integers(1, 10**7))
def test_the_window_is_one_of_few_and_within_its_bounds(history: list[Message], at_least: int, at_most: int) -> None:
    composed = compose(ASKED, history, at_least=at_least, at_most=at_most)

    assert composed.num_ctx in {*CONTEXT_STEPS, at_most}
    assert composed.num_ctx >= min(at_least, at_most)
    assert composed.num_ctx <= at_most


@given(st.text())
def test_what_was_typed_is_sent_as_typed(text: str) -> None:
    asked = question(text, 9_999)

    composed = compose(asked, turns(1, text))

    assert composed.messages[-1].parts == (Text(text),)
    assert not text or composed.messages[-2].text == text


@pytest.mark.parametrize("text", ["{x}", "{}", "{{", "%s %(a)s", "$x ${y}", "@cell:1", "\\n", "{0.__class__}"])
def test_braces_and_the_like_mean_nothing(text: str) -> None:
    composed = compose(question(text), system=text)

    assert [message.text for message in composed.messages] == [text, text]


def test_everything_fits_into_the_smallest_window_at_first() -> None:
    composed = compose(ASKED, turns(2))

    assert (composed.num_ctx, composed.left_out, len(composed.messages)) == (4096, 0, 5)


def test_a_longer_history_gets_a_larger_window() -> None:
    composed = compose(ASKED, turns(10, "x" * 3_000))

    assert (composed.num_ctx, composed.left_out) == (16_384, 0)


def test_a_window_that_the_user_chose_is_kept_to() -> None:
    composed = compose(ASKED, turns(10, "x" * 3_000), num_ctx=5_000)

    assert composed.num_ctx == 5_000
    assert composed.left_out == 16


def test_a_model_is_not_loaded_anew_for_a_shorter_question() -> None:
    composed = compose(ASKED, at_least=16_384)

    assert composed.num_ctx == 16_384


def test_a_model_for_short_texts_still_remembers_what_was_said() -> None:
    composed = compose(ASKED, turns(2, "x" * 1_200), at_most=2_048)

    assert (composed.num_ctx, composed.left_out) == (2_048, 0)


def test_room_for_an_answer_of_a_known_length_is_left() -> None:
    composed = compose(ASKED, turns(4, "x" * 3_000), answer_tokens=6_000, num_ctx=12_000)

    assert composed.left_out == 0
    assert composed.tokens + 6_000 <= 12_000


def test_spare_room_makes_the_window_larger_but_no_history_shorter() -> None:
    history = turns(3, "x" * 1_500)

    chosen = compose(ASKED, history, spare_tokens=8_000)
    given = compose(ASKED, history, spare_tokens=8_000, num_ctx=4_096)

    assert chosen.num_ctx == 16_384
    assert (given.num_ctx, given.left_out) == (4_096, 0)


def test_without_history_only_the_question_is_read() -> None:
    composed = compose(ASKED, turns(3), limit=0)

    assert composed.messages == (ASKED,)


def test_a_limit_of_messages_keeps_whole_turns() -> None:
    composed = compose(ASKED, turns(3), limit=3)

    assert [message.id for message in composed.messages] == ["q0003", "q0003.001", "q9999"]


def test_a_question_that_is_in_the_history_already_is_sent_once() -> None:
    composed = compose(ASKED, [*turns(1), ASKED])

    assert composed.messages.count(ASKED) == 1


def test_a_question_that_got_no_answer_is_not_read_again() -> None:
    alone = question("Nobody answered", 2)

    composed = compose(ASKED, [*turns(1), alone])

    assert alone not in composed.messages


def test_a_turn_that_failed_before_its_first_word_is_not_read() -> None:
    asked = question("Broken", 2)

    composed = compose(ASKED, [*turns(1), asked, reply_to(asked, "")])

    assert [message.id for message in composed.messages] == ["q0001", "q0001.001", "q9999"]


def test_an_answer_that_was_stopped_is_read_as_far_as_it_came() -> None:
    asked = question("Long", 2)
    partial = reply_to(asked, "Once upon")

    composed = compose(ASKED, [asked, partial])

    assert composed.messages == (asked, partial, ASKED)


def test_old_thoughts_are_not_read() -> None:
    asked = question("Deep", 2)

    composed = compose(ASKED, [asked, reply_to(asked, "So.", Thinking("hm" * 5_000))])

    assert composed.messages[1].parts == (Text("So."),)
    assert composed.num_ctx == 4096


def test_an_answer_of_thoughts_alone_is_none() -> None:
    asked = question("Deep", 2)

    composed = compose(ASKED, [asked, reply_to(asked, "", Thinking("hm"))])

    assert composed.messages == (ASKED,)


def test_a_call_whose_result_never_came_is_left_out() -> None:
    asked = question("Stopped among tools", 2)
    history = [asked, reply_to(asked, "Look.", CALL, OTHER), results_for(asked, RESULT)]

    composed = compose(ASKED, history)

    assert composed.messages[1].parts == (Text("Look."), CALL)
    assert composed.messages[2].parts == (RESULT,)


def test_a_turn_of_nothing_but_unanswered_calls_is_not_read() -> None:
    asked = question("Stopped at once", 2)

    composed = compose(ASKED, [asked, reply_to(asked, "", CALL)])

    assert composed.messages == (ASKED,)


def test_an_answer_whose_question_is_gone_is_not_read() -> None:
    orphan = turns(1)[1]

    composed = compose(ASKED, [orphan, *turns(2)[2:]])

    assert [message.id for message in composed.messages] == ["q0002", "q0002.001", "q9999"]


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"num_ctx": 0}, {"num_ctx": -4}])
def test_a_size_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError):
        compose(ASKED, **wrong)  # type: ignore[arg-type]  # numbers only


LONG = "".join(f"{number} is a line of this text.\n" for number in range(2_000))
CELL = Context.of("cell 5", LONG[:4_000])


def carrying(*parts: Part, text: str = "And now?") -> Message:
    return question(text, 9_999, *parts)


def item(composed: Prompt, label: str) -> Item:
    [found] = [each for each in composed.items if each.label == label]
    return found


contexts = st.lists(
    st.builds(
        lambda name, size: Context.of(f"cell {name}", LONG[: size * 40]),
        st.integers(1, 4),
        st.sampled_from([0, 2, 40, 400]),
    )
    | st.just(Image(b"", "image/png")),
    max_size=3,
)


@st.composite
def sessions(draw: st.DrawFn) -> list[Message]:
    """Return a history with context, rounds of tools, stopped turns, orphans and summaries."""
    said: list[Message] = []
    for number in range(1, draw(st.integers(0, 7)) + 1):
        asked = question("x" * draw(st.integers(1, 800)), number, *draw(contexts))
        said.append(asked)
        kind = draw(st.sampled_from(["plain", "tools", "stopped", "nothing", "orphan", "summary"]))
        match kind:
            case "plain":
                said.append(reply_to(asked, "y" * draw(st.integers(1, 2_000)), Thinking("hm " * 50)))
            case "tools":
                said[-1:] = asked_with_tools(number, draw(st.integers(1, 900)))
            case "stopped":
                said.append(reply_to(asked, "Look.", CALL, OTHER))
                said.append(results_for(asked, RESULT))
            case "orphan":
                said[-1] = reply_to(asked, "To a question that is gone.")
            case "summary":
                until = draw(st.sampled_from(said)).id
                parts = (Summary("In short. " * draw(st.integers(1, 300)), until),)
                said.append(replace(asked, id=f"{asked.id}.900", turn_id=f"s{number}", parts=parts))
    return said


@given(
    sessions(),
    contexts,
    st.none() | st.integers(1, 9_000),
    st.integers(1, 9_000),
    st.sampled_from([0, 1, 3, 1_000]),
    st.sets(st.integers(0, 20), max_size=3),
    st.sampled_from(["", "Be brief.", LONG[:3_000]]),
)
def test_whatever_was_said_the_prompt_is_whole_in_order_within_its_budget_and_accounted_for(  # noqa: PLR0917 - by name
    history: list[Message],
    carried: list[Context | Image],
    num_ctx: int | None,
    at_most: int,
    limit: int,
    hide: set[int],
    system: str,
) -> None:
    asked = carrying(*carried)
    hidden = {history[number].id for number in hide if number < len(history)}

    composed = compose(
        asked, [*history, asked], system=system, num_ctx=num_ctx, at_most=at_most, limit=limit, hidden=hidden
    )

    sent = composed.messages
    by_id = {message.id: message for message in history}
    earlier = [message for message in sent if message.id in by_id]
    # The question is whole and last, the system prompt whole and first.
    head = sent[0].text if sent[0].id == "system" else ""
    assert sent[-1].text == asked.text
    assert head in (system, f"{system}\n\n{DATA}".lstrip("\n"))
    assert len(earlier) == len(sent) - 1 - bool(head)
    # Where others may have written some of it, that is told.
    assert (DATA in head) >= any(isinstance(part, Context) and part.text for each in sent for part in each.parts)
    assert (DATA in head) <= any(isinstance(part, Context) for each in (*history, asked) for part in each.parts)
    # In order, but for the summary, which comes first.
    said = [message.id for message in earlier if not isinstance(message.parts[0], Summary)]
    assert said == sorted(said)
    assert all(not isinstance(message.parts[0], Summary) for message in earlier[1:])
    # Every call has its result and every result its call.
    for turn in {message.turn_id for message in earlier}:
        parts = [part for message in earlier if message.turn_id == turn for part in message.parts]
        calls = {part.id for part in parts if isinstance(part, ToolCall)}
        assert calls == {part.call_id for part in parts if isinstance(part, ToolResult)}
    assert hidden.isdisjoint(message.id for message in earlier)
    # Within the budget, unless what is never cut is larger.
    fixed = UNCALIBRATED.count_request(compose(ASKED, system=system, is_foreign=True, at_most=10**6).messages)
    room = composed.num_ctx - min(ANSWER_TOKENS, composed.num_ctx // 2)
    assert composed.tokens <= max(room, fixed + 20)
    # The receipt names every message of the history once, and its tokens add up.
    named = [each.message_id for each in composed.items if each.message_id not in ("", "system", asked.id)]
    assert sorted(named) == sorted(by_id)
    assert sum(each.tokens for each in composed.items) == composed.tokens
    assert composed.tokens == pytest.approx(UNCALIBRATED.count_request(sent), abs=8 * len(sent))
    assert all((each.tokens == 0) == (each.fate == "left out") for each in composed.items)
    assert all(each.reason for each in composed.items if each.fate != "kept")


def test_the_receipt_names_what_was_sent() -> None:
    composed = compose(carrying(CELL, Image(b"", "image/png")), turns(1), system="Be brief.")

    assert [each.label for each in composed.items] == [
        "system",
        "question: Question 1",
        "answer: Because.",
        "context: cell 5",
        "image",
        "question",
    ]
    assert {each.fate for each in composed.items} == {"kept"}


def test_context_is_shortened_in_its_middle_at_ends_of_lines() -> None:
    composed = compose(carrying(Context.of("file a.txt", LONG)), at_most=4_096)

    [sent] = [part for part in composed.messages[-1].parts if isinstance(part, Context)]
    lines = sent.text.splitlines()
    [mark] = [line for line in lines if "left out" in line]
    assert mark == f"[... {len(LONG) - len(sent.text) + len(mark) + 2:,} characters left out ...]"
    assert all(line in LONG.splitlines() for line in lines if line != mark)
    assert (lines[0], lines[-1]) == ("0 is a line of this text.", "1999 is a line of this text.")
    assert item(composed, "context: file a.txt").fate == "shortened"
    [note] = composed.notes
    assert note.startswith("file a.txt is shortened in its middle, from about ")


def test_context_is_shortened_only_when_the_largest_window_does_not_hold_it() -> None:
    composed = compose(carrying(Context.of("file a.txt", LONG)))

    assert composed.num_ctx == 32_768
    assert composed.notes == ()


def test_the_largest_context_gives_first() -> None:
    small, large, larger = (Context.of(name, LONG[:size]) for name, size in (("a", 500), ("b", 9_000), ("c", 30_000)))

    composed = compose(carrying(small, large, larger), at_most=4_096)

    tokens = [item(composed, f"context: {name}").tokens for name in "abc"]
    assert item(composed, "context: a").fate == "kept"
    assert tokens[1] == pytest.approx(tokens[2], rel=0.1)
    assert sum(tokens) > 1_500


def test_context_for_which_there_is_no_room_at_all_is_named() -> None:
    composed = compose(carrying(CELL, text="word " * 2_500), at_most=4_096)

    assert [type(part) for part in composed.messages[-1].parts] == [Text]
    assert item(composed, "context: cell 5").fate == "left out"
    assert composed.notes[0].startswith("cell 5 is left out")


def test_a_picture_is_left_out_only_if_the_text_would_not_fit() -> None:
    picture = Image(b"", "image/png")

    beside = compose(carrying(picture, Context.of("a", LONG)), at_most=4_096)
    alone = compose(carrying(picture, text="word " * 2_500), at_most=4_096)

    assert item(beside, "image").fate == "kept"
    assert item(alone, "image").fate == "left out"
    assert any(note.startswith("A picture is left out") for note in alone.notes)


def test_a_question_that_is_larger_than_the_window_says_so() -> None:
    composed = compose(carrying(text=LONG), turns(2), at_most=4_096)

    assert composed.messages[-1].text == LONG
    assert len(composed.messages) == 1
    assert "more than the window of 4,096" in composed.notes[0]


def test_a_hidden_message_hides_its_turn_and_is_not_counted_as_left_out() -> None:
    composed = compose(ASKED, turns(3), hidden={"q0002.001"})

    assert [message.id for message in composed.messages] == ["q0001", "q0001.001", "q0003", "q0003.001", "q9999"]
    assert composed.left_out == 0
    assert [each.message_id for each in composed.items if each.reason == "hidden"] == ["q0002", "q0002.001"]


def summary(number: int, until: str) -> Message:
    return replace(question("", number), parts=(Summary(f"Summary {number}.", until),))


def test_a_summary_stands_first_for_all_that_it_tells_of() -> None:
    history = [*turns(3), summary(4, until="q0002.001")]

    composed = compose(ASKED, history)

    assert [message.id for message in composed.messages] == ["q0004", "q0003", "q0003.001", "q9999"]
    assert "What was said before, in short:\nSummary 4." in spoken(composed.messages[0])
    assert [each.label for each in composed.items if each.reason == "summarised"] == [
        "question: Question 1",
        "answer: Because.",
        "question: Question 2",
        "answer: Because.",
    ]
    assert composed.left_out == 0


def test_the_newest_summary_counts() -> None:
    history = [*turns(3), summary(4, until="q0001.001"), summary(5, until="q0003.001")]

    composed = compose(ASKED, history)

    assert [message.id for message in composed.messages] == ["q0005", "q9999"]


def test_a_hidden_summary_gives_back_what_it_stood_for() -> None:
    composed = compose(ASKED, [*turns(1), summary(2, until="q0001.001")], hidden={"q0002"})

    assert [message.id for message in composed.messages] == ["q0001", "q0001.001", "q9999"]


def test_context_that_stands_above_is_not_sent_again() -> None:
    asked = question("What is it?", 1, CELL)

    composed = compose(carrying(CELL), [asked, reply_to(asked)])

    _, first, _, last = composed.messages
    assert first is asked
    assert spoken(last) == "Context: cell 5 (unchanged, above)\n\nAnd now?"
    assert item(composed, "context: cell 5").reason == "unchanged, already above"
    assert composed.tokens < 2 * UNCALIBRATED.count_part(CELL) + UNCALIBRATED.count_text(DATA)


def test_context_that_was_changed_is_sent_again() -> None:
    asked = question("What is it?", 1, CELL)
    changed = Context.of("cell 5", CELL.text + "and one more")

    composed = compose(carrying(changed), [asked, reply_to(asked)])

    assert composed.messages[-1].parts[0] is changed


def test_a_prompt_goes_on_exactly_from_the_one_before_so_that_the_server_has_it_cached() -> None:
    first = question("What is it?", 1, CELL)
    second = question("And then?", 2, CELL)
    third = question("And now?", 3, CELL)
    history = [first, reply_to(first), second, reply_to(second)]

    before = compose(second, history[:2])
    after = compose(third, history)

    assert after.messages[1 : len(before.messages)] == before.messages[1:]
    assert after.messages[0].parts == before.messages[0].parts == (Text(DATA),)


def test_context_whose_earlier_copy_does_not_fit_any_more_is_sent_whole() -> None:
    asked = question("What is it?", 1, CELL)
    history = [asked, reply_to(asked, "word " * 900), *turns(2)[2:]]

    composed = compose(carrying(CELL), history, num_ctx=4_096)

    assert composed.messages[-1].parts[0] is CELL
    assert composed.left_out == 2


def test_shortened_context_does_not_make_room_for_its_own_earlier_copy() -> None:
    # Cut at the ends of such lines, it leaves room for a turn, but not for the context within it.
    wide = Context.of("file a.txt", ("word " * 140 + "\n") * 90)
    asked = question("What is it?", 1, wide)

    composed = compose(carrying(wide), [asked, reply_to(asked)], at_most=4_096)

    assert item(composed, "context: file a.txt").reason.startswith("shortened from")
    assert composed.messages[1].parts == (Context("file a.txt (left out: no room)", ""), Text("What is it?"))


def test_of_an_old_turn_what_it_carried_along_gives_way_before_its_words() -> None:
    asked = question("What is in it?", 1, Context.of("file a.txt", LONG))
    history = [asked, reply_to(asked, "Numbers."), *turns(3)[2:]]

    composed = compose(ASKED, history, at_most=8_192)

    assert [message.text for message in composed.messages[1:3]] == ["What is in it?", "Numbers."]
    assert composed.messages[1].parts[0] == Context("file a.txt (left out: no room)", "")
    assert (composed.left_out, len(composed.messages)) == (0, 8)
    told = item(composed, "question: What is in it?")
    assert (told.fate, told.reason) == ("shortened", "no room for what it carried along")
    assert told.tokens < 100 < told.full_tokens
    assert composed.notes == (
        "What an earlier question carried along is left out: the window of 8,192 tokens has no room for it.",
    )


def test_what_an_old_turn_lost_is_sent_whole_where_a_newer_one_carries_it_too() -> None:
    first, second = question("What is it?", 1, CELL, Context.of("file a.txt", LONG)), question("And then?", 2, CELL)
    history = [first, reply_to(first), second, reply_to(second)]

    composed = compose(ASKED, history, at_most=8_192)

    assert composed.messages[1].parts[0] == Context("cell 5 (left out: no room)", "")
    assert composed.messages[3] is second


def test_a_picture_of_an_old_turn_gives_way_before_its_words() -> None:
    asked = question("What is it?", 1, Image(b"", "image/png"))

    composed = compose(ASKED, [asked, reply_to(asked)], num_ctx=512)

    assert composed.messages[0].parts == (Text("What is it?"),)


def test_a_short_context_is_sent_again_since_it_costs_little() -> None:
    short = Context.of("variable x", "x = 1")
    asked = question("What is it?", 1, short)

    composed = compose(carrying(short), [asked, reply_to(asked)])

    assert composed.messages[-1].parts[0] is short


def test_what_a_server_counted_changes_what_fits() -> None:
    history = turns(8, "word " * 300)
    heavier = UNCALIBRATED.learn(history, UNCALIBRATED.count_request(history) * 3)

    before, after = (compose(ASKED, history, num_ctx=8_192, calibration=each) for each in (UNCALIBRATED, heavier))

    assert before.left_out == 0
    assert after.left_out > 0


texts_with_fences = st.lists(
    st.sampled_from(["`", "``", "```", "~~~", "\n", "\r", "\u2028", " ", "a", "Context: b"])
).map("".join)


def outside(read: str) -> list[str]:
    """Return the lines of what a model reads that stand in no fence, by the rules of Markdown, but more generously."""
    lines, fence, found = re.split("[\n\r\u2028\u2029\x0b\x0c\x1c-\x1e\x85]", read), "", []
    for line in lines:
        ticks = line.strip()
        if fence:
            fence = "" if len(ticks) >= len(fence) and not ticks.strip(fence[0]) else fence
        elif ticks.startswith(("```", "~~~")):
            fence = ticks
        else:
            found.append(line)
    return found


@given(st.text() | texts_with_fences, st.text() | texts_with_fences)
def test_no_text_can_end_its_fence(text: str, label: str) -> None:
    asked = question("Why?", 1, Context.of(f"file {label}", f"x{text}"), Context.of("cell 1", text or "y"))

    assert outside(spoken(asked))[1:] == ["", "Context: cell 1", "", "Why?"]
    assert outside(returned(ToolResult("1", "read_file", text, is_foreign=True))) == []


@pytest.mark.parametrize(
    ("carried", "is_foreign", "result", "is_told"),
    [
        ([CELL], False, RESULT, True),
        ([], True, RESULT, True),
        ([], False, replace(RESULT, is_foreign=True), True),
        ([], False, RESULT, False),
        ([Context.of("session Plans", "")], False, RESULT, False),
    ],
    ids=["context", "tools", "an earlier result", "own functions", "an empty context"],
)
def test_that_it_is_data_is_told_only_where_others_may_have_written_some(
    carried: list[Context], is_foreign: bool, result: ToolResult, is_told: bool
) -> None:
    asked = question("Look.", 1)
    history = [asked, reply_to(asked, "", CALL), results_for(asked, result), reply_to(asked, number=3)]

    composed = compose(carrying(*carried), history, system="Be brief.", is_foreign=is_foreign)

    assert composed.messages[0].text == ("Be brief.\n\n" + DATA if is_told else "Be brief.")
    assert composed.tokens == pytest.approx(UNCALIBRATED.count_request(composed.messages), abs=20)
