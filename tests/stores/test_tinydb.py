"""The store on disk: its files, and what becomes of damaged ones."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tinydb import TinyDB, where

from chatnb.errors import SessionNotFound, StoreError
from chatnb.messages import Session
from chatnb.stores.tinydb import TinyStore

from .examples import asked, rich, said, session


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TinyStore]:
    store = TinyStore(tmp_path / "home" / "sessions")
    yield store
    store.close()


@pytest.fixture
def kept(store: TinyStore) -> Session:
    """Return a session that the store holds, with a question and an answer."""
    kept = session("Prices", place="/home/ada/prices.ipynb")
    kept = replace(kept, messages=(asked(kept.id), said(kept.id)))
    store.create(kept)
    return kept


def file_of(store: TinyStore, session: Session) -> Path:
    return store.folder / f"{session.id}.json"


def test_plain_tinydb_reads_a_session(store: TinyStore, kept: Session) -> None:
    store.append(kept.id, rich(kept.id))

    with TinyDB(file_of(store, kept)) as database:
        messages = database.table("messages").all()
        (header,) = database.table("session").all()

    assert [message["id"] for message in messages] == [message.id for message in store.load(kept.id).messages]
    assert [message.doc_id for message in messages] == [1, 2, 3]
    assert messages[1]["parts"] == [{"type": "Text", "text": kept.messages[1].text}]
    assert header["title"] == "Prices"


def test_plain_tinydb_finds_a_message_by_its_id(store: TinyStore, kept: Session) -> None:
    with TinyDB(file_of(store, kept)) as database:
        found = database.table("messages").get(where("id") == kept.messages[1].id)

    assert isinstance(found, dict)
    assert found["model"] == "qwen3:8b"


def test_a_file_is_ascii_so_that_any_locale_reads_it(store: TinyStore, kept: Session) -> None:
    store.append(kept.id, rich(kept.id))

    assert file_of(store, kept).read_bytes().isascii()


def test_what_plain_tinydb_added_stays(store: TinyStore, kept: Session) -> None:
    with TinyDB(file_of(store, kept)) as database:
        database.table("notes").insert({"text": "mine"})

    store.append(kept.id, asked(kept.id))

    with TinyDB(file_of(store, kept)) as database:
        assert database.table("notes").all() == [{"text": "mine"}]
        assert len(database.table("messages")) == 3


def test_another_store_sees_every_change_at_once(store: TinyStore, kept: Session) -> None:
    other = TinyStore(store.folder)
    assert other.load(kept.id).title == "Prices"

    store.update(kept.id, title="Pricer")  # as long as before, within a tick of the file system's clock
    titles = [other.load(kept.id).title]
    other.update(kept.id, title="Priced")
    titles.append(store.load(kept.id).title)
    store.append(kept.id, asked(kept.id))
    other.append(kept.id, asked(kept.id))

    assert titles == ["Pricer", "Priced"]
    assert len(store.load(kept.id).messages) == len(other.load(kept.id).messages) == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions: a profile's folders are its user's already")
def test_a_message_that_somebody_changed_is_read_anew_and_the_others_stay(store: TinyStore, kept: Session) -> None:
    before = store.load(kept.id).messages
    with TinyDB(file_of(store, kept)) as database:
        database.table("messages").update({"model": "llama3"}, doc_ids=[2])

    after = store.load(kept.id).messages

    assert after[1] == replace(before[1], model="llama3")
    assert after[0] is before[0]


def test_nobody_else_may_read_a_session(store: TinyStore, kept: Session) -> None:
    store.checkpoint(kept.id, said(kept.id))
    store.sessions()

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in store.folder.parent.rglob("*")}

    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert stat.S_IMODE(store.folder.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", "a\\b", ".hidden", "a.b", "C:", "nul\0", "a" * 101, "é"])
def test_an_id_cannot_lead_out_of_the_folder(store: TinyStore, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be a session's id"):
        store.create(replace(session(), id=name))
    with pytest.raises(SessionNotFound):
        store.load(name)
    with pytest.raises(SessionNotFound):
        store.delete(name)


def test_nothing_but_the_sessions_grows_with_them(store: TinyStore) -> None:
    for _ in range(200):
        one = session()
        store.create(one)
        store.checkpoint(one.id, said(one.id))
        store.append(one.id, said(one.id))
    store.sessions()
    store.close()

    sessions = list(store.folder.glob("*.json"))
    others = [path for path in store.folder.rglob("*") if path.is_file() and path not in sessions]

    assert len(sessions) == 200
    assert len(others) <= 64 + 2  # the locks, the index and its lock
    assert list((store.folder / ".state" / "unfinished").iterdir()) == []


def test_deleting_a_session_leaves_nothing_of_it(store: TinyStore, kept: Session) -> None:
    file_of(store, kept).with_suffix(".json.new").write_text("half a file of a killed process")
    file_of(store, kept).with_suffix(".json.damaged-1").write_text("what was set aside")
    store.checkpoint(kept.id, said(kept.id))

    store.delete(kept.id)

    assert [path for path in store.folder.rglob("*") if path.name.startswith(kept.id)] == []


def test_a_copied_file_is_a_session_of_its_own(store: TinyStore, kept: Session) -> None:
    (store.folder / "copy.json").write_bytes(file_of(store, kept).read_bytes())

    store.append("copy", asked("copy"))

    assert {info.id: info.message_count for info in store.sessions()} == {kept.id: 2, "copy": 3}
    assert store.load("copy").id == "copy"


def test_one_message_that_does_not_read_does_not_hide_the_others(store: TinyStore, kept: Session) -> None:
    with TinyDB(file_of(store, kept)) as database:
        database.table("messages").insert({"id": "x", "parts": "not even a list"})

    store.append(kept.id, asked(kept.id))
    messages = store.load(kept.id).messages

    assert len(messages) == 3
    (notice,) = store.notices()
    assert kept.id in notice
    assert "left out" in notice
    with TinyDB(file_of(store, kept)) as database:
        assert len(database.table("messages")) == 4


def test_a_session_of_a_newer_chatnb_is_not_touched(store: TinyStore, kept: Session) -> None:
    with TinyDB(file_of(store, kept)) as database:
        database.table("session").update({"version": 99})
        database.table("messages").update({"parts": [{"type": "Hologram"}]})
    before = file_of(store, kept).read_bytes()

    with pytest.raises(StoreError, match="newer chatnb"):
        store.load(kept.id)

    assert [info.title for info in store.sessions()] == ["Prices"]
    assert file_of(store, kept).read_bytes() == before


DAMAGE = {
    "empty": b"",
    "zeros": bytes(4096),
    "no JSON": b"Dear diary",
    "not UTF-8": b'{"session": "\xff"}',
    "no object": b"[]",
    "too deep": b"[" * 200_000,
    "no session": b'{"messages": {}}',
    "two sessions": b'{"session": {"1": {}, "2": {}}, "messages": {}}',
    "session without an id": b'{"session": {"1": {"created_at": "2026-01-01T00:00:00+00:00"}}}',
    "time without a zone": b'{"session": {"1": {"id": "x", "created_at": "2026-01-01T00:00:00"}}}',
    "title of another kind": b'{"session": {"1": {"id": "x", "created_at": "2026-01-01T00:00:00+00:00", "title": 5}}}',
    "ids that TinyDB refuses": b'{"session": {"1": {}}, "messages": {"first": {}}}',
    "messages of another kind": b'{"session": {"1": {}}, "messages": {"1": "Hi"}}',
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_session_is_set_aside_and_the_others_are_listed(
    store: TinyStore, kept: Session, content: bytes
) -> None:
    broken = session("Broken")
    store.create(broken)
    file_of(store, broken).write_bytes(content)

    titles = [info.title for info in store.sessions()]

    assert titles == ["Prices"]
    (aside,) = store.folder.glob(f"{broken.id}.json.damaged-*")
    assert aside.read_bytes() == content
    (notice,) = store.notices()
    assert str(aside) in notice
    assert list(store.notices()) == []


@pytest.mark.parametrize("cut", [1, 2, 100, 1500])
def test_a_truncated_session_is_set_aside_when_it_is_loaded(store: TinyStore, kept: Session, cut: int) -> None:
    whole = file_of(store, kept).read_bytes()
    file_of(store, kept).write_bytes(whole[:-cut].rstrip(b"}\n"))

    with pytest.raises(StoreError, match="damaged") as caught:
        store.load(kept.id)

    assert kept.id in str(caught.value)
    assert len(list(store.folder.glob(f"{kept.id}.json.damaged-*"))) == 1
    with pytest.raises(SessionNotFound):
        store.load(kept.id)


def test_an_append_to_a_damaged_session_does_not_write_into_it(store: TinyStore, kept: Session) -> None:
    file_of(store, kept).write_bytes(b'{"session": {"1": {"id"')

    with pytest.raises(SessionNotFound):
        store.append(kept.id, asked(kept.id))
    store.create(kept)

    assert store.load(kept.id).messages == kept.messages
    assert len(store.notices()) == 1


def test_two_damaged_files_of_a_session_are_both_kept(store: TinyStore, kept: Session) -> None:
    for content in (b"one", b"two"):
        file_of(store, kept).write_bytes(content)
        store.sessions()

    assert {path.read_bytes() for path in store.folder.glob("*.damaged-*")} == {b"one", b"two"}


def test_the_unfinished_answer_of_a_damaged_session_is_recovered(store: TinyStore, kept: Session) -> None:
    store.sessions()
    store.checkpoint(kept.id, said(kept.id, "Half an ans"))
    store.close()  # as if the process had died: nothing was appended
    file_of(store, kept).write_bytes(b"{")

    later = TinyStore(store.folder)
    (info,) = later.sessions()
    loaded = later.load(kept.id)

    assert (info.id, info.title, info.place) == (kept.id, "Prices", "/home/ada/prices.ipynb")
    assert [(message.text, message.outcome) for message in loaded.messages] == [("Half an ans", "cancelled")]
    assert len(later.notices()) == 2


def test_a_damaged_checkpoint_does_not_stand_in_the_way(store: TinyStore, kept: Session) -> None:
    store.checkpoint(kept.id, said(kept.id))
    store.close()
    (part,) = store.folder.rglob("*.part")
    part.write_bytes(json.dumps({"messages": [{"id": "x"}]}).encode()[:-3])

    later = TinyStore(store.folder)
    loaded = later.load(kept.id)

    assert loaded.messages == kept.messages
    assert len(list(store.folder.rglob("*.part.damaged"))) == 1
    assert list(store.folder.rglob("*.live")) == []


def test_a_finished_answer_is_not_undone_by_its_own_checkpoint(store: TinyStore, kept: Session) -> None:
    answer = said(kept.id, "The whole answer")
    store.checkpoint(kept.id, replace(answer, parts=(), outcome=None))
    other = TinyStore(store.folder)
    other.append(kept.id, answer)
    store.close()

    loaded = TinyStore(store.folder).load(kept.id)

    assert loaded.messages[-1] == answer


def test_a_store_that_was_not_written_to_leaves_no_folder(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "sessions")

    assert list(store.sessions()) == []
    with pytest.raises(SessionNotFound):
        store.load("nobody")
    store.close()
    assert list(tmp_path.iterdir()) == []
