"""Find a real Ollama: an address, a program, or one that a script beside the repository installs."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

VARIABLE = "CHATNB_TEST_OLLAMA"
INSTALLER = Path(__file__).parents[3] / "shared" / "real-ollama" / "install.sh"


class NoOllamaError(Exception):
    """There is none; the message says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Address:
    """A server that runs already, and is left running."""

    url: str


@dataclass(frozen=True, slots=True)
class Program:
    """The `ollama` program, with which the tests run their own server."""

    path: Path


def find() -> Address | Program:
    """Return what `CHATNB_TEST_OLLAMA` names, else `ollama` on the PATH, else what the installer beside us makes.

    Raises
    ------
    NoOllamaError
        If there is none.
    """
    if named := os.environ.get(VARIABLE):
        if named.startswith(("http://", "https://")):
            return Address(named.rstrip("/"))
        if program := shutil.which(named):
            return Program(Path(program))
        raise NoOllamaError(f"{VARIABLE} is {named!r}, which is neither an address (http://...) nor a program.")
    if program := shutil.which("ollama"):
        return Program(Path(program))
    if INSTALLER.is_file():
        return Program(_installed())
    raise NoOllamaError(
        "No Ollama was found. Install it from https://ollama.com/download, "
        f"or set {VARIABLE} to a running server's address or to the program's path."
    )


def _installed() -> Path:
    home = user_cache_path("chatnb-tests", ensure_exists=True)
    with FileLock(home / "ollama.lock", timeout=300):
        # The script knows by itself whether everything is there already.
        result = subprocess.run(
            ["sh", INSTALLER, home / "ollama"], capture_output=True, text=True, timeout=300, check=False
        )
    if result.returncode:
        raise NoOllamaError(f"{INSTALLER.name} could not install Ollama: {result.stderr.strip()[-500:]}")
    return home / "ollama" / "bin" / "ollama"
