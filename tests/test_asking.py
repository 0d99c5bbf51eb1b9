"""The user sees what a model wants to do, word for word, and only a clear yes is one."""

from pathlib import Path

import pytest

from chatnb.asking import AllowedFolder, asked, question
from chatnb.messages import ToolCall
from chatnb.tools.approval import Proposal

CALL = ToolCall("1", "write_file", {"path": "a.md", "text": "two\nlines"})


@pytest.mark.parametrize(
    ("typed", "verdict"),
    [
        ("y", "once"),
        ("Yes", "once"),
        (" s ", "session"),
        ("f", "folder"),
        ("n", "no"),
        ("x", "never"),
        ("", "no"),
        ("what?", "no"),
        ("1", "no"),
    ],
)
def test_only_a_clear_yes_is_one(typed: str, verdict: str) -> None:
    shown: list[str] = []

    answer = asked(Proposal(CALL, ("writes",), "+two"), lambda _: typed, shown.append)

    assert answer == verdict
    assert shown == ["+two"]


def test_the_line_has_the_exact_arguments_and_why_it_is_asked_again() -> None:
    line = question(Proposal(CALL, ("reads", "writes"), scope=".", reason="a page was read"))

    assert line.startswith(
        'write_file(path="a.md", text="two\\nlines") reads and writes. Asked again, since a page was read.'
    )
    assert "[f]older (.)" in line


def test_nothing_that_a_terminal_would_obey_is_shown() -> None:
    shown: list[str] = []
    call = ToolCall("1", "run", {"code": "print(1)\x1b[2J\u202egnp.exe"})

    def read(line: str) -> str:
        shown.append(line)
        return "n"

    asked(Proposal(call, ("runs",), "\x1b]0;x\x07\u202e"), read, shown.append)

    assert not any(sign in text for text in shown for sign in "\x1b\u202e\x07")


def test_what_is_allowed_in_a_folder_is_allowed_there_alone_and_for_good(tmp_path: Path) -> None:
    path = tmp_path / "home" / "allowed.json"

    AllowedFolder(path, tmp_path / "a").add(("write_file", "."))

    assert ("write_file", ".") in AllowedFolder(path, tmp_path / "a")
    assert ("write_file", "docs") not in AllowedFolder(path, tmp_path / "a")
    assert ("edit_file", ".") not in AllowedFolder(path, tmp_path / "a")
    assert ("write_file", ".") not in AllowedFolder(path, tmp_path / "b")


@pytest.mark.parametrize("damage", ["", "[]", '{"x": 1}', "\x00"])
def test_a_damaged_file_allows_nothing(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "allowed.json"
    path.write_text(damage)

    assert ("write_file", ".") not in AllowedFolder(path, tmp_path)


def test_a_closed_input_is_a_no() -> None:
    def read(_: str) -> str:
        raise EOFError

    assert asked(Proposal(CALL, ("writes",)), read, print) == "no"
