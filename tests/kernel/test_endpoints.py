"""Endpoints in a real kernel: commands, completion and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.script import TEXT, Answer, Status
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel

KEY = "sk-lab-4f2a9c81d3e7b605"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    """Serve two models, one of which refuses the key and repeats it."""
    refused = Status(401, f"Incorrect API key provided: {KEY}")
    with FaultServer({"mixtral": [Answer()], "locked": [refused]}) as server:
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, server: FaultServer, home: Path) -> Iterator[Kernel]:
    """Run a kernel whose Ollama is not there."""
    env = {"OLLAMA_HOST": "127.0.0.1:9", "LAB_KEY": KEY, "CHATNB_HOME": str(home), "CHATNB_MODEL": "lab:mixtral"}
    with running_kernel(tmp_path_factory.mktemp("endpoints"), env) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        said = {"lab": {"base_url": server.url, "api_key_env": "LAB_KEY"}}
        assert kernel.run(f"%config ChatConfig.endpoints = {said}").status == "ok"
        yield kernel


def shown(kernel: Kernel, command: str) -> str:
    """Return all that a command shows."""
    run = kernel.run(command)
    assert run.status == "ok", run.error
    return str(run.outputs)


def test_a_question_is_answered(kernel: Kernel, server: FaultServer) -> None:
    run = kernel.run("%%chat\nWhat is the mean?")

    assert run.status == "ok"
    assert kernel.value("get_ipython().magics_manager.registry['ChatMagics'].desk.chat.last.reply.text") == TEXT
    assert server.chats[-1].headers["authorization"] == f"Bearer {KEY}"
    assert "openai" not in kernel.value("list(__import__('sys').modules)")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("%chat models", "lab:mixtral"),
        ("%chat status", "version 0.9.3"),
        ("%chat doctor", "models of lab"),
        ("%chat use -m lab:mixtral", "lab:mixtral"),
        ("%chat config", "LAB_KEY"),
    ],
)
def test_commands_know_the_endpoint_and_not_its_key(kernel: Kernel, command: str, says: str) -> None:
    text = shown(kernel, command)

    assert says in text
    assert KEY not in text


def test_the_doctor_misses_no_ollama_where_none_is_asked(kernel: Kernel) -> None:
    text = shown(kernel, "%chat doctor")

    assert "Ollama" not in text
    assert "✗" not in text


@pytest.mark.parametrize("code", ["%%chat -m la", "%%chat -m lab:mi", "%chat use -m lab:"])
def test_a_tab_completes_prefixes_and_models(kernel: Kernel, code: str) -> None:
    found = kernel.complete(code)

    assert any(match.endswith(("lab:", "mixtral")) for match in found), found


def test_a_download_is_refused_with_a_sentence(kernel: Kernel) -> None:
    run = kernel.run("%chat pull lab:mixtral")

    assert run.error is not None
    assert "cannot be asked to download mixtral" in run.error.value


def test_a_key_that_the_server_repeats_is_not_shown(kernel: Kernel) -> None:
    run = kernel.run("%%chat -m lab:locked\nWhat is the mean?")
    again = kernel.run("%tb")

    assert run.error is not None
    assert "does not accept the key" in run.error.value
    assert KEY not in str((run.error, run.outputs, again.error, again.outputs))


def test_a_key_in_the_settings_is_refused_with_a_sentence(kernel: Kernel) -> None:
    run = kernel.run(f"%config ChatConfig.endpoints = {{'new': {{'base_url': 'gpu:8000', 'api_key': '{KEY}'}}}}")

    text = str((run.outputs, run.error))
    assert "a key does not belong into the settings" in text
    assert KEY not in text
    assert KEY not in shown(kernel, "%chat config")
    assert kernel.value("list(get_ipython().magics_manager.registry['ChatMagics'].desk.settings().endpoints)") == [
        "lab"
    ]


def test_no_file_holds_a_key(kernel: Kernel, home: Path) -> None:
    kernel.run("%%chat\nIs it kept?")

    texts = [path.read_text(encoding="utf-8") for path in home.rglob("*") if path.is_file()]

    assert any("Is it kept?" in text for text in texts)
    assert not any(KEY in text for text in texts)
