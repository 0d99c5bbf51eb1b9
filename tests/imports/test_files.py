"""Files of other programs become sessions, and what is no such file is told in a sentence."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chatnb.errors import SessionError
from chatnb.imports.files import read_sessions
from chatnb.messages import Image, Session, Text, Thinking, ToolCall, ToolResult
from chatnb.sessions import Sessions
from chatnb.stores.tinydb import TinyStore
from chatnb.transfer import import_sessions
from tests.imports import examples

WRITERS: dict[str, Callable[[Path], Path]] = {
    "ChatGPT": lambda folder: examples.write_json(folder / "conversations.json", examples.CHATGPT),
    "Open WebUI": lambda folder: examples.write_json(folder / "chat-export-1.json", examples.OPEN_WEBUI),
    "llm": lambda folder: examples.write_llm(folder / "logs.db"),
    "llm before 0.32": lambda folder: examples.write_llm(folder / "logs.db", is_old=True),
    "jupyter-ai": lambda folder: examples.write_json(folder / "Mean of prices.chat", examples.JUPYTER_AI),
}

LAW = [Phase.explicit, Phase.reuse, Phase.generate]
VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 1e999, 10**30, "", "x", "\ud800", [], [1], {}, {"a": 1}, [{}], [[]], {"": None}]
)


def only(path: Path) -> Session:
    (session,) = read_sessions(path)[1]
    return session


def is_empty(sessions: Sessions) -> bool:
    return not sessions.all()


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(TinyStore(tmp_path / "sessions"))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_conversation_becomes_a_session(write: Callable[[Path], Path], tmp_path: Path) -> None:
    session = only(write(tmp_path))

    question, *_, answer = session.messages
    assert session.title == "Mean of prices"
    assert (question.role, answer.role) == ("user", "assistant")
    assert question.text.endswith("Why?")
    assert answer.text == "Because of *refunds*."
    assert answer.model
    assert [message.id for message in session.messages] == sorted(message.id for message in session.messages)
    assert {message.turn_id for message in session.messages} == {question.id}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_importing_twice_changes_nothing(write: Callable[[Path], Path], tmp_path: Path, sessions: Sessions) -> None:
    path = write(tmp_path)
    (first,) = import_sessions(sessions, path)
    file = tmp_path / "sessions" / f"{first.session.id}.json"
    kept = file.read_bytes()

    (second,) = import_sessions(sessions, path)

    assert (first.is_new, second.is_new, second.message_count) == (True, False, 0)
    assert file.read_bytes() == kept
    assert len(sessions.all()) == 1


def test_what_tells_no_time_has_none_in_its_ids_which_come_before_all_others(
    tmp_path: Path, sessions: Sessions
) -> None:
    line = {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}] * 2}
    path = examples.write_json(tmp_path / "talk.jsonl", line)

    (first,), (second,) = import_sessions(sessions, path), import_sessions(sessions, path)

    ids = [first.session.id, *(message.id for message in first.session.messages)]
    assert all(each.startswith("00000000T") for each in ids)
    assert ids[1:] == sorted(set(ids[1:]))
    assert (first.message_count, second.message_count, second.session.id) == (4, 0, first.session.id)


def test_of_chatgpt_the_branch_that_was_shown_counts(tmp_path: Path) -> None:
    question, thought, answer = only(WRITERS["ChatGPT"](tmp_path)).messages

    assert question.parts == (Text("(picture)\n\nWhy?"),)
    assert question.created_at == datetime(2023, 11, 14, 22, 13, 21, 250_000, tzinfo=UTC)
    assert thought.parts == (Thinking("Refunds?"),)
    assert (answer.parts, answer.model) == ((Text("Because of *refunds*."),), "o3")


def test_an_archive_of_chatgpt_is_read_as_it_was_sent(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("conversations.json", json.dumps(examples.CHATGPT))

    assert only(tmp_path / "export.zip") == only(WRITERS["ChatGPT"](tmp_path))


def test_of_open_webui_thoughts_pictures_and_figures_come_along(tmp_path: Path) -> None:
    session = only(WRITERS["Open WebUI"](tmp_path))

    question, answer = session.messages
    assert session.system == "Be brief."
    assert [type(part) for part in question.parts] == [Image, Text]
    assert answer.parts == (Thinking("Refunds?"), Text("Because of *refunds*."))
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.reply_tokens) == (12, 34)


def test_open_webui_writes_a_chat_a_line_too(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(json.dumps(chat) for chat in examples.OPEN_WEBUI * 2))

    assert [session.title for session in read_sessions(path)[1]] == ["Mean of prices"] * 2


def test_of_llm_tools_and_fragments_come_along(tmp_path: Path) -> None:
    session = only(WRITERS["llm"](tmp_path))

    question, called, result, answer = session.messages
    assert session.system == "Be brief."
    assert question.parts == (Text("price: -3\nWhy?"), Image(b"\x89PNG", "image/png"))
    assert called.parts == (Thinking("Refunds?"), ToolCall("c1", "search", {"words": "refund"}))
    assert result.parts == (ToolResult("c1", "search", "3 rows"),)
    assert answer.created_at == datetime(2026, 11, 21, 9, 1, 2, 500_000, tzinfo=UTC)


def test_of_jupyter_ai_what_was_deleted_stays_so(tmp_path: Path) -> None:
    question, answer = only(WRITERS["jupyter-ai"](tmp_path)).messages

    assert (question.text, answer.model) == ("Why?", "Jupyternaut")


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "nothing": b"",
        "no JSON": b"Dear diary,",
        "another JSON": b'{"a": 1}',
        "an empty list": b"[]",
        "no text": b"\xff\xfe\x00\x01",
        "a broken archive": b"PK\x03\x04 and no more",
        "a broken database": b"SQLite format 3\0" + b"\x01" * 4096,
        "a database of somebody else": b"",
        "deep JSON": b"[" * 200_000,
        "a notebook without a conversation": b'{"nbformat": 4, "cells": [{"cell_type": "code", "outputs": []}]}',
        "a notebook of a later version": b'{"nbformat": 4, "cells": [{"metadata": {"chatnb": {"version": 99}}}]}',
        "a notebook of numbers": b'{"nbformat": 4, "cells": [1]}',
        "ours of a later version": b'{"chatnb": 99, "sessions": []}',
        "ours of numbers": b'{"chatnb": 1, "sessions": [1]}',
        "ours with an id that leaves the folder": b'{"chatnb": 1, "sessions": [{"id": "../x", "created_at": "2026-11-21T09:00:00+00:00"}]}',
        "ours without a time zone": b'{"chatnb": 1, "sessions": [{"id": "x", "created_at": "2026-11-21T09:00:00"}]}',
        "ours, good and bad": b'{"chatnb": 1, "sessions": [{"id": "x", "created_at": "2026-11-21T09:00:00+00:00"}, {}]}',
        "a chat of numbers": b'{"messages": [{"body": 1, "sender": 2, "time": "x"}], "users": {}}',
        "a time beyond all": b'[{"mapping": {}, "create_time": 1e999}]',
        "a mapping of lists": b'[{"mapping": {"a": []}, "current_node": "a"}]',
        "a chat of Open WebUI of numbers": b'[{"chat": {"history": {"currentId": "a", "messages": {"a": 3}}}}]',
        "lines of nothing": b'{"messages": [{"role": "king", "content": "x"}]}\n',
    }.items(),
)
def test_what_cannot_be_read_is_told_in_a_sentence_and_nothing_is_imported(
    name: str, content: bytes, tmp_path: Path, sessions: Sessions
) -> None:
    path, good = tmp_path / "x", WRITERS["ChatGPT"](tmp_path)
    path.write_bytes(content)

    with pytest.raises(SessionError) as raised:
        import_sessions(sessions, good, path)

    assert str(path) in str(raised.value)
    assert is_empty(sessions)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="could not be read"):
        read_sessions(tmp_path / "nothing.json")


@st.composite
def spoilt(draw: st.DrawFn) -> object:
    """Return an export in which one value is another one."""
    data = json.loads(json.dumps(draw(st.sampled_from([examples.CHATGPT, examples.OPEN_WEBUI, examples.JUPYTER_AI]))))
    inner = data
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = draw(st.sampled_from(keys))
        if not isinstance(inner[key], dict | list) or not inner[key] or draw(st.integers(0, 4)) == 0:
            inner[key] = draw(VALUES)
            return data
        inner = inner[key]


@given(data=spoilt())
@settings(deadline=None, phases=LAW, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_was_spoilt_is_read_or_told(data: object, tmp_path: Path) -> None:
    path = examples.write_json(tmp_path / "x.json", data)

    read: list[Session] = []
    with suppress(SessionError):
        read += read_sessions(path)[1]

    assert all(isinstance(message.text, str) for session in read for message in session.messages)
