"""A full disk, a read-only folder, a folder that is none: a clear error, and nothing lost of what was there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb.errors import StoreError
from chatnb.messages import Session
from chatnb.stores.tinydb import TinyStore

from .examples import asked, said, session

NOBODY = 65534
"""The user that owns nothing."""


@pytest.fixture
def store() -> Iterator[TinyStore]:
    # Not tmp_path: that one lies in a folder which another user cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="chatnb-"))
    folder.chmod(0o755)
    store = TinyStore(folder / "sessions")
    yield store
    store.close()
    shutil.rmtree(folder)


@pytest.fixture
def kept(store: TinyStore) -> Session:
    kept = session("Prices")
    kept = replace(kept, messages=(asked(kept.id), said(kept.id)))
    store.create(kept)
    return kept


def run(code: str, *args: object) -> str:
    """Run code in a process of its own, which may bind itself; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_an_error_and_the_session_stays_as_it_was(store: TinyStore, kept: Session) -> None:
    path = store.folder / f"{kept.id}.json"
    path.with_suffix(".json.new").symlink_to("/dev/full")  # the next version goes to a device without room

    with pytest.raises(StoreError) as caught:
        store.append(kept.id, said(kept.id))

    assert "no room" in str(caught.value)
    assert str(path) in str(caught.value)
    assert "CHATNB_HOME" in str(caught.value)
    assert store.load(kept.id).messages == TinyStore(store.folder).load(kept.id).messages == kept.messages
    store.append(kept.id, said(kept.id))  # there is room again
    assert len(store.load(kept.id).messages) == 3


LIMITED = """
import resource, signal, sys
from chatnb.errors import StoreError
from chatnb.stores.tinydb import TinyStore
from tests.stores.examples import said
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = TinyStore(sys.argv[1])
before = store.load(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
for keep in (store.append, store.checkpoint):
    try:
        keep(sys.argv[2], said(sys.argv[2], "long " * 2000))
    except StoreError as error:
        print(error)
assert store.load(sys.argv[2]) == before
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot limit a process's files")
@pytest.mark.parametrize("room", [0, 1, 1000, 4096])
def test_a_file_that_ends_in_the_middle_never_takes_the_sessions_name(
    store: TinyStore, kept: Session, room: int
) -> None:
    printed = run(LIMITED, store.folder, kept.id, room)

    assert printed.count("no room") == 2
    assert store.load(kept.id).messages == kept.messages
    assert [path for path in store.folder.rglob("*") if path.suffix == ".new"] == []
    assert list(store.notices()) == []


READ_ONLY = """
import os, sys
from chatnb.errors import StoreError
from chatnb.messages import Session, now
from chatnb.stores.tinydb import TinyStore
from tests.stores.examples import said, session
if os.getuid() == 0:  # whom no mode stops
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
store = TinyStore(sys.argv[1])
print([info.title for info in store.sessions()], len(store.load(sys.argv[2]).messages))
for call in (
    lambda: store.create(session()),
    lambda: store.append(sys.argv[2], said(sys.argv[2])),
    lambda: store.checkpoint(sys.argv[2], said(sys.argv[2])),
    lambda: store.update(sys.argv[2], title="x"),
    lambda: store.delete(sys.argv[2]),
):
    try:
        call()
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode that forbids writing into a folder")
def test_a_read_only_folder_can_be_read_and_says_so_when_it_is_written(store: TinyStore, kept: Session) -> None:
    paths = [store.folder, *store.folder.rglob("*")]
    for path in paths:
        if os.getuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        path.chmod(0o500 if path.is_dir() else 0o400)

    first, *errors = run(READ_ONLY, store.folder, kept.id, NOBODY).splitlines()

    for path in paths:
        path.chmod(0o700)
    assert first == "['Prices'] 2"
    assert len(errors) == 5
    assert all("may not be read or written" in error and str(store.folder) in error for error in errors)
    assert store.load(kept.id).messages == kept.messages


def test_a_folder_that_is_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("mine")
    store = TinyStore(tmp_path / "sessions")

    with pytest.raises(StoreError, match=str(tmp_path / "sessions")):
        store.create(session())
    with pytest.raises(StoreError, match=str(tmp_path / "sessions")):
        store.sessions()

    assert (tmp_path / "sessions").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has a file that nobody can read")
def test_a_session_that_cannot_be_read_does_not_hide_the_others(store: TinyStore, kept: Session) -> None:
    (store.folder / "unreadable.json").symlink_to("/proc/self/mem")

    titles = [info.title for info in store.sessions()]

    assert titles == ["Prices"]
    (notice,) = store.notices()
    assert "could not be read" in notice
    assert "unreadable.json" in notice
