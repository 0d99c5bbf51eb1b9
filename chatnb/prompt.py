"""Choose what the model gets to read.

Pure: a question, the session's history and a size go in; messages come out, and a count of what had to stay behind.
Nothing is cut without being counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, groupby, takewhile
from operator import itemgetter

from .errors import SettingsError
from .messages import Context, Image, Message, Part, Summary, Text, Thinking, ToolCall, ToolResult, now

CONTEXT_STEPS: tuple[int, ...] = tuple(2**n for n in range(12, 21))
"""The windows that are asked for, in tokens: 4,096 to 1,048,576. Few, since each change makes Ollama reload a model."""

ANSWER_TOKENS = 2_048
"""Room that is left for the answer, unless `num_predict` says otherwise."""

_Turn = tuple[Message, ...]

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
        How many messages of the history, the oldest ones, did not fit into the window.
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
    spare_tokens: int = 0,
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
        Room that is left for the answer; in a small window half of it, so that there is a conversation at all.
    spare_tokens
        Room that a larger window is chosen for, such as for tools and their results, but that no history gives way to.
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
        raise SettingsError(f"history ({limit}) cannot be below 0, nor num_ctx ({num_ctx}) below 1.")
    head = (_system(system, question),) if system else ()
    fixed = sum(estimate(message) for message in (*head, question))
    earlier = _newest(_turns(history), len, limit)
    wanted = fixed + sum(map(_tokens, earlier)) + answer_tokens + spare_tokens
    size = num_ctx or _step(max(wanted, at_least), at_most)
    kept = _newest(earlier, _tokens, size - fixed - min(answer_tokens, size // 2))
    return Prompt(
        messages=(*head, *chain(*kept), question),
        num_ctx=size,
        tokens=fixed + sum(map(_tokens, kept)),
        left_out=sum(map(len, earlier)) - sum(map(len, kept)),
    )


def estimate(message: Message) -> int:
    """Return about how many tokens a message is, rather too many than too few.

    Three bytes of UTF-8 for a token: English prose has about four, code and tables three, Chinese about two or three.
    """
    return _MESSAGE_TOKENS + sum(_part_tokens(part) for part in message.parts)


def _part_tokens(part: Part) -> int:
    match part:
        case Text(text) | Thinking(text) | Context(_, text) | Summary(text) | ToolResult(_, _, text):
            return len(text.encode(errors="replace")) // 3 + 1
        case ToolCall(_, name, arguments):
            return (len(name) + len(str(arguments))) // 3 + 1
        case Image():
            return _IMAGE_TOKENS


def _turns(messages: Sequence[Message]) -> list[_Turn]:
    """Return the history turn by turn, each from its question on, without those that got no answer.

    So the question that is being asked is left out, too, if it was saved before the history was read. Old thoughts are
    left out, and calls whose results never came, as a stopped turn may hold them.
    """
    turns: list[_Turn] = []
    numbers = accumulate(message.role == "user" for message in messages)
    for _, group in groupby(zip(numbers, messages, strict=True), key=itemgetter(0)):
        turn = [message for _, message in group]
        answered = {part.call_id for message in turn for part in message.parts if isinstance(part, ToolResult)}
        said = tuple(message for each in turn if (message := _read(each, answered)).parts)
        if said and said[0].role == "user" and any(message.role == "assistant" for message in said):
            turns.append(said)
    return turns


def _read(message: Message, answered: Collection[str]) -> Message:
    parts = tuple(part for part in message.parts if _is_read(part, answered))
    return message if len(parts) == len(message.parts) else replace(message, parts=parts)  # most are read whole


def _is_read(part: Part, answered: Collection[str]) -> bool:
    match part:
        case Thinking():
            return False
        case ToolCall(call_id):
            return call_id in answered
    return True


def _newest(turns: Sequence[_Turn], cost: Callable[[_Turn], int], limit: int) -> list[_Turn]:
    """Return the last turns that cost at most `limit` together.

    Whole turns: models refuse a history in which a tool's result is cut from its call, or an answer from its question.
    """
    total = accumulate(cost(turn) for turn in reversed(turns))
    count = sum(1 for _ in takewhile(lambda so_far: so_far <= limit, total))
    return list(turns[len(turns) - count :])


def _tokens(turn: _Turn) -> int:
    return sum(estimate(message) for message in turn)


def _step(tokens: int, at_most: int) -> int:
    """Return the smallest step that holds `tokens`, or `at_most`."""
    return min([*(step for step in CONTEXT_STEPS if step >= tokens), at_most])


def _system(text: str, question: Message) -> Message:
    return Message(id="system", session_id=question.session_id, role="system", parts=(Text(text),), created_at=now())
