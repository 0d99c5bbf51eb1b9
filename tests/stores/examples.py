"""Sessions and messages to store."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatnb.messages import (
    Context,
    Image,
    Message,
    Seam,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
    new_id,
    now,
)

_last = now()

QUESTION = "Why is `df['price'].mean()` \"negative\"?\nI expected more. ".ljust(200, "x")
ANSWER = "The *mean* is negative since\n\n```python\ndf['price'].min()\n```\n\nis so, voilà: $x^2$. ".ljust(1500, "y")


def session(title: str = "A title", **fields: str) -> Session:
    """Return a new session."""
    at = now()
    return Session(id=new_id(at), created_at=at, title=title, **fields)  # type: ignore[arg-type]  # texts only


def _next() -> datetime:
    """Return the time, later than that of the message before."""
    global _last  # noqa: PLW0603 - the order of all messages of a process
    _last = max(now(), _last + timedelta(microseconds=1))
    return _last


def asked(session_id: str, text: str = QUESTION) -> Message:
    """Return a question of realistic size."""
    at = _next()
    return Message(new_id(at), session_id, "user", (Text(text),), at, user_id="ada", turn_id=new_id(at))


def said(session_id: str, text: str = ANSWER) -> Message:
    """Return an answer of realistic size."""
    at = _next()
    return Message(
        new_id(at),
        session_id,
        "assistant",
        (Text(text),),
        at,
        model="qwen3:8b",
        outcome="done",
        turn_id=new_id(at),
        usage=Usage(120, 380, 0.1, 0.2, 4.5),
        duration_s=4.9,
        options={"num_ctx": 8192, "temperature": 0.2},
    )


def rich(session_id: str) -> Message:
    """Return a message that has everything a message can have."""
    at = now()
    return Message(
        id=new_id(at),
        session_id=session_id,
        role="assistant",
        parts=(
            Thinking("Hm."),
            Text("Naïve façade 🙂\u2028\x00\ud800 ends"),
            Image(b"\x89PNG\x00\xff", "image/png"),
            Context.of("cell 3", "x = 1"),
            ToolCall("call-1", "price", {"item": "tea", "nested": [1, 2.5, None, True]}),
            ToolResult("call-1", "price", "3 €", is_error=True, duration_s=0.25, is_foreign=True),
        ),
        created_at=at,
        user_id="ada",
        turn_id=new_id(at),
        model="ollama:qwen3:8b",
        outcome="tool_limit",
        usage=Usage(1, 2, 0.5, 0.25, 0.125),
        duration_s=1.5,
        options={"seed": 7, "stop": ["\n"]},
        seams=(Seam(12, "llama3.2", "the server was restarted"),),
        error="It went wrong.",
    )
