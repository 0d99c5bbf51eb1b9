"""What a saved notebook keeps of a turn, and the way back."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.errors import SettingsError
from chatnb.events import Event
from chatnb.imprint import messages_of, newest_turns, page_imprint, session_imprint, session_of, turn_imprint
from chatnb.markdown.safe import safe_markdown
from chatnb.messages import Context, Image, Message, Session, Text, Thinking
from chatnb.reply import Reply
from chatnb.views.notebook import NotebookView
from tests.talk import turns
from tests.views.logs import ANSWER, ASKED, CALL, COUNTED, DONE, DROPS, LOGS, PARAGRAPH, QUESTION, answers, said, turn
from tests.views.surfaces import Cell, one_by_one, shown

SHOWN = {name: log for name, log in (LOGS | DROPS).items() if name != "a failure"}


def saved(messages: Sequence[Message], pages: Sequence[str]) -> list[dict[str, Any]]:
    """Return the outputs of a cell as they come out of an .ipynb."""
    kept = [page_imprint(messages[0].turn_id, number) for number in range(len(pages) - 1)]
    kept.append(turn_imprint(messages, pages))
    outputs = [
        {"data": {"text/markdown": page}, "metadata": {"chatnb": imprint}}
        for page, imprint in zip(pages, kept, strict=True)
    ]
    read: list[dict[str, Any]] = json.loads(json.dumps(outputs))
    return read


def answered(text: str) -> tuple[Message, ...]:
    """Return a question and an answer."""
    return (QUESTION, *Reply(turn(said(text, 1_000), COUNTED)).messages())


def room_taken(text: str, shown_as: str) -> int:
    """Return how many bytes the imprint of an answer takes over that of an empty one."""
    full, empty = (len(json.dumps(turn_imprint(answered(t), [shown_as]))) for t in (text, ""))
    return full - empty


@pytest.mark.parametrize("log", SHOWN.values(), ids=SHOWN)
@pytest.mark.parametrize("is_live", [True, False])
def test_the_messages_of_a_turn_come_back_from_its_outputs(log: list[Event], is_live: bool) -> None:
    cell = Cell()
    reply = shown(NotebookView(cell, is_live=is_live, footer=True), one_by_one(log))

    messages = messages_of(cell.saved())

    assert messages == (QUESTION, *reply.messages())


@given(answers(), st.lists(st.text(max_size=80), min_size=1, max_size=3))
def test_they_come_back_whatever_the_pages_show(events: list[Event], pages: list[str]) -> None:
    messages = (QUESTION, *Reply(events).messages())

    read = messages_of(saved(messages, pages))

    assert read == messages


@given(answers(), st.data())
def test_they_come_back_from_pages_that_show_them(events: list[Event], data: st.DataObject) -> None:
    messages = (QUESTION, *Reply(events).messages())
    text = Reply(events).text
    place = data.draw(st.integers(0, len(text)))
    pages = [safe_markdown(text[:place]), f"<small>note</small>\n\n{safe_markdown(text[place:])}"]

    read = messages_of(saved(messages, pages))

    assert read == messages


def test_a_text_that_is_shown_is_not_kept_a_second_time() -> None:
    text = PARAGRAPH * 80

    assert room_taken(text, f"<small>above</small>\n\n{text}") < 100


def test_a_text_that_was_made_safe_is_kept_as_its_changes() -> None:
    paragraph = "Use `List<int>` and <b>tags</b> here, for they stand in many answers of all the models.\n\n"
    text = (PARAGRAPH * 4 + paragraph) * 18

    assert room_taken(text, safe_markdown(text)) < len(text) / 5


def test_what_was_asked_comes_back_with_its_context_and_pictures() -> None:
    question = replace(
        QUESTION, parts=(Context.of("cells", "x = 1"), Image(b"\x89PNG", "image/png"), *QUESTION.parts), user_id="ada"
    )
    answer = replace(answered(ANSWER)[1], user_id="ada")

    assert messages_of(saved((question, answer), [ANSWER])) == (question, answer)


def test_a_text_may_be_saved_as_a_list_of_lines() -> None:
    messages = answered(ANSWER)
    outputs = saved(messages, [ANSWER])
    outputs[0]["data"]["text/markdown"] = ANSWER.splitlines(keepends=True)

    assert messages_of(outputs) == messages


def test_other_outputs_do_not_matter() -> None:
    messages = answered(ANSWER)
    stream = {"output_type": "stream", "name": "stdout", "text": "hello"}

    assert messages_of([stream, *saved(messages, [ANSWER]), stream]) == messages


def test_outputs_without_an_answer_say_so() -> None:
    with pytest.raises(SettingsError, match="no answer of chatnb"):
        messages_of([{"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}}])


def test_a_deleted_output_is_missed() -> None:
    text = PARAGRAPH * 3
    outputs = saved(answered(text * 2), [text, text])

    with pytest.raises(SettingsError, match="deleted"):
        messages_of(outputs[1:])


def test_an_imprint_of_a_later_version_is_refused() -> None:
    outputs = saved(answered(ANSWER), [ANSWER])
    outputs[0]["metadata"]["chatnb"]["version"] = 99

    with pytest.raises(SettingsError, match="Update chatnb"):
        messages_of(outputs)


def test_thoughts_and_calls_are_kept_as_they_are() -> None:
    reply = Reply([ASKED, *LOGS["thoughts before the answer"][1:], *LOGS["a tool"][1:-2], COUNTED, DONE])

    read = messages_of(saved((QUESTION, *reply.messages()), ["nothing of it"]))

    assert any(isinstance(part, Thinking) for message in read for part in message.parts)
    assert any(part == CALL for message in read for part in message.parts)
    assert read[0].parts == (Text("Why is the mean negative?"),)


def test_a_session_comes_back_as_far_as_a_notebook_knows_it() -> None:
    at = datetime(2026, 11, 21, 9, tzinfo=UTC)
    session = Session(
        "20261121T090000000000-00000000",
        at,
        "Plans",
        "qwen3:8b",
        place="/home/ada/a.ipynb",
        pins=("df",),
        hidden=("1",),
        tip=("", "2"),
        tags=("t",),
        options={"seed": 1},
        think=False,
    )
    imprint = turn_imprint(answered(ANSWER), [ANSWER], session)
    output = {"data": {"text/markdown": ANSWER}, "metadata": {"chatnb": imprint}}

    read = session_of([output], Path("/home/bob/a.ipynb"))

    assert read == replace(session, place="/home/bob/a.ipynb")
    assert messages_of([output]) == answered(ANSWER)
    assert "/home/ada" not in json.dumps(imprint)


def test_a_session_with_nothing_of_its_own_is_kept_as_its_id() -> None:
    session = Session(QUESTION.session_id, QUESTION.created_at, QUESTION.text)

    assert turn_imprint(answered(ANSWER), [ANSWER], session)["session"] == QUESTION.session_id


def test_of_a_long_conversation_the_newest_turns_are_kept_whole() -> None:
    said = turns(9, "word " * 100)

    kept = newest_turns(said, 5_000)

    assert kept == tuple(said[-len(kept) :])
    assert 2 < len(kept) < len(said)
    assert kept[0].role == "user"
    assert newest_turns(said, 1) == tuple(said[-2:])


def test_half_a_character_is_kept_from_no_notebook() -> None:
    asked = replace(QUESTION, parts=(Text("half \ud83d"),))
    session = Session(QUESTION.session_id, QUESTION.created_at, "half \ud83d")

    for imprint in (session_imprint(session, asked), turn_imprint(answered(ANSWER), [ANSWER], session, made=[asked])):
        assert json.dumps(imprint, ensure_ascii=False).encode().count(b"half ?") == 2
