"""Exports and imports as a whole: files, what is taken out, and stores that come back byte for byte."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb.errors import ChatError, SettingsError
from chatnb.exports.base import Style
from chatnb.exports.catalog import FORMATS
from chatnb.exports.redaction import Redaction
from chatnb.messages import ARCHIVED, TRASHED, Context, Session, Text
from chatnb.sessions import Sessions
from chatnb.stores.tinydb import TinyStore
from chatnb.transfer import export_sessions, import_sessions
from tests.exports import examples
from tests.keys import made

KEY = made("hf" + "_", 34)


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    sessions = Sessions(TinyStore(tmp_path / "sessions"))
    sessions.store.create(examples.everything())
    other = examples.session(*examples.turn(9, "Hello", examples.said(Text("Hi."))), title="Another")
    own = tuple(replace(message, session_id=f"{other.id}x") for message in other.messages)
    sessions.store.create(replace(other, id=f"{other.id}x", messages=own))
    sessions.open("Names of people")
    return sessions


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


@pytest.mark.parametrize(
    ("name", "style"),
    [("all.ipynb", Style()), ("all.ipynb", Style(as_markdown=True, run_ready=True)), ("all.json", Style())],
    ids=str,
)
def test_a_store_that_was_lost_comes_back_byte_for_byte(
    name: str, style: Style, sessions: Sessions, tmp_path: Path
) -> None:
    before = files(tmp_path / "sessions")
    export_sessions(sessions, tmp_path / name, every=True, style=style)
    new = Sessions(TinyStore(tmp_path / "new"))

    imported = import_sessions(new, tmp_path / name)

    assert [each.is_new for each in imported] == [True, True]
    assert files(tmp_path / "new") == before
    assert [each.message_count for each in import_sessions(new, tmp_path / name)] == [0, 0]
    assert files(tmp_path / "new") == before


def test_what_was_asked_since_an_export_is_added(sessions: Sessions, tmp_path: Path) -> None:
    export_sessions(sessions, tmp_path / "old.json")
    sessions.store.append(examples.SESSION_ID, *examples.turn(20, "More?", examples.said(Text("No."))))
    export_sessions(sessions, tmp_path / "new.json")
    other = Sessions(TinyStore(tmp_path / "other"))
    import_sessions(other, tmp_path / "old.json")

    (added,) = import_sessions(other, tmp_path / "new.json")

    assert (added.is_new, added.message_count) == (False, 2)
    assert other.load(examples.SESSION_ID) == sessions.load(examples.SESSION_ID)


@pytest.mark.parametrize("name", FORMATS)
def test_the_suffix_tells_the_format_and_so_does_an_option(name: str, sessions: Sessions, tmp_path: Path) -> None:
    pieces: list[str] = []

    export_sessions(sessions, tmp_path / f"chat{FORMATS[name].suffixes[-1]}")
    export_sessions(sessions, "-", format_name=name, write=pieces.append)

    assert (tmp_path / f"chat{FORMATS[name].suffixes[-1]}").read_bytes() == "".join(pieces).encode()


def test_a_file_that_is_there_is_replaced_only_after_a_yes(sessions: Sessions, tmp_path: Path) -> None:
    path = tmp_path / "chat.md"
    path.write_text("mine")
    asked: list[str] = []

    def refuse(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(SettingsError, match="--force replaces it"):
        export_sessions(sessions, path, confirm=refuse)

    assert path.read_text() == "mine"
    assert str(path) in asked[0]
    export_sessions(sessions, path, confirm=lambda _: True)
    assert path.read_text().startswith("# Names of people")
    path.write_text("mine")
    export_sessions(sessions, path, force=True)
    assert path.read_text().startswith("# Names of people")


def test_an_export_is_readable_as_any_new_file_is(sessions: Sessions, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("")

    export_sessions(sessions, tmp_path / "chat.md")

    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "chat.md")}
    assert len(modes) == 1


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("chat.docx", {}, "--format"),
        ("chat", {}, "--format"),
        ("-", {"format_name": "docx"}, "There is no format 'docx'"),
        ("chat.md", {"names": ["Nobody"]}, "Nobody"),
        ("chat.md", {"style": Style(run_ready=True)}, "for notebooks"),
        ("chat.md", {"redact": ["("]}, "no regular expression"),
        ("chat.md", {"search": ["gibberish"]}, "gibberish was found in no session"),
        ("chat.md", {"search": ["names"], "every": True}, "not several of them"),
        ("folder/", {}, "in which --format"),
        ("nowhere/folder/", {"format_name": "md"}, "could not be written"),
        ("nowhere/chat.md", {}, "could not be written"),
    ],
)
def test_what_cannot_be_exported_is_told_and_leaves_nothing(
    path: str, options: dict[str, object], words: str, sessions: Sessions, tmp_path: Path
) -> None:
    with pytest.raises(ChatError, match=words):
        export_sessions(sessions, path if path == "-" else f"{tmp_path}/{path}", **options)  # type: ignore[arg-type]  # options of all kinds

    assert {each.name for each in tmp_path.iterdir()} == {"sessions"}


def test_nothing_said_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Nothing was said"):
        export_sessions(Sessions(TinyStore(tmp_path / "s")), tmp_path / "chat.md")


def secretive() -> Session:
    """Return a session that knows too much."""
    asked, answer = examples.turn(
        1, f"Ada Lovelace says token = '{KEY}'", examples.said(Text(f"In {Path.home()}/x: {KEY}."))
    )
    carried = Context.of(f"file {Path.home()}/notes.md", "ada lovelace wrote C:\\Users\\ada\\x and /home/ada/y")
    return examples.session(
        replace(asked, parts=(carried, examples.PICTURE, *asked.parts)),
        answer,
        title="About Ada",
        place="/home/ada/a.ipynb",
    )


@pytest.mark.parametrize("name", FORMATS)
def test_redaction_takes_out_what_is_not_for_others_and_says_how_much(name: str, tmp_path: Path) -> None:
    sessions = Sessions(TinyStore(tmp_path / "sessions"))
    sessions.store.create(secretive())
    pieces: list[str] = []

    done = export_sessions(sessions, "-", every=True, format_name=name, redact=["ada( lovelace)?"], write=pieces.append)

    text = "".join(pieces)
    assert KEY not in text
    assert "lovelace" not in text.lower()
    assert "/home/ada" not in text
    assert "Users" not in text
    assert f"{Path.home()}/" not in text
    assert "home folder: " in done.taken
    assert "name: 2 in " in done.taken
    assert "1 in 2 places" in done.taken
    assert "Pictures were not looked into: 1" in done.taken
    assert KEY not in done.taken


def test_what_is_taken_out_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    sessions = Sessions(TinyStore(tmp_path / "sessions"))
    sessions.store.create(examples.everything())
    pieces: list[str] = []

    done = export_sessions(sessions, "-", every=True, format_name="json", redact=[], write=pieces.append)

    assert json.loads("".join(pieces))["sessions"][0]["place"] == "~/a.ipynb"
    assert done.taken.startswith("Taken out: home folder: 1 in 1 places.")


def test_a_name_that_is_part_of_an_id_ties_the_same_branches(sessions: Sessions) -> None:
    session = sessions.fresh("Branches")
    first, *rest = examples.turn(1, "Ada?")
    other, *more = examples.turn(2, "Instead?")
    asked = replace(first, id="ada-1", turn_id="ada-1", digest="00ada000"), replace(other, after="", digest="ada")
    sessions.keep(session, *asked, *rest, *more)
    kept = sessions.whole(session.id)

    [redacted] = Redaction(["ada"]).redacted([replace(kept, tip=("ada-1", other.turn_id), forked=("ada", "ada-2"))])

    assert (redacted.tip, redacted.forked) == (("ada-1", other.turn_id), ("ada", "ada-2"))
    assert [(message.id, message.after) for message in redacted.messages] == [(m.id, m.after) for m in kept.messages]
    assert not any(message.digest for message in redacted.messages)


def test_data_holds_all_branches_and_a_page_the_one_that_is_read(sessions: Sessions, tmp_path: Path) -> None:
    session = sessions.fresh("Branches")
    first, second = (
        examples.turn(number, text, examples.said(Text("Yes."))) for number, text in ((1, "One?"), (2, "Two?"))
    )
    own = [replace(message, session_id=session.id) for message in (*first, *second)]
    own[len(first)] = replace(own[len(first)], after="")
    sessions.store.create(replace(session, messages=tuple(own)))

    export_sessions(sessions, tmp_path / "a.json", ["Branches"])
    export_sessions(sessions, tmp_path / "a.md", ["Branches"])
    new = Sessions(TinyStore(tmp_path / "new"))
    import_sessions(new, tmp_path / "a.json")

    assert new.whole(session.id).messages == tuple(own)
    page = (tmp_path / "a.md").read_text()
    assert "Two?" in page
    assert "One?" not in page


def test_one_chat_alone_in_its_file_is_read_too(sessions: Sessions, tmp_path: Path) -> None:
    export_sessions(sessions, tmp_path / "one.jsonl", ["Another"])

    [imported] = import_sessions(Sessions(TinyStore(tmp_path / "new")), tmp_path / "one.jsonl")

    assert [message.text for message in imported.session.messages] == ["Hello", "Hi."]


def test_a_session_in_the_trash_stays_there_and_that_is_told(sessions: Sessions, tmp_path: Path) -> None:
    info = sessions.all()[0]
    export_sessions(sessions, tmp_path / "a.json", [info.id])
    sessions.set_state(info, TRASHED)

    [found] = import_sessions(sessions, tmp_path / "a.json")

    assert found.news == "all there already, in the trash"
    assert [each.id for each in sessions.all(TRASHED)] == [info.id]


def test_what_a_search_finds_goes_into_one_file(sessions: Sessions, tmp_path: Path) -> None:
    sessions.set_state(sessions.find("Another"), ARCHIVED)
    for name, words in {"one": ["hello"], "both": ["h"], "phrase": ["names of"]}.items():
        export_sessions(sessions, tmp_path / f"{name}.json", search=words)

    found = {
        path.stem: [each["title"] for each in json.loads(path.read_text())["sessions"]]
        for path in tmp_path.glob("*.json")
    }

    assert found == {"one": ["Another"], "both": ["Names of people", "Another"], "phrase": ["Names of people"]}


@pytest.mark.parametrize("name", FORMATS)
def test_each_session_goes_into_a_file_of_its_own_in_a_folder(name: str, sessions: Sessions, tmp_path: Path) -> None:
    twin = sessions.fresh("Another")
    sessions.store.create(replace(twin, created_at=examples.everything().created_at))
    suffix = FORMATS[name].suffixes[0]

    done = export_sessions(sessions, f"{tmp_path}/chats/", every=True, format_name=name)
    again = export_sessions(sessions, tmp_path / "chats", every=True, format_name=name, confirm=lambda _: True)

    day = f"{examples.everything().created_at:%Y-%m-%d}"
    names = [f"{day}-Names-of-people", f"{day}-Another", f"{day}-Another-{twin.id}"]
    assert {path.name for path in (tmp_path / "chats").iterdir()} == {f"{each}{suffix}" for each in names}
    assert len(done.titles) == 3
    assert again == done


def test_a_folder_of_notebooks_is_the_store(sessions: Sessions, tmp_path: Path) -> None:
    chats = tmp_path / "chats"
    export_sessions(sessions, f"{chats}/", every=True, format_name="ipynb")
    (chats / "analysis.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}))
    (chats / "data.csv").write_text("a,b\n1,2")
    (chats / "plot.png").write_bytes(b"\x89PNG\r\n")
    new = Sessions(TinyStore(tmp_path / "new"))

    import_sessions(new, chats)

    with pytest.raises(ChatError, match="No conversation is in it"):
        import_sessions(new, chats / "analysis.ipynb")
    assert files(tmp_path / "new") == files(tmp_path / "sessions")
