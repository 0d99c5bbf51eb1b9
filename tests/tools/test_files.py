"""The tools `files` show what is in a folder, and nothing that is outside of it or a secret."""

import json
import os
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.errors import ContextError, ContextNotFound, ContextRefused
from chatnb.messages import ToolCall
from chatnb.tools.confined import ConfinedFolder
from chatnb.tools.files import Files, files_tools
from chatnb.tools.long_results import RESULT_CHARACTERS
from chatnb.tools.searching import matching_lines
from chatnb.tools.toolbox import Toolbox

from ..context.hostile_files import make_socket

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs files of a kind that Windows has not")

SECRET = "the secret of another folder"  # noqa: S105 - it is none


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside.md").write_text(SECRET)
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def files(folder: Path) -> Files:
    return Files(ConfinedFolder.of(folder))


async def test_a_model_that_calls_them_gets_text(folder: Path) -> None:
    (folder / "a.md").write_text("one\ntwo\n")
    box = Toolbox(files_tools(folder))
    calls = [
        ToolCall("1", "read_file", {"path": "a.md", "first_line": 2}),
        ToolCall("2", "list_files", {}),
        ToolCall("3", "search_files", {"pattern": "t.o"}),
        ToolCall("4", "read_file", {"path": "../outside.md"}),
    ]

    results = {result.call_id: result async for result in box.run(calls)}

    assert results["1"].text == "[a.md, lines 2-2]\ntwo\n[the end]"
    assert results["2"].text == "a.md  8 bytes"
    assert results["3"].text == "a.md:2: two"
    assert results["4"].is_error
    assert "lies outside of the notebook's folder" in results["4"].text


def test_they_say_that_they_read(folder: Path) -> None:
    tools = files_tools(folder)

    assert {tool.spec.name for tool in tools} == {"read_file", "list_files", "search_files", "read_json"}
    assert {tool.effects for tool in tools} == {frozenset({"reads"})}
    assert all(each["description"] for tool in tools for each in tool.spec.parameters["properties"].values())


def test_lines_are_read_page_by_page(folder: Path, files: Files) -> None:
    (folder / "a.txt").write_text("\n".join(f"line {number}" for number in range(1, 2_001)))

    pages, first = [], 1
    while first:
        page = files.read_file("a.txt", first)
        head, *lines, end = page.split("\n")
        pages += lines
        assert len(page) < RESULT_CHARACTERS
        assert head == f"[a.txt, lines {first}-{first + len(lines) - 1}]"
        first = 0 if end == "[the end]" else int(end.partition("first_line=")[2].rstrip("]"))

    assert pages == [f"line {number}" for number in range(1, 2_001)]


def test_a_range_of_lines_is_read(folder: Path, files: Files) -> None:
    (folder / "a.txt").write_text("one\ntwo\nthree\nfour\n")

    assert (
        files.read_file("a.txt", 2, 3) == "[a.txt, lines 2-3]\ntwo\nthree\n[a.txt goes on: read_file with first_line=4]"
    )
    assert files.read_file("a.txt", 3, 99) == "[a.txt, lines 3-4]\nthree\nfour\n[the end]"
    with pytest.raises(ContextNotFound, match=r"a\.txt ends before line 9: it has 4 lines"):
        files.read_file("a.txt", 9)
    with pytest.raises(ValueError, match="first_line is at least 1"):
        files.read_file("a.txt", 3, 2)


def test_lines_far_inside_a_large_file_are_read(folder: Path, files: Files) -> None:
    (folder / "a.log").write_text("some line\n" * 1_000_000 + "the last\n")

    assert files.read_file("a.log", 1_000_001) == "[a.log, lines 1000001-1000001]\nthe last\n[the end]"


