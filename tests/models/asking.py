"""Ask a model as the engine does, and look at what came."""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

from chatnb.errors import ModelError
from chatnb.events import Asked, Event, ModelEvent, TextDelta
from chatnb.messages import Message, Part, Role, Text
from chatnb.models.base import Model, Request
from chatnb.reply import Reply

ASKED_AT = datetime(2026, 1, 2, tzinfo=UTC)


def message(role: Role, *parts: Part | str) -> Message:
    """Return a message; a string is a text."""
    said = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return Message(id="1", session_id="s", role=role, parts=said, created_at=ASKED_AT)


def asking(question: str = "Why?", partial: str = "") -> Request:
    """Return a request, perhaps with the beginning of its answer."""
    beginning = (message("assistant", partial),) if partial else ()
    return Request((message("user", question), *beginning))


async def heard(model: Model, request: Request | None = None) -> list[ModelEvent]:
    """Return all events of an answer."""
    async with aclosing(model.stream(request or asking())) as stream:
        return [event async for event in stream]


async def heard_until_error(model: Model, request: Request | None = None) -> tuple[list[ModelEvent], ModelError]:
    """Return the events of an answer that fails, and the error."""
    events: list[ModelEvent] = []
    try:
        async with aclosing(model.stream(request or asking())) as stream:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - what came before the error counts
    except ModelError as error:
        return events, error
    raise AssertionError(f"No error came, but {events[-1:]}.")


def folded(events: Iterable[Event]) -> Reply:
    """Return what is shown and saved of a model's events."""
    return Reply([Asked(message("user", "Why?"), "model"), *events])


def told(events: Sequence[ModelEvent]) -> list[ModelEvent]:
    """Return the events that are no text."""
    return [event for event in events if not isinstance(event, TextDelta)]
