"""The labextension is the same however it gets to JupyterLab."""

from __future__ import annotations

import configparser
from pathlib import Path

from chatnb.labextension import install

ROOT = Path(__file__).parents[1]
INSTALLED = "share/jupyter/labextensions/chatnb"


def test_a_wheel_brings_the_same_files(tmp_path: Path) -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    data_files = config["options.data_files"]

    install(tmp_path)

    put = {path.relative_to(tmp_path / "chatnb"): path.read_text() for path in tmp_path.rglob("*.*")}
    assert put == {
        Path(folder).relative_to(INSTALLED) / Path(file).name: (ROOT / file).read_text()
        for folder in data_files
        if folder.startswith(INSTALLED)
        for file in data_files[folder].split()
    }
