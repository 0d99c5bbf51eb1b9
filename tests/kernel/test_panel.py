"""The panel in a real kernel: what a front end says over the comm, and what it is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.script import Answer, Instruction
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel
from tests.kernel.views import View, opened
from tests.seen import Json, text_of

pytestmark = pytest.mark.kernel


@pytest.fixture
def script() -> Sequence[Instruction]:
    return [Answer(text="Because it is so.")]


@pytest.fixture
def server(script: Sequence[Instruction]) -> Iterator[FaultServer]:
    with FaultServer({"tiny": script}) as server:
        yield server


@pytest.fixture
def panel_kernel(tmp_path: Path, server: FaultServer) -> Iterator[Kernel]:
    """Run a kernel with chatnb loaded; whoever asks is answered by the script."""
    env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}
    with running_kernel(tmp_path, env) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        yield kernel


@pytest.fixture
def view(panel_kernel: Kernel) -> View:
    return opened(panel_kernel)


def said(view: View) -> list[str]:
    state = view.look().state
    assert state is not None
    return [text_of(entry) for entry in state["entries"]]


def is_over(state: Json) -> bool:
    return state["live"] is None and len(state["entries"]) > 1


def test_a_question_is_answered_in_deltas(view: View) -> None:
    state = view.hello().state
    assert state is not None
    assert state["entries"] == []

    done = view.call("ask", text="Why?", attachments=[])
    state = view.wait_until(is_over)

    assert done["kind"] == "done"
    assert said(view) == ["Why?", "Because it is so."]
    assert state["entries"][0]["turn"] == done["turn"]
    assert view.hello().state == state
