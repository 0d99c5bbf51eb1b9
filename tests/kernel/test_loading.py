"""Loading the extension is instant, since it imports next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel

HEAVY = {"httpx", "pydantic", "ipywidgets", "anywidget", "tinydb", "ollama", "rich", "nbformat", "jsonschema"}


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, {"CHATNB_MODEL": "scripted:demo"}) as kernel:
        yield kernel


def imported_by(kernel: Kernel, code: str) -> set[str]:
    """Return the modules that were not there before `code` ran."""
    before = set(kernel.value("list(__import__('sys').modules)"))
    run = kernel.run(code)
    assert run.status == "ok", run.error
    return set(kernel.value("list(__import__('sys').modules)")) - before


def test_loading_imports_no_heavy_package(kernel: Kernel) -> None:
    imported = imported_by(kernel, "%load_ext chatnb")

    assert "chatnb.magic" in imported
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


def test_loading_leaves_the_rest_of_chatnb_for_the_first_question(kernel: Kernel) -> None:
    imported = imported_by(kernel, "%load_ext chatnb")

    assert imported & {"chatnb.desk", "chatnb.chat", "chatnb.turn", "chatnb.messages", "chatnb.options"} == set()
    assert len([name for name in imported if name.startswith("chatnb")]) < 12


def test_the_first_question_brings_the_rest(kernel: Kernel) -> None:
    imported_by(kernel, "%load_ext chatnb")

    imported = imported_by(kernel, "%%chat\nHello")

    assert {"chatnb.desk", "tinydb"} <= imported
