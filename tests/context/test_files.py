"""FilesSource: what is named, what is found, and what is read of it."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import docx
import polars as pl
import pytest

from chatnb.context.base import Reading, Reference
from chatnb.context.documents import LARGEST_BYTES
from chatnb.context.files import FilesSource, Limits
from chatnb.context.reading import TABLE_BYTES
from chatnb.errors import ContextNotFound, ContextRefused
from chatnb.messages import Context

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a text below the notebook's folder."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the notebook's folder."""
    (tmp_path / "work").mkdir(exist_ok=True)
    return tmp_path / "work"


def read(
    folder: Path, text: str, *, extensions: Sequence[str] = (), limits: Limits | None = None, agrees: bool = False
) -> Reading:
    """Read `kind:target`, or a bare target that begins with a colon."""
    kind, _, target = text.partition(":")
    source = FilesSource(folder, lambda _: agrees, extensions, limits)
    return source.read(Reference(kind, target))


def texts(reading: Reading) -> dict[str, str]:
    """Return what was read by its label, without the word "file"."""
    return {part.label.removeprefix("file "): part.text for part in reading.parts if isinstance(part, Context)}


def test_a_file_is_named_from_the_notebooks_folder_on(folder: Path, write: Write) -> None:
    write("src/load.py", "x = 1\n")

    reading = read(folder, "file:src/load.py")

    assert reading == Reading((Context.of("file src/load.py", "x = 1\n", "file:src/load.py"),))


def test_an_absolute_path_within_the_folder_is_the_same_file(folder: Path, write: Write) -> None:
    path = write("notes.md", "text")

    assert read(folder, f"file:{path}") == read(folder, "file:notes.md")


@pytest.mark.parametrize("kind", ["file", ""])
def test_a_file_outside_is_read_when_it_is_named(folder: Path, write: Write, kind: str) -> None:
    path = write("../elsewhere/notes.md", "far")

    relative, absolute = read(folder, f"{kind}:../elsewhere/notes.md"), read(folder, f"{kind}:{path.resolve()}")

    assert texts(relative) == {"../elsewhere/notes.md": "far"}
    assert list(texts(absolute).values()) == ["far"]


def test_a_path_may_begin_in_the_home_folder(folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("../home/notes.md", "mine")
    monkeypatch.setenv("HOME", str(folder.parent / "home"))
    monkeypatch.setenv("USERPROFILE", str(folder.parent / "home"))

    assert list(texts(read(folder, "file:~/notes.md")).values()) == ["mine"]


def test_a_user_who_is_not_there_is_no_error_of_ours(folder: Path) -> None:
    with pytest.raises(ContextNotFound):
        read(folder, "file:~nobody-of-this-name/notes.md")


@pytest.mark.parametrize("target", ["./docs", "docs/a.md", "top.md", "./docs/a.md", "docs/*.md"])
def test_a_bare_path_that_exists_is_read(folder: Path, write: Write, target: str) -> None:
    write("docs/a.md", "a")
    write("top.md", "a")

    assert list(texts(read(folder, f":{target}")).values()) == ["a"]


@pytest.mark.parametrize("target", ["todo", "docs", "nothing.md", "docs/nothing", "", ".", "/", "~", "...", "a\0b.md"])
def test_a_mere_word_and_what_is_not_there_stay_text(folder: Path, write: Write, target: str) -> None:
    write("docs/a.md", "a")
    write("todo", "a")

    with pytest.raises(ContextNotFound):
        read(folder, f":{target}")


def test_the_files_of_a_folder_come_in_order(folder: Path, write: Write) -> None:
    for name in ("docs/b.md", "docs/a/z.md", "docs/a.md", "other.md"):
        write(name, name)

    reading = read(folder, "dir:docs")

    assert list(texts(reading)) == ["docs/a/z.md", "docs/a.md", "docs/b.md"]
    assert next(part.ref for part in reading.parts if isinstance(part, Context)) == "file:docs/a/z.md"
    assert not reading.notes


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.py", ["top.py"]),
        ("src/*.py", ["src/a.py"]),
        ("src/**/*.py", ["src/a.py", "src/deep/er/c.py"]),
        ("**/*.py", ["src/a.py", "src/deep/er/c.py", "top.py"]),
        ("src/**", ["src/a.py", "src/b.md", "src/deep/er/c.py"]),
        ("**/er/*", ["src/deep/er/c.py"]),
        ("s?c/[ab].*", ["src/a.py", "src/b.md"]),
        ("./src/../*.py", ["src/../top.py"]),
        ("../*/top.py", ["../work/top.py"]),
        ("**/**/**/**/c.py", ["src/deep/er/c.py"]),
    ],
)
def test_a_pattern_finds_files(folder: Path, write: Write, pattern: str, expected: list[str]) -> None:
    for name in ("top.py", "src/a.py", "src/b.md", "src/deep/er/c.py"):
        write(name, name)

    assert list(texts(read(folder, f"file:{pattern}"))) == expected