def test_a_line_without_end_is_cut(folder: Path, files: Files) -> None:
    (folder / "a.txt").write_bytes(b"x" * 30_000_000 + b"\nnext\n")

    first = files.read_file("a.txt")

    assert len(first) < RESULT_CHARACTERS
    assert "characters left out ...]" in first
    assert files.read_file("a.txt", 2) == "[a.txt, lines 2-2]\nnext\n[the end]"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_are_read_in_their_encoding(folder: Path, files: Files, encoding: str) -> None:
    (folder / "a.txt").write_bytes("Größe und Übermaß\r\nsind schön\r\n".encode(encoding))

    assert files.read_file("a.txt") == "[a.txt, lines 1-2]\nGröße und Übermaß\nsind schön\n[the end]"


def test_an_empty_file_is_told(folder: Path, files: Files) -> None:
    (folder / "a.txt").touch()

    assert files.read_file("a.txt") == "a.txt is empty."


def test_a_notebook_is_read_and_searched_as_its_cells(folder: Path, files: Files) -> None:
    output = {"output_type": "execute_result", "data": {"text/plain": "42", "image/png": "iVBORw0KGgo="}}
    cell = {"cell_type": "code", "source": ["the_answer"], "outputs": [output], "execution_count": 1}
    (folder / "a.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))

    text = files.read_file("a.ipynb")
    line = next(number for number, line in enumerate(text.split("\n")) if line == "the_answer")

    assert "[output]\n[picture image/png] 42" in text
    assert "iVBOR" not in text
    assert files.search_files("the_answer") == f"a.ipynb:{line}: the_answer"


def test_binary_files_are_refused_and_not_searched(folder: Path, files: Files) -> None:
    (folder / "a.bin").write_bytes(b"\0\1needle\xff" * 100)

    with pytest.raises(ContextRefused, match=r"a\.bin is no text \(900 bytes\)"):
        files.read_file("a.bin")
    assert files.search_files("needle") == "No line fits 'needle'."


def test_what_gitignore_names_is_read_but_neither_listed_nor_searched(folder: Path, files: Files) -> None:
    (folder / ".gitignore").write_text("data/\n")
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_text("needle\n")
    (folder / "b.md").write_text("no\n")
    note = "[not among them: 1 files or folders that .gitignore names; read_file reads what is named]"

    assert files.list_files() == f"b.md  3 bytes\n{note}"
    assert files.search_files("needle") == f"No line fits 'needle'.\n{note}"
    assert "needle" in files.read_file("data/a.csv")
    assert files.list_files("data") == "data/a.csv  7 bytes"


def test_files_are_listed_by_a_pattern(folder: Path, files: Files) -> None:
    for name in ("a.py", "src/b.py", "src/deep/c.py", "src/d.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")

    assert files.list_files(pattern="*.py").splitlines() == [
        "a.py  1 bytes",
        "src/b.py  1 bytes",
        "src/deep/c.py  1 bytes",
    ]
    assert files.list_files("src", "deep/*").splitlines() == ["src/deep/c.py  1 bytes"]
    assert files.list_files(pattern="../*.md") == "There are no such files in .."


def test_many_files_are_counted_by_their_folders(folder: Path, files: Files) -> None:
    for number in range(1_000):
        path = folder / f"folder {number % 2}" / f"file {number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.touch()

    text = files.list_files()

    assert len(text) < RESULT_CHARACTERS
    assert text.splitlines()[-2:] == [
        "[500 more in folder 1: list that, or give a pattern]",
        "[300 more in folder 0: list that, or give a pattern]",
    ]


def test_matches_are_bounded(folder: Path, files: Files) -> None:
    (folder / "a.txt").write_text("a needle\n" * 5_000)
    (folder / "b.txt").write_text("x" * 5_000 + "thread" + "y" * 3_000)

    many = files.search_files("needle").splitlines()
    long = files.search_files("thread")

    assert len(many) == 101
    assert many[-1] == "[there are more: search for something rarer, or in fewer files]"
    assert long.startswith("b.txt:1: …xxx")
    assert "thread" in long
    assert len(long) < 400


def test_a_single_file_can_be_searched(folder: Path, files: Files) -> None:
    (folder / "a.txt").write_text("needle")
    (folder / "b.txt").write_text("needle")

    assert files.search_files("needle", "a.txt") == "a.txt:1: needle"
    assert files.search_files("needle", files="b*") == "b.txt:1: needle"


def test_what_is_no_regular_expression_is_told(folder: Path, files: Files) -> None:
    (folder / "a.txt").write_text("x")

    with pytest.raises(ValueError, match=r"'\(' is no regular expression: missing \)"):
        files.search_files("(")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|a?)+$", "(.*a){20}$", r"(a*)*\1b"])
