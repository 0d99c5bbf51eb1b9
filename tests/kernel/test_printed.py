"""Calls that a model prints: offered below its answer, and made by `%chat call` alone, in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.exchange import Exchange
from tests.faults.script import Answer, Instruction
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel

ADD = """
import chatnb
calls = []

@chatnb.tool
def add(a: int, b: int) -> int:
    "Add two numbers."
    calls.append([a, b])
    return a + b
"""
ONE = Answer(text='```json\n{"name": "add", "arguments": {"a": 17, "b": 25}}\n```')
TWO = Answer(text="add(a=1, b=2)\nadd(a=3, b=4)")
WRITE = Answer(text='write_file(path="a.md", text="Hello")')
DONE = Answer(text="It is done.")


@pytest.fixture
def script() -> Sequence[Instruction]:
    return [ONE, DONE]


@pytest.fixture
def server(script: Sequence[Instruction]) -> Iterator[FaultServer]:
    with FaultServer({"tiny": script}) as server:
        yield server


@pytest.fixture
def kernel(tmp_path: Path, server: FaultServer) -> Iterator[Kernel]:
    env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}
    (tmp_path / "work").mkdir()
    with running_kernel(tmp_path, env, tmp_path / "work") as kernel:
        assert kernel.run(f"%load_ext chatnb\n{ADD}").status == "ok"
        yield kernel


def last_sent(server: FaultServer) -> Exchange:
    """Return the last question; what was asked for one token was a look at how much of it was read."""
    return next(chat for chat in reversed(server.chats) if chat.body["options"].get("num_predict") != 1)


def test_a_printed_call_is_offered_and_runs_only_when_it_is_asked_for(kernel: Kernel, server: FaultServer) -> None:
    asked = kernel.run("%ask What is 17 + 25?")
    before = kernel.value("calls")

    called = kernel.run("%chat call")

    assert "add(a=17, b=25)" in asked.text
    assert "%chat call" in asked.text
    assert before == []
    assert kernel.value("calls") == [[17, 25]]
    assert called.status == "ok", called.error
    assert "It is done." in called.text
    sent = last_sent(server).messages
    assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant", "tool"]
    assert sent[-1]["content"] == "42"


@pytest.mark.parametrize("script", [[TWO, DONE]])
@pytest.mark.parametrize(("line", "made"), [("%chat call", [[1, 2], [3, 4]]), ("%chat call 2", [[3, 4]])])
def test_of_several_printed_calls_those_are_made_that_are_named(
    kernel: Kernel, line: str, made: list[list[int]]
) -> None:
    kernel.run("%ask Add.")
    assert {"1", "2"} <= set(kernel.complete("%chat call "))

    run = kernel.run(line)

    assert run.status == "ok", run.error
    assert sorted(kernel.value("calls")) == sorted(made)


@pytest.mark.parametrize("script", [[WRITE, DONE]])
@pytest.mark.parametrize(("answer", "is_written"), [("y", True), ("n", False)])
def test_a_printed_call_is_asked_about_like_any_other(
    kernel: Kernel, tmp_path: Path, answer: str, is_written: bool
) -> None:
    kernel.run("%ask -t write Write it.")

    run = kernel.run("%chat call", answers=[answer])

    assert run.status == "ok", run.error
    assert 'write_file(path="a.md", text="Hello")' in run.prompts[0]
    assert (tmp_path / "work" / "a.md").exists() == is_written


@pytest.mark.parametrize("script", [[WRITE, DONE]])
def test_where_nobody_is_there_a_printed_call_is_offered_and_refused(kernel: Kernel, tmp_path: Path) -> None:
    asked = kernel.run("%ask -t write Write it.", headless=True)
    called = kernel.run("%chat call", headless=True)

    assert len(asked.outputs) == len(called.outputs) == 1
    assert "%chat call" in asked.text
    assert "nobody is here to give it" in called.text
    assert not (tmp_path / "work" / "a.md").exists()


def test_a_call_is_made_once(kernel: Kernel) -> None:
    kernel.run("%ask What is 17 + 25?")
    kernel.run("%chat call")

    again = kernel.run("%chat call")

    assert again.error is not None
    assert "prints no call" in again.error.value
    assert kernel.value("calls") == [[17, 25]]


def test_a_number_that_is_not_there_is_told(kernel: Kernel) -> None:
    kernel.run("%ask What is 17 + 25?")

    run = kernel.run("%chat call 2")

    assert run.error is not None
    assert "There is no call 2: the last answer prints 1." in run.error.value
    assert kernel.value("calls") == []


def test_it_goes_on_with_the_options_of_its_question(kernel: Kernel, server: FaultServer) -> None:
    kernel.run("%%chat -s Sums -o seed=7 --into answer\nWhat is 17 + 25?")

    run = kernel.run("%chat call")

    assert run.status == "ok", run.error
    assert kernel.value("answer") == "It is done."
    assert last_sent(server).body["options"]["seed"] == 7
    assert len(last_sent(server).messages) == 5


def test_a_printed_call_is_still_there_in_another_kernel(tmp_path: Path, server: FaultServer) -> None:
    env = {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}
    with running_kernel(tmp_path, env) as kernel:
        kernel.run(f"%load_ext chatnb\n{ADD}\n%chat new Sums\n%ask What is 17 + 25?")
    with running_kernel(tmp_path, env) as kernel:
        kernel.run(f"%load_ext chatnb\n{ADD}\n%chat open Sums")

        run = kernel.run("%chat call")

        assert run.status == "ok", run.error
        assert kernel.value("calls") == [[17, 25]]
