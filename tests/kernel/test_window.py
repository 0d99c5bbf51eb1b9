"""The window and the receipt, with a real Ollama: what is asked for, what the server dropped, and asking with room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.kernels import Kernel, running_kernel
from tests.kernel.run import Run
from tests.ollama.server import OllamaServer
from tests.ollama.windows import loaded_windows, loads

pytestmark = [pytest.mark.kernel, pytest.mark.ollama]

# The model's vocabulary is far smaller than usual ones, so that before its first count the estimate is too low.
STORY = "The harbour was quiet that morning, and the grey boats lay still upon the water. " * 18


@pytest.fixture
def kernel(tmp_path: Path, ollama_server: OllamaServer) -> Iterator[Kernel]:
    env = {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat"}
    with running_kernel(tmp_path, env) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        yield kernel


def page(run: Run) -> str:
    assert run.status == "ok", run.error
    text: str = run.outputs[-1]["data"]["text/markdown"]
    return text


def test_a_prompt_that_the_server_cut_is_told_in_red_and_fit_brings_its_head_back(kernel: Kernel) -> None:
    kernel.run(f"story = {STORY!r}")

    cut = page(kernel.run("%%chat -o num_ctx=512 -o num_predict=16 -c story\nWhat is the capital of France?"))
    whole = page(kernel.run("%chat again --fit"))

    assert "The server did not read the whole prompt" in cut
    assert "--jp-error-color1" in cut
    assert "Paris" in whole
    assert "did not read" not in whole
    assert "of 4k" in whole


def test_asking_again_with_room_stays_whole_when_it_is_done_twice(kernel: Kernel) -> None:
    kernel.run(f"story = {STORY!r}")
    kernel.run("%%chat -o num_ctx=512 -o num_predict=16 -c story\nWhat is the capital of France?")

    pages = [page(kernel.run("%chat again --fit")) for _ in range(2)]

    assert all("Paris" in each and "of 4k" in each and "did not read" not in each for each in pages)


def test_old_messages_that_the_server_dropped_are_told_too(kernel: Kernel) -> None:
    kernel.run(f"%ask {STORY[:600]}\n%ask {STORY[:600]}")
    kernel.run("%chat use -m tinythink")  # the same weights, of whose counts nothing is known yet

    run = kernel.run("%%chat -o num_ctx=512 -o num_predict=16\nWhat is the capital of France?")

    assert "did not read the whole prompt" in page(run)


def test_the_footer_says_how_much_of_the_window_was_used(kernel: Kernel) -> None:
    shown = page(kernel.run("%ask What is the capital of France?"))

    assert " of 4k" in shown


def test_the_window_that_was_asked_for_is_the_one_that_the_server_loads(
    kernel: Kernel, ollama_server: OllamaServer
) -> None:
    for num_ctx in (1_024, 2_048):
        kernel.run(f"%ask -o num_ctx={num_ctx} What is the capital of France?")

        assert loaded_windows(ollama_server)[-1] == num_ctx


def test_questions_that_outgrow_the_window_load_the_model_at_most_twice(
    kernel: Kernel, ollama_server: OllamaServer
) -> None:
    kernel.run(
        "%ask -o num_ctx=512 --no-save What is the capital of France?"
    )  # so that another window has to be loaded
    kernel.run("%chat new")
    before = loads(ollama_server)

    for count in (0, 24, 48, 72, 108):
        run = kernel.run(f"%%chat\n{'A few words more. ' * count}\nWhat is the capital of France?")
        assert "Paris" in page(run)

    assert "left out" in page(run)
    assert loads(ollama_server) - before <= 2
