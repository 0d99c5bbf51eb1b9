"""The console, run as a user runs it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb import console
from tests import processes
from tests.faults.script import Answer, Status
from tests.faults.server import FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer([Answer(text="It is 42.")]) as server:
        yield server


def run(
    *words: str, home: Path, host: str = "127.0.0.1:1", piped: str | None = None
) -> subprocess.CompletedProcess[str]:
    places = {"CHATNB_HOME": str(home), "OLLAMA_HOST": host, "CHATNB_MODEL": "tinychat", "CHATNB_RETRY_ATTEMPTS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "chatnb", *words],
        env=processes.environment(**places),
        input=piped or "",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_question_is_answered_with_nothing_else_on_stdout(tmp_path: Path, server: FaultServer) -> None:
    result = run("ask", "-o", "seed=1", "What", "is it?", home=tmp_path, host=server.url)

    assert (result.returncode, result.stdout, result.stderr) == (0, "It is 42.\n", "")
    assert server.chats[0].messages[-1]["content"] == "What is it?"
    assert server.chats[0].body["options"]["seed"] == 1


def test_what_is_piped_in_is_asked_too(tmp_path: Path, server: FaultServer) -> None:
    run("ask", "Explain:", home=tmp_path, host=server.url, piped="a = {1}\n")

    assert server.chats[0].messages[-1]["content"] == "Explain:\n\na = {1}"


def test_a_session_goes_on_under_its_title(tmp_path: Path, server: FaultServer) -> None:
    for question in ("First.", "Second."):
        run("ask", "-s", "Work", question, home=tmp_path, host=server.url)

    assert [m["content"] for m in server.chats[1].messages if m["role"] == "user"] == ["First.", "Second."]


def test_without_a_question_it_says_how_to_ask(tmp_path: Path) -> None:
    result = run("ask", home=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert "There is no question" in result.stderr


@pytest.mark.parametrize("words", [("nothing",), ("ask", "--into", "x", "Why?"), ("doctor", "--port", "1")])
def test_words_that_are_not_understood_are_told(words: tuple[str, ...], tmp_path: Path) -> None:
    result = run(*words, home=tmp_path)

    assert result.returncode == 2
    assert "usage: chatnb" in result.stderr


def test_a_failure_is_one_sentence_on_stderr(tmp_path: Path) -> None:
    with FaultServer([Status(500, "out of luck")]) as server:
        result = run("ask", "Why?", home=tmp_path, host=server.url)

    assert (result.returncode, result.stdout) == (1, "")
    assert "out of luck" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_is_no_failure(tmp_path: Path) -> None:
    result = run("--help", home=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    for command in ("lab", "ask", "doctor"):
        assert command in result.stdout


def test_doctor_tells_what_is_wrong_by_its_exit_code(tmp_path: Path, server: FaultServer) -> None:
    well, wrong = run("doctor", home=tmp_path, host=server.url), run("doctor", home=tmp_path)

    assert (well.returncode, wrong.returncode) == (0, 1)
    assert "ollama serve" in wrong.stdout


def test_lab_without_jupyterlab_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    code = console.main(["lab"])

    assert code == 2
    assert "pip install 'chatnb[lab]'" in capsys.readouterr().err
