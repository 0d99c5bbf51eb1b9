"""A conversation in a real pseudo-terminal, most of it in one and the same."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chatnb.messages import TRASHED, Session
from chatnb.stores.tinydb import TinyStore
from tests import processes
from tests.console.terminal import Terminal, running
from tests.faults.script import Answer, Instruction, Status
from tests.faults.server import FaultServer
from tests.ollama.server import OllamaServer

CALL = {"function": {"name": "write_file", "arguments": {"path": "b.md", "text": "Beta"}}}
COLOURS = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-7]|9[0-7]|[34]8;[25])(?:;[0-9]+)*m")


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    script: dict[str, Sequence[Instruction]] = {
        "tinychat": [Answer(text="It is **42**, as ever.")],
        "long": [Answer(text="word " * 3_000, rate=50)],
        "writes": [Answer(text="", tool_calls=[CALL]), Answer(text="Written.")],
        "broken": [Status(500, "out of luck")],
    }
    with FaultServer(script) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talk")
    (folder / "notes.md").write_text("Five percent", "utf-8")
    return folder


@pytest.fixture(scope="module")
def running_terminal(folder: Path, server: FaultServer) -> Iterator[Terminal]:
    words = ("-m", "tinychat", "--log", "log.txt", "--retries", "1")
    with running(words, folder, server.url) as terminal:
        yield terminal


@pytest.fixture
def terminal(running_terminal: Terminal) -> Terminal:
    """Give the terminal with a new session in it."""
    if running_terminal.raw and running_terminal.line != ">":  # a test before this one failed
        running_terminal.clear_line()
    running_terminal.do("/clear")
    running_terminal.forget()
    return running_terminal


def asked(server: FaultServer) -> list[str]:
    """Return what the user said in the last request."""
    return [message["content"] for message in server.chats[-1].messages if message["role"] == "user"]


def sessions(folder: Path) -> list[Session]:
    """Return the sessions, the one changed last first."""
    store = TinyStore(folder / "home" / "sessions")
    infos = sorted(store.sessions(), key=lambda info: info.updated_at, reverse=True)
    return [store.load(info.id) for info in infos]


def test_several_questions_are_one_session(terminal: Terminal, server: FaultServer, folder: Path) -> None:
    first, second = terminal.do("What is it?"), terminal.do("And @notes.md?")

    assert "It is 42, as ever." in first
    assert "tinychat · " in first
    assert "It is 42, as ever." in second
    assert [text.rpartition("\n")[2] for text in asked(server)] == ["What is it?", "And @notes.md?"]
    assert "Five percent" in asked(server)[1]
    assert [message.role for message in sessions(folder)[0].messages] == ["user", "assistant"] * 2


def test_ctrl_c_stops_the_answer_and_what_was_said_is_kept_and_marked(
    terminal: Terminal, server: FaultServer, folder: Path
) -> None:
    terminal.do("/model long")
    terminal.enter("Tell.")
    terminal.wait_for("word word word")

    terminal.interrupt()
    terminal.wait_for("stopped · long")
    terminal.wait_for_prompt()

    answer = sessions(folder)[0].messages[-1]
    assert (answer.outcome, answer.text.startswith("word word word")) == ("cancelled", True)
    assert "^C" not in terminal.text
    server.chats[-1].wait_until_client_left()


def test_ctrl_c_at_the_prompt_clears_the_line(terminal: Terminal, server: FaultServer) -> None:
    terminal.type("Not this")
    terminal.clear_line()
    terminal.do("But this.")

    assert asked(server) == ["But this."]


def test_a_window_that_becomes_narrow_in_mid_answer_is_written_to_its_new_width(terminal: Terminal) -> None:
    terminal.do("/model long")
    terminal.enter("Tell.")
    terminal.wait_for("word word word")

    terminal.resize(24, 40)
    before = terminal.raw.count("word")
    terminal.read_until(lambda: terminal.raw.count("word") > before + 200, "More of it")
    terminal.interrupt()
    terminal.wait_for("stopped · long")
    terminal.wait_for_prompt()

    widths = [len(line) for line in terminal.lines if line.startswith("word")]
    assert max(widths[-8:]) == len(" ".join(["word"] * 8))
    terminal.resize(40, 100)
    assert "It is 42" in terminal.do("/again -m tinychat")


def test_undo_takes_a_question_back_and_again_asks_it_anew(terminal: Terminal, server: FaultServer) -> None:
    terminal.do("One?")
    terminal.do("Two?")
    said = terminal.do("/undo")
    terminal.do("Three?")
    after_undo = asked(server)
    terminal.do("/again")

    assert "in place of: Two?" in said
    assert (after_undo, asked(server)) == (["One?", "Three?"],) * 2


def test_an_edited_question_takes_the_place_of_the_first_one(terminal: Terminal, server: FaultServer) -> None:
    terminal.do("Why this")
    terminal.enter("/edit")
    terminal.wait_for_prompt("Why this")
    terminal.child.send(" and that?")
    terminal.wait_for_prompt("Why this and that?")
    terminal.press("\r")
    terminal.wait_for_prompt()

    assert asked(server) == ["Why this and that?"]


def test_the_session_leaves_as_a_file(terminal: Terminal, folder: Path) -> None:
    terminal.do("What is it?")
    terminal.do("/export chat.md")

    assert "It is **42**, as ever." in (folder / "chat.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("/mod", "/model"),
        ("/model lo", "/model long:latest"),
        ("/export --as", "/export --as-markdown"),
        ("What does @file:no", "What does @file:notes.md"),
        ("/set retry_max", "/set retry_max_delay="),
        ("/ask --in", "/ask --instead"),
    ],
)
def test_tab_completes_commands_and_what_they_take(terminal: Terminal, typed: str, completed: str) -> None:
    terminal.type(typed)

    terminal.child.send("\t")

    terminal.wait_for_prompt(completed)
    terminal.clear_line()


def test_enter_takes_the_completion_that_is_chosen_and_sends_nothing(terminal: Terminal) -> None:
    terminal.type("/export --fo")
    terminal.child.send("\t")
    terminal.wait_for("--force")
    terminal.child.send("\t")
    terminal.wait_for_prompt("/export --format")

    terminal.child.send("\r")

    terminal.read_until(lambda: "--force" not in terminal.text, "The end of the menu")
    terminal.wait_for_prompt("/export --format")
    terminal.clear_line()


def test_help_and_completion_know_every_command(terminal: Terminal) -> None:
    shown = terminal.do("/help all")

    for name in ("help", "model", "session", "context", "tools", "undo", "again", "export", "clear", "exit", "pin"):
        assert re.search(rf"^/{name} +\w", shown, re.MULTILINE)
    assert "%chat" not in shown
    assert "(`/hide` lists the numbers)" in " ".join(shown.split())
    for name in ("undo", "ask", "set"):
        assert f"usage: /{name}" in terminal.do(f"/help {name}")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/modle", "There is no command 'modle'. Did you mean `/model`?"),
        ("/open qqqq", "SessionNotFound: No chat session is called 'qqqq'. `/sessions` lists them all."),
        ("/set nothing=1", "There is no setting 'nothing'."),
        ("/set temperature=0", 'with a question, or for all of them /set options={"temperature": VALUE}'),
        ("/ask --schema Person Who?", "`/ask -h` shows what can stand there."),
        ("/export - --format nothing Work", "There is no format"),
        ('/export "', "The command cannot be read"),
        ("/ask -m broken Why?", "out of luck"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_the_conversation_goes_on(terminal: Terminal, line: str, told: str) -> None:
    said = " ".join(terminal.do(line).split())

    assert told in said
    assert "Traceback" not in said


def test_a_path_and_a_slash_behind_a_blank_are_questions(terminal: Terminal, server: FaultServer) -> None:
    terminal.do("/etc/hosts: what is it?")
    terminal.do(" /help")

    assert asked(server) == ["/etc/hosts: what is it?", " /help"]


def test_a_tool_asks_before_it_writes(terminal: Terminal, folder: Path) -> None:
    terminal.do("/model writes")
    terminal.do("/tools write")
    terminal.enter("Write it.")
    terminal.wait_for("+Beta")
    terminal.wait_for("Allow it?")
    at_question = terminal.text
    terminal.child.send("y\r")
    terminal.wait_for("Written.")
    terminal.wait_for_prompt()

    assert (folder / "b.md").read_text("utf-8") == "Beta"
    assert "…" not in at_question


def test_deleting_asks(terminal: Terminal, folder: Path) -> None:
    terminal.do("To be deleted.")
    [session] = [session for session in sessions(folder) if session.title == "To be deleted."]
    for answer in ("n", "y"):
        before = terminal.text.count("[y/N]")
        terminal.enter("/delete")
        terminal.read_until(lambda before=before: terminal.text.count("[y/N]") > before, "The question")  # type: ignore[misc]
        assert TinyStore(folder / "home" / "sessions").load(session.id).state == ""
        terminal.child.send(f"{answer}\r")
        terminal.wait_for_prompt()

    assert TinyStore(folder / "home" / "sessions").load(session.id).state == TRASHED


def test_another_process_stops_the_answer(terminal: Terminal, folder: Path) -> None:
    terminal.do("/model long")
    terminal.enter("Tell me all.")
    terminal.wait_for("word word word")

    stopped = subprocess.run(
        [sys.executable, "-m", "chatnb", "stop"],
        env=processes.environment(CHATNB_HOME=str(folder / "home")),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "Stopped: Tell me all.\n", "")
    terminal.wait_for("stopped · long")
    terminal.wait_for_prompt()


def test_the_log_has_a_header_for_each_session_and_is_its_users_alone(terminal: Terminal, folder: Path) -> None:
    log = folder / "log.txt"
    begun = len(log.read_text("utf-8"))
    for line in ("First.", "Second.", "/session Another", "Third."):
        terminal.do(line)

    told = log.read_text("utf-8")[begun:]
    assert re.findall(r"^===== (.+?) · ", told, re.MULTILINE) == ["First.", "Another"]
    questions = re.findall(
        r"^--- You · .+ UTC\n(.+)\n\n--- tinychat · .+ UTC\nIt is \*\*42\*\*, as ever.\n", told, re.MULTILINE
    )
    assert questions == ["First.", "Second.", "Third."]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_session_is_chosen_from_a_menu_on_forty_columns_without_colours(
    terminal: Terminal, server: FaultServer, folder: Path
) -> None:
    terminal.do("What is said in a session that has a title which is longer than that?")
    with running(("open",), folder, server.url, rows=24, columns=40, NO_COLOR="1", CHATNB_MODEL="tinychat") as narrow:
        narrow.wait_for("Which session?")
        narrow.child.send("\r")
        narrow.do("And now?")
        listed = narrow.do("/sessions")
        code = narrow.leave()

    assert code == 0
    assert asked(server)[0].startswith("What is said in a session")
    assert re.search(r"^  messages: \d+ · changed: [\d-]+$", listed, re.MULTILINE)
    assert "It is 42, as ever." in narrow.text
    assert not COLOURS.search(narrow.raw)
    assert COLOURS.search(terminal.raw)


def test_what_was_typed_is_found_again_by_its_user_alone(terminal: Terminal, folder: Path) -> None:
    terminal.do("Remember me.")

    terminal.child.send("\x1b[A")

    terminal.wait_for_prompt("Remember me.")
    terminal.clear_line()
    assert stat.S_IMODE((folder / "home" / "console-history").stat().st_mode) == 0o600


@pytest.mark.ollama
def test_a_real_model_answers_and_nothing_is_left_of_what_is_not_to_be_saved(
    ollama_server: OllamaServer, tmp_path: Path
) -> None:
    words = ("--no-save", "-m", "tinychat", "-o", "seed=1", "-o", "num_predict=20")
    with running(words, tmp_path, ollama_server.url) as terminal:
        first = terminal.do("What is the mean?")
        terminal.do("And the median?")
        said = terminal.do("/session")
        code = terminal.leave()

    assert re.search(r"tinychat · \d+ tokens", first)
    assert "(4 messages)" in said
    assert code == 0
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file() and "calibration" not in path.name]
