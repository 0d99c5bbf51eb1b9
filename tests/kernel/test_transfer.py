"""Notebooks as the place where conversations are kept: through real kernels, with a real Ollama."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from chatnb.exports.notebook import as_notebook
from tests import processes
from tests.exports import examples
from tests.kernel.kernels import Kernel, running_kernel
from tests.ollama.server import OllamaServer

pytestmark = [pytest.mark.kernel, pytest.mark.ollama]


@pytest.fixture
def home(tmp_path: Path, ollama_server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "OLLAMA_HOST": ollama_server.url,
        "CHATNB_MODEL": "tinychat",
        "CHATNB_HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "home"


@pytest.fixture
def kernel(tmp_path: Path, ollama_server: OllamaServer) -> Iterator[Kernel]:
    env = {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat", "CHATNB_STALL": "30"}
    with running_kernel(tmp_path, env) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        yield kernel


def executed(path: Path, *sources: str, **options: Any) -> nbformat.NotebookNode:
    """Run cells as a notebook from top to bottom, save it, and return it."""
    notebook: nbformat.NotebookNode = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )
    NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}).execute(**options)
    nbformat.write(notebook, path)
    return notebook


def stored(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "sessions").glob("*.json")}


def test_a_store_that_was_deleted_comes_back_from_a_notebook_byte_for_byte(home: Path, tmp_path: Path) -> None:
    executed(
        tmp_path / "talk.ipynb",
        "%load_ext chatnb\nx = 1",
        "%%chat\nWhat is the capital of France?",
        "%chat new My own title",
        "%chat use -m tinychat",
        "%%chat\nMy name is Ada.",
        "%%chat\nWhat is my name?",
        "%chat again",
        "%chat undo 2",
        "%%chat --system Briefly. -o seed=7\nHello",
        "%chat hide 1",
        "%chat pin x",
        "%%chat\nWhat is pi?",
        "%chat new",
        "%chat tag thesis",
        "%%chat\nPing",
        "%chat fork",
        "%%chat\nGood morning",
        # What is changed after the last answer, in a line with others too, is told by the command's own output.
        "%chat rename Greetings\n%chat tag polite\n1 + 1",
        "%chat compact",
        "%chat undo",
        "%chat fork 2 A copy of which nothing more is said",
        "%chat tag shorter",
        "%chat open Ping",
        "%chat hide 1",
        "%chat pin x",
        "%chat archive",
        "%%chat -s summed\nHello",
        "%%chat -s summed --summary\nWe greeted each other.",
        "%chat new Long\n%config ChatConfig.compact = True\n%config ChatConfig.max_context = 2048",
        "%%chat\n" + "word " * 1_200,
        "%%chat\n" + "word " * 1_200,
    )
    before = stored(home)
    shutil.rmtree(home)

    again = executed(tmp_path / "again.ipynb", "%load_ext chatnb", "%chat import talk.ipynb", "%chat import talk.ipynb")

    assert len(before) == 7
    assert b"Summary" in max(before.items())[1]
    assert stored(home) == before
    assert "all there already" in again.cells[2].outputs[0]["data"]["text/plain"]


STYLES = {"plain": "", "markdown": "--as-markdown", "ready": "--run-ready", "both": "--as-markdown --run-ready"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, ollama_server: OllamaServer) -> Path:
    """Return a folder with a talk as notebooks of each style."""
    folder = tmp_path_factory.mktemp("exported")
    env = {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat", "CHATNB_HOME": str(folder / "home")}
    executed(
        folder / "talk.ipynb",
        "%load_ext chatnb",
        "x = 1",
        "%%chat -c x -o seed=1\nWhat is the capital of France?",
        "%%chat\nShow me code for the mean",
        *(f"%chat export {name}.ipynb --all {style}" for name, style in STYLES.items()),
        env=processes.environment(**env),
    )
    return folder


@pytest.mark.parametrize("name", STYLES)
def test_an_exported_notebook_runs_from_top_to_bottom_with_a_model_and_from_its_recording(
    name: str, exported: Path, tmp_path: Path, ollama_server: OllamaServer
) -> None:
    env = {"CHATNB_HOME": str(tmp_path / "home"), "CHATNB_RECORDING": str(tmp_path / "tape.json")}
    runs = []
    for more in (
        {"OLLAMA_HOST": ollama_server.url, "CHATNB_REPLAY": "record"},
        {"OLLAMA_HOST": "http://127.0.0.1:9", "CHATNB_REPLAY": "strict"},
    ):
        notebook = nbformat.read(exported / f"{name}.ipynb", as_version=4)
        nbformat.validate(notebook)
        where = {"metadata": {"path": str(tmp_path)}}
        # Code in an answer may need what is not there.
        client = NotebookClient(notebook, resources=where, allow_errors="run" in STYLES[name])
        client.execute(env=processes.environment(**env, **more))
        runs.append([cell for cell in notebook.cells if cell.source.startswith("%%chat")])

    live, replayed = runs
    assert [cell.source.partition("\n")[0] for cell in live] == ["%%chat -o seed=1", "%%chat"]
    assert all(cell.outputs[0]["data"]["text/markdown"] for cell in live)
    assert [said(cell) for cell in replayed] == [said(cell) for cell in live]


def said(cell: nbformat.NotebookNode) -> str:
    return str(cell.outputs[0]["data"]["text/markdown"]).partition("<small")[0]


def test_a_notebook_with_everything_runs_too(home: Path, tmp_path: Path) -> None:
    text = (
        "".join(as_notebook([examples.everything()])).replace("qwen3:8b", "tinychat").replace("llama3.2", "tinyplain")
    )
    exported = nbformat.reads(text, as_version=4)

    NotebookClient(exported, resources={"metadata": {"path": str(tmp_path)}}).execute()

    assert home.exists()


def test_asking_in_a_notebook_that_was_given_away_goes_on_where_it_was(
    home: Path, tmp_path: Path, ollama_server: OllamaServer
) -> None:
    executed(tmp_path / "given.ipynb", "%load_ext chatnb", "%%chat\nMy name is Ada.")
    shutil.rmtree(home)
    env = {
        "OLLAMA_HOST": ollama_server.url,
        "CHATNB_MODEL": "tinychat",
        "CHATNB_NOTEBOOK": str(tmp_path / "given.ipynb"),
    }

    with running_kernel(tmp_path, env) as kernel:
        kernel.run("%load_ext chatnb")
        run = kernel.run("%%chat --into name\nWhat is my name?")

        assert run.status == "ok", run.error
        assert kernel.value("name") == "Your name is Ada."
        assert "Goes on in the conversation of this notebook" in run.stderr


def test_standard_output_has_nothing_but_the_export(kernel: Kernel) -> None:
    kernel.run("%chat new Greeting")
    kernel.run("%%chat\nHello")

    run = kernel.run("%chat export - --format jsonl Greeting")

    assert json.loads(run.stdout)["messages"][0] == {"role": "user", "content": "Hello"}
    assert [output["output_type"] for output in run.outputs] == ["stream"]


def test_a_file_that_is_there_is_asked_about(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run("%%chat\nHello")
    (tmp_path / "chat.md").write_text("mine")

    refused = kernel.run("%chat export chat.md", answers=["n"])
    unattended = kernel.run("%chat export chat.md", headless=True)
    done = kernel.run("%chat export chat.md", answers=["y"])

    assert [run.status for run in (refused, unattended, done)] == ["error", "error", "ok"]
    assert "chat.md is there already. Replace it?" in done.prompts[0]


def test_files_formats_options_and_sessions_complete(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "talk.ipynb").write_text("{}")
    kernel.run("%chat new Plans\n")
    kernel.run("%%chat\nHello")

    found = [
        kernel.complete(code)
        for code in ("%chat import ta", "%chat export a.md Pl", "%chat export a --format js", "%chat export a.md --re")
    ]
    endings = ("talk.ipynb", "Plans", "jsonl", "redact")
    assert all(any(match.endswith(end) for match in matches) for matches, end in zip(found, endings, strict=True))
