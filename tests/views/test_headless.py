"""What a person saw, run again or converted where nobody watches."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from selectolax.lexbor import LexborHTMLParser

from chatnb.views.notebook import NotebookView
from tests import processes
from tests.kernel.kernels import running_kernel
from tests.kernel.run import Run
from tests.views.logs import LOGS
from tests.views.surfaces import Cell, shown

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

MODEL = {"CHATNB_MODEL": "scripted:demo"}
CELLS = ["%load_ext chatnb", "%%chat\nWhat can you do?"]
TIMEOUT_S = 100


def written(folder: Path) -> Path:
    """Write a notebook that asks the built-in model."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(CELLS)]
    path = folder / "asking.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a runner that knows nothing of the user's settings."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "CHATNB_HOME")
    return processes.environment(**{name: str(folder / name.lower()) for name in names}, **MODEL)


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python and return how it went."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def watched(folder: Path) -> Run:
    """Return the question where somebody watches, without the line of figures."""
    with running_kernel(folder / "watched", {**MODEL}) as kernel:
        kernel.run(f"{CELLS[0]}\n%config ChatConfig.footer = False")
        return kernel.run(CELLS[1])


def test_nbval_finds_the_answer_that_a_person_saw_without_its_footer(tmp_path: Path) -> None:
    path = written(tmp_path)
    notebook = json.loads(path.read_text())
    notebook["cells"][1]["outputs"] = watched(tmp_path).outputs
    notebook["cells"][1]["execution_count"] = 2
    path.write_text(json.dumps(notebook))

    done = ran(tmp_path, "pytest", "--nbval", "-p", "no:cacheprovider", path.name)

    assert "2 passed" in done.stdout, done.stdout


def test_a_web_page_of_a_notebook_has_everything_that_a_cell_showed(tmp_path: Path) -> None:
    path = written(tmp_path)
    notebook = json.loads(path.read_text())
    cell = Cell()
    shown(NotebookView(cell, is_live=True, footer=True), [LOGS["thoughts before the answer"]])
    notebook["cells"][1]["outputs"] = cell.saved()
    path.write_text(json.dumps(notebook))

    done = ran(tmp_path, "jupyter", "nbconvert", "--to", "html", "--stdout", path.name)

    assert done.returncode == 0, done.stderr
    page = LexborHTMLParser(done.stdout)
    assert [node.text() for node in page.css("details summary")] == ["Thoughts (7 words)"]
    assert [node.text() for node in page.css("details pre")] == ["Let me see.\n\nThe mean of x."]
    assert [node.text() for node in page.css(".jp-RenderedMarkdown li")] == ["Monday", "Tuesday"]
    assert [node.text().split(" ·")[0] for node in page.css("small")] == ["qwen3:8b"]
