"""Read what `exports/data.py` writes: JSON that holds everything, and JSON Lines of chats."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import SettingsError
from ..messages import Json, Session, ToolCall, ToolResult
from ..wire import VERSION, session_from_json
from .base import Form, Line, said, session_from, text_of


def fits_json(data: Json) -> bool:
    """Tell whether it is an export of ours in JSON."""
    return isinstance(data, dict) and "chatnb" in data and "sessions" in data


def read_json(data: Json, _: Path) -> Sequence[Session]:
    """Return the sessions, as they were."""
    if data["chatnb"] > VERSION:
        raise SettingsError(f"A newer chatnb wrote it (version {data['chatnb']}). Update chatnb.")
    return [session_from_json(session) for session in data["sessions"]]


def fits_lines(data: Json) -> bool:
    """Tell whether it is JSON Lines of chats, each `{"messages": [...]}`."""
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(line, dict) and set(line) >= {"messages"} for line in data)
    )


def read_lines(data: Json, _: Path) -> Sequence[Session]:
    """Return a session for each line.

    It has what a line can hold: texts, roles, calls of tools and their results. Chats of other programs are read, too: of
    contents in parts the texts. A session is known again by what is said in it.
    """
    return [_session(line) for line in data]


JSON = Form("JSON export of chatnb", fits_json, read_json)
LINES = Form("JSON Lines of chats", fits_lines, read_lines)


def _session(line: Mapping[str, Json]) -> Session:
    key = hashlib.sha256(json.dumps(line["messages"], sort_keys=True).encode()).hexdigest()
    names: dict[str, str] = {}
    return session_from("jsonl", key, "", [told for message in line["messages"] for told in _lines(message, names)])


def _lines(message: Mapping[str, Json], names: dict[str, str]) -> Iterator[Line]:
    """Yield what a message tells; `names` of the tools that were called, by call, are kept."""
    role, content = message["role"], message.get("content")
    if isinstance(content, list):
        content = "".join(text_of(part["text"]) for part in content if part.get("type") == "text")
    text = text_of(content)
    match role:
        case "tool":
            call_id = text_of(message.get("tool_call_id"))
            yield Line("tool", (ToolResult(call_id, names.get(call_id, text_of(message.get("name"))), text),))
        case "assistant":
            calls = []
            for call in message.get("tool_calls") or ():
                arguments = json.loads(call["function"]["arguments"] or "{}")
                if not isinstance(arguments, dict):
                    raise TypeError("the arguments of a call are no object")
                calls.append(ToolCall(text_of(call["id"]), text_of(call["function"]["name"]), arguments))
                names[calls[-1].id] = calls[-1].name
            yield Line("assistant", (*said(text), *calls))
        case "user" | "system" | "developer":
            yield Line("user" if role == "user" else "system", said(text))
        case _:
            raise ValueError(f"{role!r} is no role")
