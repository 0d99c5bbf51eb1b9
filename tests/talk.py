"""Conversations to test with: single messages, and laws' worth of them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st

from chatnb.events import (
    Asked,
    Continued,
    Event,
    FellBack,
    Finished,
    Offered,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolFinished,
    ToolStarted,
    Truncated,
    Waiting,
)
from chatnb.messages import (
    Context,
    Image,
    Message,
    Part,
    Seam,
    Session,
    Summary,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)

ASKED_AT = datetime(2026, 11, 21, 9, 45, 1, 123456, tzinfo=UTC)


def question(text: str = "Why?", number: int = 1, *parts: Part) -> Message:
    """Return what a user asks in a turn of its own."""
    turn = f"q{number:04d}"
    return Message(turn, "s", "user", (*parts, Text(text)), ASKED_AT, turn_id=turn)


def reply_to(asked: Message, text: str = "Because.", *parts: Part, number: int = 1) -> Message:
    """Return what is answered to a question."""
    said = (Text(text),) if text else ()
    return Message(
        f"{asked.id}.{number:03d}",
        "s",
        "assistant",
        (*said, *parts),
        ASKED_AT,
        turn_id=asked.turn_id,
        model="m",
        outcome="done",
    )


def results_for(asked: Message, *results: ToolResult, number: int = 2) -> Message:
    """Return what tools gave back."""
    return Message(f"{asked.id}.{number:03d}", "s", "tool", results, ASKED_AT, turn_id=asked.turn_id)


def turns(count: int, text: str = "Because.") -> list[Message]:
    """Return the history of that many turns."""
    asked = [question(f"Question {number}", number) for number in range(1, count + 1)]
    return [message for each in asked for message in (each, reply_to(each, text))]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
mappings = st.dictionaries(st.text(max_size=9), json_values, max_size=3)
times = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
seconds = st.none() | st.floats(min_value=0, max_value=1e6)
words = st.text(max_size=20)

calls = st.builds(ToolCall, words, words, mappings)
results = st.builds(ToolResult, words, words, words, st.booleans(), seconds)
parts = st.one_of(
    st.builds(Text, words),
    st.builds(Thinking, words),
    st.builds(Image, st.binary(max_size=20), words),
    st.builds(Context.of, words, words, words),
    st.builds(Summary, words, words),
    calls,
    results,
)
usages = st.builds(
    Usage,
    st.none() | st.integers(0, 10**9),
    st.none() | st.integers(0, 10**9),
    seconds,
    seconds,
    seconds,
    st.none() | st.integers(0, 10**9),
)
messages = st.builds(
    Message,
    id=words,
    session_id=words,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    parts=st.lists(parts, max_size=4).map(tuple),
    created_at=times,
    user_id=words,
    turn_id=words,
    model=words,
    outcome=st.sampled_from([None, "done", "cancelled", "failed", "tool_limit", "length"]),
    usage=st.none() | usages,
    duration_s=seconds,
    options=mappings,
    seams=st.lists(st.builds(Seam, st.integers(0, 10**9), words, words), max_size=2).map(tuple),
    error=words,
)
sessions = st.builds(
    Session,
    id=words,
    created_at=times,
    title=words,
    model=words,
    system=words,
    place=words,
    user_id=words,
    updated_at=st.none() | times,
    pins=st.lists(words, max_size=2).map(tuple),
    hidden=st.lists(words, max_size=2).map(tuple),
    messages=st.lists(messages, max_size=3).map(tuple),
)
text_deltas = st.builds(TextDelta, words)
thinking_deltas = st.builds(ThinkingDelta, words)
waits = st.builds(Waiting, words, st.floats(0, 1e6))
retries = st.builds(Retrying, words, st.integers(1, 9), st.integers(1, 9), st.floats(0, 60), words)
fallbacks = st.builds(FellBack, words, words, words, st.booleans())
counts = st.builds(TokensCounted, usages, st.sampled_from(["stop", "length"]))
truncations = st.builds(Truncated, st.integers(0, 10**9), st.integers(0, 10**9))
offers = st.builds(Offered, st.lists(calls, max_size=3).map(tuple))
ends = st.builds(
    Finished, st.sampled_from(["done", "cancelled", "failed", "tool_limit", "length"]), words, words, seconds
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Asked,
        messages,
        words,
        mappings,
        st.none() | st.integers(1, 10**7),
        st.integers(0, 10**6),
        notes=st.lists(words, max_size=2).map(tuple),
        tokens=st.none() | st.integers(0, 10**7),
    ),
    text_deltas,
    thinking_deltas,
    st.builds(ToolStarted, calls),
    st.builds(ToolFinished, results),
    waits,
    retries,
    st.builds(Continued, words, words),
    fallbacks,
    counts,
    truncations,
    offers,
    ends,
)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Return a turn as it may be told, from Asked to Finished, with any number of rounds of tools."""
    told: list[Event] = [Asked(question(), "m")]
    if draw(st.booleans()):
        told += [Retrying("m", 2, 2, 0.0, draw(words)), Asked(question(), "m", {"num_ctx": 2_048}, 2_048, 2)]
    for number in range(draw(st.integers(0, 2))):
        told += draw(_spoken)
        wanted = [ToolCall(f"{number}-{i}", "f", {}) for i in range(draw(st.integers(1, 3)))]
        told += [ToolStarted(call) for call in wanted]
        told.append(draw(counts))
        told += draw(st.lists(truncations, max_size=1))
        told += [ToolFinished(ToolResult(call.id, "f", draw(words))) for call in draw(st.permutations(wanted))]
    told += draw(_spoken)
    if draw(st.booleans()):
        told += [draw(counts), *draw(st.lists(truncations, max_size=1)), *draw(st.lists(offers, max_size=1))]
    told.append(draw(ends))
    return told


_spoken: st.SearchStrategy[Sequence[Event]] = st.lists(
    st.one_of(text_deltas, thinking_deltas, waits, retries, fallbacks, st.builds(Continued, words, words)), max_size=8
)
