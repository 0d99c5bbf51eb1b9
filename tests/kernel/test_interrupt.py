"""The kernel's interrupt stops an answer at once, keeps what was said, and stops Run All."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb.stores.tinydb import TinyStore
from tests import processes
from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.kernel

TEXT = "word " * 2_000


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer([Answer()], text=TEXT, rate=50) as server:
        yield server


@pytest.fixture
def kernel(tmp_path: Path, server: FaultServer) -> Iterator[Kernel]:
    with running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        yield kernel


def test_it_ends_the_cell_as_an_error_of_one_line(kernel: Kernel) -> None:
    pending = kernel.start("%%chat\nTell me much.")
    pending.wait_for_text("word")

    kernel.interrupt()
    run = pending.wait()

    assert run.error is not None
    assert run.error.name == "ChatInterrupted"
    assert run.error.traceback == ("Stopped. What was said so far is kept.",)
    assert run.stderr == ""


def test_what_was_said_stays_on_the_screen_and_in_the_store_marked(kernel: Kernel, tmp_path: Path) -> None:
    pending = kernel.start("%%chat\nTell me much.")
    pending.wait_for_text("word word")

    kernel.interrupt()
    run = pending.wait()

    store = TinyStore(tmp_path / "home" / "sessions")
    (info,) = store.sessions()
    question, answer = store.load(info.id).messages
    assert (question.text, answer.outcome) == ("Tell me much.", "cancelled")
    assert answer.text.startswith("word word")
    assert answer.text.strip() in run.text
    assert "stopped" in run.text


def test_the_connection_to_the_server_is_closed(kernel: Kernel, server: FaultServer) -> None:
    pending = kernel.start("%%chat\nTell me much.")
    pending.wait_for_text("word")

    kernel.interrupt()
    pending.wait()

    server.chats[0].wait_until_client_left()
    assert server.open_connections == 0


def test_cells_that_wait_behind_it_do_not_run(kernel: Kernel) -> None:
    first = kernel.start("%%chat\nTell me much.")
    second = kernel.start("ran = True")
    first.wait_for_text("word")

    kernel.interrupt()
    first.wait()

    assert second.wait().status == "aborted"


def test_before_the_first_token_it_stops_as_well(tmp_path: Path) -> None:
    with (
        FaultServer([Answer(token_after_s=60)]) as server,
        running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel,
    ):
        kernel.run("%load_ext chatnb")
        pending = kernel.start("%%chat\nTell me much.")
        pending.wait_for_text(", 2 s", timeout_s=20)

        kernel.interrupt()
        run = pending.wait()

        assert run.error is not None
        assert run.error.name == "ChatInterrupted"


def test_the_next_question_is_answered(kernel: Kernel, server: FaultServer) -> None:
    pending = kernel.start("%%chat\nTell me much.")
    pending.wait_for_text("word")
    kernel.interrupt()
    pending.wait()

    again = kernel.start("%%chat\nAgain.")
    again.wait_for_text("word")
    kernel.interrupt()
    again.wait()

    assert [m["role"] for m in server.chats[1].messages] == ["user", "assistant", "user"]


@pytest.mark.ollama
def test_a_real_server_is_idle_afterwards(tmp_path: Path, ollama_server: OllamaServer) -> None:
    with running_kernel(tmp_path, {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat"}) as kernel:
        kernel.run("%load_ext chatnb")
        pending = kernel.start("%%chat\nTell me a long story.")
        pending.wait_for_text("lighthouse")

        kernel.interrupt()
        run = pending.wait()
        ollama_server.wait_until_idle()

        assert run.error is not None
        assert run.error.name == "ChatInterrupted"
        assert not ollama_server.is_busy()


def test_another_process_ends_the_cell_as_the_interrupt_does(kernel: Kernel, tmp_path: Path) -> None:
    pending = kernel.start("%%chat\nTell me much.")
    pending.wait_for_text("word word")

    stopped = subprocess.run(
        [sys.executable, "-m", "chatnb", "stop", "--home", str(tmp_path / "home")],
        env=processes.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    run = pending.wait()

    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "Stopped: Tell me much.\n", "")
    assert run.error is not None
    assert (run.error.name, run.error.value) == ("ChatInterrupted", "Stopped. What was said so far is kept.")
    assert kernel.run("'goes on'").status == "ok"
