"""Which of the things that a question carried along mattered: ask again without each, and see what changes."""

from __future__ import annotations

import difflib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from .events import TextDelta
from .history import summary_in
from .messages import Context, Message
from .models.base import Model, Request
from .models.fenced import DATA
from .planner import Plan

MOST = 20
"""So many things are left out in turn, at most; each costs an answer."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of the answer without one thing.

    Attributes
    ----------
    label
        What was left out; empty for the answer to the whole.
    likeness
        Of the two answers, word for word: 1 if they are the same, 0 if they have nothing in common.
    answer
        The answer without it.
    """

    label: str
    likeness: float
    answer: str


async def ablate(plan: Plan) -> AsyncGenerator[Effect]:
    """Ask as `plan` does, then without each of its items in turn, and yield what came.

    At temperature 0 and without tools, so that what changes comes from what is missing. Nothing is saved.

    Raises
    ------
    ModelError
        As `Model.stream` does.
    """
    options = {**plan.request.options, "temperature": 0, "seed": 0}
    whole = replace(plan.request, options=options, tools=())
    answer = await _answer(plan.model, whole)
    yield Effect("", 1.0, answer)
    for number, (label, messages) in enumerate(_without_each(plan.request.messages)):
        if number == MOST:
            return
        other = await _answer(plan.model, replace(whole, messages=messages))
        yield Effect(label, _likeness(answer, other), other)


def _without_each(messages: tuple[Message, ...]) -> Iterator[tuple[str, tuple[Message, ...]]]:
    """Yield each thing that can be missing, with the messages that are left: context first, then what was said before."""
    *before, question = messages
    for part in question.parts:
        if isinstance(part, Context):
            rest = tuple(other for other in question.parts if other is not part)
            yield part.label, (*before, replace(question, parts=rest))
    for message in before:
        if message.role == "system" and message.text != DATA:
            yield (
                "summary" if summary_in(message) else "system prompt",
                tuple(other for other in messages if other is not message),
            )
        elif message.role == "user":
            kept = (other for other in messages if other.turn_id != message.turn_id or other.role == "system")
            yield f"question: {' '.join(message.text.split())[:40]}", tuple(kept)


async def _answer(model: Model, request: Request) -> str:
    async with aclosing(model.stream(request)) as events:
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio()
