"""The notebooks give what they show, run by nbval in a fresh kernel: with a model, and from their recording without one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.notebooks import NAMES, NOWHERE, RECORDING, Result, nbval, recorded, said
from tests.ollama.server import OllamaServer

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
