"""Run the project's notebooks with nbval, and record anew what is answered in them: `python -m tests.notebooks`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from chatnb.recordings import DEFAULT
from tests import processes
from tests.ollama.finding import find
from tests.ollama.server import OllamaServer

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))

RECORDING = FOLDER / DEFAULT
"""What is asked in all of them, and answered by the tiny model."""

NOWHERE = "http://127.0.0.1:9"

Result = subprocess.CompletedProcess[str]


def nbval(home: Path, name: str, *options: str, **env: str) -> Result:
    """Run a copy of a notebook, with a data folder of its own and away from this repository's configuration of pytest."""
    folder = home / name / "notebooks"
    shutil.copytree(FOLDER, folder)
    places = {"CHATNB_HOME": str(home / name / "chatnb"), "IPYTHONDIR": str(home / "ipython")}
    # Of pytest's plugins only this one: the others take seconds to begin.
    places["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = ["-p", "nbval.plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *plugins, "--nbval-current-env", *options, name]
    return subprocess.run(
        command,
        cwd=folder,
        env=processes.environment(**places, **env),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def recorded(home: Path, server: OllamaServer) -> tuple[dict[str, Result], Path]:
    """Run all notebooks with a real model; return how that went, by name, and the recording that was made of it."""
    path = home / RECORDING.name
    env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tinychat", "CHATNB_REPLAY": "record"}
    return {name: nbval(home, name, "--nbval", CHATNB_RECORDING=str(path), **env) for name in NAMES}, path


def said(recording: Path) -> dict[str, list[str]]:
    """Return what was answered, by what was asked: a recording without its times and figures, which are never the same."""
    kept = json.loads(recording.read_text("utf-8"))["answers"]
    return {
        key: ["".join(moment.get("text", "") for moment in answer) for answer in each["answers"]]
        for key, each in sorted(kept.items())
    }


def main() -> int:
    """Record anew; return 0 if every notebook gave what it shows."""
    with tempfile.TemporaryDirectory() as name:
        server = OllamaServer(find(), Path(name))
        try:
            server.start()
            server.create_models()
            results, path = recorded(Path(name), server)
        finally:
            server.close()
        for result in results.values():
            sys.stdout.write(result.stdout + result.stderr)
        shutil.copyfile(path, RECORDING)
    return max(result.returncode for result in results.values())


if __name__ == "__main__":
    sys.exit(main())
