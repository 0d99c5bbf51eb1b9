"""What happens in turns of every kind, as lists of events."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

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
from chatnb.messages import Message, Text, ToolCall, ToolResult, Usage

QUESTION = Message(
    id="20261121T094501123456-1f0c9a2b",
    session_id="20261121T090000000000-00000000",
    role="user",
    parts=(Text("Why is the mean negative?"),),
    created_at=datetime(2026, 11, 21, 9, 45, 1, tzinfo=UTC),
    turn_id="20261121T094501123456-1f0c9a2b",
)
ASKED = Asked(QUESTION, "qwen3:8b", {"num_ctx": 4096}, 4096)
COUNTED = TokensCounted(Usage(prompt_tokens=812, reply_tokens=214, load_s=0.1, prompt_s=0.4, reply_s=6.9))
DONE = Finished("done", duration_s=7.4)
CALL = ToolCall("call-1", "search", {"words": "refund", "limit": 3})
RESULT = ToolResult("call-1", "search", "3 rows\nMon, Tue, Wed", duration_s=0.25)
RETRYING = Retrying("qwen3:8b", 2, 3, 0.5, "Ollama broke off.")
FELL_BACK = FellBack("qwen3:8b", "llama3", "not enough memory")


def said(text: str, size: int = 4) -> list[Event]:
    """Return the deltas of a text."""
    return [TextDelta(text[start : start + size]) for start in range(0, len(text), size)]


def thought(text: str, size: int = 4) -> list[Event]:
    """Return the deltas of a thought."""
    return [ThinkingDelta(text[start : start + size]) for start in range(0, len(text), size)]


def turn(*steps: Event | Sequence[Event], end: Event = DONE) -> list[Event]:
    """Return the events of a whole turn."""
    events: list[Event] = [ASKED]
    for step in steps:
        events += [step] if isinstance(step, Event) else step
    return [*events, end]


ANSWER = "The mean is negative.\n\nThree refunds are in it:\n\n- Monday\n- Tuesday\n\nLeave them out."
PARAGRAPH = "A paragraph of some words that goes on for a while and then ends. " * 3 + "\n\n"

LOGS: dict[str, list[Event]] = {
    "an answer": turn(said(ANSWER), COUNTED),
    "one word": turn(said("Yes"), COUNTED),
    "thoughts before the answer": turn(thought("Let me see.\n\nThe mean of x."), said(ANSWER), COUNTED),
    "a wait before the answer": turn(Waiting("loading qwen3:8b", 2.0), Waiting("loading qwen3:8b", 3.0), said(ANSWER)),
    "a wait in the answer": turn(said("First."), Waiting("", 2.0), said(" Second."), COUNTED),
    "a tool": turn(
        said("I look it up."), COUNTED, ToolStarted(CALL), ToolFinished(RESULT), said("Three rows."), COUNTED
    ),
    "a tool that fails": turn(
        ToolStarted(CALL), COUNTED, ToolFinished(replace(RESULT, text="no such table", is_error=True)), said("Sorry.")
    ),
    "a mended answer": turn(said("First. "), Continued("qwen3:8b", "reset"), said("Second."), COUNTED),
    "a fallback before the answer": turn(FELL_BACK, said(ANSWER), COUNTED),
    "a fallback in the answer": turn(said("First. "), replace(FELL_BACK, keeps_text=True), said("Second."), COUNTED),
    "a part of the session": [replace(ASKED, left_out=2), *said(ANSWER), COUNTED, DONE],
    "a question planned anew": [
        replace(ASKED, notes=("cell 5 is shortened.",)),
        replace(RETRYING, delay_s=0.0),
        replace(ASKED, num_ctx=2_048, left_out=2, notes=("cell 5 is left out.",)),
        *said(ANSWER),
        COUNTED,
        Truncated(900, 812),
        DONE,
    ],
    "a long answer": turn(said(PARAGRAPH * 300, 500), COUNTED),
    "an answer that was stopped": turn(said("The mean is"), end=Finished("cancelled", duration_s=1.0)),
    "a stopped answer with a tool that goes on": turn(
        said("I look it up."), ToolStarted(CALL), COUNTED, end=Finished("cancelled", "This goes on: search.")
    ),
    "an answer that broke off": turn(said("The mean is"), end=Finished("failed", "gone", "ModelBroken", 1.0)),
    "an answer that was cut": turn(
        said("The mean is"), replace(COUNTED, stop="length"), end=Finished("length", duration_s=1.0)
    ),
    "a call that is only printed": turn(said('search(words="refund")'), COUNTED, Offered((CALL,))),
    "calls that are only printed": turn(said("Let me search."), COUNTED, Offered((CALL,) * 7)),
    "no answer": turn(COUNTED),
    "a failure": turn(end=Finished("failed", "Nobody answers.", "ModelUnreachable", 1.0)),
}
"""Turns in which nothing that was shown is dropped."""

DROPS: dict[str, list[Event]] = {
    "a retry": turn(said("Wrong words.\n\nAnd more\nof them"), RETRYING, said(ANSWER), COUNTED),
    "a retry of thoughts": turn(thought("Wrong thoughts"), RETRYING, thought("Right."), said(ANSWER), COUNTED),
    "a retry of a long answer": turn(said("Wrong words.\n\n" * 3_000, 700), RETRYING, said(ANSWER), COUNTED),
    "a fallback": turn(said("Wrong words"), FELL_BACK, said(ANSWER), COUNTED),
    "a retry after a tool": turn(
        said("I look it up."),
        COUNTED,
        ToolStarted(CALL),
        ToolFinished(RESULT),
        said("Wrong words"),
        RETRYING,
        said("Three rows."),
        COUNTED,
    ),
}
"""Turns in which something is shown that does not count in the end."""

_TEXTS = st.text(st.sampled_from("ab \n#-*`$|[]()<>&_~!1.\\{}\"':/\x1b\té漢"), min_size=1, max_size=60)
_CALLS = st.builds(lambda number: ToolCall(f"call-{number}", "look", {"n": number}), st.integers(0, 3))


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Return any turn in which nothing is dropped."""
    events: list[Event] = [ASKED]
    for number in range(draw(st.integers(1, 3))):
        if number:
            call = draw(_CALLS)
            events += [ToolStarted(call), COUNTED, ToolFinished(ToolResult(call.id, call.name, draw(_TEXTS)))]
        events += [ThinkingDelta(text) for text in draw(st.lists(_TEXTS, max_size=2))]
        events += [TextDelta(text) for text in draw(st.lists(_TEXTS, max_size=6))]
    return [*events, COUNTED, draw(st.sampled_from([DONE, Finished("cancelled", duration_s=1.0)]))]


@st.composite
def split(draw: st.DrawFn, events: Sequence[Event]) -> list[list[Event]]:
    """Return the events in batches of any sizes."""
    cuts = sorted(draw(st.sets(st.integers(1, len(events) - 1)))) if len(events) > 1 else []
    edges = [0, *cuts, len(events)]
    return [list(events[a:b]) for a, b in pairwise(edges)]
