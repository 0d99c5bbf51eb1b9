"""Unfinished answers: whose process lives, and whose does not."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb.messages import Session
from chatnb.stores.tinydb import TinyStore

from .examples import asked, said, session

WRITER = """
import sys
from chatnb.stores.tinydb import TinyStore
from tests.stores.examples import said
store = TinyStore(sys.argv[1])
answer = said(sys.argv[2], sys.argv[3])
store.checkpoint(sys.argv[2], answer)
print("kept", flush=True)
for line in sys.stdin:
    store.append(sys.argv[2], answer)
    print("appended", flush=True)
"""


@contextmanager
def writer(folder: Path, session_id: str, text: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has checkpointed an answer, and appends it when it is sent a line."""
    command = [sys.executable, "-c", WRITER, str(folder), session_id, text]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "kept\n"
            yield process
        finally:
            process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(timeout=10)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TinyStore]:
    store = TinyStore(tmp_path / "sessions")
    yield store
    store.close()


@pytest.fixture
def kept(store: TinyStore) -> Session:
    kept = session()
    kept = replace(kept, messages=(asked(kept.id, "Why?"),))
    store.create(kept)
    return kept


def texts(store: TinyStore, session_id: str) -> list[str]:
    return [message.text for message in store.load(session_id).messages]


def test_the_answer_of_a_killed_process_is_found_marked_and_told_once(store: TinyStore, kept: Session) -> None:
    with writer(store.folder, kept.id, "Half an ans") as process:
        kill(process)

    loaded = store.load(kept.id)

    assert [message.text for message in loaded.messages] == ["Why?", "Half an ans"]
    assert loaded.messages[-1].outcome == "cancelled"
    (notice,) = store.notices()
    assert "cut off" in notice
    assert kept.id in notice
    assert TinyStore(store.folder).load(kept.id).messages == loaded.messages
    assert list((store.folder / ".state" / "unfinished").iterdir()) == []


def test_the_answer_that_another_process_is_writing_is_left_to_it(store: TinyStore, kept: Session) -> None:
    with writer(store.folder, kept.id, "A whole answer") as process:
        while_it_lives = texts(store, kept.id)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("append\n")
        process.stdin.flush()
        assert process.stdout.readline() == "appended\n"
        afterwards = store.load(kept.id)

    assert while_it_lives == ["Why?"]
    assert [message.outcome for message in afterwards.messages] == [None, "done"]
    assert list(store.notices()) == []


def test_of_two_processes_that_answer_in_one_session_only_the_killed_one_is_mended(
    store: TinyStore, kept: Session
) -> None:
    with writer(store.folder, kept.id, "living"), writer(store.folder, kept.id, "dead") as killed:
        kill(killed)
        first = texts(store, kept.id)

    second = texts(store, kept.id)

    assert first == ["Why?", "dead"]
    assert second == ["Why?", "dead", "living"]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows has no SIGSTOP")
def test_a_process_that_only_sleeps_is_not_taken_for_dead(store: TinyStore, kept: Session) -> None:
    with writer(store.folder, kept.id, "asleep") as process:
        process.send_signal(signal.SIGSTOP)
        assert texts(store, kept.id) == ["Why?"]
        process.send_signal(signal.SIGCONT)


def test_another_store_of_the_same_process_is_not_taken_for_dead(store: TinyStore, kept: Session) -> None:
    other = TinyStore(store.folder)
    other.checkpoint(kept.id, said(kept.id))

    assert texts(store, kept.id) == ["Why?"]
    other.close()
    assert len(texts(store, kept.id)) == 2


def test_only_the_last_message_of_an_unfinished_answer_is_marked(store: TinyStore, kept: Session) -> None:
    store.checkpoint(kept.id, said(kept.id, "Calls a tool."), said(kept.id, "Half an ans"))
    store.close()

    loaded = TinyStore(store.folder).load(kept.id)

    assert [message.outcome for message in loaded.messages] == [None, "done", "cancelled"]


def test_a_process_killed_before_its_first_checkpoint_leaves_nothing_behind(store: TinyStore, kept: Session) -> None:
    store.checkpoint(kept.id, said(kept.id))
    store.close()
    (part,) = store.folder.rglob("*.part")
    part.unlink()

    later = TinyStore(store.folder)

    assert texts(later, kept.id) == ["Why?"]
    assert list(later.notices()) == []
    assert list(part.parent.iterdir()) == []


def test_an_ended_answer_leaves_no_lock_open(store: TinyStore, kept: Session) -> None:
    psutil = pytest.importorskip("psutil")
    answer = said(kept.id)
    store.checkpoint(kept.id, answer)
    store.append(kept.id, answer)

    opened = [file.path for file in psutil.Process().open_files()]

    assert not any(str(store.folder) in path for path in opened)


def test_two_processes_that_mend_at_once_add_the_answer_once(store: TinyStore, kept: Session) -> None:
    answer = said(kept.id, "Half an ans")
    store.checkpoint(kept.id, answer)
    store.close()
    (live,) = store.folder.rglob("*.live")
    backup = {path: path.read_bytes() for path in live.parent.iterdir()}
    TinyStore(store.folder).load(kept.id)
    for path, content in backup.items():  # as if the first had been killed before it tidied up
        path.write_bytes(content)

    assert texts(TinyStore(store.folder), kept.id) == ["Why?", "Half an ans"]
    assert list(live.parent.iterdir()) == []


def test_a_checkpoint_does_not_read_or_write_the_session(store: TinyStore, kept: Session) -> None:
    path = store.folder / f"{kept.id}.json"
    before = path.stat()
    path.write_bytes(b"{ no session, but nobody looks")

    store.checkpoint(kept.id, said(kept.id))

    assert path.read_bytes() == b"{ no session, but nobody looks"
    assert path.stat().st_ino == before.st_ino


def test_what_cannot_be_mended_does_not_hide_the_session(store: TinyStore, kept: Session) -> None:
    store.checkpoint(kept.id, said(kept.id))
    store.close()
    locks = store.folder / ".state" / "locks"
    shutil.rmtree(locks)
    locks.write_text("not a folder: no transaction can begin")

    later = TinyStore(store.folder)

    assert texts(later, kept.id) == ["Why?"]
    (notice,) = later.notices()
    assert "could not be mended" in notice
