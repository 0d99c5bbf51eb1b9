"""Two users in one store, each of whom sees their own sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chatnb.errors import SessionNotFound
from chatnb.messages import Session
from chatnb.stores.base import Store
from chatnb.stores.memory import MemoryStore
from chatnb.stores.owned import OwnedStore

from .examples import asked, session


def shared() -> tuple[OwnedStore, OwnedStore, Session]:
    """Return the views of Ada and Bob of one store, and a session of Ada's."""
    store = MemoryStore()
    ada, bob = OwnedStore(store, ("ada", "")), OwnedStore(store, ("bob",))
    created = session()
    ada.create(replace(created, user_id="ada", messages=(asked(created.id),)))
    return ada, bob, created


@pytest.mark.parametrize(
    "call",
    [
        lambda store, name: store.load(name),
        lambda store, name: store.append(name, asked(name)),
        lambda store, name: store.checkpoint(name, asked(name)),
        lambda store, name: store.update(name, title="Mine"),
        lambda store, name: store.delete(name),
    ],
)
def test_a_session_of_another_user_is_not_there(call: Callable[[Store, str], object]) -> None:
    ada, bob, created = shared()
    before = ada.load(created.id)

    with pytest.raises(SessionNotFound):
        call(bob, created.id)

    assert ada.load(created.id) == before
    assert [info.id for info in ada.sessions()] == [created.id]
    assert bob.sessions() == []


def test_words_of_others_are_not_found_however_many_they_are() -> None:
    ada, bob, created = shared()
    word = asked(created.id).text.split()[0]
    for _ in range(20):
        other = session(user_id="bob")
        bob.create(replace(other, messages=(asked(other.id),)))

    assert [hit.session_id for hit in ada.search([word], 1)] == [created.id]
    assert created.id not in {hit.session_id for hit in bob.search([word], 50)}


def test_a_new_session_belongs_to_its_user_and_one_of_nobody_to_the_owner() -> None:
    ada, bob, _ = shared()
    nobodys, bobs = session(user_id=""), session(user_id="eve")
    ada.create(nobodys)
    bob.create(bobs)

    assert ada.load(nobodys.id).user_id == ""
    assert bob.load(bobs.id).user_id == "bob"
