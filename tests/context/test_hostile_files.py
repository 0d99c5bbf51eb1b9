"""Files that hold up, lead astray or give away: each is refused or bounded, with a clear sentence."""

import os
import sys
import tracemalloc
from pathlib import Path

import pytest

from chatnb.context.base import Reference
from chatnb.context.files import FilesSource
from chatnb.context.guarded import read_ends
from chatnb.errors import ContextNotFound, ContextRefused
from chatnb.messages import Context

from .hostile_files import make_long, make_socket, unprivileged_folder
from .test_files import Write, folder, read, texts, write

__all__ = ["folder", "write"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux shows these files")
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs files of a kind that Windows has not")


@posix
def test_a_pipe_is_refused_and_not_waited_for(folder: Path, write: Write) -> None:
    write("a.md", "text")
    os.mkfifo(folder / "pipe.md")

    with pytest.raises(ContextRefused, match=r"pipe\.md is a pipe, which could be waited for without end"):
        read(folder, "file:pipe.md")
    reading = read(folder, "dir:.")
    assert list(texts(reading)) == ["a.md"]
    assert reading.notes == ("Left out of dir:.: 1 (pipes, sockets or devices).",)


@posix
def test_a_pipe_in_the_place_of_a_file_is_refused_when_it_is_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    with pytest.raises(ContextRefused, match="is a pipe"):
        read_ends(folder / "pipe", 100, "pipe")


@posix
def test_a_link_in_the_place_of_a_file_is_refused_when_it_is_opened(folder: Path, write: Write) -> None:
    (folder / "link").symlink_to(write("a.md", "text"))

    with pytest.raises(ContextRefused):
        read_ends(folder / "link", 100, "link")


@posix
@pytest.mark.parametrize("kind", ["file", ""])
def test_a_pipe_as_gitignore_is_passed_over(folder: Path, write: Write, kind: str) -> None:
    write("a.md", "text")
    os.mkfifo(folder / ".gitignore")

    assert list(texts(read(folder, f"{kind}:./*.md"))) == ["a.md"]


@posix
def test_a_socket_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    make_socket(Path("s"))

    with pytest.raises(ContextRefused, match="s is a socket"):
        read(folder, "file:s")


@linux
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin", "/proc/self/environ", "/proc/kmsg", "/sys/kernel/notes"])
def test_what_the_system_makes_up_is_refused(folder: Path, path: str) -> None:
    (folder / "link.md").symlink_to(path)

    for reference in (f"file:{path}", f":{path}", "file:link.md", ":link.md"):
        with pytest.raises((ContextRefused, ContextNotFound)):
            read(folder, reference)
    assert read_or_refusal(folder, "dir:.").startswith("dir:. names no text file that is read.")


@linux
@pytest.mark.parametrize("path", ["/proc", "/proc/self", "/dev", "/sys"])
def test_no_folder_of_the_system_is_walked(folder: Path, path: str) -> None:
    with pytest.raises(ContextRefused, match="the system makes up what is in it"):
        read(folder, f"dir:{path}")


@linux
def test_no_walk_from_the_root_enters_what_the_system_makes_up(folder: Path) -> None:
    with pytest.raises(ContextNotFound):
        read(folder, "file:/p*/version")


def read_or_refusal(folder: Path, reference: str) -> str:
    try:
        return str(texts(read(folder, reference)))
    except ContextRefused as error:
        return str(error)


def test_a_line_of_100_mb_is_cut_without_being_read(folder: Path) -> None:
    make_long(folder / "a.txt", 100)

    tracemalloc.start()
    reading = read(folder, "file:a.txt")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    (text,) = texts(reading).values()
    assert len(text) < 1_000_200
    assert "[... 99,000,000 of 100,000,000 bytes left out ...]" in text
    assert peak < 20_000_000


def test_100_mb_of_nothing_are_binary(folder: Path) -> None:
    with (folder / "sparse.txt").open("wb") as file:
        file.truncate(100_000_000)

    with pytest.raises(ContextRefused, match=r"sparse\.txt is binary \(100,000,000 bytes\)"):
        read(folder, "file:sparse.txt")


@posix
def test_a_loop_of_links_is_refused_and_no_walk_is_caught_in_one(folder: Path, write: Write) -> None:
    write("a/a.md", "text")
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    (folder / "a" / "again").symlink_to(folder)

    with pytest.raises(ContextRefused, match="one is a link that leads back to itself"):
        read(folder, "file:one")
    with pytest.raises(ContextRefused):
        read(folder, "dir:one")
    reading = read(folder, "dir:.")
    assert list(texts(reading)) == ["a/a.md"]
    assert "1 (links to elsewhere; name what they lead to)" in " ".join(reading.notes)


@posix
def test_a_link_that_leads_nowhere_is_not_found(folder: Path) -> None:
    (folder / "gone.md").symlink_to("nowhere.md")

    with pytest.raises(ContextNotFound, match=r"There is no file gone\.md"):
        read(folder, "file:gone.md")


@posix
@pytest.mark.parametrize("reference", ["dir:.", "file:*", "file:**/*.md"])
def test_links_that_lead_outside_are_not_followed_by_a_walk(folder: Path, write: Write, reference: str) -> None:
    (folder / "file.md").symlink_to(write("../elsewhere/far.md", "far"))
    (folder / "folder.md").symlink_to(folder.parent / "elsewhere")
    write("near.md", "near")

    reading = read(folder, reference)

    assert texts(reading) == {"near.md": "near"}
    assert reading.notes == (f"Left out of {reference}: 2 (links to elsewhere; name what they lead to).",)


@posix
def test_a_link_to_a_folder_that_could_hold_what_is_looked_for_is_told(folder: Path, write: Write) -> None:
    write("../elsewhere/far.csv", "far")
    (folder / "data").symlink_to(folder.parent / "elsewhere")

    with pytest.raises(ContextRefused, match="1 \\(links to elsewhere"):
        read(folder, "file:**/*.csv")
    assert texts(read(folder, "dir:data")) == {"data/far.csv": "far"}
    assert texts(read(folder, "file:data/*.csv")) == {"data/far.csv": "far"}


@posix
def test_a_link_that_stays_inside_is_read_once(folder: Path, write: Write) -> None:
    (folder / "README.md").symlink_to(write("docs/index.md", "text"))

    assert texts(read(folder, "file:*.md")) == {"README.md": "text"}
    assert texts(read(folder, "dir:.")) == {"README.md": "text"}


@posix
def test_a_walk_elsewhere_follows_no_link_out_of_there(folder: Path, write: Write) -> None:
    write("../elsewhere/far.md", "far")
    (folder.parent / "elsewhere" / "out.md").symlink_to(write("../third/out.md", "out"))
    (folder.parent / "elsewhere" / "in.md").symlink_to(write("../elsewhere/.hidden", "in"))

    reading = read(folder, "dir:../elsewhere")

    assert texts(reading) == {"../elsewhere/far.md": "far", "../elsewhere/in.md": "in"}
    assert reading.notes == ("Left out of dir:../elsewhere: 1 (links to elsewhere; name what they lead to).",)


@posix
def test_what_permissions_forbid_is_refused_and_counted() -> None:
    with unprivileged_folder() as folder:
        made = folder / "mine"
        made.mkdir()
        (made / "open.md").write_text("open")
        for name in ("shut.md", "shut/a.md"):
            (made / name).parent.mkdir(exist_ok=True)
            (made / name).write_text("shut")
        (made / "shut.md").chmod(0)
        (made / "shut").chmod(0)

        with pytest.raises(ContextRefused, match=r"shut\.md may not be read by you"):
            read(made, "file:shut.md")
        with pytest.raises(ContextRefused, match=r"shut/a\.md may not be read by you"):
            read(made, "file:shut/a.md")
        reading = read(made, "dir:.")
        (made / "shut").chmod(0o700)

    assert texts(reading) == {"open.md": "open"}
    assert reading.notes == ("Left out of dir:.: 2 (no text, or not to be read).",)


def test_a_file_that_grew_is_read_as_long_as_it_was(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.log", "begin")
    fstat = os.fstat

    def grow_after(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        with path.open("a") as file:
            file.write("more" * 1_000)
        return status

    monkeypatch.setattr(os, "fstat", grow_after)

    assert texts(read(folder, "file:a.log")) == {"a.log": "begin"}


def test_a_file_that_vanishes_before_it_is_opened_is_not_found(folder: Path) -> None:
    with pytest.raises(ContextNotFound, match=r"There is no file gone\.md"):
        read_ends(folder / "gone.md", 100, "gone.md")


@pytest.mark.parametrize("target", ["a" * 5_000 + ".md", "\ud800.md", "a\0.md", "a/" * 3_000 + "b.md"])
def test_a_name_that_cannot_be_is_not_found(folder: Path, target: str) -> None:
    for kind in ("file", "dir", ""):
        with pytest.raises(ContextNotFound):
            read(folder, f"{kind}:{target}")


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.local", ".ENV", "prod.env", "server.pem", "id_rsa", "a.key", ".netrc", ".pypirc", "pass.kdbx"),
        *("credentials", "credentials.json", ".aws/config", ".ssh/known_hosts", "deep/.ssh/x.md", "secrets.toml"),
    ],
)
def test_a_file_of_secrets_is_read_only_by_name_and_with_a_yes(folder: Path, write: Write, name: str) -> None:
    write(name, "password")
    write("a.md", "text")
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(question)
        return True

    assert texts(FilesSource(folder, agree).read(Reference("file", name))) == {name: "password"}
    assert asked == [f"{name} looks like a file of keys or passwords. Let the model read it?"]
    for reference in (f"file:{name}", f":./{name}"):
        with pytest.raises(ContextRefused, match="nobody agreed"):
            read(folder, reference)
    assert texts(read(folder, "dir:.", agrees=True)) == {"a.md": "text"}
    assert "(files of keys or passwords" in read(folder, "dir:.").notes[0]
    assert read_or_refusal(folder, "file:" + name.replace("e", "?", 1)).count("password") <= 2


@pytest.mark.parametrize("name", [".env.example", "credentials.py", "monkey.py", "environment.md", "keys.md"])
def test_what_only_sounds_like_a_secret_is_read(folder: Path, write: Write, name: str) -> None:
    write(name, "text")

    assert texts(read(folder, f"file:{name}")) == {name: "text"}


@posix
def test_a_secret_is_one_through_a_link_as_well(folder: Path, write: Write) -> None:
    write(".env", "password")
    (folder / "notes.md").symlink_to(".env")
    (folder / "more").symlink_to(write(".ssh/config", "password").parent)

    for reference in (
        "file:notes.md",
        ":notes.md",
        "file:more/config",
        "dir:more",
        "file:more/*",
        "dir:.",
        "file:**/*.md",
    ):
        with pytest.raises(ContextRefused):
            read(folder, reference)


@posix
def test_a_secret_is_one_by_the_name_of_a_link_as_well(folder: Path, write: Write) -> None:
    (folder / "id_rsa").symlink_to(write("../elsewhere/key", "password"))
    (folder / "server.pem").symlink_to(write("hidden/.pem", "password"))

    with pytest.raises(ContextRefused, match="nobody agreed"):
        read(folder, "file:id_rsa")
    with pytest.raises(ContextRefused, match=r"2 \(files of keys or passwords"):
        read(folder, "file:*")


def test_lines_of_a_secret_are_secret(folder: Path, write: Write) -> None:
    write(".env", "password")

    with pytest.raises(ContextRefused, match="nobody agreed"):
        read(folder, "file:.env:1")


def test_hidden_files_are_found_by_a_pattern_that_says_the_dot(folder: Path, write: Write) -> None:
    write(".github/ci.yml", "jobs")
    write(".config", "hidden")
    write("a.yml", "text")

    assert list(texts(read(folder, "file:**/*.yml"))) == ["a.yml"]
    assert list(texts(read(folder, "file:.github/*.yml"))) == [".github/ci.yml"]
    assert list(texts(read(folder, "file:.g*/*.yml"))) == [".github/ci.yml"]
    assert list(texts(read(folder, "dir:."))) == ["a.yml"]


def test_the_hash_of_a_name_without_characters_can_be_taken() -> None:
    assert Context.of("a", os.fsdecode(b"\xff")).sha256
