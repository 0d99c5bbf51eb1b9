""".gitignore in folders and patterns, held against git itself."""

import subprocess
from pathlib import Path

import pytest

from .test_files import Write, folder, read, texts, write

__all__ = ["folder", "write"]


def test_what_gitignore_names_is_left_out_without_git(folder: Path, write: Write) -> None:
    for name in ("a.md", "a.log", "keep.log", "build/b.md", "docs/build/c.md", "docs/d.md"):
        write(name, name)
    write(".gitignore", "*.log\n!keep.log\n/build/\n")

    assert list(texts(read(folder, "dir:."))) == ["a.md", "docs/build/c.md", "docs/d.md", "keep.log"]
    assert list(texts(read(folder, "file:**/*.log"))) == ["keep.log"]


def test_the_rules_of_the_notebooks_folder_hold_below_it(folder: Path, write: Write) -> None:
    for name in ("docs/a.md", "docs/a.log"):
        write(name, name)
    write(".gitignore", "*.log\n")

    assert list(texts(read(folder, "dir:docs"))) == ["docs/a.md"]


def test_an_ignored_file_is_read_when_it_is_named(folder: Path, write: Write) -> None:
    write("build/b.md", "built")
    write("build/c.tmp", "built")
    write(".gitignore", "build/\n")
    write("build/.gitignore", "*.tmp\n")

    assert texts(read(folder, "file:build/b.md")) == {"build/b.md": "built"}
    assert texts(read(folder, "dir:build")) == {"build/b.md": "built"}
    assert texts(read(folder, "file:build/*")) == {"build/b.md": "built"}


def test_a_folder_of_which_all_is_ignored_says_so(folder: Path, write: Write) -> None:
    write("docs/a.md", "text")
    write("docs/.gitignore", "*\n")

    with pytest.raises(Exception, match=r"Left out of dir:docs: 1 \(named in \.gitignore; name one exactly\)"):
        read(folder, "dir:docs")


@pytest.mark.parametrize("name", ["__pycache__", "node_modules", ".venv", "venv", ".git", ".ipynb_checkpoints"])
def test_some_folders_are_never_searched_but_read_when_they_are_named(folder: Path, write: Write, name: str) -> None:
    write(f"src/{name}/a.md", "inside")
    write("src/b.md", "text")

    assert list(texts(read(folder, "dir:."))) == ["src/b.md"]
    assert list(texts(read(folder, f"dir:src/{name}"))) == [f"src/{name}/a.md"]
    assert list(texts(read(folder, f"file:src/{name}/a.md"))) == [f"src/{name}/a.md"]


@pytest.mark.parametrize("line", ["!", "\\", "*a" * 40, "[", "\x00", "(((", "*" * 200 + "b"])
def test_a_line_that_is_no_rule_is_passed_over(folder: Path, write: Write, line: str) -> None:
    write("a" * 200, "text")
    write(".gitignore", f"{line}\n*.log\n")
    write("a.log", "text")

    assert list(texts(read(folder, "dir:."))) == ["a" * 200]


def test_the_same_files_are_found_as_git_finds(folder: Path, write: Write) -> None:
    names = [
        *("a.md", "a.log", "keep.log", "doc/a.md", "doc/b.txt", "doc/deep/b.txt", "doc/deep/keep.txt", "doc/out/x"),
        *("out/x", "secret.md", "src/out", "src/a b.py", "src/#a", "src/x/y/z/w.py", "src/x/w.py", "excluded.py"),
    ]
    for name in names:
        write(name, "text")
    write(".gitignore", "*.log\n!keep.log\nout/\n/secret.md\n# words\n\\#a\nsrc/**/w.py\n")
    write("doc/.gitignore", "*.txt\n!deep/keep.txt\n!out/\n")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    write(".git/info/exclude", "excluded.py\n")

    listed = subprocess.run(
        ["git", "-c", "core.excludesFile=", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=folder,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )

    expected = {name for name in listed.stdout.split("\0") if name and not name.endswith(".gitignore")}
    assert set(texts(read(folder, "dir:."))) == expected


def test_the_rules_of_the_repository_hold_in_the_notebooks_folder_and_beside_it(folder: Path, write: Write) -> None:
    (folder.parent / ".git").mkdir()
    write("../.gitignore", "*.log\nwork/out/\n")
    for name in ("a.md", "a.log", "out/b.md", "../src/a.log", "../src/a.py"):
        write(name, "text")

    assert list(texts(read(folder, "dir:."))) == ["a.md"]
    assert list(texts(read(folder, "dir:../src"))) == ["../src/a.py"]
