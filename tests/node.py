"""Packages of npm that tests use, installed once into a folder that git ignores, and programs run by node."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache"


def install(folder: Path, packages: Sequence[str]) -> None:
    """Install packages, each with its version, into a folder, unless they are there."""
    wanted = "\n".join(packages)
    note = folder / "installed.txt"
    if note.exists() and note.read_text() == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    npm = [shutil.which("npm") or "npm", "install", "--silent", "--no-audit", "--no-fund"]
    subprocess.run([*npm, "--prefix", str(folder), *packages], check=True, timeout=120)
    note.write_text(wanted)


def run(*command: str | Path, cwd: Path | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program of node, or node itself on a script, and return what it wrote."""
    return subprocess.run(
        [shutil.which("node") or "node", *map(str, command)],
        cwd=cwd, input=text, capture_output=True, encoding="utf-8", check=False, timeout=100,
    )  # fmt: skip
