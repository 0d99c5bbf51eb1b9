"""What ends the answers of one process from another one."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chatnb.chat import Chat
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import Settings
from chatnb.stopping import stop_all

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="nothing can listen here")
SLOW = ["word "] * 2_000


def chat_in(home: Path, *, save: bool = True) -> Chat:
    return Chat(ScriptedModel(SLOW, rate=50), settings=Settings(home=str(home), save=save))


def sockets(home: Path) -> list[Path]:
    return list((home / "run").glob("*"))


@pytest.mark.parametrize("depth", ["", "deep/" * 30])
def test_an_answer_is_stopped_and_kept_wherever_the_folder_is(tmp_path: Path, depth: str) -> None:
    home = tmp_path / depth
    chat = chat_in(home)

    async def ask() -> None:
        chat.ask("What is\nit?")

    chat.portal.call(ask())
    assert chat._listening is not None
    chat._listening.result(10)
    [path] = sockets(home)

    stopped = stop_all(home / "run")

    assert chat.last is not None
    chat.portal.call(chat.last.wait())
    assert (stopped, chat.last.reply.outcome) == (["What is it?"], "cancelled")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (home / "run", path)] == [0o700, 0o600]
    assert stop_all(home / "run") == []
    chat.close()
    assert sockets(home) == []


def test_what_is_not_kept_leaves_nothing(tmp_path: Path) -> None:
    chat = chat_in(tmp_path / "home", save=False)

    async def ask() -> None:
        chat.ask("Why?").cancel()

    chat.portal.call(ask())
    chat.close()

    assert not (tmp_path / "home" / "run").exists()


def test_what_a_killed_process_left_is_removed_and_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    left = tmp_path / f"{socket.gethostname()}-{dead.pid}-00000000.sock"
    others = tmp_path / f"{socket.gethostname()}-{os.getpid()}-00000000.sock", tmp_path / f"elsewhere-{dead.pid}-0.sock"
    for path in (left, *others):
        path.touch()

    stopped = stop_all(tmp_path)

    assert stopped == []
    assert set(tmp_path.iterdir()) == set(others)
