"""Choose what the model gets to read.

Pure: a question, the session's history and a size go in; messages come out, and a count of what had to stay behind.
Nothing is cut without being counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from .errors import SettingsError
from .messages import Context, Image, Message, Text, Thinking, ToolCall, ToolResult, now

CONTEXT_STEPS: tuple[int, ...] = tuple(2**n for n in range(12, 21))
"""The windows that are asked for, in tokens: 4,096 to 1,048,576. Few, since each change makes Ollama reload a model."""

ANSWER_TOKENS = 2_048
"""Room that is left for the answer, unless `num_predict` says otherwise."""

_IMAGE_TOKENS = 1_024
_MESSAGE_TOKENS = 8  # what a chat template adds around each message


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent.

    Attributes
    ----------
    messages
        The system message, where there is one, then history, then the question.
    num_ctx
        The window to ask for, in tokens.
    tokens
        How many tokens `messages` are, by estimate.
    left_out
        How many of the session's messages stayed behind, the oldest ones.
    """

    messages: tuple[Message, ...]
    num_ctx: int
    tokens: int
    left_out: int


def compose(
    question: Message,
    history: Sequence[Message] = (),
    *,
    system: str = "",
    limit: int = 1_000,
    answer_tokens: int = ANSWER_TOKENS,
    num_ctx: int | None = None,
    at_least: int = 0,
    at_most: int = 32_768,
) -> Prompt:
    """Return the prompt for `question`: as much of the history as the window holds, the newest turns first.

    Parameters
    ----------
    history
        The session's messages before the question, oldest first.
    limit
        At most so many messages of the history are read.
    answer_tokens
        Room that the window has to leave for the answer.
    num_ctx
        The window in tokens, where the user chose it; else the smallest step that holds everything is chosen.
    at_least, at_most
        Between which the window is chosen: what the model was loaded with, and what it and the machine can hold.

    Raises
    ------
    SettingsError
        If `limit` or `num_ctx` is negative.
    """
    if limit < 0 or (num_ctx is not None and num_ctx <= 0):
        msg = f"history ({limit}) cannot be below 0, nor num_ctx ({num_ctx}) below 1."
        raise SettingsError(msg)
    head = (_system(system, question),) if system else ()
    fixed = sum(estimate(message) for message in (*head, question)) + answer_tokens
    turns = _turns([m for m in history if m.id != question.id])
    earlier = window([m for turn in turns for m in turn], limit)
    wanted = fixed + sum(estimate(message) for message in earlier)
    size = num_ctx or _step(max(wanted, at_least), at_most)
    kept = _newest(earlier, size - fixed)
    messages = (*head, *kept, question)
    return Prompt(
        messages,
        num_ctx=size,
        tokens=sum(estimate(message) for message in messages),
        left_out=len(earlier) - len(kept),
    )


def window(messages: Sequence[Message], size: int) -> tuple[Message, ...]:
    """Return at most the last `size` messages, in whole turns.

    A tool's result is never cut from the call it answers, nor an answer from its question: models refuse such a
    history.
    """
    kept: list[Message] = []
    for turn in reversed(_turns(messages)):
        if len(kept) + len(turn) > size:
            break
        kept[:0] = turn
    return tuple(kept)


def estimate(message: Message) -> int:
    """Return about how many tokens a message is, rather too many than too few.

    Three bytes of UTF-8 for a token: English prose has about four, code and tables three, Chinese about two or three.
    """
    return _MESSAGE_TOKENS + sum(_part_tokens(part) for part in message.parts)


def _part_tokens(part: object) -> int:
    match part:
        case Text(text) | Thinking(text) | Context(_, text) | ToolResult(_, _, text):
            return len(text.encode(errors="replace")) // 3 + 1
        case ToolCall(_, name, arguments):
            return (len(name) + len(str(arguments))) // 3 + 1
        case Image():
            return _IMAGE_TOKENS
        case _:
            return 0


def _turns(messages: Sequence[Message]) -> list[tuple[Message, ...]]:
    """Return the history turn by turn, without turns that got no answer, and without old thoughts."""
    turns = []
    for _, group in groupby(messages, key=lambda message: message.turn_id or message.id):
        turn = [
            replace(message, parts=tuple(part for part in message.parts if not isinstance(part, Thinking)))
            for message in group
        ]
        # A stopped answer may end in calls whose results never came.
        while turn and turn[-1].role == "assistant" and (not turn[-1].parts or _has_calls(turn[-1])):
            turn.pop()
        if any(message.role == "assistant" for message in turn):
            turns.append(tuple(turn))
    return turns


def _has_calls(message: Message) -> bool:
    return any(isinstance(part, ToolCall) for part in message.parts)


def _newest(messages: Sequence[Message], tokens: int) -> tuple[Message, ...]:
    kept: list[Message] = []
    for turn in reversed(_turns(messages)):
        tokens -= sum(estimate(message) for message in turn)
        if tokens < 0:
            break
        kept[:0] = turn
    return tuple(kept)


def _step(tokens: int, at_most: int) -> int:
    """Return the smallest step that holds `tokens`, or `at_most`."""
    return min(at_most, *(step for step in CONTEXT_STEPS if step >= tokens)) if tokens < at_most else at_most


def _system(text: str, question: Message) -> Message:
    return Message(id="system", session_id=question.session_id, role="system", parts=(Text(text),), created_at=now())
