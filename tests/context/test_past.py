"""Earlier sessions are read as what was asked and answered, within a bound."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb.context.gather import Gatherer
from chatnb.context.past import CHARACTERS, PAST_SESSIONS, PastSource
from chatnb.errors import ContextNotFound, ContextRefused
from chatnb.messages import Context, Message, Part, Session, Thinking, ToolCall, ToolResult
from chatnb.sessions import Sessions
from chatnb.stores.tinydb import TinyStore
from tests.talk import question, reply_to, results_for


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    store = TinyStore(tmp_path)
    yield Sessions(store, user_id="ada")
    store.close()


def begun(sessions: Sessions, title: str, *messages: Message) -> Session:
    """Keep a session of which something was said, and leave it."""
    session = sessions.new(title)
    sessions.keep(session, *(replace(message, session_id=session.id) for message in messages))
    sessions.new()
    return session


def talked(sessions: Sessions, title: str, answer: str = "Because.", *more: Part) -> Session:
    asked = question("Why?")
    return begun(sessions, title, asked, reply_to(asked, answer, *more))


def read(sessions: Sessions, reference: str) -> tuple[list[str], list[str], tuple[str, ...]]:
    """Return the labels and the texts of what is read, and the notes."""
    reading = Gatherer([PastSource(sessions)]).read(reference)
    parts = [part for part in reading.parts if isinstance(part, Context)]
    return [part.label for part in parts], [part.text for part in parts], reading.notes


def test_a_session_is_its_questions_answers_and_calls_alone(sessions: Sessions) -> None:
    asked = question("What is new?", 1, Context.of("variable df", "3 rows"))
    call = ToolCall("1", "search", {"query": "news\nof today", "count": 3})
    begun(
        sessions,
        "Plans",
        asked,
        reply_to(asked, "Let me look.", Thinking("Hm."), call),
        results_for(asked, ToolResult("1", "search", "Nothing.")),
        replace(reply_to(asked, "Not m", number=3), outcome="cancelled"),
    )

    _, [text], notes = read(sessions, "session:Plans")

    assert text == (
        "User: What is new?\n\n"
        "Assistant (m): Let me look.\n[called search with {'query': 'news\\nof today', 'count': 3}]\n\n"
        "Assistant (m): Not m\n[not finished]"
    )
    assert notes == ()


def test_a_long_call_is_one_short_line(sessions: Sessions) -> None:
    talked(sessions, "Plans", "Look.", ToolCall("1", "save", {"text": "x" * 1_000}))

    _, [text], _ = read(sessions, "session:Plans")

    assert len(text.splitlines()[-1]) == 200
    assert text.endswith("x…]")


def test_a_hidden_turn_is_not_read(sessions: Sessions) -> None:
    first, second = question("The password is x", 1), question("Why?", 2)
    messages = tuple(replace(said, session_id="s") for said in (first, reply_to(first), second, reply_to(second)))
    sessions.store.create(replace(sessions.fresh("Plans"), hidden=(first.id,), messages=messages))

    _, [text], _ = read(sessions, "session:Plans")

    assert text == "User: Why?\n\nAssistant (m): Because."


def test_a_session_is_found_by_its_title_its_beginning_and_its_id(sessions: Sessions) -> None:
    session = talked(sessions, "Plans  for\nMay")

    for name in ("plans  for\nmay", "Plans", session.id):
        [label], _, _ = read(sessions, f"session:{name}")
        assert label.startswith("session Plans for May (20")


def test_a_session_is_read_again_by_its_reference(sessions: Sessions) -> None:
    session = talked(sessions, "Plans")
    past = PastSource(sessions)
    [part] = Gatherer([past]).read("session:Plans").parts
    talked(sessions, "Plans", "A newer one of that title.")

    assert isinstance(part, Context)
    assert part.ref == f"session:{session.id}"
    assert Gatherer([past]).read(part.ref).parts == (part,)


def test_a_session_that_is_not_there_is_told_with_near_titles_once(sessions: Sessions) -> None:
    talked(sessions, "Plans for May")

    with pytest.raises(ContextNotFound) as raised:
        read(sessions, "session:Plan of May")

    assert str(raised.value) == (
        "No chat session is called 'Plan of May'. `%chat sessions` lists them all. Near: session:Plans for May."
    )


def test_a_session_in_which_nothing_was_said_names_nothing(sessions: Sessions) -> None:
    begun(sessions, "Plans", question(""))

    with pytest.raises(ContextNotFound, match="Nothing"):
        read(sessions, "session:Plans")


class Overwritten(Sessions):
    """Sessions of which another program overwrites one just before it is read."""

    def __init__(self, store: TinyStore, path: Path) -> None:
        super().__init__(store)
        self.path = path

    def load(self, session_id: str) -> Session:
        self.path.write_text("{")
        return super().load(session_id)


def test_a_damaged_session_is_refused_and_left_out_of_the_past(tmp_path: Path) -> None:
    store = TinyStore(tmp_path)
    whole = Sessions(store)
    talked(whole, "Whole")
    damaged = talked(whole, "Damaged")
    overwritten = Overwritten(store, tmp_path / f"{damaged.id}.json")

    labels, _, [note] = read(overwritten, "past")

    assert [label.split()[1] for label in labels] == ["Whole"]
    assert note.startswith("The chat session Damaged was left out. ")
    again = talked(whole, "Damaged again")
    overwritten.path = tmp_path / f"{again.id}.json"
    with pytest.raises(ContextRefused, match="damaged"):
        read(overwritten, "session:Damaged again")
    store.close()


def test_the_past_is_every_other_session_of_the_user_the_newest_first(sessions: Sessions) -> None:
    talked(sessions, "First")
    talked(sessions, "Second")
    begun(sessions, "Empty", question(""))
    others = Sessions(sessions.store, user_id="bob")
    talked(others, "Not mine")
    current = talked(sessions, "Current")
    sessions.open(current.id)

    labels, _, notes = read(sessions, "db")

    assert [label.split()[1] for label in labels] == ["Second", "First"]
    assert notes == ()
    assert list(PastSource(sessions).names()) == ["past", "session:Empty", "session:Second", "session:First"]


def test_without_earlier_sessions_there_is_no_past(sessions: Sessions) -> None:
    with pytest.raises(ContextNotFound, match="no earlier chat session"):
        read(sessions, "past")

    assert list(PastSource(sessions).names()) == []


def test_the_past_takes_nothing_behind_it(sessions: Sessions) -> None:
    talked(sessions, "Plans")

    with pytest.raises(ContextNotFound, match="session:TITLE"):
        read(sessions, "past:Plans")


def test_only_so_many_sessions_are_read_and_a_note_counts_the_others(sessions: Sessions) -> None:
    for number in range(PAST_SESSIONS + 2):
        talked(sessions, f"T{number}")

    labels, _, [note] = read(sessions, "past")

    assert len(labels) == PAST_SESSIONS
    assert labels[0].startswith(f"session T{PAST_SESSIONS + 1} ")
    assert note.startswith("2 older chat sessions were not read")


def test_the_past_ends_before_the_session_that_has_no_room(sessions: Sessions) -> None:
    for title in ("Small", "Large", "Larger", "New"):
        talked(sessions, title, "x" * {"Large": CHARACTERS // 2, "Larger": CHARACTERS // 2}.get(title, 1))

    labels, texts, [note] = read(sessions, "past")

    assert [label.split()[1] for label in labels] == ["New", "Larger"]
    assert sum(map(len, texts)) <= CHARACTERS
    assert note.startswith("2 older")


def test_of_a_long_session_the_end_is_read_and_that_is_told(sessions: Sessions) -> None:
    asked = question("Why?")
    begun(sessions, "Plans", asked, reply_to(asked, "first\n" + "line\n" * CHARACTERS + "last"))

    for reference in ("session:Plans", "past"):
        [label], [text], [note] = read(sessions, reference)
        mark, _, rest = text.partition("\n")
        assert mark == "[… what was said before is left out]"
        assert rest.startswith("line\n")
        assert rest.endswith("\nlast")
        assert len(rest) <= CHARACTERS
        assert note == f"Of the {label} the last {CHARACTERS:,} characters are read."
