"""What was said is found by its words, in every script, and the index is as good as the files that it was made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb.messages import Message, Text
from chatnb.stores.base import Store
from chatnb.stores.memory import MemoryStore
from chatnb.stores.tinydb import TinyStore

from .examples import asked, session


@pytest.fixture(params=["tinydb", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else TinyStore(tmp_path)
    yield store
    store.close()


def index_of(folder: Path) -> Path:
    return folder / ".state" / "search.sqlite"


def saying(session_id: str, text: str) -> Message:
    return replace(asked(session_id), parts=(Text(text),))


def begin(store: Store, title: str, *texts: str) -> str:
    """Create a session in which somebody says these texts, and return its id."""
    begun = session(title)
    store.create(replace(begun, messages=tuple(saying(begun.id, text) for text in texts)))
    return begun.id


def found(store: Store, *words: str) -> list[str]:
    return [hit.text for hit in store.search(words)]


def test_half_of_a_character_keeps_nothing_from_being_found(store: Store) -> None:
    begin(store, "Half \ud83d of it", "The mean \ud83d is 3.")

    assert found(store, "mean") == ["The mean ? is 3."]
    assert found(store, "half", "\ud83d") == ["Half ? of it"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["mean"], "Why is the mean negative?"),
        (["NEG", "why"], "Why is the mean negative?"),
        (["the mean"], "Why is the mean negative?"),
        (["cafe"], "Un café à Paris"),
        (["日本"], "これは日本語のテキストです。"),
        (["テキスト"], "これは日本語のテキストです。"),
        (["날씨"], "오늘 날씨는 어때?"),
        (['say "hi"'], 'They say "hi" OR NOT (this*)'),
        (["OR"], 'They say "hi" OR NOT (this*)'),
    ],
)
def test_a_message_is_found_by_its_words(store: Store, words: list[str], text: str) -> None:
    begin(store, "One", "Something else entirely.", text)

    assert found(store, *words) == [text]


@pytest.mark.parametrize("words", [["mean", "median"], ["egative"], ["the negative"], ["*"], [""], [" ", '"'], []])
def test_what_nobody_said_is_not_found(store: Store, words: list[str]) -> None:
    begin(store, "One", "Why is the mean negative?", "And the median?")

    assert found(store, *words) == []


def test_a_title_is_found_too(store: Store) -> None:
    session_id = begin(store, "Plans for Rome", "Why?")

    [hit] = store.search(["rome"])

    assert (hit.session_id, hit.message_id, hit.role, hit.text[slice(*hit.spans[0])]) == (
        session_id,
        "",
        "title",
        "Rome",
    )


def test_of_a_long_message_the_place_is_shown(store: Store) -> None:
    begin(store, "One", f"{'before ' * 500}needle {'after ' * 500}")

    [hit] = store.search(["needle"])

    assert [hit.text[begin:end] for begin, end in hit.spans] == ["needle"]
    assert len(hit.text) < 300


def test_the_message_that_is_about_the_words_comes_first(store: Store) -> None:
    begin(store, "One", f"{'Much about other things. ' * 50} lasso", "Lasso, or ridge? Lasso.")

    assert found(store, "lasso")[0].startswith("Lasso, or ridge?")


def test_what_is_said_later_is_found_and_what_is_deleted_is_not(store: Store) -> None:
    kept, gone = begin(store, "One", "first needle"), begin(store, "Two", "second needle")
    before = found(store, "needle")

    store.append(kept, saying(kept, "third needle"))
    store.delete(gone)

    assert sorted(before) == ["first needle", "second needle"]
    assert sorted(found(store, "needle")) == ["first needle", "third needle"]


def test_what_is_deleted_stands_in_no_file_any_more(tmp_path: Path) -> None:
    store = TinyStore(tmp_path)
    session_id = begin(store, "One", "the unmistakable word xyzzyplugh")
    store.search(["xyzzyplugh"])
    before = index_of(tmp_path).read_bytes()

    store.delete(session_id)

    assert b"xyzzyplugh" in before
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"xyzzyplugh" in path.read_bytes()]


@pytest.mark.parametrize("content", [b"no database", b"", b"SQLite format 3\0" + b"x" * 5_000])
def test_a_damaged_index_is_made_anew(tmp_path: Path, content: bytes) -> None:
    store = TinyStore(tmp_path)
    begin(store, "One", "a needle")
    store.search(["needle"])

    index_of(tmp_path).write_bytes(content)

    assert found(store, "needle") == ["a needle"]
    assert found(TinyStore(tmp_path), "needle") == ["a needle"]


def test_an_index_of_another_version_is_made_anew(tmp_path: Path) -> None:
    store = TinyStore(tmp_path)
    begin(store, "One", "a needle")
    store.search(["needle"])

    with sqlite3.connect(index_of(tmp_path)) as database:
        database.execute("PRAGMA user_version = 99")

    assert found(store, "needle") == ["a needle"]


def test_where_no_index_can_be_written_it_is_searched_all_the_same(tmp_path: Path) -> None:
    store = TinyStore(tmp_path)
    begin(store, "One", "a needle")
    index_of(tmp_path).mkdir(parents=True)  # nobody can write a file of that name

    assert found(store, "needle") == ["a needle"]


def test_a_damaged_session_does_not_keep_others_from_being_found(tmp_path: Path) -> None:
    store = TinyStore(tmp_path)
    damaged = begin(store, "One", "first needle")
    begin(store, "Two", "second needle")
    (tmp_path / f"{damaged}.json").write_text('{"session": {"1": {"id": 3}}, "messages": {"1": {"parts": "oh"}}}')

    assert found(store, "needle") == ["second needle"]


def test_only_its_user_can_read_the_index(tmp_path: Path) -> None:
    store = TinyStore(tmp_path)
    begin(store, "One", "a needle")

    store.search(["needle"])

    assert index_of(tmp_path).stat().st_mode & 0o077 == 0
