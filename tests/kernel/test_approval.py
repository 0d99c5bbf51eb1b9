"""Tools in a real kernel: which the model is told of, what is asked, and what runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.faults.script import Answer, Instruction
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel


def calling(name: str, arguments: Mapping[str, Any]) -> Answer:
    return Answer(text="", tool_calls=[{"function": {"name": name, "arguments": dict(arguments)}}])


class Desk:
    """A kernel in a folder, and the server that its questions go to."""

    def __init__(self, kernel: Kernel, server: FaultServer, folder: Path) -> None:
        self.kernel, self.server, self.folder = kernel, server, folder

    @property
    def result(self) -> str:
        """What the model read of the last call."""
        text: str = self.server.chats[-1].messages[-1]["content"]
        return text


@pytest.fixture
def script() -> Sequence[Instruction]:
    return [Answer()]


@pytest.fixture
def desk(tmp_path: Path, script: Sequence[Instruction]) -> Iterator[Desk]:
    folder = tmp_path / "work"
    folder.mkdir()
    with FaultServer({"tiny": script}) as server:
        env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}
        with running_kernel(tmp_path, env, folder) as kernel:
            assert kernel.run("%load_ext chatnb").status == "ok"
            yield Desk(kernel, server, folder)


def told(desk: Desk) -> list[str]:
    return [tool["function"]["name"] for tool in desk.server.chats[-1].body.get("tools", [])]


def test_the_model_is_told_of_what_was_chosen_and_nothing_else(desk: Desk) -> None:
    desk.kernel.run("import chatnb\n@chatnb.tool\ndef price_of(sku: str) -> float:\n    'Look up.'\n    return 1.0")

    desk.kernel.run("%ask Why?")
    own = told(desk)
    desk.kernel.run("%ask -t files -t price_of Why?")
    chosen = told(desk)
    desk.kernel.run("%config ChatConfig.tools = ['read_file']")
    desk.kernel.run("%ask Why?")

    assert own == ["price_of"]
    assert chosen == ["read_file", "list_files", "search_files", "read_json", "price_of"]
    assert told(desk) == ["read_file"]


def test_the_list_of_tools_says_what_each_may_do(desk: Desk) -> None:
    desk.kernel.run("%config ChatConfig.approve = {'writes': 'never'}")

    text = desk.kernel.run("%chat tools").outputs[-1]["data"]["text/plain"]

    assert "read_file" in text
    assert "reads, writes  refused" in text
    assert "runs           asked about" in text


@pytest.mark.parametrize("script", [[calling("write_file", {"path": "a.md", "text": "Hello\n"}), Answer(text="Done.")]])
@pytest.mark.parametrize(("answer", "is_written"), [("y", True), ("n", False), ("", False)])
def test_a_file_is_written_only_after_a_yes_to_the_exact_call(desk: Desk, answer: str, is_written: bool) -> None:
    run = desk.kernel.run("%ask -t write Write it.", answers=[answer])

    assert run.status == "ok", run.error
    assert 'write_file(path="a.md", text="Hello\\n") reads and writes. Allow it?' in run.prompts[0]
    assert "+Hello" in str(run.outputs)
    assert (desk.folder / "a.md").exists() == is_written
    assert ("said no" in desk.result) != is_written


@pytest.mark.parametrize("script", [[calling("write_file", {"path": "a.md", "text": "Hello\n"}), Answer(text="Done.")]])
def test_where_nobody_is_there_what_would_ask_is_refused_and_said_so(desk: Desk) -> None:
    run = desk.kernel.run("%ask -t write Write it.", headless=True)

    assert run.status == "ok", run.error
    assert not (desk.folder / "a.md").exists()
    assert "nobody is here" in desk.result


@pytest.mark.parametrize(
    "script",
    [
        [
            calling("write_file", {"path": "a.md", "text": "1"}),
            calling("write_file", {"path": "b.md", "text": "2"}),
            Answer(text="Done."),
        ]
    ],
)
def test_a_yes_for_the_session_is_not_asked_again(desk: Desk) -> None:
    run = desk.kernel.run("%ask -t write Write both.", answers=["s"])

    assert run.status == "ok", run.error
    assert len(run.prompts) == 1
    assert [path.name for path in sorted(desk.folder.glob("*.md"))] == ["a.md", "b.md"]


@pytest.mark.parametrize(
    "script", [[calling("run_python", {"code": "x = x + 1\nprint('now', x)"}), Answer(text="Done.")]]
)
def test_code_runs_in_the_kernel_after_a_yes_and_can_be_taken_back(desk: Desk) -> None:
    desk.kernel.run("x = 1")

    run = desk.kernel.run("%ask -t python Add one.", answers=["y"])
    after = desk.kernel.value("x")
    text = desk.kernel.run("%chat undo --run").outputs[-1]["data"]["text/plain"]

    assert run.status == "ok", run.error
    assert "x = x + 1" in str(run.outputs)
    assert "now 2" in desk.result
    assert after == 2
    assert "x" in text
    assert desk.kernel.value("x") == 1


@pytest.mark.parametrize("script", [[calling("run_python", {"code": "del x"}), Answer(text="Done.")]])
def test_a_trial_shows_what_code_would_change_before_it_is_allowed(desk: Desk) -> None:
    desk.kernel.run("x = 1")

    run = desk.kernel.run("%%chat -t python --trial\nDelete it.", answers=["n"])

    assert run.status == "ok", run.error
    assert "x is deleted" in str(run.outputs)
    assert desk.kernel.value("x") == 1


@pytest.mark.parametrize("script", [[calling("write_file", {"path": "a.md", "text": "1"}), Answer(text="Done.")]])
def test_an_interrupt_while_it_asks_ends_the_cell_and_nothing_is_done(desk: Desk) -> None:
    pending = desk.kernel.start("%ask -t write Write it.")
    pending.wait_for_prompt()

    desk.kernel.interrupt()
    run = pending.wait()

    assert run.status == "error"
    assert not (desk.folder / "a.md").exists()
    assert desk.kernel.value("1 + 1") == 2