def test_a_pattern_that_never_ends_is_stopped(pattern: str) -> None:
    with pytest.raises(TimeoutError):
        matching_lines(pattern, ["a" * 5_000 + "!"], 10, 0.5)


def test_a_search_that_takes_too_long_says_so(folder: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnb.tools.files._SEARCH_S", 0.5)
    (folder / "a.txt").write_text("a" * 5_000 + "!")

    text = files.search_files("(a+)+$")

    assert "at a.txt: search fewer files, or without repetitions of repetitions such as (a+)+]" in text


@posix
def test_a_search_whose_kernel_dies_ends_by_itself() -> None:
    code = "from chatnb.tools.searching import matching_lines; matching_lines('(a+)+$', ['a' * 5000 + '!'], 1, 4.0)"
    kernel = psutil.Popen([sys.executable, "-c", code])
    while not (children := kernel.children()):
        assert kernel.is_running()
    while children[0].cpu_times().user < 0.3:  # it is searching then
        assert kernel.is_running()

    kernel.kill()
    kernel.wait()

    assert psutil.wait_procs(children, timeout=20)[1] == []


OUT = [
    *(
        "../outside.md",
        "a/../../outside.md",
        "a/./../../outside.md",
        ".//..//outside.md",
        "..",
        "../",
        "/",
        "../work/../outside.md",
    ),
    *("/etc/passwd", "//etc/passwd", "/proc/self/environ", "/dev/zero", "/dev/stdin", "/sys/kernel/notes"),
    *("link.md", "links/outside.md", "links", "far/outside.md", "absolute.md", "hop.md"),
]
NOWHERE = [
    *(
        "~/outside.md",
        "~root/x",
        "%2e%2e/outside.md",
        "..%2foutside.md",
        "..%5coutside.md",
        "\uff0e\uff0e/outside.md",
        "..\\outside.md",
    ),
    *(
        "C:\\Windows\\win.ini",
        "C:/Windows/win.ini",
        "\\\\server\\share\\x",
        "\\\\?\\C:\\x",
        "NUL",
        "CON",
        "a.md::$DATA",
    ),
    *("file:///etc/passwd", "$HOME/x", "${HOME}/x", "`id`", "a" * 5_000, "a/" * 3_000, "gone.md"),
]
UNSEEN = ["", "a.md\0.txt", "\0", "a\n.md", "a\u200b.md", "a\u202e.md", "\ud800", "\x1b[2J"]
GUARDED = [
    *(
        ".ssh",
        "sub/.aws/",
        ".env",
        ".ENV",
        "sub/.env",
        ".env.local",
        "id_rsa",
        "server.pem",
        ".aws/config",
        ".ssh/known_hosts",
        ".netrc",
    ),
    *("secret.md", ".git/config", ".GIT/config", ".git/hooks/pre-commit", "sub/.git", ".env ", ".env.", ".env::$DATA"),
]


@pytest.fixture
def trapped(folder: Path) -> Path:
    """Make a folder with every way out of it."""
    outside = folder.parent / "outside.md"
    (folder / "a").mkdir()
    (folder / "sub").mkdir()
    (folder / ".git" / "hooks").mkdir(parents=True)
    (folder / ".git" / "config").write_text(SECRET)
    (folder / ".env").write_text(SECRET)
    (folder / "a.md").write_text("allowed")
    if sys.platform != "win32":
        (folder / "link.md").symlink_to("../outside.md")
        (folder / "absolute.md").symlink_to(outside)
        (folder / "links").symlink_to("..")
        (folder / "far").symlink_to(folder.parent)
        (folder / "hop.md").symlink_to("link.md")
        (folder / "secret.md").symlink_to(".env")
    return folder


@posix
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *((path, "lies outside of the notebook's folder") for path in OUT),
        *((path, "There is no f") for path in NOWHERE),
        *((path, "is empty or holds characters that do not show") for path in UNSEEN),
        *((path, "which no tool reads or writes|no tool reads or writes there") for path in GUARDED),
    ],
)
def test_no_path_leads_out_or_to_a_secret(trapped: Path, path: str, reason: str) -> None:
    files = Files(ConfinedFolder.of(trapped))

    for call in (files.read_file, files.read_json, files.list_files, lambda path: files.search_files("secret", path)):
        with pytest.raises(ContextError, match=reason):
            call(path)


