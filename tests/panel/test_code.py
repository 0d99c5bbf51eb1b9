"""panel.js is plain, typed, clean, and of a readable size."""

import os
from pathlib import Path

import pytest

from tests import node

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "chatnb" / "static" / "panel.js"
CACHE = node.CACHE / "panel"
PACKAGES = ("typescript@7.0.2", "eslint@10.15.0", "@eslint/js@10.0.1", "globals@17.14.0")


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    node.install(CACHE, PACKAGES)


def test_its_types_hold() -> None:
    checked = node.run(CACHE / "node_modules" / "typescript" / "bin" / "tsc", "-p", HERE / "tsconfig.json")

    assert (checked.stdout, checked.returncode) == ("", 0)


def test_a_linter_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CHATNB_NODE", str(CACHE))

    checked = node.run(
        CACHE / "node_modules" / "eslint" / "bin" / "eslint.js",
        *("--no-warn-ignored", "--max-warnings=0", "-c", HERE / "eslint.config.mjs", SOURCE),
        cwd=SOURCE.parent,
    )

    assert (checked.stdout, checked.stderr, checked.returncode) == ("", "", 0)


def test_html_enters_the_page_at_one_place() -> None:
    text = SOURCE.read_text(encoding="utf-8")

    assert text.count(".innerHTML") == 1
    assert "import(" not in text.replace("@import", "")
