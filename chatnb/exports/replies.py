"""Divide a session into turns and what stands between them, and make the reply of a turn again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..events import Asked, Event, Finished, TextDelta, ThinkingDelta, TokensCounted, ToolFinished, ToolStarted
from ..history import summary_in
from ..messages import Message, Part, Session, Text, Thinking, ToolCall, ToolResult
from ..reply import Reply


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with a text, and what was said to it."""

    question: Message
    replies: tuple[Message, ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of it, the question first."""
        return (self.question, *self.replies)

    @property
    def model(self) -> str:
        """Who answered in the end; empty if nobody did."""
        return next((message.model for message in reversed(self.replies) if message.role == "assistant"), "")


def pieces_of(session: Session) -> Iterator[Turn | Message]:
    """Yield the turns of a session, and in between each message that belongs to none, such as a summary."""
    question: Message | None = None
    replies: list[Message] = []
    for message in session.messages:
        if question is not None and _answers(message):
            replies.append(message)
            continue
        if question is not None:
            yield Turn(question, tuple(replies))
        question, replies = None, []
        if message.role == "user" and message.text.strip() and not summary_in(message):
            question = message
        else:
            yield message
    if question is not None:
        yield Turn(question, tuple(replies))


def reply_of(question: Message, replies: Sequence[Message]) -> Reply:
    """Return the reply that shows as the one did that these messages were made of; by and large, of any messages."""
    last = next((message for message in reversed(replies) if message.role == "assistant"), None)
    asked = Asked(question, last.model if last else "", last.options if last else {})
    events: list[Event] = [asked]
    started: set[str] = set()
    for message in replies:
        for part in message.parts:
            events += _told(part, started)
        if message.usage:
            events.append(TokensCounted(message.usage, "stop"))
    end = Finished(last.outcome or "done", last.error, duration_s=last.duration_s) if last else Finished("done")
    return Reply([*events, end])


def _answers(message: Message) -> bool:
    return message.role in ("assistant", "tool") and not summary_in(message)


def _told(part: Part, started: set[str]) -> Iterator[Event]:
    match part:
        case Text(text):
            yield TextDelta(text)
        case Thinking(text):
            yield ThinkingDelta(text)
        case ToolCall(call_id):
            started.add(call_id)
            yield ToolStarted(part)
        case ToolResult(call_id, name):
            if call_id not in started:  # whoever deleted the call has left it
                yield ToolStarted(ToolCall(call_id, name, {}))
            yield ToolFinished(part)
