"""Find an earlier answer to the very same question, and tell it again instead of asking."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from .events import Asked, Event, TokensCounted
from .messages import Context, Image, Json, Message, Part, Text, Usage
from .retelling import told_parts
from .settings import Settings

_DIGEST = 16  # characters


def digest_of(
    parts: Sequence[Part], settings: Settings, schema: Mapping[str, Json] | None, tools: Sequence[str], system: str
) -> str:
    """Return what is the same for two questions that have the same answer, whatever was said before them."""
    shaping = [
        list(map(_read, parts)),
        settings.model,
        settings.host,
        settings.system or system,
        dict(settings.options),
        settings.think,
        schema,
        list(tools),
    ]
    text = json.dumps(shaping, sort_keys=True, default=dict)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]


def answered_before(messages: Sequence[Message], question: Message) -> tuple[Message, ...]:
    """Return the newest question with the same digest and its whole answer; nothing if there is none.

    Parameters
    ----------
    messages
        Everything that was said in the session, oldest first.
    """
    for earlier in reversed(messages):
        if earlier.role == "user" and earlier.digest == question.digest != "" and earlier.id != question.id:
            turn = tuple(message for message in messages if message.turn_id == earlier.turn_id)
            if turn[-1].outcome == "done":
                return turn
    return ()


def retold(turn: Sequence[Message]) -> Iterator[Event]:
    """Yield what happened in a turn, as its messages tell it; all but the end."""
    question, *replies = turn
    when = f"{question.created_at.astimezone():%Y-%m-%d %H:%M}"
    note = f"This is the answer of {when}: the question and all that it carries along are unchanged (--cache)."
    last = replies[-1]
    yield Asked(question, last.model, last.options, last.options.get("num_ctx"), notes=(note,))
    for message in replies:
        yield from told_parts(message)
        if message.role == "assistant":
            yield TokensCounted(message.usage or Usage(), origin="cache")


def _read(part: Part) -> Json:
    match part:
        case Context(label, text):
            return [label, text]
        case Image(data, mime):
            return [mime, hashlib.sha256(data).hexdigest()]
        case Text(text):
            return text
    return repr(part)
