"""Where nobody watches there is one final display, the same whoever runs the notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests import processes
from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.kernel.kernels import running_kernel

# Each test starts several kernels and programs, one after the other.
pytestmark = [pytest.mark.kernel, pytest.mark.timeout(400)]

TEXT = "# Findings\n\n" + "The **mean** lies above the median.\n\n" * 700  # beyond one page of a live cell


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer([Answer()], text=TEXT, rate=20_000) as server:
        yield server


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [nbformat.v4.new_code_cell(code) for code in ("%load_ext chatnb", "%%chat\nWhat did you find?")]
    path = tmp_path / "run.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def data_of(path: Path) -> list[dict[str, Any]]:
    notebook = nbformat.read(path, as_version=4)
    return [dict(output["data"]) for output in notebook.cells[1]["outputs"]]


def run(*command: str | Path, server: FaultServer, home: Path) -> None:
    env = processes.environment(OLLAMA_HOST=server.url, CHATNB_MODEL="tinychat", CHATNB_HOME=str(home / "home"))
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=home, env=env, capture_output=True, text=True, timeout=100, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_runner_gets_the_same_single_display(
    notebook: Path, tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {}

    run("jupyter", "execute", "--output", tmp_path / "executed.ipynb", notebook, server=server, home=tmp_path)
    shown["jupyter execute"] = data_of(tmp_path / "executed.ipynb")
    run("nbconvert", "--to", "notebook", "--execute", "--output", "converted", notebook, server=server, home=tmp_path)
    shown["nbconvert"] = data_of(tmp_path / "converted.ipynb")
    for name, value in {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat", "CHATNB_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    document = nbformat.read(notebook, as_version=4)
    NotebookClient(document, timeout=100).execute()
    nbformat.write(document, tmp_path / "client.ipynb")
    shown["nbclient"] = data_of(tmp_path / "client.ipynb")

    (expected,) = shown["jupyter execute"]
    assert expected.keys() == {"text/markdown", "text/plain"}
    assert expected["text/markdown"].strip() == TEXT.strip()
    assert shown == {runner: [expected] for runner in shown}


def test_nbval_finds_that_a_second_run_gives_the_same(notebook: Path, tmp_path: Path, server: FaultServer) -> None:
    run("jupyter", "execute", "--inplace", notebook, server=server, home=tmp_path)

    run("pytest", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env", notebook, server=server, home=tmp_path)

    assert len(server.chats) == 2


def test_nothing_is_shown_before_the_end(tmp_path: Path, server: FaultServer) -> None:
    with running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel:
        kernel.run("%load_ext chatnb", headless=True)

        headless = kernel.run("%%chat\nWhat?", headless=True)
        live = kernel.run("%%chat\nWhat?")

    assert [len(display.bundles) for display in headless.displays] == [1]
    assert sum(len(display.bundles) for display in live.displays) > 1


@pytest.mark.parametrize(("stream", "headless", "is_streamed"), [("always", True, True), ("never", False, False)])
def test_a_setting_overrides_what_the_runner_says(
    stream: str, headless: bool, is_streamed: bool, tmp_path: Path, server: FaultServer
) -> None:
    with running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat"}) as kernel:
        kernel.run(f"%load_ext chatnb\n%config ChatConfig.stream = {stream!r}", headless=headless)

        run = kernel.run("%%chat\nWhat?", headless=headless)

    assert (sum(len(display.bundles) for display in run.displays) > 1) is is_streamed
