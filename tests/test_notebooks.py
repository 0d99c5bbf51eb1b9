"""The notebooks give what they show, run by nbval in a fresh kernel: with a model, and from their recording without one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from chatnb.stores.tinydb import TinyStore
from tests import processes
from tests.exports import examples
from tests.notebooks import FOLDER, NAMES, NOWHERE, RECORDING, Result, nbval, recorded, said
from tests.ollama.server import OllamaServer

EXPORTING = "05_sessions_and_export.ipynb"

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, ollama_server: OllamaServer) -> tuple[Mapping[str, Result], Path]:
    """Run all of them with a real model, and record it."""
    return recorded(tmp_path_factory.mktemp("live"), ollama_server)


@pytest.mark.ollama
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_gives_what_it_shows_with_a_real_model(name: str, live: tuple[Mapping[str, Result], Path]) -> None:
    results, _ = live

    assert results[name].returncode == 0, results[name].stdout + results[name].stderr


@pytest.mark.ollama
def test_the_recording_is_what_the_notebooks_ask_and_the_model_answers(
    live: tuple[Mapping[str, Result], Path],
) -> None:
    _, path = live

    assert said(path) == said(RECORDING), f"{RECORDING.name} is stale. Record it anew: python -m tests.notebooks"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_gives_what_it_shows_from_its_recording_without_a_server(name: str, tmp_path: Path) -> None:
    result = nbval(tmp_path, name, "--nbval", OLLAMA_HOST=NOWHERE, CHATNB_REPLAY="strict")

    assert result.returncode == 0, f"{result.stdout}\nRecord it anew: python -m tests.notebooks"


def test_the_first_notebook_runs_with_the_script_that_answers_where_there_is_no_model(tmp_path: Path) -> None:
    result = nbval(tmp_path, NAMES[0], "--nbval-lax", CHATNB_MODEL="scripted:demo")

    assert result.returncode == 0, result.stdout


def by_jupyter(folder: Path, env: Mapping[str, str]) -> None:
    """Run it as it stands."""
    run(folder, env, "jupyter", "execute", EXPORTING)


def by_papermill(folder: Path, env: Mapping[str, str]) -> None:
    """Run it with other parameters."""
    run(folder, env, "papermill", EXPORTING, "out.ipynb", "-p", "words", "hello", "-p", "target", "found.json")


def by_nbclient(folder: Path, env: Mapping[str, str]) -> None:
    """Run it with its cell of parameters changed."""
    notebook = nbformat.read(folder / EXPORTING, as_version=4)
    [cell] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    cell.source += "\nformat_name, redact = 'md', ['names']"
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}).execute(env=dict(env))


def run(folder: Path, env: Mapping[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("runner", "files"),
    [
        (
            by_jupyter,
            {"exported/2026-11-21-Another.html": "Hello", "exported/2026-11-21-Names-of-people.html": "names"},
        ),
        (by_papermill, {"found.json": "Hello"}),
        (
            by_nbclient,
            {"exported/2026-11-21-Another.md": "Hello", "exported/2026-11-21-NAME_1-of-people.md": "[NAME_1]"},
        ),
    ],
)
def test_the_notebook_about_sessions_exports_in_bulk(
    runner: Callable[[Path, Mapping[str, str]], None], files: Mapping[str, str], tmp_path: Path
) -> None:
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    shutil.copytree(FOLDER, folder)
    store = TinyStore(home / "sessions")
    other = examples.session(*examples.turn(9, "Hello"), title="Another")
    for one in (examples.everything(), replace(other, id=f"{other.id}x")):
        store.create(one)
    env = {"CHATNB_HOME": str(home), "OLLAMA_HOST": NOWHERE, "CHATNB_REPLAY": "strict", "IPYTHONDIR": str(tmp_path)}
    before = {path.name: path.read_bytes() for path in (home / "sessions").glob("*.json")}

    runner(folder, processes.environment(**env))

    found = [*folder.glob("exported/*"), *folder.glob("found.json")]
    assert {str(path.relative_to(folder)) for path in found} == files.keys()
    assert all(words in (folder / name).read_text() for name, words in files.items())
    assert {path.name: path.read_bytes() for path in (home / "sessions").glob("*.json")} == before
