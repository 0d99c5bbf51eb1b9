"""Where we are: the notebook that a kernel serves, as far as that can be known.

Sessions belong to a place, so that a kernel that starts again goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def notebook_path(
    setting: str, namespace: Mapping[str, Any], environment: Mapping[str, str], folder: Path, *, is_live: bool
) -> Path | None:
    """Return the path of the notebook, or None where it is not known for sure.

    Parameters
    ----------
    setting
        What the user says it is; believed.
    namespace
        The user's; VS Code leaves `__vsc_ipynb_file__` there.
    environment
        Jupyter Server leaves JPY_SESSION_NAME there. It is a hint: relative where a client named the session so, not
        there in other runners, stale after a rename, and that of the outer notebook where one runs another.
    folder
        The kernel's working folder when it started: the notebook's, where Jupyter Server started it.
    is_live
        Whether a person is at the other end; runners without one inherit the hint from where they were started.
    """
    for told in (setting, namespace.get("__vsc_ipynb_file__")):
        if told and isinstance(told, str):
            return Path(told).expanduser().resolve()
    hint = environment.get("JPY_SESSION_NAME", "")
    path = folder / hint  # an absolute hint stays as it is
    if is_live and hint.endswith(".ipynb") and path.parent == folder and path.is_file():
        return path
    return None


def place_of(setting: str, namespace: Mapping[str, Any], *, is_live: bool) -> str:
    """Return what a kernel's sessions belong to: its notebook, else its folder, else (nobody is there) nothing.

    A run without a person begins a new session each time: what it answers must not depend on how often it ran.
    """
    folder = Path(os.environ.get("PWD") or ".") if not Path.cwd().exists() else Path.cwd()
    path = notebook_path(setting, namespace, os.environ, folder, is_live=is_live)
    if path is not None:
        return str(path)
    return str(folder) if is_live else ""
