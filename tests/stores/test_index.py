"""The remembered list of sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb.stores.tinydb import TinyStore

from .examples import asked, session


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TinyStore]:
    store = TinyStore(tmp_path)
    for title in ("one", "two", "three"):
        store.create(session(title))
    store.sessions()
    yield store
    store.close()


def index_of(store: TinyStore) -> Path:
    return store.folder / ".state" / "index.json"


def titles(store: TinyStore) -> list[str]:
    return [info.title for info in store.sessions()]


def test_a_new_process_reads_only_the_sessions_that_changed(store: TinyStore) -> None:
    # Nothing but the index says these, so a title tells where it was read.
    index_of(store).write_text(index_of(store).read_text().replace('"one"', '"ONE"').replace('"three"', '"THREE"'))
    (three,) = [info.id for info in store.sessions() if info.title == "THREE"]

    store.append(three, asked(three))

    assert titles(TinyStore(store.folder)) == ["three", "two", "ONE"]


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b'{"version": 1}', b'{"version": 1, "rows": {"x.json": [1]}}', b"\xff"]
)
def test_a_lost_or_damaged_index_is_made_again(store: TinyStore, content: bytes | None) -> None:
    before = index_of(store).read_bytes()
    index_of(store).unlink()
    if content is not None:
        index_of(store).write_bytes(content)

    listed = titles(TinyStore(store.folder))

    assert listed == ["three", "two", "one"]
    assert json.loads(index_of(store).read_bytes()) == json.loads(before)


def test_a_session_that_another_store_deletes_is_not_listed(store: TinyStore) -> None:
    gone = store.sessions()[1]

    TinyStore(store.folder).delete(gone.id)

    assert titles(store) == ["three", "one"]
    assert gone.id not in index_of(store).read_text()


def test_other_files_in_the_folder_are_left_alone(store: TinyStore) -> None:
    others = {"notes.txt": "mine", "x.json.new": "{", "y.json.damaged-1": "{"}
    for name, text in others.items():
        (store.folder / name).write_text(text)
    (store.folder / "folder.json").mkdir()

    assert titles(store) == ["three", "two", "one"]
    assert {name: (store.folder / name).read_text() for name in others} == others
    assert list(store.notices()) == []


def test_an_index_that_cannot_be_written_does_not_prevent_a_list(store: TinyStore) -> None:
    index_of(store).unlink()
    index_of(store).with_name(f"{index_of(store).name}.new").mkdir()  # nobody can write a file of that name

    assert titles(store) == ["three", "two", "one"]
    assert not index_of(store).exists()
