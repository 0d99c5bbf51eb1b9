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


def test_two_at_once_are_refused_unless_they_share_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with Checkpoint(path), pytest.raises(StoreError, match="Another process asks these rows already"), Checkpoint(path):
        pass
    with Checkpoint(path, is_shared=True) as one, Checkpoint(path, is_shared=True) as two:
        for number in range(100):
            (one, two)[number % 2].put(Kept(str(number), text="x" * number))

    with Checkpoint(path) as found:
        assert len(found) == 100
