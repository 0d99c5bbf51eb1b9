"""Functions of the notebook that a model calls, through a real kernel and a real model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.kernels import Kernel, running_kernel
from tests.ollama.server import OllamaServer

pytestmark = [pytest.mark.kernel, pytest.mark.ollama]

ADD = """
import chatnb
calls = []

@chatnb.tool
def add(a: int, b: int) -> int:
    "Add two numbers."
    calls.append((a, b))
    return a + b
"""


@pytest.fixture
def kernel(tmp_path: Path, ollama_server: OllamaServer) -> Iterator[Kernel]:
    with running_kernel(tmp_path, {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat"}) as kernel:
        assert kernel.run(f"%load_ext chatnb\n{ADD}").status == "ok"
        yield kernel


def test_the_model_calls_a_function_of_the_namespace_and_answers_with_its_result(kernel: Kernel) -> None:
    run = kernel.run("%%chat --into answer\nAdd 17 and 25.")

    assert run.status == "ok", run.error
    assert kernel.value("calls") == [[17, 25]]
    assert kernel.value("answer") == "The calculator says: 42"
    assert "add(a=17, b=25)" in run.text


def test_a_function_for_the_kernel_runs_on_the_kernel_thread(kernel: Kernel) -> None:
    kernel.run(
        "import threading\n"
        "@chatnb.tool(where='kernel')\n"
        "def add(a: int, b: int) -> int:\n"
        "    'Add two numbers.'\n"
        "    global ran_on\n"
        "    ran_on = threading.current_thread().name\n"
        "    return a + b"
    )

    run = kernel.run("%%chat\nAdd 17 and 25.")

    assert run.status == "ok", run.error
    assert kernel.value("ran_on") == "MainThread"


def test_a_function_that_fails_is_told_to_the_model_not_to_the_user(kernel: Kernel) -> None:
    kernel.run("@chatnb.tool\ndef add(a: int, b: int) -> int:\n    'Add two numbers.'\n    raise ValueError('no')")

    run = kernel.run("%%chat\nAdd 17 and 25.")

    assert run.status == "ok", run.error
    assert "failed" in run.text


def test_a_model_that_cannot_call_tools_calls_them_all_the_same(kernel: Kernel) -> None:
    told = '{"calls": [{"name": "add", "arguments": {"a": 17, "b": 25}}]}'

    run = kernel.run(f"%%chat -m tinyplain\nRepeat after me: {told}")

    assert run.status == "ok", run.error
    assert kernel.value("calls")[0] == [17, 25]
    assert "add(a=17, b=25)" in run.text
    assert "calls" not in run.text


def test_an_interrupt_reaches_a_function_that_runs_in_the_kernel(kernel: Kernel) -> None:
    kernel.run(
        "import time\n"
        "@chatnb.tool(where='kernel')\n"
        "def add(a: int, b: int) -> int:\n"
        "    'Add two numbers.'\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)"
    )
    pending = kernel.start("%%chat\nAdd 17 and 25.")
    pending.wait_for_text("begun")

    kernel.interrupt()
    run = pending.wait()

    assert run.error is not None
    assert run.error.name == "ChatInterrupted"
