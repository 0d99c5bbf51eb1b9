"""Let the model put into few words what no longer fits into its window."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from .errors import ModelBroken
from .events import TextDelta, TokensCounted
from .history import newest_summary, summary_in, turns_of
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
    *,
    hidden: Collection[str] = (),
    options: Mapping[str, Json],
    num_ctx: int,
    calibration: Calibration,
    keep_alive: str | None = None,
) -> Message:
    """Return a message that stands for all of `messages`, at least one.

    The newest summary among them stands for what it tells of. What is longer than the window is read in pieces, each with
    the summary of those before it.

    Parameters
    ----------
    hidden
        Ids of messages whose turns are not read.
    options
        As the question has them: another window would make the server load the model anew.
    num_ctx
        The window in tokens, which is not among the options where a server has one window for all.

    Raises
    ------
    ModelError
        As `Model.stream` does; also if nothing was said.
    """
    summary, last = "", messages[-1]
    room = num_ctx // 2 - _ANSWER_TOKENS // 2
    for piece in _pieces(_read(messages, hidden), max(room, 256), calibration):
        summary = await _said(model, "\n\n".join(filter(None, (summary, piece))), last, options, keep_alive)
    return summary_message(summary, last)


def summary_message(text: str, last: Message) -> Message:
    """Return the message that keeps a summary of everything up to `last`, that one included."""
    at = now()
    return Message(new_id(at), last.session_id, "system", (Summary(text, last.id),), at, user_id=last.user_id)


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


def _read(messages: Sequence[Message], hidden: Collection[str]) -> Iterator[Message]:
    """Yield the newest summary and what was said since, as far as a model may read it."""
    newest = newest_summary(messages, hidden)
    told = newest and summary_in(newest)
    if newest:
        yield newest
    for turn in turns_of(messages, hidden, told.until if told else ""):
        yield from turn.sent


def _pieces(messages: Iterable[Message], limit: int, calibration: Calibration) -> Iterator[str]:
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
