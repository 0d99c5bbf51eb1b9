"""Tell again what happened in a turn, from the messages that it became: the way back of reply.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .events import Asked, Event, Finished, TextDelta, ThinkingDelta, TokensCounted, ToolFinished, ToolStarted
from .messages import Message, Text, Thinking, ToolCall, ToolResult
from .reply import Reply


def retold(messages: Sequence[Message]) -> Reply:
    """Return the answer that became these messages of one turn, its question first."""
    question, *answers = messages
    said = [message for message in answers if message.role == "assistant"]
    return Reply(_events(question, answers, said[-1])) if said else Reply()


def told_parts(message: Message) -> Iterator[Event]:
    """Yield what was told while the parts of an answer, or of tools' results, came."""
    for part in message.parts:
        match part:
            case Text(text):
                yield TextDelta(text)
            case Thinking(text):
                yield ThinkingDelta(text)
            case ToolCall():
                yield ToolStarted(part)
            case ToolResult():
                yield ToolFinished(part)


def _events(question: Message, answers: Sequence[Message], last: Message) -> Iterator[Event]:
    yield Asked(question, last.model, last.options, last.options.get("num_ctx"))
    for message in answers:
        yield from told_parts(message)
        if message.usage is not None:
            yield TokensCounted(
                message.usage,
                "length" if last.outcome == "length" else "stop",
                host=message.host,
                origin=message.origin,
            )
    # One that was never finished was cut off with its process.
    yield Finished(last.outcome or "cancelled", last.error, duration_s=last.duration_s)
