"""A notebook that was recorded runs where there is no model, and says so where it was not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel

QUESTIONS = ["%%chat\nWhat is it?", "prices = [1, 2]", "%%chat -c prices\nWhich is lowest?"]
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def environment(url: str, **more: str) -> dict[str, str]:
    return {"OLLAMA_HOST": url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1", **more}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"tiny": [Answer(text="It **is** so."), Answer(text="The first.")]}) as server:
        yield server


def answers(kernel: Kernel) -> list[str]:
    kernel.run("%load_ext chatnb\n%chat record tape.json")
    return [kernel.run(code).text for code in QUESTIONS]


def test_what_was_recorded_is_answered_in_a_new_kernel_without_a_server(
    tmp_path: Path, folder: Path, server: FaultServer
) -> None:
    with running_kernel(tmp_path, environment(server.url), folder) as kernel:
        recorded = answers(kernel)
    with running_kernel(tmp_path / "other", environment(NOWHERE, CHATNB_REPLAY="strict"), folder) as kernel:
        replayed = answers(kernel)
        other = kernel.run("%%chat\nAnd what else?")

    assert "It **is** so." in recorded[0]
    assert [text.partition("<small")[0] for text in replayed] == [text.partition("<small")[0] for text in recorded]
    assert other.error is not None
    assert "holds no answer to this question" in other.error.value
    assert "And what else?" in other.error.value


def test_without_a_recording_the_cell_says_what_to_do(tmp_path: Path, folder: Path) -> None:
    with running_kernel(tmp_path, environment(NOWHERE, CHATNB_REPLAY="strict"), folder) as kernel:
        kernel.run("%load_ext chatnb")
        run = kernel.run("%ask What is it?")

    assert run.error is not None
    assert "chatnb-recording.json holds no answer" in run.error.value
    assert "%chat record FILE" in run.error.value
