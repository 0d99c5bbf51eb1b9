"""What every surface does before it asks: which settings count, who answers, and how a question is asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .chat import Chat
from .config import ChatConfig
from .context.base import Reading
from .context.gather import Gatherer
from .engine import Tools
from .messages import Context, Image, Json, Message, Session
from .models.base import Provider
from .planner import Ask, fitting_window
from .settings import Settings


def settings_in(config: ChatConfig, session: Session) -> Settings:
    """Return what is set now: what the session has of its own before the configuration's."""
    settings = config.settings()
    return replace(
        settings,
        model=session.model or settings.model,
        system=session.system or settings.system,
        options={**settings.options, **session.options},
        think=settings.think if session.think is None else session.think,
    )


def provider_for(chat: Chat, settings: Settings) -> Provider:
    """Return the server of the model that is asked first."""
    name = settings.models[0] if settings.models else ""
    return chat.catalog.find(name, settings)[0]


def again(
    chat: Chat,
    question: Message,
    history: Sequence[Message],
    *,
    session: Session,
    settings: Settings,
    tools: Tools,
    schema: Mapping[str, Json] | None = None,
    reading: Reading | None = None,
    fit: bool = False,
) -> Ask:
    """Return a question of the session to be asked anew in its own place; the earlier answer to it stays as a branch.

    A question that is not in the history, since one before it was asked anew, is asked at the end.

    Parameters
    ----------
    settings, tools, schema
        With what the question's own options say: `Options.of(question.chosen)`.
    reading
        What it carries along now; by default what it carried along then.
    fit
        With a window that holds everything that was to be read.
    """
    turn = [message for message in history if message.turn_id == question.turn_id]
    carried = tuple(part for part in question.parts if isinstance(part, Context | Image))
    return chat.prepare(
        question.text,
        Reading(carried) if reading is None else reading,
        settings=settings,
        session=session,
        schema=schema,
        tools=tools,
        chosen=question.chosen,
        instead_of=question.turn_id if turn else "",
        fit=max(fitting_window(turn), 1) if fit else 0,
    )


def read_anew(question: Message, gatherer: Gatherer) -> Reading:
    """Return what a question carried along as that is now; what cannot be read again as it was."""
    reading = Reading()
    for part in question.parts:
        if isinstance(part, Context) and part.ref:
            reading += gatherer.read(part.ref)
        elif isinstance(part, Context | Image):
            name = part.label if isinstance(part, Context) else "A picture"
            reading += Reading((part,), (f"{name} is sent as it was: it cannot be read again.",))
    return reading
