"""The file of answers."""

import json
from pathlib import Path

import pytest

from chatnb.errors import StoreError
from chatnb.rows.checkpoint import Checkpoint, Kept


def test_what_was_put_is_there_for_the_next_one_and_the_newest_counts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.jsonl"
    with Checkpoint(path) as kept:
        kept.put(Kept("a", error="gone", kind="ModelBroken"))
        kept.put(Kept("b", text="Größe\n", reply_tokens=2))
        kept.put(Kept("a", text="yes"))

    with Checkpoint(path) as again:
        found = [again.get(key) for key in "abc"]

    assert found == [Kept("a", text="yes"), Kept("b", text="Größe\n", reply_tokens=2), None]
    assert [json.loads(line)["key"] for line in path.read_text(encoding="utf-8").splitlines()] == ["a", "b", "a"]
    assert path.stat().st_mode & 0o077 == 0


def test_a_line_is_in_the_file_as_soon_as_it_is_put(tmp_path: Path) -> None:
    with Checkpoint(tmp_path / "a") as kept:
        kept.put(Kept("a", text="yes"))

        assert json.loads((tmp_path / "a").read_text()) == {"key": "a", "text": "yes"}


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_line_that_a_kill_cut_is_no_answer_and_spoils_no_other(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a"
    with Checkpoint(path) as kept:
        kept.put(Kept("a", text="yes"))
        kept.put(Kept("b", text="no"))
    path.write_bytes(path.read_bytes()[:-cut])

    with Checkpoint(path) as again:
        again.put(Kept("c", text="new"))
    with Checkpoint(path) as last:
        found = [last.get(key) for key in "abc"]

    whole = Kept("b", text="no") if cut == 1 else None  # the line's end alone was missing
    assert found == [Kept("a", text="yes"), whole, Kept("c", text="new")]


@pytest.mark.parametrize("data", [b"text,stars\nfine,4\n", b"[1]\n", b"\x00\xff"])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(data)

    for _ in range(2):  # the first one leaves no lock
        with pytest.raises(StoreError, match="is no file of answers"), Checkpoint(path):
            pass

    assert path.read_bytes() == data


def test_a_line_that_there_is_no_room_for_is_told_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Checkpoint(path) as kept:
        kept.put(Kept("a", text="yes"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
        try:
            with pytest.raises(StoreError, match=r"There is no room left to save the answer.*--answers FILE"):
                kept.put(Kept("b", text="x" * 64))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    with Checkpoint(path) as again:
        again.put(Kept("c", text="new"))
    with Checkpoint(path) as last:
        assert [each.key for each in last] == ["a", "c"]


def test_two_at_once_are_refused_unless_they_share_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with Checkpoint(path), pytest.raises(StoreError, match="Another process asks these rows already"), Checkpoint(path):
        pass
    with Checkpoint(path, is_shared=True) as one, Checkpoint(path, is_shared=True) as two:
        for number in range(100):
            (one, two)[number % 2].put(Kept(str(number), text="x" * number))

    with Checkpoint(path) as found:
        assert len(found) == 100
