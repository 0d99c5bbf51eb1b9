"""Read the log of `llm`, a SQLite database: `llm logs path` tells where it is.

Since 0.32 it is a store of messages: `threads`; their `turns`, each a call of a `model` with the `parent_message_hash` of
what was asked and the `tip_message_hash` of what came; `messages`, each with its `parent_hash` and `role`; and their
`parts` in order, with `type` (text, reasoning, tool_call, tool_result, attachment), `text`, and the rest as JSON in
`payload`, where `text_ref` is a text that is made of `fragments`. Before, and still there, it was `conversations` and
their `responses`, with `prompt`, `response`, `system` and `reasoning`; fragments, pictures and what tools gave back belong
to the response that was asked with them, calls of tools to the one that made them.

Read in the source of llm 0.36, `migrations.py` and `logs.py`, and in databases that it wrote: https://github.com/simonw/llm
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..messages import Image, Json, Part, Session, Text, Thinking, ToolCall, ToolResult, Usage
from .base import Form, Line, said, session_from, text_of

MAGIC = b"SQLite format 3\0"
"""What a database begins with."""

_Row = dict[str, Any]


def fits(data: Json) -> bool:
    """Tell whether it is a database, given what a file begins with."""
    return isinstance(data, bytes) and data.startswith(MAGIC)


def read(_: Json, path: Path) -> Sequence[Session]:
    """Return a session for each conversation; of one that was forked, what its last turn was asked with."""
    # Read-only, so that nothing is created beside it; nothing in its schema is run but plain tables.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        database.row_factory = sqlite3.Row
        try:
            log = _Log(database)
            sessions = [*_threads(log), *_conversations(log)]
        except sqlite3.Error as error:
            raise ValueError(str(error)) from error
    if not log.names & {"responses", "turns"}:
        raise ValueError("it has neither of the tables `turns` and `responses`")
    return [session for session in sessions if session.messages]


FORM = Form("log of llm", fits, read)


class _Log:
    """Reads tables, those that are missing as empty ones."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.names = {row["name"] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}

    def rows(self, table: str, where: str = "", value: object = None, order: str = "rowid") -> list[_Row]:
        """Return the rows of a table, all of them or those whose column `where` is `value`; `order` is a column."""
        if table not in self.names:
            return []
        condition, values = (f'WHERE "{where}" = ?', (value,)) if where else ("", ())
        query = f'SELECT * FROM "{table}" {condition} ORDER BY "{order}"'  # noqa: S608 - names of ours
        return [dict(row) for row in self._database.execute(query, values)]

    def row(self, table: str, column: str, value: object) -> _Row:
        """Return the row whose `column` is `value`."""
        found = self.rows(table, column, value)
        if not found:
            raise LookupError(f"the table `{table}` has no {value!r}")
        return found[0]


def _threads(log: _Log) -> Iterator[Session]:
    for thread in log.rows("threads"):
        turns = log.rows("turns", "thread_id", thread["id"], order="datetime_utc")
        if not turns:
            continue
        turn_of = {turn["tip_message_hash"]: turn for turn in turns}
        asked_in = {turn["parent_message_hash"]: turn for turn in turns}
        lines, current = [], turns[0]
        for message in _chain(log, turns[-1]["tip_message_hash"]):
            current = turn_of.get(message["hash"]) or asked_in.get(message["hash"]) or current
            parts = tuple(part for row in _parts_of(log, message) for part in _part(log, row))
            lines.append(_line(message["role"], parts, current))
        yield session_from("llm", thread["id"], text_of(thread["name"]), lines, at=_time(turns[0]))


def _chain(log: _Log, tip: str | None) -> list[_Row]:
    chain, seen = [], set()
    while tip is not None and tip not in seen:
        seen.add(tip)
        message = log.row("messages", "hash", tip)
        chain.append(message)
        tip = message["parent_hash"]
    return chain[::-1]


def _parts_of(log: _Log, message: _Row) -> list[_Row]:
    return log.rows("parts", "message_hash", message["hash"], order="position")


