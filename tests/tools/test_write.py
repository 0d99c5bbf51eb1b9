"""The tools `write` change a file of the folder as it was shown, whole or not at all, and keep what they do not change."""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatnb.errors import ContextError, ContextRefused
from chatnb.tools.differences import difference
from chatnb.tools.tool import Tool
from chatnb.tools.write import write_tools

from ..context.hostile_files import unprivileged_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs files of a kind that Windows has not")

Call = Callable[..., str]


def tools(folder: Path) -> dict[str, Tool]:
    return {tool.spec.name: tool for tool in write_tools(folder)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def write_file(folder: Path) -> Call:
    return tools(folder)["write_file"].function


@pytest.fixture
def edit_file(folder: Path) -> Call:
    return tools(folder)["edit_file"].function


def preview(tool: Tool, **arguments: Any) -> str:
    assert tool.preview is not None
    return tool.preview(arguments)


def scope(tool: Tool, **arguments: Any) -> str:
    assert tool.scope is not None
    return tool.scope(arguments)


def test_they_say_that_they_write(folder: Path) -> None:
    assert {name: tool.effects for name, tool in tools(folder).items()} == {
        "write_file": frozenset({"reads", "writes"}),
        "edit_file": frozenset({"reads", "writes"}),
    }


def test_a_file_is_made_with_the_folders_above_it(folder: Path, write_file: Call) -> None:
    said = write_file("src/deep/a.py", "größer = 1\n")

    assert said == "src/deep/a.py is new."
    assert (folder / "src/deep/a.py").read_bytes() == "größer = 1\n".encode()
    assert os.listdir(folder / "src/deep") == ["a.py"]  # noqa: PTH208 - the names alone


def test_a_file_is_replaced(folder: Path, write_file: Call) -> None:
    (folder / "a.md").write_text("old")

    said = write_file("a.md", "new")

    assert said == "a.md was replaced."
    assert (folder / "a.md").read_text() == "new"


def test_one_piece_is_replaced(folder: Path, edit_file: Call) -> None:
    (folder / "a.py").write_text("a = 1\nb = 2\nc = 3\n")

    said = edit_file("a.py", "b = 2\n", "b = 20\nb += 1\n")

    assert said == "a.py was edited."
    assert (folder / "a.py").read_text() == "a = 1\nb = 20\nb += 1\nc = 3\n"


@given(
    st.text("ab\n .*\\", max_size=30),
    st.text("ab\n .*\\", min_size=1, max_size=4),
    st.text("ab\n .*\\1", max_size=4),
    st.sampled_from(["\n", "\r\n"]),
)
@example("a\nb", "\n", "x", "\r\n")
def test_an_edit_is_str_replace_of_the_only_occurrence(
    tmp_path_factory: pytest.TempPathFactory, text: str, old: str, new: str, line_end: str
) -> None:
    assume(old != new)
    folder = tmp_path_factory.mktemp("edit")
    path = folder / "a.txt"
    path.write_bytes(text.replace("\n", line_end).encode())
    count = sum(text.startswith(old, at) for at in range(len(text)))

    try:
        tools(folder)["edit_file"].function("a.txt", old, new)
        is_edited = True
    except ValueError:
        is_edited = False

    expected = text.replace(old, new) if count == 1 else text
    used = line_end if "\n" in text else "\n"
    assert is_edited == (count == 1)
    assert path.read_bytes() == expected.replace("\n", used).encode()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("written", ["\n", "\r\n"])
def test_line_ends_and_encoding_stay(folder: Path, edit_file: Call, line_end: str, encoding: str, written: str) -> None:
    lines = ["Größe und Maß", "für alle Übungen", "schön", ""]
    (folder / "a.txt").write_bytes(line_end.join(lines).encode(encoding))

    edit_file("a.txt", f"für alle Übungen{written}sch", f"für{written}alle{written}sch")

    changed = ["Größe und Maß", "für", "alle", "schön", ""]
    assert (folder / "a.txt").read_bytes() == line_end.join(changed).encode(encoding)


def test_mixed_line_ends_stay_where_nothing_changes(folder: Path, edit_file: Call) -> None:
    (folder / "a.txt").write_bytes(b"one\r\ntwo\nthree\r\nfour\rfive")

    edit_file("a.txt", "two\nthree\nfour", "2\n3")

    assert (folder / "a.txt").read_bytes() == b"one\r\n2\r\n3\rfive"


@posix
def test_the_mode_stays(folder: Path, edit_file: Call, write_file: Call) -> None:
    for mode in (0o755, 0o600, 0o664):
        (folder / "a.sh").write_text("a")
        (folder / "a.sh").chmod(mode)
        edit_file("a.sh", "a", "b")
        write_file("a.sh", "c")

        assert stat.S_IMODE((folder / "a.sh").stat().st_mode) == mode


@posix
def test_a_new_file_has_the_usual_mode(folder: Path, write_file: Call) -> None:
    (folder / "plain").write_text("")

    write_file("a.md", "")

    assert (folder / "a.md").stat().st_mode == (folder / "plain").stat().st_mode


def test_a_piece_that_is_not_there_is_told_with_what_is_nearest(folder: Path, edit_file: Call) -> None:
    (folder / "a.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return total(2)\n")

    with pytest.raises(ValueError, match=r"old is not in a\.py") as blanks:
        edit_file("a.py", "def g():\n  return total(2)", "x")
    with pytest.raises(ValueError, match=r"old is not in a\.py") as words:
        edit_file("a.py", "return total(3)", "x")
    with pytest.raises(ValueError, match="Read it again with read_file"):
        edit_file("a.py", "nothing of the kind", "x")

    assert str(blanks.value).endswith("from line 5 on:\ndef g():\n    return total(2)")
    assert str(words.value).endswith("from line 6 on:\n    return total(2)")


def test_a_piece_that_is_there_twice_is_told_with_its_lines(folder: Path, edit_file: Call) -> None:
    (folder / "a.py").write_text("x = 1\ny\nx = 1\n")

    with pytest.raises(ValueError, match=r"old is 2 times in a\.py, at the lines 1, 3\. Give more lines around it"):
        edit_file("a.py", "x = 1", "x = 2")


def test_a_piece_that_is_there_very_often_is_told_soon(folder: Path, edit_file: Call) -> None:
    (folder / "a.txt").write_text("a" * 1_000_000)

    with pytest.raises(ValueError, match=r"old is more than 10 times in a\.txt"):
        edit_file("a.txt", "a" * 100_000, "b")
    with pytest.raises(ValueError, match=r"old is not in a\.txt"):
        edit_file("a.txt", "a" * 100_000 + "b", "b")


@pytest.mark.parametrize(("old", "new"), [("", "x"), ("x", "x")])
def test_an_edit_that_changes_nothing_is_refused(folder: Path, edit_file: Call, old: str, new: str) -> None:
    (folder / "a.py").write_text("x")

    with pytest.raises(ValueError, match="old is empty, or new is the same"):
        edit_file("a.py", old, new)


def test_what_the_encoding_of_a_file_has_not_is_refused(folder: Path, edit_file: Call) -> None:
    data = "Größe und Maß für alle Übungen".encode("cp1252")
    (folder / "a.txt").write_bytes(data)

    with pytest.raises(ValueError, match=r"a\.txt is in cp1252, which has no '→'"):
        edit_file("a.txt", "Maß", "→")
    assert (folder / "a.txt").read_bytes() == data


def test_half_a_character_is_refused(folder: Path, write_file: Call) -> None:
    with pytest.raises(ValueError, match="which has no"):
        write_file("a.txt", "\ud800")

    assert not (folder / "a.txt").exists()


@pytest.mark.parametrize("data", [b"\0\1\2\3", b"text \xff\xfe\xfa " + "größer und höher".encode() * 50])
def test_a_file_that_could_not_stay_what_it_is_is_refused(
    folder: Path, edit_file: Call, write_file: Call, data: bytes
) -> None:
    (folder / "a.bin").write_bytes(data)

    with pytest.raises(ContextRefused, match=r"is too large or no text|holds bytes that are no"):
        edit_file("a.bin", "text", "x")
    with pytest.raises(ContextRefused, match=r"is too large or no text|holds bytes that are no"):
        write_file("a.bin", "x")
    assert (folder / "a.bin").read_bytes() == data


def test_a_notebook_is_not_edited_as_text(folder: Path, edit_file: Call) -> None:
    (folder / "a.ipynb").write_text("{}")

    with pytest.raises(ContextRefused, match="its cells are changed with the tools for notebooks"):
        edit_file("a.ipynb", "{", "[")


def test_a_preview_is_a_diff(folder: Path) -> None:
    (folder / "a.py").write_text("".join(f"line {number}\n" for number in range(1, 21)))

    shown = preview(tools(folder)["edit_file"], path="a.py", old="line 10\n", new="ten\n")
    new = preview(tools(folder)["write_file"], path="b.py", text="one\n")

    assert shown.splitlines() == [
        "--- a.py",
        "+++ a.py",
        "@@ -7,7 +7,7 @@",
        " line 7",
        " line 8",
        " line 9",
        "-line 10",
        "+ten",
        " line 11",
        " line 12",
        " line 13",
    ]
    assert "+one" in new.splitlines()
    assert not (folder / "b.py").exists()


@pytest.mark.parametrize("name", ["write_file", "edit_file"])
def test_a_file_that_changed_since_it_was_shown_is_not_written(folder: Path, name: str) -> None:
    (folder / "a.py").write_text("x = 1\n")
    arguments = {"path": "a.py", **({"text": "x = 2\n"} if name == "write_file" else {"old": "1", "new": "2"})}
    tool = tools(folder)[name]
    preview(tool, **arguments)
    (folder / "a.py").write_text("x = 1  # mine\n")

    with pytest.raises(ContextRefused, match=r"a\.py has changed since this was shown to the user"):
        tool.function(**arguments)
    assert (folder / "a.py").read_text() == "x = 1  # mine\n"


def test_a_file_that_was_made_since_a_new_one_was_shown_is_not_replaced(folder: Path) -> None:
    tool = tools(folder)["write_file"]
    preview(tool, path="a.py", text="theirs")
    (folder / "a.py").write_text("mine")

    with pytest.raises(ContextRefused, match="has changed since"):
        tool.function(path="a.py", text="theirs")
    assert (folder / "a.py").read_text() == "mine"


def test_what_was_shown_is_written(folder: Path) -> None:
    (folder / "a.py").write_text("x = 1\n")
    tool = tools(folder)["edit_file"]
    preview(tool, path="a.py", old="1", new="2")

    tool.function(path="a.py", old="1", new="2")

    assert (folder / "a.py").read_text() == "x = 2\n"


def test_a_yes_covers_the_folder_of_the_file(folder: Path) -> None:
    tool = tools(folder)["write_file"]

    assert scope(tool, path="a.py", text="") == "."
    assert scope(tool, path="src/deep/../a.py", text="") == "src"


@posix
@pytest.mark.parametrize(
    "path",
    [
        *(
            "../out.md",
            "/etc/out.md",
            "link.md",
            "links/new.md",
            "dangling.md",
            "a/../../out.md",
            "",
            "a\0b",
            "a\u200b.md",
        ),
        *(".env", "sub/.ENV", ".ssh/authorized_keys", ".git/hooks/pre-commit", ".GIT/config", "id_rsa", "secret.md"),
        *(".", "folder", "folder/", "a.md/b.md", "x" * 300, "pipe"),
    ],
)
def test_nothing_is_written_where_it_may_not_be(folder: Path, path: str) -> None:
    outside = folder.parent / "outside.md"
    outside.write_text("mine")
    (folder / "link.md").symlink_to(outside)
    (folder / "links").symlink_to("..")
    (folder / "dangling.md").symlink_to("../new.md")
    (folder / ".env").write_text("x")
    (folder / "secret.md").symlink_to(".env")
    (folder / "folder").mkdir()
    (folder / "a.md").write_text("x")
    os.mkfifo(folder / "pipe")
    before = sorted(folder.parent.rglob("*"))

    for name, arguments in (("write_file", {"text": "theirs"}), ("edit_file", {"old": "x", "new": "y"})):
        tool = tools(folder)[name]
        with pytest.raises(ContextError):
            tool.function(path=path, **arguments)

    assert outside.read_text() == "mine"
    assert (folder / ".env").read_text() == "x"
    assert sorted(folder.parent.rglob("*")) == before


@posix
def test_a_link_within_the_folder_stays_one(folder: Path, write_file: Call) -> None:
    (folder / "a.md").write_text("old")
    (folder / "b.md").symlink_to("a.md")

    write_file("b.md", "new")

    assert (folder / "b.md").is_symlink()
    assert (folder / "a.md").read_text() == "new"


@posix
def test_a_file_that_lies_elsewhere_too_is_not_changed_there(folder: Path, write_file: Call) -> None:
    (folder.parent / "outside.md").write_text("mine")
    (folder / "a.md").hardlink_to(folder.parent / "outside.md")

    write_file("a.md", "theirs")

    assert (folder.parent / "outside.md").read_text() == "mine"


@posix
def test_what_permissions_forbid_is_told_and_leaves_nothing_behind() -> None:
    with unprivileged_folder() as folder:
        made = folder / "mine"
        made.mkdir()
        (made / "a.md").write_text("old")
        (made / "a.md").chmod(0o444)
        with pytest.raises(ContextRefused, match=r"a\.md could not be written \(Permission denied\)"):
            tools(made)["write_file"].function("a.md", "new")
        made.chmod(0o500)
        with pytest.raises(ContextRefused, match=r"b\.md could not be written \(Permission denied\)"):
            tools(made)["write_file"].function("b.md", "new")
        made.chmod(0o700)

        assert [each.name for each in made.iterdir()] == ["a.md"]
        assert (made / "a.md").read_text() == "old"


@posix
def test_a_write_that_fails_leaves_the_old_file(
    folder: Path, write_file: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.md").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        ContextRefused, match=r"a\.md could not be written \(No space left on device\); it is what it was"
    ):
        write_file("a.md", "new")

    assert (folder / "a.md").read_text() == "old"
    assert [each.name for each in folder.iterdir()] == ["a.md"]


def test_nothing_can_hide_in_a_diff() -> None:
    shown = difference("a.py", "x\n", "x\nevil()\r# harmless\n\x1b[2Ky\u202e\n" + "z" * 5_000 + "; evil()\n")

    assert "+evil()\\r# harmless" in shown.splitlines()
    assert "+\\x1b[2Ky\\u202e" in shown.splitlines()
    assert shown.splitlines()[-2].endswith("[... 4,609 more characters]")


def test_a_large_diff_is_bounded_and_quick() -> None:
    before = "".join(f"{number % 97}\n" for number in range(100_000))
    after = "".join(f"{number % 89}\n" for number in range(100_000))

    shown = difference("a.txt", before, after)

    assert len(shown.splitlines()) == 401
    assert shown.endswith("more lines]")


LINES = st.lists(st.sampled_from("abcd"), max_size=30).map("\n".join)


@given(LINES, LINES)
def test_a_diff_says_what_the_change_is(before: str, after: str) -> None:
    old, new = before.split("\n"), after.split("\n")

    lines = difference("a", before, after).splitlines()[2:]

    made: list[str] = []
    at = 0
    for line in lines:
        if line.startswith("@@"):
            start = int(line.split()[1].partition(",")[0].lstrip("-")) - 1
            made += old[at:start]
            at = start
        elif line.startswith("+"):
            made.append(line[1:])
        else:
            assert old[at] == line[1:]
            made += [line[1:]] * line.startswith(" ")
            at += 1
    assert made + old[at:] == new
