"""Loading, unloading, restarting: what stays, and that nothing stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.kernel

ENV = {"CHATNB_MODEL": "scripted:demo"}


def traces(kernel: Kernel, home: Path) -> dict[str, object]:
    """Return the threads that a kernel has now, and chatnb's open files."""
    return {
        "threads": sorted(kernel.threads()),
        "files": [file.path for file in kernel.process.open_files() if file.path.startswith(str(home / "home"))],
    }


def connections_to(kernel: Kernel, server: FaultServer) -> list[object]:
    port = int(server.url.rpartition(":")[2])
    return [c for c in kernel.process.net_connections("inet") if c.raddr[1:] == (port,)]


def test_unloading_leaves_no_thread_socket_or_lock(tmp_path: Path) -> None:
    with (
        FaultServer([Answer()]) as server,
        running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel,
    ):
        kernel.run("import threading, concurrent.futures")
        before = traces(kernel, tmp_path)
        kernel.run("%load_ext chatnb")
        assert kernel.run("%%chat\nWhy?").status == "ok"
        assert "chatnb" in kernel.threads()

        run = kernel.run("%unload_ext chatnb")

        assert run.status == "ok", run.error
        assert traces(kernel, tmp_path) == before
        assert connections_to(kernel, server) == []


def test_unloading_takes_the_magics_and_settings_away(tmp_path: Path) -> None:
    with running_kernel(tmp_path, ENV) as kernel:
        kernel.run("%load_ext chatnb\n%unload_ext chatnb")

        assert "`%chat` not found" in kernel.run("%chat status").stderr
        assert "Chat" not in kernel.run("%config").stdout


def test_reloading_works_and_goes_on_in_the_session(tmp_path: Path) -> None:
    with running_kernel(tmp_path, ENV) as kernel:
        kernel.run("%load_ext chatnb")
        kernel.run("%%chat\nHello")

        run = kernel.run("%reload_ext chatnb")
        again = kernel.run("%%chat\nWhat did I ask before?")

        assert run.status == "ok", run.error
        assert "Before this you asked" in again.text


def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    with running_kernel(tmp_path, ENV) as kernel:
        kernel.run("%load_ext chatnb")

        run = kernel.run("%load_ext chatnb")

        assert run.status == "ok"
        assert kernel.run("%ask Hello").status == "ok"


@pytest.mark.ollama
def test_after_a_restart_the_conversation_goes_on(tmp_path: Path, ollama_server: OllamaServer) -> None:
    env = {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat"}
    with running_kernel(tmp_path, env) as kernel:
        kernel.run("%load_ext chatnb")
        kernel.run("%%chat\nMy name is Ada.")

    with running_kernel(tmp_path, env) as kernel:
        kernel.run("%load_ext chatnb")
        run = kernel.run("%%chat\nWhat is my name?")

    assert "Your name is Ada." in run.text


def test_a_run_without_a_person_begins_anew_each_time(tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        with running_kernel(tmp_path, ENV) as kernel:
            kernel.run("%load_ext chatnb", headless=True)
            texts.append(kernel.run("%%chat\nWhat did I ask before?", headless=True).text)

    assert texts[0] == texts[1]
    assert "first question" in texts[0]


def test_a_killed_kernel_leaves_the_question_and_what_was_said(tmp_path: Path) -> None:
    env = {"CHATNB_MODEL": "tinychat"}
    with FaultServer([Answer()], text="word " * 5_000, rate=100) as server:
        with running_kernel(tmp_path, env | {"OLLAMA_HOST": server.url}) as kernel:
            kernel.run("%load_ext chatnb")
            pending = kernel.start("%%chat\nTell me much.")
            pending.wait_for_text("word " * 350, timeout_s=30)  # beyond the first checkpoint
            kernel.process.kill()

        with running_kernel(tmp_path, env | {"OLLAMA_HOST": server.url}) as kernel:
            kernel.run("%load_ext chatnb")
            run = kernel.run("%chat open Tell me much.")

    assert run.status == "ok", run.error
    assert "word word word" in run.outputs[-1]["data"]["text/plain"]
    assert "cut off" in run.stderr


def test_python_in_a_cell_has_the_same_engine(tmp_path: Path) -> None:
    with running_kernel(tmp_path, ENV) as kernel:
        run = kernel.run(
            "from chatnb import Chat\n"
            "chat = Chat('scripted:demo')\n"
            "now = chat.ask_now('Hello').text\n"
            "awaited = (await chat.ask('Hello')).text\n"
            "events = [type(event).__name__ async for event in chat.ask('Hello')]\n"
            "chat.close()"
        )

        assert run.status == "ok", run.error
        assert kernel.value("now == awaited and now.startswith('Hello')") is True
        assert kernel.value("[events[0], events[-1]]") == ["Asked", "Finished"]
