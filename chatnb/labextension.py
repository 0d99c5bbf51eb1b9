"""The labextension's files, for a JupyterLab to which no installation gave them.

A wheel brings them as data files (setup.cfg), an editable installation does not.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

FILES: Mapping[str, str] = {
    "package.json": "package.json",
    "static/bridge.js": "bridge.js",
    "static/labextension.js": "labextension.js",
}
"""Where each lies in the labextension's folder, and in static/."""


def install(folder: Path) -> None:
    """Put the labextension into a folder of labextensions."""
    static = Path(__file__).with_name("static")
    for place, file in FILES.items():
        target = folder / "chatnb" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(static / file, target)