@posix
def test_what_is_listed_or_found_is_never_outside_nor_a_secret(trapped: Path) -> None:
    files = Files(ConfinedFolder.of(trapped))

    assert files.list_files().splitlines()[0] == "a.md  7 bytes"
    for pattern in ("*", "**/*", "../*", "/etc/*", ".*", ".git/*", "links/*", "link.md"):
        assert "outside" not in files.list_files(pattern=pattern)
        assert "config" not in files.list_files(pattern=pattern)
        assert "secret" not in files.search_files(".", files=pattern)


@posix
@pytest.mark.parametrize("kind", ["pipe", "socket", "loop", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(folder)
    makers = {
        "pipe": lambda: os.mkfifo("it"),
        "socket": lambda: make_socket(Path("it")),
        "loop": lambda: Path("it").symlink_to("it"),
        "folder": lambda: Path("it").mkdir(),
    }
    makers[kind]()
    files = Files(ConfinedFolder.of(folder))

    for call in (files.read_file, files.read_json):
        with pytest.raises(ContextError):
            call("it")
    assert files.search_files("x").startswith("No line fits 'x'.")


@posix
def test_a_link_that_stays_inside_is_followed(folder: Path, files: Files) -> None:
    (folder / "a.md").write_text("text")
    (folder / "b.md").symlink_to("a.md")

    assert files.read_file("b.md") == "[a.md, lines 1-1]\ntext\n[the end]"
    assert files.read_file(str(folder / "a.md")).endswith("text\n[the end]")


@posix
def test_a_file_that_became_a_link_is_not_opened(folder: Path) -> None:
    confined = ConfinedFolder.of(folder)
    (folder / "sub").mkdir()
    (folder / "sub" / "outside.md").write_text("inside")
    real = confined.file("sub/outside.md")
    (folder / "sub").rename(folder / "was")
    (folder / "sub").symlink_to("..")

    with pytest.raises(ContextRefused, match="has just become something else"), confined.opened(real):
        pass


PIECES = st.lists(
    st.sampled_from(
        [
            "..",
            ".",
            "",
            "a",
            "sub",
            "up",
            "out",
            "loop",
            "in",
            "x.md",
            "outside.md",
            "~",
            "%2e%2e",
            "\0",
            "\\",
            "..\\",
            "/",
            "work",
        ]
    )
    | st.text(max_size=3),
    max_size=8,
)


@posix
@given(st.sampled_from(["", "/", "//", "./", "../"]), PIECES)
def test_no_path_whatever_opens_a_file_outside(start: str, pieces: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "outside.md").write_text(SECRET)
        root = top / "work"
        (root / "sub").mkdir(parents=True)
        (root / "x.md").write_text("inside")
        (root / "sub" / "x.md").write_text("inside")
        (root / "up").symlink_to("..")
        (root / "out").symlink_to(top)
        (root / "sub" / "loop").symlink_to(root)
        (root / "sub" / "in").symlink_to("../x.md")
        files = Files(ConfinedFolder.of(root))

        try:
            text = files.read_file(start + "/".join(pieces))
        except ContextError:
            return

        assert text.split("\n")[1:] == ["inside", "[the end]"]