def test_a_file_whose_name_is_a_pattern_is_read_itself(folder: Path, write: Write) -> None:
    write("a[1].py", "brackets")
    write("a1.py", "none")

    assert texts(read(folder, "file:a[1].py")) == {"a[1].py": "brackets"}


def test_a_pattern_that_nothing_fits_is_not_found(folder: Path) -> None:
    with pytest.raises(ContextNotFound, match=r"file:\*\.rs names no text file"):
        read(folder, "file:*.rs")


@pytest.mark.parametrize("reference", ["dir:.", "file:**"])
def test_only_files_with_the_extensions_are_read(folder: Path, write: Write, reference: str) -> None:
    for name in ("a.md", "b.TXT", "c.py", "md"):
        write(name, name)

    assert list(texts(read(folder, reference, extensions=["md", ".txt"]))) == ["a.md", "b.TXT"]


def test_a_file_that_is_named_is_read_whatever_the_extensions(folder: Path, write: Write) -> None:
    write("c.py", "code")

    assert texts(read(folder, "file:c.py", extensions=["md"])) == {"c.py": "code"}


@pytest.mark.parametrize(
    ("reference", "text", "label"),
    [
        ("file:a.py:2-3", "two\nthree", "a.py:2-3"),
        ("file:a.py:2", "two", "a.py:2"),
        (":a.py:3-9", "three", "a.py:3-9"),
    ],
)
def test_lines_of_a_file_are_read(folder: Path, write: Write, reference: str, text: str, label: str) -> None:
    write("a.py", "one\ntwo\nthree\n")

    assert texts(read(folder, reference)) == {label: text}


@pytest.mark.parametrize("lines", ["4", "0-2", "3-2", "4-5"])
def test_lines_that_are_not_there_are_not_found(folder: Path, write: Write, lines: str) -> None:
    write("a.py", "one\ntwo\nthree\n")

    with pytest.raises(ContextNotFound, match=r"a\.py has no lines .* there are 3 in all"):
        read(folder, f"file:a.py:{lines}")


def test_lines_beyond_what_is_read_of_a_long_file_are_not_guessed(folder: Path, write: Write) -> None:
    write("a.log", "line\n" * 1_000)
    limits = Limits(file_bytes=100)

    assert texts(read(folder, "file:a.log:20", limits=limits)) == {"a.log:20": "line"}
    with pytest.raises(ContextNotFound, match="there are 20 within its first 100 bytes"):
        read(folder, "file:a.log:20-21", limits=limits)


def test_a_long_file_is_cut_in_the_middle_and_says_so(folder: Path, write: Write) -> None:
    write("a.log", "begin\n" + "x" * 10_000 + "\nend\n")

    reading = read(folder, "file:a.log", limits=Limits(file_bytes=1_000))

    (text,) = texts(reading).values()
    assert text.startswith("begin\nxxx")
    assert text.endswith("xxx\nend\n")
    assert "\n[... 9,012 of 10,011 bytes left out ...]\n" in text
    assert reading.notes == ("a.log is long: 9,012 of 10,011 bytes are left out, in the middle.",)


