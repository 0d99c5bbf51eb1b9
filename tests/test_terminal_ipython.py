"""The same magics in a plain terminal IPython, in a real pseudo-terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pexpect
import pytest

from tests import processes
from tests.faults.script import Answer
from tests.faults.server import FaultServer

Terminal: TypeAlias = "pexpect.spawn[str]"

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][AB0]|\x1b[=>]|\r")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer([Answer(), Answer(text="word " * 2_000, rate=50)]) as server:
        yield server


@pytest.fixture
def terminal(tmp_path: Path, server: FaultServer) -> Iterator[Terminal]:
    env = processes.environment(
        OLLAMA_HOST=server.url,
        CHATNB_MODEL="tinychat",
        CHATNB_HOME=str(tmp_path / "home"),
        IPYTHONDIR=str(tmp_path / "ipython"),
        TERM="xterm",
    )
    arguments = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor"]
    child = pexpect.spawn(sys.executable, arguments, env=env, cwd=str(tmp_path), encoding="utf-8", timeout=30)
    child.setwinsize(40, 100)
    child.expect_exact("In [1]:")
    child.sendline("%load_ext chatnb")
    child.expect_exact("In [2]:")
    yield child
    child.close(force=True)


def test_an_answer_is_shown_as_text_with_its_figures(terminal: Terminal, server: FaultServer) -> None:
    terminal.sendline("%ask what's {this}?")
    terminal.expect_exact("In [3]:")

    shown = " ".join(ESCAPES.sub("", terminal.before or "").split())
    assert "The mean is sensitive to outliers" in shown
    assert "tinychat · 40 tokens" in shown
    assert server.chats[0].messages[-1]["content"] == "what's {this}?"


def test_a_question_carries_along_what_it_names(terminal: Terminal, server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Five percent")
    terminal.sendline("rate = 5; print('six')")
    terminal.expect_exact("In [3]:")
    terminal.sendline("%ask -c file:notes.md,cell:2 Is @rate high?")
    terminal.expect_exact("In [4]:")
    terminal.sendline("%chat why")
    terminal.expect_exact("In [5]:")

    shown = ESCAPES.sub("", terminal.before or "")
    asked = server.chats[0].messages[-1]["content"]
    assert [label for label in ("file notes.md", "cell 2", "variable rate") if f"Context: {label}" not in asked] == []
    assert "six" in asked
    assert re.search(r"context: variable rate +\d+ +kept", shown)


def test_a_file_of_secrets_is_asked_for(terminal: Terminal, server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COLOUR=teal")
    terminal.sendline("%ask -c file:.env Which colour?")
    terminal.expect_exact("[y/N]")
    terminal.sendline("y")
    terminal.expect_exact("In [3]:")

    assert "teal" in server.chats[0].messages[-1]["content"]


def test_ctrl_c_stops_an_answer_and_the_prompt_is_back(terminal: Terminal, server: FaultServer) -> None:
    terminal.sendline("%ask first")
    terminal.expect_exact("In [3]:")
    terminal.sendline("%ask second")
    terminal.expect_exact("word word")

    terminal.sendintr()
    terminal.expect_exact("In [4]:")

    shown = ESCAPES.sub("", terminal.before or "")
    assert "Stopped. What was said so far is kept." in shown
    assert "Traceback" not in shown
    server.chats[1].wait_until_client_left()


def test_a_command_shows_a_plain_table(terminal: Terminal) -> None:
    terminal.sendline("%chat models")
    terminal.expect_exact("In [3]:")

    shown = ESCAPES.sub("", terminal.before or "")
    assert re.search(r"model +size +parameters +context +can", shown)
    assert "tinychat" in shown


def test_a_failure_is_one_sentence(terminal: Terminal) -> None:
    terminal.sendline("%chat open nothing")
    terminal.expect_exact("In [3]:")

    shown = ESCAPES.sub("", terminal.before or "")
    assert "SessionNotFound: No chat session is called 'nothing'." in shown
    assert "Traceback" not in shown
