"""Sessions as data: JSON (all of them), JSON Lines (what fine-tuning reads), CSV (a row for each message), plain text."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterator, Sequence

from ..history import summary_in, turns_of
from ..messages import Context, Image, Json, Message, Session, Thinking, ToolCall, ToolResult
from ..models.fenced import spoken
from ..printing import printable
from ..views.words import call_line
from ..wire import VERSION, to_json
from .base import Style, about, sendable, speaker, title, when

COLUMNS = (
    "session",
    "title",
    "message",
    "role",
    "created_at",
    "model",
    "outcome",
    "text",
    "thinking",
    "context",
    "tools",
    "prompt_tokens",
    "reply_tokens",
    "duration_s",
    "error",
)
"""Of the table; a message is a row."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(sessions: Sequence[Session], style: Style = Style()) -> Iterator[str]:  # noqa: ARG001, B008 - as every exporter
    """Yield everything that is kept of the sessions, as wire.py writes it; importing it gives the same sessions."""
    yield f'{{\n "chatnb": {VERSION},\n "sessions": ['
    for number, session in enumerate(sessions):
        yield (",\n" if number else "\n") + _json(to_json(session), indent=1)
    yield "\n]}\n"


_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""What ends a line for some that read one at a time, though not for JSON."""


def as_jsonl(sessions: Sequence[Session], style: Style = Style()) -> Iterator[str]:  # noqa: ARG001, B008
    """Yield a line for each session: `{"messages": [{"role": ..., "content": ...}, ...]}`, as fine-tuning tools read it.

    It holds what a model would read: the system prompt, questions with their context written out, answers, calls of
    tools and their results. It has no place for ids, times, titles, models, thoughts, pictures and figures; summaries,
    hidden turns, questions without an answer and calls without a result are left out, since there is nothing to learn
    from them. A session of which nothing is left has no line.

    https://platform.openai.com/docs/guides/supervised-fine-tuning
    """
    for session in sessions:
        read = [message for turn in turns_of(session.messages, session.hidden) for message in turn.sent]
        lines = [line for message in read for line in _chat_lines(message)]
        if lines:
            system = [{"role": "system", "content": session.system}] if session.system else []
            yield _json({"messages": [*system, *lines]}).translate(_ENDS) + "\n"


def as_csv(sessions: Sequence[Session], style: Style = Style()) -> Iterator[str]:  # noqa: ARG001, B008
    """Yield a table with a row for each message, and `COLUMNS`.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, for a formula can fetch what it wants
    (https://owasp.org/www-community/attacks/CSV_Injection). Control characters are left out.
    """
    yield _row(COLUMNS)
    for session in sessions:
        for message in session.messages:
            usage = message.usage
            tools = [call_line(part) for part in message.parts if isinstance(part, ToolCall)]
            tools += [part.text for part in message.parts if isinstance(part, ToolResult)]
            context = [part.text for part in message.parts if isinstance(part, Context)]
            figures = (usage.prompt_tokens, usage.reply_tokens) if usage else (None, None)
            texts = (_said(message), message.thinking, "\n\n".join(context), "\n".join(tools))
            about_it = (message.id, message.role, message.created_at.isoformat(), message.model, message.outcome or "")
            yield _row((session.id, title(session), *about_it, *texts, *figures, message.duration_s, message.error))


def as_text(sessions: Sequence[Session], style: Style = Style()) -> Iterator[str]:  # noqa: ARG001, B008
    """Yield plain text, without anything that a terminal would obey."""
    for number, session in enumerate(sessions):
        heading = printable(title(session))
        yield ("\n\n" if number else "") + f"{heading}\n{'=' * len(heading)}\n{printable(about(session))}\n"
        for message in session.messages:
            yield f"\n{printable(speaker(message))}, {when(message.created_at)}:\n"
            yield textwrap.indent(printable("\n".join(_lines(message))), "    ") + "\n"


def _lines(message: Message) -> Iterator[str]:
    for part in message.parts:
        match part:
            case Context(label, text):
                yield f"[{label}]"
                yield text
            case Image(data, mime):
                yield f"[picture: {mime}, {len(data):,} bytes]"
            case Thinking(text):
                yield "[thoughts]"
                yield text
            case ToolCall():
                yield f"[{call_line(part)}]"
            case ToolResult():
                yield f"[{part.name}{' failed' if part.is_error else ''}]"
                yield part.text
            case _:
                yield part.text
    if message.error:
        yield f"[{message.error}]"


def _said(message: Message) -> str:
    return (summary_in(message) or message).text


def _chat_lines(message: Message) -> Iterator[dict[str, Json]]:
    if message.role == "tool":
        for part in message.parts:
            if isinstance(part, ToolResult):
                yield {"role": "tool", "tool_call_id": part.call_id, "content": part.text}
        return
    calls = [part for part in message.parts if isinstance(part, ToolCall)] if message.role == "assistant" else []
    said = message.text if message.role == "assistant" else spoken(message)
    line: dict[str, Json] = {"role": message.role, "content": said}
    if calls:
        line["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _json(dict(call.arguments))},
            }
            for call in calls
        ]
    if said or calls:
        yield line


def _json(value: Json, indent: int | None = None) -> str:
    r"""Return a value as JSON that reads well; half of a character is written as its escape, such as \ud800."""
    return json.dumps(value, ensure_ascii=False, indent=indent).encode(errors="backslashreplace").decode()


def _row(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_cell(value) for value in values])
    return buffer.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = sendable(printable(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
