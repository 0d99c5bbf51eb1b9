"""The TinyDB storage below the store."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from tinydb import TinyDB

from chatnb.errors import StoreError
from chatnb.stores.atomic import AtomicStorage, Damaged
from chatnb.stores.disk import locked


@pytest.fixture
def storage(tmp_path: Path) -> AtomicStorage:
    return AtomicStorage(tmp_path / "file.json", tmp_path / "lock")


def count_up(storage: AtomicStorage) -> None:
    with storage.transaction():
        number = (storage.read() or {"t": {"1": {"number": 0}}})["t"]["1"]["number"]
        storage.write({"t": {"1": {"number": number + 1}}})


def test_tinydb_works_on_it_within_a_transaction(storage: AtomicStorage) -> None:
    database = TinyDB(storage=lambda: storage)

    with storage.transaction():
        database.insert({"name": "tea"})
        database.insert({"name": "milk"})
        database.update({"price": 3}, doc_ids=[1])

    with TinyDB(storage.path) as plain:
        assert plain.all() == [{"name": "tea", "price": 3}, {"name": "milk"}]
        assert TinyDB(storage=lambda: storage).all() == plain.all()


def test_a_write_outside_a_transaction_is_refused(storage: AtomicStorage) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        TinyDB(storage=lambda: storage).insert({"name": "tea"})

    assert not storage.path.exists()


def test_a_transaction_that_fails_changes_nothing(storage: AtomicStorage) -> None:
    count_up(storage)

    def fail() -> None:
        with storage.transaction():
            (storage.read() or {})["t"]["1"]["number"] = 7
            storage.write({"t": {"1": {"number": 8}}})
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert storage.read() == json.loads(storage.path.read_bytes()) == {"t": {"1": {"number": 1}}}


def test_a_transaction_without_a_change_writes_nothing(storage: AtomicStorage) -> None:
    count_up(storage)
    before = storage.path.stat()

    with storage.transaction():
        storage.read()

    assert storage.path.stat() == before


def test_the_file_is_parsed_once_as_long_as_nobody_changes_it(storage: AtomicStorage) -> None:
    other = AtomicStorage(storage.path, storage.path.with_name("lock"))
    count_up(storage)

    first, second = other.read(), other.read()
    count_up(storage)
    third = other.read()

    assert first is second
    assert third == {"t": {"1": {"number": 2}}}


def test_changes_of_the_same_size_within_a_tick_of_the_clock_are_seen(storage: AtomicStorage) -> None:
    other = AtomicStorage(storage.path, storage.path.with_name("lock"))
    seen = []

    for number in range(0, 90, 3):
        for step in range(3):  # the third version often gets the inode of the first
            with storage.transaction():
                storage.write({"t": {"1": {"number": 10 + number + step}}})
            if step != 1:
                seen.append((other.read() or {})["t"]["1"]["number"])

    assert seen == [10 + number + step for number in range(0, 90, 3) for step in (0, 2)]


def test_two_storages_that_change_a_file_by_turns_lose_nothing(storage: AtomicStorage) -> None:
    other = AtomicStorage(storage.path, storage.path.with_name("lock"))

    for _ in range(20):
        count_up(storage)
        count_up(other)

    assert storage.read() == {"t": {"1": {"number": 40}}}


def test_a_change_is_seen_by_other_threads_only_when_it_is_on_the_disk(storage: AtomicStorage) -> None:
    count_up(storage)
    seen = []

    def look() -> None:
        seen.append((storage.read(), json.loads(storage.path.read_bytes())))

    with storage.transaction():
        storage.write({"t": {"1": {"number": 7}}})
        reader = threading.Thread(target=look)
        reader.start()
        reader.join(0.05)
    reader.join()

    assert seen == [({"t": {"1": {"number": 7}}},) * 2]


def test_a_document_that_did_not_change_is_written_as_it_was(storage: AtomicStorage) -> None:
    with storage.transaction():
        storage.write({"t": {str(number): {"number": number} for number in range(1, 4)}, "empty": {}})

    with storage.transaction():
        tables = storage.read() or {}
        tables["t"]["2"]["number"] = 20
        del tables["t"]["3"]
        tables["t"]["4"] = {"number": 4}
        storage.write(tables)

    assert json.loads(storage.path.read_bytes()) == {
        "t": {"1": {"number": 1}, "2": {"number": 20}, "4": {"number": 4}},
        "empty": {},
    }


def test_a_database_without_tables_is_still_json(storage: AtomicStorage) -> None:
    with storage.transaction():
        storage.write({})

    assert json.loads(storage.path.read_bytes()) == {}


def test_a_damaged_file_is_an_error_each_time_until_it_is_set_aside(storage: AtomicStorage) -> None:
    count_up(storage)
    storage.path.write_bytes(b"{")

    for _ in range(2):
        with pytest.raises(Damaged):
            storage.read()
    with storage.transaction():
        aside = storage.set_aside(".damaged")

    assert storage.read() is None
    assert aside.read_bytes() == b"{"


def test_a_lock_that_is_not_given_back_is_an_error_that_names_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    with locked(lock), pytest.raises(StoreError, match=str(lock)), locked(lock, timeout_s=0.02):
        pass


def test_no_file_is_left_open(storage: AtomicStorage) -> None:
    psutil = pytest.importorskip("psutil")
    count_up(storage)
    storage.read()

    opened = [file.path for file in psutil.Process().open_files()]

    assert not any(str(storage.path.parent) in path for path in opened)
