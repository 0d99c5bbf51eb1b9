"""Sessions are found by what their user calls them, and everything said in one comes back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb.errors import SessionNotFound, SettingsError
from chatnb.messages import ARCHIVED, TRASHED, Message, Session
from chatnb.sessions import Sessions
from chatnb.stores.base import Store
from chatnb.stores.memory import MemoryStore
from chatnb.stores.tinydb import TinyStore
from tests.talk import question, reply_to


@pytest.fixture(params=["memory", "tinydb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else TinyStore(tmp_path)
    yield store
    store.close()


def asked_in(session: Session, text: str = "Why?", number: int = 1) -> Message:
    return replace(question(text, number), session_id=session.id)


def begun(sessions: Sessions, text: str, title: str = "") -> Session:
    """Return a session that a store knows."""
    session = sessions.new(title)
    sessions.keep(session, asked_in(session, text))
    return session


def test_there_is_always_a_session_to_ask_in(store: Store) -> None:
    sessions = Sessions(store, "here", "ada")

    current = sessions.current

    assert current is sessions.current
    assert (current.place, current.user_id, current.messages) == ("here", "ada", ())


def test_a_session_that_has_not_begun_is_in_no_store(store: Store) -> None:
    sessions = Sessions(store)

    sessions.new("Plans")

    assert sessions.all() == []
    assert sessions.history(sessions.current) == ()


def test_the_first_question_begins_a_session_and_titles_it(store: Store) -> None:
    sessions = Sessions(store)

    session = begun(sessions, "Why is the mean negative?\nI expected more.")

    [info] = sessions.all()
    assert (info.id, info.title, info.message_count) == (session.id, "Why is the mean negative?", 1)


def test_a_title_that_was_given_stays(store: Store) -> None:
    sessions = Sessions(store)

    begun(sessions, "Why?", title="Plans")

    assert [info.title for info in sessions.all()] == ["Plans"]


def test_what_is_kept_comes_back_in_order(store: Store) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "One")
    first, second = asked_in(session, "One"), asked_in(session, "Two", 2)

    sessions.keep(session, replace(reply_to(first), session_id=session.id))
    sessions.keep(session, second)

    assert [message.id for message in sessions.history(session)] == ["q0001", "q0001.001", "q0002"]


def test_turns_of_two_processes_are_read_one_after_the_other(store: Store) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "One")
    first, second = asked_in(session, "One"), asked_in(session, "Two", 2)

    for message in (second, reply_to(first), reply_to(second)):
        sessions.keep(session, replace(message, session_id=session.id))

    assert [message.id for message in sessions.history(session)] == ["q0001", "q0001.001", "q0002", "q0002.001"]


def test_nothing_to_keep_begins_nothing(store: Store) -> None:
    sessions = Sessions(store)

    sessions.keep(sessions.current)

    assert sessions.all() == []


def test_a_session_that_was_deleted_meanwhile_begins_again(store: Store) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "One")
    store.delete(session.id)

    sessions.keep(session, asked_in(session, "Two", 2))

    assert [message.text for message in sessions.history(session)] == ["Two"]


def test_what_is_not_to_be_saved_is_remembered_but_in_no_store(store: Store) -> None:
    sessions = Sessions(store)
    session = sessions.current

    sessions.keep(session, asked_in(session, "Between us"), save=False)

    assert store.sessions() == []
    assert [message.text for message in sessions.history(session)] == ["Between us"]
    assert [info.id for info in sessions.all()] == [session.id]


def test_what_is_saved_and_what_is_not_is_one_conversation(store: Store) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "On record")

    sessions.keep(session, asked_in(session, "Between us", 2), save=False)
    sessions.keep(session, asked_in(session, "On record again", 3))

    assert [message.text for message in sessions.history(session)] == ["On record", "Between us", "On record again"]
    assert [message.text for message in store.load(session.id).messages] == ["On record", "On record again"]


def test_a_session_that_is_partly_saved_is_found_and_listed_once(store: Store) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "On record")
    sessions.keep(session, asked_in(session, "Between us", 2), save=False)

    found = sessions.find(session.id)

    assert found.title == "On record"
    assert [info.id for info in sessions.all()] == [session.id]


@pytest.mark.parametrize("name", ["id", "Plans for 2027", "plans FOR 2027 ", "Plans", "plans f"])
def test_a_session_is_found_by_id_title_or_the_beginning_of_it(store: Store, name: str) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "Why?", title="Plans for 2027")
    begun(sessions, "Something else")

    found = sessions.find(session.id if name == "id" else name)

    assert found.id == session.id


def test_a_session_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "Why?")

    found = sessions.find(session.id[:-3])

    assert found.id == session.id


def test_of_two_with_the_same_title_the_newest_is_meant(store: Store) -> None:
    sessions = Sessions(store)
    begun(sessions, "Hello")
    newest = begun(sessions, "Hello")

    found = sessions.find("Hello")

    assert found.id == newest.id


def test_a_whole_title_is_meant_before_one_that_begins_so(store: Store) -> None:
    sessions = Sessions(store)
    whole = begun(sessions, "Why?", title="Plan")
    begun(sessions, "Why?", title="Planets")

    found = sessions.find("plan")

    assert found.id == whole.id


@pytest.mark.parametrize("name", ["Pl", "nothing like it", "", "  "])
def test_a_name_that_means_none_or_several_is_an_error(store: Store, name: str) -> None:
    sessions = Sessions(store)
    begun(sessions, "Why?", title="Plans")
    begun(sessions, "Why?", title="Planets")

    with pytest.raises(SessionNotFound, match="%chat sessions"):
        sessions.find(name)


def test_a_name_that_is_nearly_right_is_told_the_right_one(store: Store) -> None:
    sessions = Sessions(store)
    begun(sessions, "Why?", title="Holiday plans")

    with pytest.raises(SessionNotFound, match="Near: 'Holiday plans'"):
        sessions.find("Holliday plan")


def test_opening_a_session_goes_on_in_it(store: Store) -> None:
    sessions = Sessions(store)
    earlier = begun(sessions, "Why?", title="Plans")
    sessions.new()

    opened = sessions.open("Plans")

    assert [message.text for message in opened.messages] == ["Why?"]
    assert sessions.current.id == earlier.id
    assert sessions.current.messages == ()


def test_entering_a_name_goes_on_or_begins_anew(store: Store) -> None:
    sessions = Sessions(store)
    earlier = begun(sessions, "Why?", title="Plans")
    sessions.new()

    again, other = sessions.enter("Plans"), sessions.enter("Dreams")

    assert again.id == earlier.id
    assert (other.title, sessions.current.id) == ("Dreams", other.id)


def test_finding_or_making_one_leaves_the_current_one_alone(store: Store) -> None:
    sessions = Sessions(store)
    current = sessions.current

    other = sessions.find_or_new("Aside")

    assert other.title == "Aside"
    assert sessions.current is current


def test_a_new_title_does_not_open_a_session_that_only_begins_so(store: Store) -> None:
    sessions = Sessions(store)
    planets = begun(sessions, "Which?", title="Planet facts")

    plan = sessions.find_or_new("plan")

    assert (plan.title, plan.id != planets.id) == ("plan", True)
    assert sessions.find("plan").id == planets.id


def test_a_place_goes_on_in_its_newest_session(store: Store) -> None:
    here, there = Sessions(store, "here", "ada"), Sessions(store, "there", "ada")
    begun(here, "Old")
    newest = begun(here, "New")
    begun(there, "Elsewhere")

    resumed = Sessions(store, "here", "ada").resume()

    assert resumed is not None
    assert resumed.id == newest.id


@pytest.mark.parametrize(("place", "user_id"), [("", "ada"), ("there", "ada"), ("here", "bob")])
def test_nobody_goes_on_in_the_session_of_another_place_or_user(store: Store, place: str, user_id: str) -> None:
    begun(Sessions(store, "here", "ada"), "Mine")
    begun(Sessions(store, "", "ada"), "Nowhere")

    resumed = Sessions(store, place, user_id).resume()

    assert resumed is None


def test_a_change_before_the_first_question_comes_along_with_it(store: Store) -> None:
    sessions = Sessions(store)

    sessions.update(model="qwen3:8b")
    sessions.keep(sessions.current, asked_in(sessions.current))

    assert store.load(sessions.current.id).model == "qwen3:8b"


def test_a_change_of_a_session_is_stored_at_once(store: Store) -> None:
    sessions = Sessions(store)
    session = begun(sessions, "Why?")

    sessions.update(title="Better", system="Be brief.")

    stored = store.load(session.id)
    assert (stored.title, stored.system) == ("Better", "Be brief.")
    assert sessions.current.system == "Be brief."


def test_a_change_of_a_session_in_memory_is_remembered(store: Store) -> None:
    sessions = Sessions(store)
    sessions.keep(sessions.current, asked_in(sessions.current), save=False)

    sessions.update(title="Better")

    assert [info.title for info in sessions.all()] == ["Better"]
    assert store.sessions() == []


def test_a_session_that_is_not_there_any_more_says_so(store: Store) -> None:
    sessions = Sessions(store)

    with pytest.raises(SessionNotFound, match="not there any more"):
        sessions.load("20261121T094501123456-1f0c9a2b")


def conversation(sessions: Sessions, *texts: str) -> Session:
    """Return the current session with a question and an answer for each text."""
    session = sessions.current
    for number, text in enumerate(texts, len(sessions.history(session)) + 1):
        asked = replace(asked_in(session, text, number), after=sessions.follows(session))
        sessions.keep(session, asked, reply_to(asked))
    return sessions.current


def texts(sessions: Sessions) -> list[str]:
    return [message.text for message in sessions.history(sessions.current) if message.role == "user"]


def test_a_question_that_was_gone_back_by_stays_as_a_branch(store: Store) -> None:
    sessions = Sessions(store)
    conversation(sessions, "one", "two", "three")

    undone = sessions.undo(2)
    before = texts(sessions)
    asked = replace(asked_in(sessions.current, "instead", 9), after=sessions.follows(sessions.current))
    sessions.keep(sessions.current, asked, reply_to(asked))

    assert undone.text == "two"
    assert before == ["one"]
    assert texts(sessions) == ["one", "instead"]
    assert len(sessions.whole(sessions.current.id).messages) == 8


def test_a_branch_that_was_chosen_is_gone_on_in_also_after_a_restart(store: Store) -> None:
    sessions = Sessions(store, "here")
    conversation(sessions, "one", "two")
    sessions.undo()

    later = Sessions(store, "here")
    later.resume()

    assert texts(later) == ["one"]
    assert later.follows(later.current) == "q0001"


@pytest.mark.parametrize("count", [0, 3, -1])
def test_nobody_goes_back_further_than_the_beginning(store: Store, count: int) -> None:
    sessions = Sessions(store)
    conversation(sessions, "one", "two")

    with pytest.raises(SettingsError, match="There are 2 questions"):
        sessions.undo(count)


def test_a_fork_goes_on_by_itself(store: Store) -> None:
    sessions = Sessions(store)
    original = conversation(sessions, "one", "two")
    second = sessions.history(original)[1]

    fork = sessions.fork(second.id, "Elsewhere")
    conversation(sessions, "three")

    assert (fork.title, sessions.current.id) == ("Elsewhere", fork.id)
    assert texts(sessions) == ["one", "three"]
    assert [message.text for message in sessions.history(original)][::2] == ["one", "two"]


def test_there_is_nothing_to_fork_before_the_first_question(store: Store) -> None:
    sessions = Sessions(store)

    with pytest.raises(SettingsError, match="nothing to fork"):
        sessions.fork()


def test_what_is_archived_is_neither_listed_nor_gone_on_in_but_found(store: Store) -> None:
    sessions = Sessions(store)
    session = conversation(sessions, "Plans")

    sessions.set_state(sessions.find("Plans"), ARCHIVED)

    assert sessions.all() == []
    assert sessions.current.id != session.id
    assert sessions.open("Plans").state == ARCHIVED


def test_what_is_in_the_trash_is_neither_listed_found_nor_gone_on_in(store: Store) -> None:
    sessions = Sessions(store, "here")
    session = conversation(sessions, "Plans")

    sessions.set_state(sessions.find("Plans"), TRASHED)

    assert sessions.all() == []
    assert sessions.current.id != session.id
    assert sessions.resume() is None
    with pytest.raises(SessionNotFound):
        sessions.open("Plans")


def test_what_was_in_the_trash_comes_back_whole(store: Store) -> None:
    sessions = Sessions(store)
    conversation(sessions, "Plans", "And then?")
    sessions.set_state(sessions.find("Plans"), TRASHED)

    sessions.set_state(sessions.find("Plans", TRASHED), "")
    sessions.open("Plans")

    assert texts(sessions) == ["Plans", "And then?"]


def test_what_is_deleted_for_good_is_gone(store: Store) -> None:
    sessions = Sessions(store)
    conversation(sessions, "Plans")

    sessions.delete(sessions.find("Plans"))

    assert sessions.all("", ARCHIVED, TRASHED) == []


def test_tags_are_kept_and_listed(store: Store) -> None:
    sessions = Sessions(store)
    conversation(sessions, "Plans")

    sessions.update(tags=("thesis",))

    assert [info.tags for info in sessions.all()] == [("thesis",)]


def test_a_fork_of_what_is_not_saved_is_not_saved_either(store: Store) -> None:
    sessions = Sessions(store)
    sessions.keep(sessions.current, asked_in(sessions.current), save=False)

    fork = sessions.fork()

    assert store.sessions() == []
    assert len(sessions.history(fork)) == 1
