"""What every store promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnb.errors import SessionNotFound, SettingsError, StoreError
from chatnb.messages import Message, now
from chatnb.stores.base import Store
from chatnb.stores.memory import MemoryStore
from chatnb.stores.owned import OwnedStore
from chatnb.stores.tinydb import TinyStore

from .examples import asked, rich, said, session

STORES: dict[str, Callable[[Path], Store]] = {
    "tinydb": TinyStore,
    "memory": lambda _: MemoryStore(),
    "owned": lambda _: OwnedStore(MemoryStore(), ("", "ada")),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = STORES[request.param](tmp_path / "sessions")
    yield store
    store.close()


def test_a_session_comes_back_as_it_was_created(store: Store) -> None:
    created = session(model="qwen3:8b", system="Be brief.", place="/home/ada/prices.ipynb", user_id="ada")
    created = replace(created, messages=(asked(created.id), rich(created.id)))

    store.create(created)

    assert replace(store.load(created.id), updated_at=None) == created


def test_messages_come_back_in_the_order_of_their_appending(store: Store) -> None:
    created = session()
    store.create(created)
    messages = [asked(created.id), rich(created.id), said(created.id), asked(created.id)]

    store.append(created.id, messages[0])
    store.append(created.id, *messages[1:3])
    store.append(created.id, messages[3])

    assert list(store.load(created.id).messages) == messages


def test_a_message_whose_id_is_there_takes_that_ones_place(store: Store) -> None:
    created = session()
    first, second, third = asked(created.id), rich(created.id), asked(created.id)
    store.create(replace(created, messages=(first, second, third)))
    corrected = Message(second.id, created.id, "assistant", said(created.id).parts, second.created_at)

    store.append(created.id, corrected)

    assert store.load(created.id).messages == (first, corrected, third)


def test_a_message_that_is_appended_twice_is_there_once(store: Store) -> None:
    created = session()
    store.create(created)
    message = asked(created.id)

    store.append(created.id, message, message)
    store.append(created.id, message)

    assert store.load(created.id).messages == (message,)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec=None, categories=None)))
def test_any_text_comes_back_unchanged(store: Store, text: str) -> None:
    created = session(text)
    store.create(created)

    store.append(created.id, asked(created.id, text))

    assert store.load(created.id).messages[0].text == text
    assert store.load(created.id).title == text


def test_the_session_changed_last_is_listed_first(store: Store) -> None:
    old, middle, new = session("old"), session("middle"), session("new")
    for one in (old, middle, new):
        store.create(one)

    store.append(old.id, replace(asked(old.id), created_at=now()))  # those of the examples are some moments ahead
    store.update(middle.id, title="renamed")

    assert [info.title for info in store.sessions()] == ["renamed", "old", "new"]
    assert all(earlier.updated_at >= later.updated_at for earlier, later in pairwise(store.sessions()))


def test_a_list_says_what_a_session_is_about(store: Store) -> None:
    created = session("Prices", model="qwen3:8b", place="/home/ada/prices.ipynb", user_id="ada")
    store.create(created)
    store.append(created.id, asked(created.id), said(created.id))

    (info,) = store.sessions()

    assert (info.id, info.title, info.model) == (created.id, "Prices", "qwen3:8b")
    assert (info.place, info.user_id, info.message_count) == ("/home/ada/prices.ipynb", "ada", 2)
    assert (info.created_at, info.updated_at) == (created.created_at, store.load(created.id).updated_at)


def test_an_empty_store_lists_nothing(store: Store) -> None:
    assert list(store.sessions()) == []


def test_an_update_changes_nothing_but_what_it_names(store: Store) -> None:
    created = session("Before", model="llama3.2", system="Be brief.")
    created = replace(created, messages=(asked(created.id),))
    store.create(created)

    store.update(created.id, title="After", model="qwen3:8b", pins=("df", "file:a.md"), hidden=())

    changed = replace(created, title="After", model="qwen3:8b", pins=("df", "file:a.md"))
    assert replace(store.load(created.id), updated_at=None) == changed


def test_only_a_sessions_own_texts_can_be_updated(store: Store) -> None:
    created = session()
    store.create(created)

    with pytest.raises(SettingsError, match="user_id"):
        store.update(created.id, user_id="eve")


def test_a_deleted_session_is_gone(store: Store) -> None:
    kept, gone = session("kept"), session("gone")
    for one in (kept, gone):
        store.create(one)
    store.checkpoint(gone.id, said(gone.id))

    store.delete(gone.id)

    assert [info.id for info in store.sessions()] == [kept.id]
    with pytest.raises(SessionNotFound):
        store.load(gone.id)


def test_a_deleted_session_can_be_created_again(store: Store) -> None:
    created = session()
    store.create(replace(created, messages=(asked(created.id),)))
    store.delete(created.id)

    store.create(created)

    assert store.load(created.id).messages == ()


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.load("nobody"),
        lambda store: store.append("nobody", asked("nobody")),
        lambda store: store.checkpoint("nobody", said("nobody")),
        lambda store: store.update("nobody", title="x"),
        lambda store: store.delete("nobody"),
    ],
    ids=["load", "append", "checkpoint", "update", "delete"],
)
def test_a_session_that_is_not_there_is_an_error_that_names_it(store: Store, call: Callable[[Store], object]) -> None:
    with pytest.raises(SessionNotFound, match="nobody"):
        call(store)


def test_a_session_is_not_created_twice(store: Store) -> None:
    created = session()
    store.create(replace(created, messages=(asked(created.id),)))

    with pytest.raises(StoreError, match=created.id):
        store.create(created)

    assert len(store.load(created.id).messages) == 1


def test_an_answer_that_is_being_written_is_not_part_of_the_session(store: Store) -> None:
    created = session()
    question = asked(created.id)
    store.create(replace(created, messages=(question,)))

    store.checkpoint(created.id, said(created.id, "Half an ans"))

    assert store.load(created.id).messages == (question,)
    assert store.sessions()[0].message_count == 1


def test_an_append_takes_the_place_of_what_was_checkpointed(store: Store) -> None:
    created = session()
    store.create(created)
    answer = said(created.id, "Half an answer, and the other half")
    store.checkpoint(created.id, replace(answer, parts=(), outcome=None))
    store.checkpoint(created.id, replace(answer, outcome=None))

    store.append(created.id, answer)

    assert store.load(created.id).messages == (answer,)


def test_threads_that_append_at_once_lose_nothing(store: Store) -> None:
    created = session()
    store.create(created)
    messages = [asked(created.id, f"question {number}") for number in range(40)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda message: store.append(created.id, message), messages))

    assert sorted(store.load(created.id).messages, key=lambda message: message.id) == messages


def test_a_store_without_trouble_has_no_notices(store: Store) -> None:
    created = session()
    store.create(created)
    store.checkpoint(created.id, said(created.id))
    store.append(created.id, asked(created.id))
    store.load(created.id)
    store.sessions()

    assert list(store.notices()) == []
