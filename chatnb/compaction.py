"""Let the model put into few words what no longer fits into its window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import takewhile

from .errors import ModelBroken
from .events import TextDelta, TokensCounted
from .messages import Context, Json, Message, Summary, Text, ToolCall, new_id, now
from .models.base import Model, Request
from .tokens import Calibration

WORDS = 300
"""How long a summary is to be."""

_TASK = (
    "Summarise the conversation below, so that you can go on with it without having read it. Keep facts, names, numbers, "
    f"decisions and open questions. Write at most {WORDS} words, and nothing but the summary."
)
_ANSWER_TOKENS = 3 * WORDS


async def summary_of(
    model: Model,
    messages: Sequence[Message],
    until: str,
    *,
    options: Mapping[str, Json],
    calibration: Calibration,
    keep_alive: str | None = None,
) -> Message:
    """Return a message that stands for all of `messages` up to the one with the id `until`.

    A summary among them is carried on. What is longer than the window is read in pieces, each with the summary of those
    before it.

    Parameters
    ----------
    options
        As the question has them: another window would make the server load the model anew.

    Raises
    ------
    ModelError
        As `Model.stream` does; also if nothing was said.
    """
    summary = ""
    *before, last = [*takewhile(lambda message: message.id != until, messages), _by_id(messages, until)]
    room = int(options["num_ctx"]) // 2 - _ANSWER_TOKENS // 2
    for piece in _pieces([*before, last], max(room, 256), calibration):
        summary = await _said(model, "\n\n".join(filter(None, (summary, piece))), last, options, keep_alive)
    return summary_message(summary, last)


def summary_message(text: str, last: Message) -> Message:
    """Return the message that keeps a summary of everything up to `last`, that one included."""
    at = now()
    return Message(new_id(at), last.session_id, "system", (Summary(text, last.id),), at, user_id=last.user_id)


def newest_summary(messages: Sequence[Message]) -> Summary | None:
    """Return the summary that counts, if there is one."""
    found = [part for message in messages for part in message.parts if isinstance(part, Summary)]
    return found[-1] if found else None


async def _said(model: Model, text: str, last: Message, options: Mapping[str, Json], keep_alive: str | None) -> str:
    question = replace(last, role="user", parts=(Text(f"{_TASK}\n\n{text}\n\n{_TASK}"),))
    request = Request((question,), options={**options, "num_predict": _ANSWER_TOKENS}, keep_alive=keep_alive)
    said = []
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            match event:
                case TextDelta(delta):
                    said.append(delta)
                case TokensCounted():
                    break
    if summary := "".join(said).strip():
        return summary
    raise ModelBroken(f"{model.name} was asked for a summary of the conversation and said nothing.")


def _pieces(messages: Sequence[Message], limit: int, calibration: Calibration) -> Iterator[str]:
    """Yield the conversation as texts of at most about `limit` tokens each."""
    piece: list[str] = []
    used = 0
    for told in filter(None, map(_told, messages)):
        text, tokens = told, calibration.count_text(told)
        if tokens > limit:  # one message alone: its beginning and its end say most
            half = len(told) * limit // tokens // 2
            text, tokens = f"{told[:half]}\n[...]\n{told[-half:]}", limit
        if piece and used + tokens > limit:
            yield "\n\n".join(piece)
            piece, used = [], 0
        piece.append(text)
        used += tokens
    if piece:
        yield "\n\n".join(piece)


def _told(message: Message) -> str:
    """Return a message as a summary needs it: of context its name alone, of tools that they were called."""
    said = []
    for part in message.parts:
        match part:
            case Text(text):
                said.append(text)
            case Summary(text):
                said.append(f"(before) {text}")
            case Context(label):
                said.append(f"[shows {label}]")
            case ToolCall(_, name):
                said.append(f"[calls {name}]")
    return f"{message.role.capitalize()}: {' '.join(said)}" if said else ""


def _by_id(messages: Sequence[Message], message_id: str) -> Message:
    return next(message for message in messages if message.id == message_id)
