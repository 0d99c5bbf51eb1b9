"""Tools for a chat of one's own, in Python."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb.bench import tools_for
from chatnb.chat import Chat
from chatnb.config import ChatConfig
from chatnb.events import ToolStarted
from chatnb.messages import ToolCall, ToolResult
from chatnb.models.scripted import ScriptedModel
from chatnb.stores.memory import MemoryStore
from tests.tools.mcp.running import SERVERS, children

SHOUT = ToolStarted(ToolCall("1", "reference_shout", {"word": "hello"}))


@pytest.fixture
def chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    servers = {"reference": {"command": sys.executable, "args": [str(SERVERS / "reference.py")]}}
    (tmp_path / "mcp.json").write_text(json.dumps(servers), "utf-8")
    monkeypatch.setenv("CHATNB_HOME", str(tmp_path))
    monkeypatch.setenv("CHATNB_APPROVE", '{"reference_shout": "always"}')
    ChatConfig.clear_instance()
    before = {child.pid for child in children()}
    chat = Chat(ScriptedModel([SHOUT], ["Done."]), store=MemoryStore())
    yield chat
    chat.close()
    ChatConfig.clear_instance()
    assert [child for child in children() if child.pid not in before] == []


def read(chat: Chat) -> list[tuple[str, bool]]:
    """Return what the model has read of calls, and whether it is the text of strangers."""
    history = chat.sessions.history(chat.sessions.current)
    parts = [part for message in history for part in message.parts]
    return [(part.text, part.is_networked) for part in parts if isinstance(part, ToolResult)]


def test_a_chat_of_ones_own_calls_the_tools_of_mcp_servers(chat: Chat) -> None:
    chat.tools = tools_for(chat, "reference")

    text = chat.ask_now("Shout.").text

    assert "Done." in text
    assert read(chat) == [("HELLO", True)]


async def test_a_question_on_another_loop_than_the_servers_calls_them_too(chat: Chat) -> None:
    reply = await chat.ask("Shout.", tools=tools_for(chat, "reference_shout"))

    assert "Done." in reply.text
    assert read(chat) == [("HELLO", True)]


def test_a_chat_that_was_closed_connects_again(chat: Chat) -> None:
    tools_for(chat, "reference")
    chat.close()

    chat.tools = tools_for(chat, "reference")

    assert "Done." in chat.ask_now("Shout.").text