def test_an_empty_file_is_said_to_be_empty(folder: Path, write: Write) -> None:
    write("a.md", "")

    assert read(folder, "file:a.md").notes == ("a.md is empty.",)


def test_more_files_than_the_limit_are_left_out_and_said(folder: Path, write: Write) -> None:
    for number in range(5):
        write(f"{number}.md", "text")

    reading = read(folder, "dir:.", limits=Limits(files=3))

    assert list(texts(reading)) == ["0.md", "1.md", "2.md"]
    assert reading.notes == ("dir:. is more than the 3 files that are read. Name a smaller folder.",)


def test_files_that_are_too_long_together_are_left_out_and_said(folder: Path, write: Write) -> None:
    for number in range(5):
        write(f"{number}.md", "x" * 400)

    reading = read(folder, "dir:.", limits=Limits(total_bytes=1_000))

    assert list(texts(reading)) == ["0.md", "1.md"]
    assert reading.notes == ("Left out of dir:.: 3 (together they are too long; name fewer at a time).",)


def test_a_walk_ends_after_so_many_entries_and_says_so(folder: Path, write: Write) -> None:
    for number in range(50):
        write(f"{number:02}.md", "text")

    reading = read(folder, "dir:.", limits=Limits(entries=10))

    assert len(reading.parts) == 10
    assert reading.notes == ("dir:. holds too much to search all of it. Name a smaller folder.",)


def test_a_walk_ends_after_its_time_and_says_so(folder: Path, write: Write) -> None:
    write("a.md", "text")

    with pytest.raises(ContextRefused, match="holds too much to search all of it"):
        read(folder, "dir:.", limits=Limits(search_s=-1.0))


def test_binary_files_are_refused_by_name_and_counted_in_folders(folder: Path, write: Write) -> None:
    write("a.md", "text")
    write("b.dat", "\0\1\2")

    reading = read(folder, "dir:.")

    assert list(texts(reading)) == ["a.md"]
    assert reading.notes == ("Left out of dir:.: 1 (no text, or not to be read).",)
    with pytest.raises(ContextRefused, match=r"b\.dat is binary \(3 bytes\), no text"):
        read(folder, "file:b.dat")


@pytest.mark.parametrize("name", ["x.png", "x.JPG"])
def test_a_picture_is_referred_to_the_kind_that_shows_it(folder: Path, write: Write, name: str) -> None:
    write(name, "not even one")

    with pytest.raises(ContextRefused, match=f"Write image:{name}"):
        read(folder, f"file:{name}")


def test_a_folder_named_as_a_file_and_a_file_named_as_a_folder_say_so(folder: Path, write: Write) -> None:
    write("docs/a.md", "a")

    with pytest.raises(ContextRefused, match=r"docs is a folder\. Write dir:docs"):
        read(folder, "file:docs")
    with pytest.raises(ContextRefused, match=r"dir:docs/a\.md is no folder. Write file:docs/a\.md"):
        read(folder, "dir:docs/a.md")
    with pytest.raises(ContextNotFound):
        read(folder, "dir:nothing")
    with pytest.raises(ContextNotFound):
        read(folder, "file:docs/a.md/b.md")


def test_names_are_those_that_would_be_read(folder: Path, write: Write) -> None:
    for name in ("src/load.py", "top.md", ".env", "x.png", "build/out.txt", "node_modules/a.js"):
        write(name, "text")
    write(".gitignore", "build/\n")

    assert list(FilesSource(folder, lambda _: False).names()) == ["file:top.md", "dir:src", "file:src/load.py"]