def _part(log: _Log, row: _Row) -> Iterator[Part]:
    payload = json.loads(row["payload"]) if row["payload"] else {}
    match row["type"]:
        case "text":
            yield from said(_text(log, row, payload))
        case "reasoning":
            if text := _text(log, row, payload):
                yield Thinking(text)
        case "tool_call":
            yield ToolCall(
                text_of(payload.get("tool_call_id")), text_of(payload["name"]), _object(payload["arguments"])
            )
        case "tool_result":
            failure, call_id = payload.get("exception"), text_of(payload.get("tool_call_id"))
            text = text_of(payload.get("output"))
            yield ToolResult(call_id, text_of(payload["name"]), text or text_of(failure), is_error=bool(failure))
        case "attachment":
            yield from _picture(log, payload["attachment"]["id"])


def _text(log: _Log, row: _Row, payload: Json) -> str:
    if row["text"] is not None:
        return text_of(row["text"])
    pieces = payload.get("text_ref") or ()
    return "".join(
        text_of(piece["literal"]) if "literal" in piece else _fragment(log, piece["fragment"]) for piece in pieces
    )


def _conversations(log: _Log) -> Iterator[Session]:
    kept = {thread["id"] for thread in log.rows("threads")}  # with all that was said before
    for conversation in log.rows("conversations"):
        if conversation["id"] in kept:
            continue
        responses = log.rows("responses", "conversation_id", conversation["id"], order="datetime_utc")
        lines = [line for response in responses for line in _responded(log, response)]
        systems = list(dict.fromkeys(text_of(response.get("system")) for response in responses))
        title = text_of(conversation["name"])
        yield session_from("llm", conversation["id"], title, lines, system="\n\n".join(filter(None, systems)))


def _responded(log: _Log, response: _Row) -> Iterator[Line]:
    results = [
        ToolResult(
            text_of(row["tool_call_id"]),
            text_of(row["name"]),
            text_of(row["output"]) or text_of(row.get("exception")),
            is_error=bool(row.get("exception")),
        )
        for row in log.rows("tool_results", "response_id", response["id"])
    ]
    if results:
        yield _line("tool", tuple(results), response)
    used = log.rows("prompt_fragments", "response_id", response["id"], order="order")
    texts = [*(_fragment(log, row["fragment_id"]) for row in used), text_of(response["prompt"])]
    attached = log.rows("prompt_attachments", "response_id", response["id"], order="order")
    pictures = [picture for row in attached for picture in _picture(log, row["attachment_id"])]
    yield _line("user", (*pictures, *said("\n".join(filter(None, texts)))), response)
    thought, calls = text_of(response.get("reasoning")), log.rows("tool_calls", "response_id", response["id"])
    parts = [
        *([Thinking(thought)] if thought else []),
        *said(text_of(response["response"])),
        *(
            ToolCall(text_of(row["tool_call_id"]), text_of(row["name"]), _object(json.loads(row["arguments"] or "{}")))
            for row in calls
        ),
    ]
    yield _line("assistant", tuple(parts), response)


def _line(role: str, parts: tuple[Part, ...], turn: _Row) -> Line:
    at = _time(turn)
    if role != "assistant":
        return Line(role, parts, at)
    at += timedelta(milliseconds=turn.get("duration_ms") or 0)
    usage = Usage(turn.get("input_tokens"), turn.get("output_tokens"))
    return Line(role, parts, at, text_of(turn.get("model")), usage if usage != Usage() else None)


def _time(turn: _Row) -> datetime:
    at = datetime.fromisoformat(turn["datetime_utc"])
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _fragment(log: _Log, fragment_id: int) -> str:
    return text_of(log.row("fragments", "id", fragment_id)["content"])


def _picture(log: _Log, attachment_id: str) -> Iterator[Part]:
    row = log.row("attachments", "id", attachment_id)
    mime, content = text_of(row["type"]), row["content"]
    if content and mime.startswith("image/"):
        yield Image(bytes(content), mime)
    else:
        yield Text(f"({mime or 'attachment'}: {text_of(row['path']) or text_of(row['url']) or 'kept by llm'})")


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("the arguments of a call are no object")
    return value
