"""Sessions to export: any at all, hostile ones, and one that has everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from chatnb.messages import (
    Context,
    Image,
    Message,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from tests import hostile, talk

AT = datetime(2026, 11, 21, 9, 45, 1, 123456, tzinfo=UTC)
SESSION_ID = "20261121T094501123456-1f0c9a2b"
PICTURE = Image(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89",
    "image/png",
)
CODE = "for name in names:\n    print(f'{name}: {len(name)}')"
ANSWER = f"They are **short**, see $x^2$:\n\n```python\n{CODE}\n```\n\nIn a shell:\n\n```sh\nwc -c names\n```\n\nThat is all."


def turn(number: int, question: str, *replies: Message) -> list[Message]:
    """Return a question, the `number`th of its session, and what was said to it, as a chat makes them."""
    at = AT + timedelta(minutes=number)
    question_id = f"{at:%Y%m%dT%H%M%S%f}-{number:08x}"
    asked = Message(question_id, SESSION_ID, "user", (Text(question),), at, user_id="ada", turn_id=question_id)
    duration_s = max((reply.duration_s or 0.0 for reply in replies), default=0.0)
    answers = [
        replace(
            reply,
            id=f"{question_id}.{place:03d}",
            session_id=SESSION_ID,
            created_at=at + timedelta(seconds=duration_s),
            user_id="ada",
            turn_id=question_id,
        )
        for place, reply in enumerate(replies, 1)
    ]
    return [asked, *answers]


def said(*parts: Text | Thinking | ToolCall | Image, model: str = "qwen3:8b", **fields: object) -> Message:
    """Return what a model said."""
    usage = Usage(812, 214, 0.1, 0.4, 6.9)
    values: dict[str, object] = {"outcome": "done", "usage": usage, "duration_s": 7.4, **fields}
    return Message("", "", "assistant", parts, AT, model=model, **values)  # type: ignore[arg-type]  # fields of these types


def back(*results: ToolResult) -> Message:
    """Return what tools gave back."""
    return Message("", "", "tool", results, AT)


def session(*messages: Message, title: str = "Names of people", **fields: object) -> Session:
    """Return a session with messages."""
    last = messages[-1].created_at if messages else AT
    return Session(SESSION_ID, AT, title, user_id="ada", updated_at=last, messages=messages, **fields)  # type: ignore[arg-type]  # as above


def everything() -> Session:
    """Return a session with something of every kind."""
    asked, *answered = turn(1, "How long are the names?", said(Thinking("Hm."), Text(ANSWER)))
    carried = (Context.of("variable names", "list of 3 str", "names"), PICTURE, *asked.parts)
    call = ToolCall("call-1", "search", {"words": "refund", "limit": 3})
    looked = turn(
        2,
        "Look it up with {braces} & $money$ @nobody",
        said(call, usage=None, duration_s=None),
        back(ToolResult("call-1", "search", "3 rows\nMon", duration_s=0.25)),
        said(Text("Three rows."), model="llama3.2", options={"num_ctx": 8192, "temperature": 0.2, "stop": ["a b"]}),
    )
    failed = turn(3, "And now?", said(outcome="failed", error="Ollama did not answer.", usage=None, duration_s=0.1))
    return session(replace(asked, parts=carried), *answered, *looked, *failed, pins=("df",), place="/home/ada/a.ipynb")


def hostile_session(text: str) -> Session:
    """Return a session in which everything that can be a text is that one."""
    asked, *answered = turn(
        1,
        text,
        said(
            Thinking(text),
            Text(text),
            ToolCall("1", text, {text: text}),
            model=text,
            error=text,
            outcome="failed",
            options={text: text},
        ),
        back(ToolResult("1", text, text, is_error=True)),
        said(Text(text), Image(b"<svg onload=alert(1)>", "image/svg+xml"), model=text),
    )
    asked = replace(asked, parts=(Context.of(text, text, text), *asked.parts), user_id=text)
    return session(asked, *answered, title=text, model=text, system=text, place=text)


def hostile_texts() -> list[tuple[str, str]]:
    """Return the hostile answers but those that are only large."""
    return [(name, text) for name, text in hostile.answers("http://127.0.0.1:1") if len(text) < 10_000]


_reply = st.builds(replace, talk.messages, role=st.sampled_from(["assistant", "tool"]))
_turns = st.builds(
    lambda number, question, replies: turn(number, question, *replies),
    st.integers(1, 10_000),
    talk.words,
    st.lists(_reply, max_size=2),
)
_header = st.builds(
    Session,
    id=talk.words,
    created_at=talk.times,
    title=talk.words,
    model=talk.words,
    system=talk.words,
    place=talk.words,
    user_id=talk.words,
    updated_at=st.none() | talk.times,
    pins=st.lists(talk.words, max_size=1).map(tuple),
    hidden=st.lists(talk.words, max_size=1).map(tuple),
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Return any session as a store keeps it: its messages are its own, and have ids of their own."""
    header = draw(_header)
    found = [message for each in draw(st.lists(_turns, max_size=2)) for message in each]
    loose = draw(st.lists(talk.messages, max_size=1))
    place = draw(st.integers(0, len(found)))
    own = [replace(message, session_id=header.id) for message in (*found[:place], *loose, *found[place:])]
    return replace(header, messages=tuple({message.id: message for message in own}.values()))
