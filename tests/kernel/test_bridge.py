"""The kernel's side of the bridge to the notebook, with a page that the test is, and without any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.kernel.iopub import Published
from tests.kernel.kernels import Kernel, running_kernel
from tests.kernel.run import Run

pytestmark = pytest.mark.kernel

CODE = "```python\nx = 21\n```\n\n```md\n# Title\n```\n\n```python\nprint(x * 2)\n```"
READING = "%%chat --dry-run -c notebook\nWhy?"
CELLS = [
    {"id": "words", "cell_type": "markdown", "source": "not saved", "execution_count": None},
    {"id": "asking", "cell_type": "code", "source": READING, "execution_count": None},
]
LONG_S, SHORT_S = 30, 0.001
"""How long the kernel waits where the page answers, on a machine however busy, and where it does not."""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("bridge")
    with FaultServer({"tiny": [Answer(text=CODE)]}) as server:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}
        (home / "work").mkdir()
        with running_kernel(home, env, home / "work") as kernel:
            yield kernel


@pytest.fixture(autouse=True)
def _loaded(kernel: Kernel) -> Iterator[None]:
    """Begin as a kernel does that has asked nobody yet."""
    kernel.run("%load_ext chatnb")
    yield
    kernel.run("%unload_ext chatnb")


def waiting(kernel: Kernel, seconds: float) -> None:
    kernel.run(f"import chatnb.bridge\nchatnb.bridge.WAITS_S = chatnb.bridge.PUTS_S = {seconds}")


class Page:
    """Answers what the cells of a kernel ask."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def run(self, code: str, *answers: Mapping[str, Any]) -> tuple[Run, list[dict[str, Any]]]:
        """Run a cell, answer its questions one after the other while it runs, and return both."""
        questions: list[dict[str, Any]] = []
        seen = {message.content["id"] for message in asked(self._kernel)}
        cell = self._kernel.start(code, cell_id="asking")
        for answer in answers:

            def is_new(message: Published) -> bool:
                return message.type == "chatnb_ask" and message.content["id"] not in seen

            question = self._kernel.iopub.wait_for(is_new, 30)
            assert question is not None
            seen.add(question.content["id"])
            questions.append(question.content)
            told = {"id": question.content["id"], **answer}
            self._kernel.control("debug_request", {"type": "request", "command": "chatnb", "seq": 0, "arguments": told})
        return cell.wait(), questions


def asked(kernel: Kernel) -> list[Published]:
    return [message for message in kernel.iopub.messages() if message.type == "chatnb_ask"]


def shown(run: Run) -> str:
    assert run.status == "ok", run.error
    return str(run.outputs[-1]["data"]["text/plain"])


def test_the_page_answers_while_the_cell_runs_that_asks(kernel: Kernel) -> None:
    waiting(kernel, LONG_S)

    run, [question] = Page(kernel).run(READING, {"cells": CELLS})

    assert (question["cell"], question["client"]) == ("asking", kernel.session)
    assert "not saved" in shown(run)
    assert "not seen" not in shown(run)


def test_blocks_of_code_and_markdown_become_cells(kernel: Kernel) -> None:
    waiting(kernel, LONG_S)

    run, [probe, question] = Page(kernel).run("%%chat --code\nShow me.", {"cells": []}, {"cells": []})

    assert probe["put"] == []
    assert [(cell["cell_type"], cell["source"]) for cell in question["put"]] == [
        ("code", "x = 21"),
        ("markdown", "# Title"),
        ("code", "print(x * 2)"),
    ]
    assert run.next_input is None


def test_without_a_page_all_is_as_before(kernel: Kernel) -> None:
    waiting(kernel, SHORT_S)

    read = kernel.run(READING, cell_id="asking")
    coded = kernel.run("%%chat --code\nShow me.", cell_id="asking")

    assert "The notebook's file is not known" in shown(read)
    assert "did not answer" not in shown(read)
    assert coded.next_input == "x = 21\n\n# Title\n\nprint(x * 2)"


def test_a_page_that_answers_no_more_is_told_once_and_one_that_answers_late_counts_again(kernel: Kernel) -> None:
    waiting(kernel, LONG_S)
    page = Page(kernel)
    page.run(READING, {"cells": CELLS})
    waiting(kernel, SHORT_S)

    silent = kernel.run(READING, cell_id="asking")
    still_silent = kernel.run(READING, cell_id="asking")
    late = asked(kernel)[-1].content["id"]
    kernel.control("debug_request", {"type": "request", "command": "chatnb", "seq": 0, "arguments": {"id": late}})
    waiting(kernel, LONG_S)
    run, _ = page.run(READING, {"cells": CELLS})

    assert "The notebook's page did not answer" in shown(silent)
    assert "did not answer" not in shown(still_silent)
    assert "not saved" in shown(run)


def test_a_notebook_that_is_too_large_for_a_message_is_read_from_its_file(kernel: Kernel) -> None:
    waiting(kernel, LONG_S)

    run, _ = Page(kernel).run(READING, {"cells": None})

    assert "The notebook is too large to be read before it is saved." in shown(run)


def test_where_nobody_is_there_nobody_is_asked(kernel: Kernel) -> None:
    before = len(asked(kernel))

    kernel.run(READING, headless=True, cell_id="asking")

    assert len(asked(kernel)) == before


def test_the_debugger_hears_what_is_its_own(kernel: Kernel) -> None:
    kernel.run("%chat status")

    reply = kernel.control("debug_request", {"type": "request", "command": "debugInfo", "seq": 1, "arguments": {}})

    assert reply["command"] == "debugInfo"
    assert reply["success"]
    kernel.run("%unload_ext chatnb")
    assert kernel.value("get_ipython().kernel.control_handlers['debug_request'].__name__") == "debug_request"
