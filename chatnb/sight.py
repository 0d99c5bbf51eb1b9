"""What a model gets that sees no pictures: all but those, and the user is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from .engine import Tools
from .lines import Item
from .messages import Image, Message, Part, ToolCall, ToolResult, ToolSpec
from .models.base import ModelInfo


def is_blind(info: ModelInfo | None) -> bool:
    """Return whether a model cannot see, as far as is known."""
    return info is not None and bool(info.capabilities) and "vision" not in info.capabilities


def seen_by(info: ModelInfo | None, messages: Sequence[Message]) -> tuple[list[Message], list[str]]:
    """Return the messages as a model can read them, and what has to be said of that."""
    if info is None or not is_blind(info):
        return list(messages), []
    has_pictures = any(isinstance(part, Image) for message in messages for part in message.parts)
    read = [replace(message, parts=tuple(_seen_parts(message))) if _shows(message) else message for message in messages]
    told = f"{info.name} cannot see, so no picture is sent. `%chat models` tells which models can (vision)."
    return read, [told] if has_pictures else []


def unseen(question: Message, model: str) -> list[Item]:
    """Return the lines of the receipt for the pictures of a question that a model does not get."""
    pictures = [part for part in question.parts if isinstance(part, Image)]
    return [Item("image", 0, "left out", f"{model} cannot see", question.id) for _ in pictures]


class BlindTools:
    """Tools for a model that sees no pictures: their results have none. What was shown stays on the user's screen."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Those of the tools."""
        return self._tools.specs

    @property
    def notes(self) -> Sequence[str]:
        """Those of the tools."""
        return self._tools.notes

    @property
    def are_foreign(self) -> bool:
        """As the tools say."""
        return self._tools.are_foreign

    async def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolResult]:
        """Run the calls."""
        async with aclosing(self._tools.run(calls)) as results:
            async for result in results:
                yield replace(result, images=()) if result.images else result


def _shows(message: Message) -> bool:
    return any(isinstance(part, Image) or (isinstance(part, ToolResult) and part.images) for part in message.parts)


def _seen_parts(message: Message) -> Iterator[Part]:
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield replace(part, images=())
        elif not isinstance(part, Image):
            yield part
