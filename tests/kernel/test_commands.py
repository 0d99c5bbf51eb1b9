"""Every `%chat` command, settings and completion, through a real kernel with a real Ollama."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.kernels import Kernel, running_kernel
from tests.ollama.server import OllamaServer

pytestmark = [pytest.mark.kernel, pytest.mark.ollama]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, ollama_server: OllamaServer) -> Iterator[Kernel]:
    """Run one kernel for the tests of this module; each begins a session of its own."""
    env = {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat", "CHATNB_STALL": "30"}
    with running_kernel(tmp_path_factory.mktemp("commands"), env) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        yield kernel


@pytest.fixture
def kernel(shared: Kernel) -> Kernel:
    shared.run("%chat use -m tinychat -s fresh\n%chat new")
    return shared


def table(kernel: Kernel, command: str) -> str:
    """Return what a command shows as plain text; it also shows HTML."""
    run = kernel.run(command)
    assert run.status == "ok", run.error
    (output,) = run.outputs
    assert "<table>" in output["data"]["text/html"]
    text: str = output["data"]["text/plain"]
    return text


def test_status_tells_model_session_server_and_tokens(kernel: Kernel) -> None:
    kernel.run("%%chat\nWhat is the capital of France?")

    text = table(kernel, "%chat status")

    assert "tinychat" in text
    assert "What is the capital of France? (2 messages)" in text
    assert "http://127.0.0.1:" in text
    assert "tokens written" in text
    assert "tokens, in the last question" in text
    kernel.run("%chat new")
    assert "in the last question" not in table(kernel, "%chat status")


def test_models_tells_what_the_server_really_has(kernel: Kernel) -> None:
    text = table(kernel, "models = %chat models\nmodels")

    assert "completion, tools, thinking" in text
    assert "4,096" in text
    assert "2.9 MB" in text
    names = kernel.value("sorted(model.name for model in models)")
    assert [name.removesuffix(":latest") for name in names] == ["tinychat", "tinyplain", "tinythink"]


def test_pull_without_a_network_fails_with_a_sentence(kernel: Kernel) -> None:
    run = kernel.run("%chat pull nobody/has-this")

    assert run.error is not None
    assert len(run.error.traceback) == 1
    assert "nobody/has-this" in run.error.value


def test_use_chooses_the_model_of_the_session(kernel: Kernel) -> None:
    kernel.run("%chat use -m tinyplain")

    kernel.run("%%chat\nHello")

    assert "tinyplain" in table(kernel, "%chat status")
    assert kernel.value("get_ipython().magics_manager.registry['ChatMagics'].desk.chat.last.reply.model") == "tinyplain"


def test_new_begins_a_session_with_that_title(kernel: Kernel) -> None:
    kernel.run("%chat new Regression of March")
    kernel.run("%%chat\nHello")

    assert "Regression of March (2 messages)" in table(kernel, "%chat status")


def test_sessions_lists_them_the_newest_first(kernel: Kernel) -> None:
    for title in ("first of two", "second of two"):
        kernel.run(f"%chat new {title}")
        kernel.run("%%chat\nHello")

    kernel.run("sessions = %chat sessions")

    assert kernel.value("[s.title for s in sessions][:2]") == ["second of two", "first of two"]


def test_open_goes_on_in_a_session_and_shows_it(kernel: Kernel) -> None:
    kernel.run("%chat new About Ada")
    kernel.run("%%chat\nMy name is Ada.")
    kernel.run("%chat new Another")

    shown = table(kernel, "%chat open About Ada")
    run = kernel.run("%%chat --into name\nWhat is my name?")

    assert "Nice to meet you, Ada!" in shown
    assert run.status == "ok"
    assert kernel.value("name") == "Your name is Ada."


def test_open_of_what_is_not_there_names_what_comes_near(kernel: Kernel) -> None:
    kernel.run("%chat new Quarterly report")
    kernel.run("%%chat\nHello")

    run = kernel.run("%chat open Quaterly repotr")

    assert run.error is not None
    assert run.error.name == "SessionNotFound"
    assert "Quarterly report" in run.error.value


def test_again_asks_the_last_question_of_another_model_too(kernel: Kernel) -> None:
    kernel.run("%%chat\nWhat is the capital of Italy?")

    run = kernel.run("%chat again -m tinyplain")

    assert run.status == "ok", run.error
    assert "The capital of Italy is Rome." in run.text
    assert "tinyplain" in run.text


def test_doctor_finds_all_well(kernel: Kernel) -> None:
    text = table(kernel, "findings = %chat doctor\nfindings")

    assert "version" in text
    assert kernel.value("[f.about for f in findings if f.verdict == 'wrong']") == []


def test_doctor_says_the_next_step_for_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    env = {"OLLAMA_HOST": "127.0.0.1:1", "CHATNB_HOME": str(file)}
    with running_kernel(tmp_path / "kernel", env) as kernel:
        kernel.run("%load_ext chatnb\nfindings = %chat doctor")

        wrong = kernel.value("{f.about: f.step for f in findings if f.verdict == 'wrong'}")

    assert wrong.keys() == {"Ollama", "sessions"}
    assert "ollama serve" in wrong["Ollama"]
    assert "ChatConfig.home" in wrong["sessions"]


def test_config_says_where_each_value_came_from(kernel: Kernel) -> None:
    kernel.run("%config ChatConfig.history = 20")

    text = table(kernel, "%chat config")

    origins = {line.split()[0]: line for line in text.splitlines()[2:]}
    assert "%config" in origins["history"]
    assert "CHATNB_STALL" in origins["stall"]
    assert "OLLAMA_HOST" in origins["host"]
    assert "default" in origins["timeout"]


def test_config_magic_shows_and_sets_every_setting(kernel: Kernel) -> None:
    shown = kernel.run("%config ChatConfig").stdout

    assert "ChatConfig.keep_alive" in shown
    kernel.run("%config ChatConfig.footer = False")
    assert "tokens" not in kernel.run("%ask Hello").text
    kernel.run("%config ChatConfig.footer = True")
    assert "tokens" in kernel.run("%ask Hello").text


def test_help_lists_every_command(kernel: Kernel) -> None:
    text = table(kernel, "%chat help")

    for command in ["status", "models", "pull", "use", "new", "sessions", "open", "again", "doctor", "config", "help"]:
        assert f"\n{command} " in text


def test_a_command_that_is_not_there_names_the_nearest(kernel: Kernel) -> None:
    run = kernel.run("%chat sesions")

    assert run.error is not None
    assert "%chat sessions" in run.error.value


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%%chat --keep", "--keep-alive"),
        ("%%chat -m tinyt", "tinythink"),
        ("%%chat -m tinychat --no-t", "--no-think"),
        ("%chat mod", "models"),
        ("%chat use -m tinypl", "tinyplain"),
        ("%ask --sys", "--system"),
    ],
)
def test_a_tab_completes_options_commands_and_models(kernel: Kernel, code: str, expected: str) -> None:
    found = kernel.complete(code)

    assert any(expected.startswith(match) or match.startswith(expected) for match in found), found


def test_a_tab_completes_sessions(kernel: Kernel) -> None:
    kernel.run("%chat new Zebra")
    kernel.run("%%chat\nHello")

    assert any(match.startswith("Zebra") for match in kernel.complete("%%chat -s Zeb"))
