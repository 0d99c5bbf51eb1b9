"""The console, run as a user runs it."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from chatnb import __version__, console
from chatnb.chat import Chat
from chatnb.console import lab
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

    for words, piped in ((("ask", "--continue", "Third."), ""), (("--continue",), "Fourth.")):
        assert run(*words, home=tmp_path, host=server.url, piped=piped).returncode == 0

    asked = [m["content"] for m in server.chats[-1].messages if m["role"] == "user"]
    assert asked == ["First.", "Second.", "Third.", "Fourth."]


def test_where_nothing_was_said_there_is_nothing_to_go_on_in(tmp_path: Path) -> None:
    result = run("ask", "--continue", "Why?", home=tmp_path)

    assert (result.returncode, result.stdout) == (1, "")
    assert "This folder has no session yet." in result.stderr


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


@pytest.mark.parametrize("words", [(), ("open", "Work"), ("-m", "tinychat")])
def test_a_conversation_without_a_terminal_or_a_question_says_what_to_do(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    result = run(*words, home=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert "Write it after `chatnb ask`, or pipe it in." in result.stderr


def test_a_conversation_is_not_held_in_a_pipe(tmp_path: Path) -> None:
    shell = pexpect.spawn("/bin/sh", ["-c", f"{sys.executable} -m chatnb | cat"], encoding="utf-8", cwd=str(tmp_path))

    shell.expect(pexpect.EOF)

    assert "A conversation needs a terminal to be shown in." in " ".join((shell.before or "").split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing",), "There is no command 'nothing'. `chatnb -h` "),
        (("Why is the sky blue?",), "A question stands behind `chatnb ask`. `chatnb -h` "),
        (("modles",), "There is no command 'modles'; did you mean `chatnb models`? `chatnb -h` "),
        (("--no-save", "models"), "A command stands first: `chatnb models ...`"),
        (("ask", "--into", "x", "Why?"), "--into. `chatnb ask -h` "),
        (("doctor", "--port", "1"), "--port 1. `chatnb doctor -h` "),
        (("sessions", "--nothing"), "--nothing. `chatnb sessions -h` "),
        (("over", "a.csv", "{x}", "-t", "files"), "-t files. `chatnb over -h` "),
        (("export",), "required: FILE. `chatnb export -h` "),
        (("--retries",), "expected one argument. `chatnb -h` "),
    ],
)
def test_words_that_are_not_understood_are_told_in_a_line(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = run(*words, home=tmp_path)

    assert result.returncode == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


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
    assert wrong.stdout.count("ollama serve") == 1
    assert '--set host="..."' in wrong.stdout


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

    assert (result.returncode, result.stdout, result.stderr) == (0, "Done.\n", "")
    assert read in server.chats[1].messages[-1]["content"]
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


def test_an_export_to_standard_output_is_markdown_and_sessions_are_named_on_either_side_of_a_flag(
    tmp_path: Path, server: FaultServer
) -> None:
    run("ask", "-s", "Work", "What is it?", home=tmp_path, host=server.url)

    read, data = run("export", "-", home=tmp_path), run("export", "-", "--format", "jsonl", "Work", home=tmp_path)

    assert (read.returncode, data.returncode) == (0, 0)
    assert read.stdout.startswith("# Work\n")
    assert json.loads(data.stdout)["messages"][0]["content"] == "What is it?"


def test_an_export_does_not_replace_a_file_unasked(tmp_path: Path, server: FaultServer) -> None:
    run("ask", "What is it?", home=tmp_path, host=server.url)
    (tmp_path / "a.md").write_text("mine")

    refused = run("export", "a.md", home=tmp_path)
    forced = run("export", "a.md", "--force", home=tmp_path)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--force" in refused.stderr
    assert forced.returncode == 0
    assert "It is 42." in (tmp_path / "a.md").read_text()


@contextmanager
def asking(*words: str, home: Path, host: str) -> Iterator[subprocess.Popen[str]]:
    """Run a question whose answer goes to a pipe."""
    env = processes.environment(CHATNB_HOME=str(home), OLLAMA_HOST=host, CHATNB_MODEL="tinychat", PYTHONUNBUFFERED="1")
    process = subprocess.Popen(
        [sys.executable, "-m", "chatnb", "ask", *words],
        cwd=home,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


def test_an_interrupt_ends_an_answer_in_a_pipe_with_a_code_of_its_own(tmp_path: Path) -> None:
    with (
        FaultServer([Answer(text="word " * 2_000, rate=50)]) as server,
        asking("Why?", home=tmp_path, host=server.url) as process,
    ):
        assert process.stdout is not None
        begun = process.stdout.read(len("word word"))
        process.send_signal(signal.SIGINT)
        rest, told = process.communicate(timeout=30)

    assert (process.returncode, begun) == (130, "word word")
    assert rest.endswith("\n")
    assert told == "stopped\nStopped. What was said so far is kept.\n"


def test_a_reader_who_has_seen_enough_is_no_bug(tmp_path: Path) -> None:
    with (
        FaultServer([Answer(text="word " * 200_000)]) as server,
        asking("Why?", home=tmp_path, host=server.url) as process,
    ):
        assert process.stdout is not None
        process.stdout.read(len("word"))
        process.stdout.close()
        process.wait(30)
        assert process.stderr is not None
        told = process.stderr.read()

    assert process.returncode == 1
    assert "Traceback" not in told
    assert "bug" not in told


def test_flags_go_before_the_environment(tmp_path: Path) -> None:
    searching = "retry_initial_delay=0"
    with FaultServer([Status(503, "busy"), Answer(text="It is 42.")]) as server:
        words = (
            "ask",
            "--retries",
            "2",
            "--set",
            searching,
            "--web",
            "--home",
            str(tmp_path / "db"),
            "--log",
            "a.log",
            "Why?",
        )
        first = run(*words, home=tmp_path, host=server.url)
        run(*words[:-1], "How?", home=tmp_path, host=server.url)
        offered = {tool["function"]["name"] for tool in server.chats[-1].body["tools"]}
        listed = run("--list", "--home", str(tmp_path / "db"), home=tmp_path)
        found = run("search", "--home", str(tmp_path / "db"), "42", home=tmp_path)

    assert (first.returncode, first.stdout, len(server.chats)) == (0, "It is 42.\n", 3)
    assert {"web_search", "read_page"} <= offered
    assert [word for word in ("Why?", "How?") if word not in listed.stdout] == []
    assert "It is 42." in found.stdout
    assert not (tmp_path / "sessions").exists()
    log = (tmp_path / "a.log").read_text("utf-8")
    assert [line.split(" · ")[0] for line in log.splitlines() if line.startswith("=====")] == [
        "===== Why?",
        "===== How?",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "retries=2", "ask"), "There is no setting 'retries'. Did you mean"),
        (("--set", "retry_attempts"), "'retry_attempts' is not NAME=VALUE"),
        (("--retries", "none"), "--retries is 'none', which is no value for ChatConfig.retry_attempts"),
        (("--log", "no/such/folder/a.log"), "The log no/such/folder/a.log cannot be written"),
    ],
)
def test_a_flag_that_cannot_be_is_told(words: tuple[str, ...], told: str, tmp_path: Path, server: FaultServer) -> None:
    result = run("ask", *words, "Why?", home=tmp_path, host=server.url)

    assert (result.returncode, result.stdout, server.chats) == (2, "", [])
    assert told in result.stderr


def test_a_hint_is_what_can_be_typed_in_a_shell(tmp_path: Path) -> None:
    with FaultServer({"tinychat": [Answer()]}) as server:
        result = run("ask", "-m", "nothing", "Why?", home=tmp_path, host=server.url)

    assert result.returncode == 1
    assert "chatnb pull nothing" in result.stderr
    assert "%chat" not in result.stderr


def test_what_chat_does_is_there_under_the_same_names(tmp_path: Path, server: FaultServer) -> None:
    models = run("models", home=tmp_path, host=server.url)
    config = run("config", "--set", "tools=files,web", home=tmp_path)
    stop = run("stop", home=tmp_path)
    wanted = run("sessions", "--help", home=tmp_path)

    assert "tinychat" in models.stdout
    assert re.search(r"tools +\['files', 'web'\] +--set", config.stdout)
    assert (stop.returncode, stop.stdout) == (0, "No answer is coming.\n")
    assert wanted.stdout.startswith("usage: chatnb sessions ")
    assert "--tag" in wanted.stdout
    assert "--home" in wanted.stdout


def test_a_bug_is_a_sentence_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(lab, "run", lambda _: 1 // 0)

    code = console.main(["lab"])

    assert code == 1
    assert "chatnb itself failed (ZeroDivisionError: " in capsys.readouterr().err


def test_it_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    code = console.main(["--version"])

    assert (code, capsys.readouterr().out) == (0, f"chatnb {__version__}\n")
