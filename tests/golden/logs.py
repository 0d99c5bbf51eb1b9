"""The turns of events.jsonl; `python -m tests.golden.logs` writes the file anew."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
from chatnb.messages import Context, Image, ToolCall, ToolResult, Usage
from chatnb.reply import Reply
from chatnb.wire import to_json
from tests.talk import question

FILE = Path(__file__).with_name("events.jsonl")

_ASKED = Asked(question(), "m", {"num_ctx": 4096, "temperature": 0.5}, 4096)
_COUNTED = TokensCounted(Usage(12, 5, 0.25, 0.5, 1.0))
_DONE = Finished("done", duration_s=1.5)
_SUNNY = ToolCall("c1", "weather", {"city": "Ulm", "days": [1, 2]})
_RAINY = ToolCall("c2", "weather", {"city": "Köln", "days": []})

LOGS: dict[str, list[Event]] = {
    "a plain answer": [_ASKED, TextDelta("Be"), TextDelta("cause \u2028🙂."), _COUNTED, _DONE],
    "an answer after thinking": [_ASKED, ThinkingDelta("Hm"), ThinkingDelta("."), TextDelta("So."), _COUNTED, _DONE],
    "a question with context and a picture, older messages left out": [
        Asked(question("See?", 1, Context.of("cell 3", "x = 1"), Image(b"\x89PNG", "image/png")), "m", {}, 4096, 6),
        TextDelta("Yes."),
        _COUNTED,
        _DONE,
    ],
    "a prompt of which the server read only the end": [
        replace(_ASKED, tokens=5_100, notes=("big.csv is shortened: 2,000 of its 9,000 tokens are sent.",)),
        TextDelta("So."),
        _COUNTED,
        Truncated(5_100, 4_095),
        _DONE,
    ],
    "a window that the server has no memory for": [
        _ASKED,
        Retrying("m", 2, 2, 0.0, "not enough memory for a window of 8,192 tokens"),
        replace(_ASKED, num_ctx=2_048, left_out=2),
        TextDelta("So."),
        _COUNTED,
        _DONE,
    ],
    "two tools, one of them fails, and then the answer": [
        _ASKED,
        TextDelta("Let me look."),
        ToolStarted(_SUNNY),
        ToolStarted(_RAINY),
        _COUNTED,
        ToolFinished(ToolResult("c2", "weather", "KeyError: 'Köln'", is_error=True, duration_s=0.5)),
        ToolFinished(ToolResult("c1", "weather", "sunny", duration_s=1.0)),
        TextDelta("Sunny in Ulm."),
        _COUNTED,
        _DONE,
    ],
    "the limit of tools": [
        _ASKED,
        ToolStarted(_SUNNY),
        _COUNTED,
        ToolFinished(ToolResult("c1", "weather", "Not run.", is_error=True)),
        Finished("tool_limit", duration_s=1.5),
    ],
    "waiting, then dropped and asked again": [
        _ASKED,
        Waiting("loading m into memory (9 GB)", 2.0),
        TextDelta("Half an ans"),
        Retrying("m", 2, 3, 0.5, "The stream broke."),
        TextDelta("Whole."),
        _COUNTED,
        _DONE,
    ],
    "broken and continued": [
        _ASKED,
        TextDelta("The capital of"),
        Continued("m", "The stream broke."),
        TextDelta(" France is Paris."),
        _COUNTED,
        _DONE,
    ],
    "another model, from the beginning": [
        _ASKED,
        TextDelta("I'm s"),
        FellBack("m", "n", "The server is gone."),
        TextDelta("Here."),
        _COUNTED,
        _DONE,
    ],
    "another model goes on": [
        _ASKED,
        TextDelta("The capital of"),
        FellBack("m", "n", "The server is gone.", keeps_text=True),
        TextDelta(" Italy is Rome."),
        _COUNTED,
        _DONE,
    ],
    "a call that is only printed": [
        _ASKED,
        TextDelta('weather(city="Ulm", days=[1, 2])'),
        _COUNTED,
        Offered((_SUNNY,)),
        _DONE,
    ],
    "a printed call that is made": [
        _ASKED,
        ToolStarted(_SUNNY),
        ToolFinished(ToolResult("c1", "weather", "sunny", duration_s=1.0)),
        TextDelta("Sunny."),
        _COUNTED,
        _DONE,
    ],
    "stopped": [_ASKED, TextDelta("Once upon"), Finished("cancelled", duration_s=0.5)],
    "stopped before the first word": [_ASKED, Finished("cancelled", duration_s=0.5)],
    "failed": [
        _ASKED,
        Finished("failed", "Ollama did not answer.\nStart it: ollama serve", "ModelUnreachable", 4.25),
    ],
    "cut by a limit of tokens": [
        _ASKED,
        TextDelta("One two"),
        TokensCounted(Usage(12, 2), "length"),
        Finished("length", duration_s=1.5),
    ],
}


def lines() -> Iterator[str]:
    """Yield the lines of the file."""
    for name, events in LOGS.items():
        reply = Reply(events)
        told = {
            "name": name,
            "events": [to_json(event) for event in events],
            "messages": [to_json(message) for message in reply.messages()],
            "text": reply.text,
        }
        yield json.dumps(told, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text("".join(line + "\n" for line in lines()), encoding="utf-8")
