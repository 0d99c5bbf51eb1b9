"""An interrupt while a tool runs, of each kind: the cell ends, the turn is kept, and it is said what goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from chatnb.stores.tinydb import TinyStore
from tests.faults.server import FaultServer
from tests.kernel.held import CASES, SETUP, Case, calling
from tests.kernel.kernels import Kernel, Pending, running_kernel
from tests.kernel.run import Run
from tests.tools.mcp.running import lives, until
from tests.tools.search.server import Server

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")]


@pytest.fixture(scope="module")
def page() -> Iterator[Server]:
    server = Server()
    server.hangs("/")
    yield server
    server.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def kernel(home: Path, page: Server) -> Iterator[Kernel]:
    models = {name.replace(" ", "-"): calling(case) for name, case in CASES.items()}
    models["a-page"] = calling(Case("read_page", {"url": page.url}))
    models["a-question"] = calling(Case("write_file", {"path": "a.md", "text": "Hello"}))
    folder = home / "work"
    folder.mkdir()
    os.mkfifo(folder / "begun")
    with FaultServer(models) as server:
        root = str(Path(__file__).parents[2])
        with running_kernel(home, {"OLLAMA_HOST": server.url, "PYTHONPATH": root}, folder) as kernel:
            run = kernel.run(f"{SETUP}\n%config ChatConfig.shell = True")
            assert run.status == "ok", run.error
            yield kernel
            kernel.run("released.set()")


def stopped(kernel: Kernel, pending: Pending) -> Run:
    kernel.interrupt()
    run = pending.wait()
    assert run.error is not None
    assert run.error.name == "ChatInterrupted"
    assert run.error.traceback == ("Stopped. What was said so far is kept.",)
    assert run.stderr == ""
    return run


def last_turn(home: Path) -> tuple[str, str, str]:
    """Return what was said in the turn that was saved last, how it ended, and what of it goes on."""
    store = TinyStore(home / "home" / "sessions")
    newest = max(store.sessions(), key=lambda info: info.created_at)
    answer = store.load(newest.id).messages[-1]
    return answer.text, str(answer.outcome), answer.error


@pytest.mark.parametrize("name", CASES)
def test_it_ends_the_cell_and_says_what_goes_on(kernel: Kernel, home: Path, name: str) -> None:
    case = CASES[name]
    kernel.run("%chat new")
    pending = kernel.start(f"%%chat -m {name.replace(' ', '-')} {case.options}\nCall it.")
    if case.is_asked:
        pending.wait_for_prompt()
        kernel.answer("y")
    with (home / "work" / "begun").open("w" if "--trial" in case.options else "r"):
        pass

    run = stopped(kernel, pending)

    text = unescape(run.text)
    assert ("goes on" in text or "not ended" in text) == bool(case.goes_on)
    assert case.goes_on in text
    assert last_turn(home) == ("I call it.", "cancelled", case.goes_on)
    assert kernel.run("print('alive')").stdout == "alive\n"
    assert (f"tool {case.tool}" in kernel.threads()) == ("thread" in case.goes_on)
    asyncio.run(until(lambda: not any(map(lives, kernel.process.children()))))  # what was killed may take a moment


def test_a_page_that_does_not_come_is_left_and_that_is_said(kernel: Kernel, page: Server, home: Path) -> None:
    kernel.run("%chat new")
    pending = kernel.start("%%chat -m a-page -t read_page\nRead it.")
    pending.wait_for_prompt()
    kernel.answer("y")
    assert page.came.wait(30)

    run = stopped(kernel, pending)

    assert "A thread cannot be stopped, so this goes on: read_page." in unescape(run.text)
    assert last_turn(home)[1:] == ("cancelled", "A thread cannot be stopped, so this goes on: read_page.")


def test_a_question_that_waits_for_its_answer_is_a_no(kernel: Kernel, home: Path) -> None:
    kernel.run("%chat new")
    pending = kernel.start("%%chat -m a-question -t write\nWrite it.")
    pending.wait_for_prompt()

    run = stopped(kernel, pending)

    assert "goes on" not in run.text
    assert not (home / "work" / "a.md").exists()
    assert last_turn(home) == ("I call it.", "cancelled", "")
