"""The notebooks give what they show, run by nbval in a fresh kernel."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.ollama.server import OllamaServer

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def nbval(home: Path, name: str, *options: str, **env: str) -> None:
    """Run a copy of a notebook, away from this repository's configuration of pytest."""
    shutil.copytree(FOLDER, home / "notebooks")
    places = {"CHATNB_HOME": str(home / "chatnb"), "IPYTHONDIR": str(home / "ipython")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-current-env", *options, name]
    result = subprocess.run(
        command,
        cwd=home / "notebooks",
        env=processes.environment(**places, **env),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.ollama
@pytest.mark.kernel
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_gives_what_it_shows_with_a_real_model(
    name: str, tmp_path: Path, ollama_server: OllamaServer
) -> None:
    nbval(tmp_path, name, "--nbval", OLLAMA_HOST=ollama_server.url, CHATNB_MODEL="tinychat")


@pytest.mark.kernel
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("06")])  # which is about servers
def test_a_notebook_runs_without_any_model(name: str, tmp_path: Path) -> None:
    nbval(tmp_path, name, "--nbval-lax", CHATNB_MODEL="scripted:demo")