def test_a_file_that_changed_has_another_hash(folder: Path, write: Write) -> None:
    write("a.md", "before")
    before = read(folder, "file:a.md").parts[0]
    write("a.md", "after")

    after = read(folder, "file:a.md").parts[0]

    assert isinstance(before, Context)
    assert isinstance(after, Context)
    assert before.sha256 != after.sha256
    assert before.ref == after.ref


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("name", ["a\nb.md", "\x1b[31m.md", "a\u202egpj.md", os.fsdecode(b"\xff.md"), " .md"])
def test_any_name_is_shown_on_one_line(folder: Path, write: Write, name: str) -> None:
    write(name, "text")

    (part,) = read(folder, f"file:{name}").parts

    assert isinstance(part, Context)
    assert part.label.isprintable()
    assert part.ref == f"file:{name}"
    assert next(iter(read(folder, "dir:.").parts)) == part
    assert all(name.isprintable() for name in FilesSource(folder, lambda _: False).names())


def test_a_notebook_is_read_as_its_cells(folder: Path, write: Write) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "words"]},
        {
            "cell_type": "code",
            "source": "1 + 1",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "2\n"}],
        },
    ]
    write("a.ipynb", json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))

    expected = "[markdown cell, 1.]\n# Title\nwords\n\n[code cell, 2.]\n1 + 1\n\n[output]\n2"
    assert texts(read(folder, "file:a.ipynb")) == texts(read(folder, "dir:.")) == {"a.ipynb": expected}


def test_a_long_notebook_is_cut_and_says_so(folder: Path, write: Write) -> None:
    cells = [{"cell_type": "markdown", "source": "x" * 900}]
    write("a.ipynb", json.dumps({"nbformat": 4, "cells": cells}))

    reading = read(folder, "file:a.ipynb", limits=Limits(file_bytes=100))

    assert "characters left out" in texts(reading)["a.ipynb"]
    assert reading.notes == ("a.ipynb is long: of 920 characters 100 are read.",)


def test_a_short_table_is_read_as_it_is_and_a_long_one_described(folder: Path, write: Write) -> None:
    write("short.csv", "a,b\n1,2\n")
    write("long.csv", "größe,b\n" + "1,2\n" * 10_000)

    short, long = read(folder, "file:short.csv"), read(folder, "file:long.csv")

    assert texts(short) == {"short.csv": "a,b\n1,2\n"}
    assert "10,000 rows" in texts(long)["long.csv"]
    assert "größe" in texts(long)["long.csv"]
    assert long.notes == ("Of long.csv the structure and a sample are read, not all.",)


@pytest.mark.parametrize("char", ["a", "é", "語", "\U0001f600"])
def test_a_table_too_long_to_be_read_whole_is_never_read_whole(folder: Path, write: Write, char: str) -> None:
    text = f'["{char * (TABLE_BYTES // len(char.encode()))}"]'
    write("a.json", text)

    assert texts(read(folder, "file:a.json"))["a.json"] != text


def test_a_parquet_file_is_described(folder: Path) -> None:
    pl.DataFrame({"price": [1.5, 2.5]}).write_parquet(folder / "a.parquet")

    (text,) = texts(read(folder, "file:a.parquet")).values()

    assert "price" in text


def test_a_document_is_converted_where_its_ending_is_said(folder: Path, write: Write) -> None:
    document = docx.Document()
    document.add_paragraph("the text")
    document.save(str(folder / "a.docx"))
    write("b.md", "text")

    for reference in ("file:a.docx", "file:*.docx"):
        assert "the text" in texts(read(folder, reference))["a.docx"]
    assert "the text" in texts(read(folder, "dir:.", extensions=["docx"]))["a.docx"]
    assert list(texts(read(folder, "dir:."))) == ["b.md"]
    assert "1 (PDF or Office documents" in read(folder, "dir:.").notes[0]


def test_a_document_too_large_is_refused(folder: Path) -> None:
    with (folder / "a.pdf").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)

    with pytest.raises(ContextRefused, match=r"a\.pdf is too large \(100,000,001 bytes\)"):
        read(folder, "file:a.pdf")


def test_reading_ends_after_its_time_and_says_so(folder: Path, write: Write) -> None:
    write("a.md", "text")

    with pytest.raises(ContextRefused, match=r"Left out of dir:\.: 1 \(they take too long"):
        read(folder, "dir:.", limits=Limits(read_s=-1.0))
