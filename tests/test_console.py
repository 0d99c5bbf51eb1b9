"""The console, run as a user runs it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chatnb import console
from chatnb.chat import Chat
from chatnb.models.scripted import ScriptedModel
from chatnb.stores.tinydb import TinyStore
from tests import processes
from tests.faults.script import Answer, Status
from tests.faults.server import FaultServer
from tests.tools.mcp.running import SERVERS, children


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer([Answer(text="It is 42.")]) as server:
        yield server


WITHOUT_MCP = "import sys; sys.modules['mcp'] = None; from chatnb.console import main; sys.exit(main())"


def run(
    *words: str,
    home: Path,
    host: str = "127.0.0.1:1",
    piped: str | None = None,
    program: Sequence[str] = ("-m", "chatnb"),
    **settings: str,
) -> subprocess.CompletedProcess[str]:
    places = {"CHATNB_HOME": str(home), "OLLAMA_HOST": host, "CHATNB_MODEL": "tinychat", "CHATNB_RETRY_ATTEMPTS": "1"}
    places |= {f"CHATNB_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, *program, *words],
        cwd=home,
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


def test_what_is_piped_in_goes_along_with_the_words_or_is_the_question(tmp_path: Path, server: FaultServer) -> None:
    for words in (("ask", "Explain:"), ("ask",), ()):
        result = run(*words, home=tmp_path, host=server.url, piped="a = {1} @f.md\n")
        assert (result.returncode, result.stdout, result.stderr) == (0, "It is 42.\n", "")

    carried, *alone = (chat.messages[-1]["content"] for chat in server.chats)
    assert "standard input" in carried
    assert carried.endswith("```\na = {1} @f.md\n```\n\nExplain:")
    assert alone == ["a = {1} @f.md"] * 2


def test_a_session_goes_on_under_its_title(tmp_path: Path, server: FaultServer) -> None:
    for question in ("First.", "Second."):
        run("ask", "-s", "Work", question, home=tmp_path, host=server.url)

    assert [m["content"] for m in server.chats[1].messages if m["role"] == "user"] == ["First.", "Second."]


def test_files_are_carried_along_by_option_and_by_mention_but_never_by_what_is_piped_in(
    tmp_path: Path, server: FaultServer
) -> None:
    for name in ("a, b.md", "c.md", "d.md"):
        (tmp_path / name).write_text(f"This is {name}")

    words = ("ask", "-c", 'file:"a, b.md"', "Compare with @c.md:")
    result = run(*words, home=tmp_path, host=server.url, piped="See @d.md")

    assert (result.returncode, result.stderr) == (0, "")
    text = server.chats[0].messages[-1]["content"]
    assert "This is a, b.md" in text
    assert "This is c.md" in text
    assert "This is d.md" not in text
    assert "See @d.md" in text
    assert text.endswith("Compare with @c.md:")


def test_folders_and_earlier_sessions_are_carried_along(tmp_path: Path, server: FaultServer) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("Alpha")
    (tmp_path / "docs" / "b.txt").write_text("Beta")
    run("ask", "-s", "Fruit", "What about apples?", home=tmp_path, host=server.url)

    run("ask", "-c", "past,./docs", "--ext", "md", "And now?", home=tmp_path, host=server.url)

    text = server.chats[1].messages[-1]["content"]
    assert "What about apples?" in text
    assert "Alpha" in text
    assert "Beta" not in text


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(tmp_path: Path, server: FaultServer) -> None:
    (tmp_path / "c.md").write_text("Gamma")

    result = run("ask", "--dry-run", "-c", "file:c.md", "Why?", home=tmp_path, host=server.url)

    assert (result.returncode, result.stderr, server.chats) == (0, "", [])
    assert "would be sent to tinychat" in result.stdout
    assert "context: file c.md" in result.stdout
    assert "Gamma" in result.stdout


def test_what_is_named_and_not_there_is_told_with_what_comes_near(tmp_path: Path, server: FaultServer) -> None:
    (tmp_path / "notes.md").write_text("Mine")

    result = run("ask", "-c", "file:ntoes.md", "Why?", home=tmp_path, host=server.url)

    assert (result.returncode, result.stdout, server.chats) == (1, "", [])
    assert result.stderr.startswith("ContextNotFound: ")
    assert "file:notes.md" in result.stderr


@pytest.mark.parametrize("reference", ["file:.env", "url:https://example.org"])
def test_what_needs_a_yes_is_refused_where_nobody_can_say_it(
    reference: str, tmp_path: Path, server: FaultServer
) -> None:
    (tmp_path / ".env").write_text("COLOUR=teal")

    result = run("ask", "-c", reference, "Why?", home=tmp_path, host=server.url)

    assert (result.returncode, server.chats) == (1, [])
    assert result.stderr.startswith("ContextRefused: ")
    assert "Traceback" not in result.stderr


def test_what_is_pinned_to_a_session_goes_along_as_far_as_there_is_such_a_thing(
    tmp_path: Path, server: FaultServer
) -> None:
    (tmp_path / "rates.md").write_text("Five percent")
    run("ask", "-s", "Work", "First.", home=tmp_path, host=server.url)
    chat = Chat(ScriptedModel(), session="Work", store=TinyStore(tmp_path / "sessions"))
    chat.sessions.update(pins=("file:rates.md", "df"))
    chat.close()

    result = run("ask", "-s", "Work", "Second.", home=tmp_path, host=server.url)

    assert "Five percent" in server.chats[1].messages[-1]["content"]
    assert "df is pinned, but cannot be read" in result.stderr


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
    for command in ("lab", "ask", "mcp", "doctor"):
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


def test_tools_are_chosen_and_what_would_ask_is_refused_in_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Alpha")
    wanted = [("read_file", {"path": "a.md"}), ("write_file", {"path": "b.md", "text": "Beta"})]
    calls = [{"function": {"name": name, "arguments": arguments}} for name, arguments in wanted]
    with FaultServer([Answer(text="", tool_calls=calls), Answer(text="Done.")]) as server:
        result = run("ask", "-t", "files", "-t", "write", "Copy it.", home=tmp_path, host=server.url)

        read, refused = (message["content"] for message in server.chats[1].messages[-2:])

    assert (result.returncode, result.stdout) == (0, "Done.\n")
    assert {"Alpha" in text for text in (read, refused)} == {True, False}
    assert "nobody is here" in f"{read} {refused}"
    assert not (tmp_path / "b.md").exists()


def set_up_mcp(home: Path) -> None:
    servers = {"reference": {"command": sys.executable, "args": [str(SERVERS / "reference.py")]}}
    (home / "mcp.json").write_text(json.dumps({"mcpServers": servers}), "utf-8")


@pytest.mark.parametrize(("approve", "read"), [("{}", "nobody is here"), ('{"reference_shout": "always"}', "HELLO")])
def test_tools_of_mcp_servers_are_called_where_they_are_allowed_and_no_server_is_left(
    approve: str, read: str, tmp_path: Path
) -> None:
    set_up_mcp(tmp_path)
    before = {child.pid for child in children()}
    call = {"function": {"name": "reference_shout", "arguments": {"word": "hello"}}}
    with FaultServer([Answer(text="", tool_calls=[call]), Answer(text="Done.")]) as server:
        words = ("ask", "-t", "reference_shout", "Shout.")
        result = run(*words, home=tmp_path, host=server.url, approve=approve)

        told = server.chats[1].messages[-1]["content"]

    assert (result.returncode, result.stdout, result.stderr) == (0, "Done.\n", "")
    assert read in told
    assert [child for child in children() if child.pid not in before] == []


def test_without_its_package_mcp_says_how_to_get_it_where_it_is_asked_for_and_nowhere_else(
    tmp_path: Path, server: FaultServer
) -> None:
    set_up_mcp(tmp_path)

    plain, chosen, doctor, offered = (
        run(*words, home=tmp_path, host=server.url, program=("-c", WITHOUT_MCP))
        for words in (
            ("ask", "-t", "files", "Why?"),
            ("ask", "-t", "reference", "Why?"),
            ("doctor",),
            ("mcp", "--kernel", __file__),
        )
    )

    assert (plain.returncode, plain.stdout, plain.stderr) == (0, "It is 42.\n", "")
    assert (chosen.returncode, chosen.stdout) == (2, "")
    assert "pip install 'chatnb[mcp]'" in chosen.stderr
    assert (doctor.returncode, doctor.stderr) == (1, "")
    assert "pip install 'chatnb[mcp]'" in doctor.stdout
    assert (offered.returncode, offered.stdout) == (2, "")
    assert "pip install 'chatnb[mcp]'" in offered.stderr
    assert "Traceback" not in chosen.stderr + offered.stderr


def test_a_session_leaves_as_a_file_and_comes_back(tmp_path: Path, server: FaultServer) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.mkdir()
    run("ask", "-s", "Work", "What is it?", home=home, host=server.url)

    written = run("export", str(tmp_path / "work.ipynb"), "Work", home=home)
    first = run("import", str(tmp_path / "work.ipynb"), home=other)
    second = run("import", str(tmp_path / "work.ipynb"), home=other)

    assert (written.returncode, written.stdout) == (0, f"{tmp_path / 'work.ipynb'}: Work (2 messages)\n")
    assert (first.returncode, first.stdout) == (0, "Work (2 messages, 2 new)\n")
    assert (second.returncode, second.stdout) == (0, "Work (2 messages, all there already)\n")


def test_an_export_to_standard_output_is_all_that_is_there(tmp_path: Path, server: FaultServer) -> None:
    run("ask", "What is it, at /home/ada/x?", home=tmp_path, host=server.url)

    result = run("export", "-", "--format", "jsonl", "--redact", home=tmp_path)

    assert result.returncode == 0
    assert [m["content"] for m in json.loads(result.stdout)["messages"]] == ["What is it, at ~/x?", "It is 42."]
    assert "home folder: 1 in " in result.stderr


def test_an_export_does_not_replace_a_file_unasked(tmp_path: Path, server: FaultServer) -> None:
    run("ask", "What is it?", home=tmp_path, host=server.url)
    (tmp_path / "a.md").write_text("mine")

    refused = run("export", "a.md", home=tmp_path)
    forced = run("export", "a.md", "--force", home=tmp_path)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--force" in refused.stderr
    assert forced.returncode == 0
    assert "It is 42." in (tmp_path / "a.md").read_text()
