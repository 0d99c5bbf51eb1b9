"""Choose what the model gets to read, and keep the receipt.

Pure: a question, the session's history and a size go in; messages come out, and one item for everything that was sent,
shortened or left behind. The system prompt and the question's own text are never cut. What remains of the window goes to
the question's context, then to the summary of what was said before, then to whole turns of the history, newest first: of
an older one at first what its question carried along gives way, then all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from .errors import SettingsError
from .history import Turn, newest_summary, summary_in, turns_of, without_older
from .lines import (
    TOO_OLD,
    Count,
    Item,
    Line,
    bare_notes,
    question_items,
    question_notes,
    sent_once,
    summary_line,
    tools_item,
    turn_lines,
)
from .messages import Context, Image, Message, Part, Text, ToolResult, ToolSpec, now
from .models.envelope import description, worded
from .models.fenced import DATA
from .repeats import Repeats
from .shortening import Piece, fit
from .tokens import UNCALIBRATED, Calibration

CONTEXT_STEPS: tuple[int, ...] = tuple(2**n for n in range(12, 21))
"""The windows that are asked for, in tokens: 4,096 to 1,048,576. Few, since each change makes Ollama reload a model."""

ANSWER_TOKENS = 2_048
"""Room that is left for the answer, unless `num_predict` says otherwise."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent.

    Attributes
    ----------
    messages
        The system message, where there is one, then the summary and the history, then the question.
    num_ctx
        The window to ask for, in tokens.
    tokens
        How many tokens are sent, by estimate: those of all items.
    left_out
        How many messages of the history, the oldest ones, did not fit into the window.
    items
        The receipt, in the order of the messages.
    notes
        What the user has to be told of it, in whole sentences.
    """

    messages: tuple[Message, ...]
    num_ctx: int
    tokens: int
    left_out: int
    items: tuple[Item, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def left_out_until(self) -> str:
        """The id of the newest message that did not fit; empty if all did."""
        return next((item.message_id for item in reversed(self.items) if item.reason == TOO_OLD), "")


def compose(
    question: Message,
    history: Sequence[Message] = (),
    *,
    system: str = "",
    tools: Sequence[ToolSpec] = (),
    in_words: bool = False,
    is_foreign: bool = False,
    limit: int = 1_000,
    answer_tokens: int = ANSWER_TOKENS,
    spare_tokens: int = 0,
    num_ctx: int | None = None,
    at_least: int = 0,
    at_most: int = 32_768,
    hidden: Collection[str] = (),
    calibration: Calibration = UNCALIBRATED,
) -> Prompt:
    """Return the prompt for `question`: as much of what belongs to it as the window holds.

    Parameters
    ----------
    history
        The session's messages before the question, oldest first.
    tools
        What the model is told that it may call; sent beside the messages, and never left out.
    in_words
        Whether the model is told of tools, calls and results in words, and all is counted so; the messages stay as they are.
    is_foreign
        Whether the tools may give back what others wrote. Then, and where context or earlier results hold such text, the
        model is told that it is data (fenced.py).
    limit
        At most so many messages of the history are read.
    answer_tokens
        Room that is left for the answer; in a small window half of it, so that there is a conversation at all.
    spare_tokens
        Room that a larger window is chosen for, such as for the results of tools, but that no history gives way to.
    num_ctx
        The window in tokens, where the user chose it; else the smallest step that holds everything is chosen.
    at_least, at_most
        Between which the window is chosen: what the model was loaded with, and what it and the machine can hold.
    hidden
        Ids of messages whose turns are not read.
    calibration
        How the model counts.

    Raises
    ------
    SettingsError
        If `limit` or `num_ctx` is negative.
    """
    if limit < 0 or (num_ctx is not None and num_ctx <= 0):
        raise SettingsError(f"history ({limit}) cannot be below 0, nor num_ctx ({num_ctx}) below 1.")
    count = _remembering(_counting_words(calibration, in_envelopes=bool(tools)) if in_words else calibration.count)
    earlier = [message for message in history if message.id != question.id]
    summaries = [message for message in earlier if summary_in(message)]
    newest = newest_summary(summaries, hidden) if limit else None
    turns = turns_of(earlier, hidden, _until(newest))
    turns = without_older(turns, [len(turn.sent) for turn in turns], limit, f"older than the last {limit:,} messages")

    read = chain(question.parts, *(message.parts for turn in turns for message in turn.sent))
    is_told = is_foreign or any(map(_is_foreign, read))
    system = "\n\n".join(filter(None, (system, DATA if is_told else "")))
    head = _system(system, question) if system else None
    told = _told_in_words(tools, question, calibration) if in_words and tools else calibration.count_tools(tools)
    own = calibration.overhead + count(_bare(question))
    fixed = own + (count(head) if head else 0) + told
    summed = count(newest) if newest else 0
    wanted = fixed + _carried(question, calibration) + summed + _wanted(turns, question, calibration, count)
    size = num_ctx or _step(max(wanted + answer_tokens + spare_tokens, at_least), at_most)

    room = size - min(answer_tokens, size // 2) - fixed
    pieces = fit(question.parts, room, calibration)
    fitted = _with(question, pieces)
    room -= _carried(fitted, calibration)
    summary = newest if summed <= room else None
    summed = summed if summary else 0
    sent = _fitting(turns, fitted, room - summed, calibration, count)

    repeats = Repeats(calibration)
    lines = [Line("system", head, head)] if head else []
    lines += [summary_line(each, summary, newest, hidden) for each in summaries]
    lines += [line for turn in sent for line in turn_lines(turn, repeats)]
    pieces = [sent_once(piece, repeats) for piece in pieces]
    items = [tools_item(tools, told)] if tools else []
    items += [line.item(count) for line in lines]
    items += question_items(question, own, pieces, calibration)
    return Prompt(
        messages=(*(line.sent for line in lines if line.sent), _with(question, pieces)),
        num_ctx=size,
        tokens=sum(item.tokens for item in items),
        left_out=sum(len(turn.sent) for turn in turns) - sum(len(turn.sent) for turn in sent),
        items=tuple(items),
        notes=(
            *question_notes(pieces, size, fixed, calibration),
            *bare_notes(sent, size),
            *(
                [f"The summary is left out: the window of {size:,} tokens has no room for it."]
                if newest is not summary
                else []
            ),
        ),
    )


def _counting_words(calibration: Calibration, *, in_envelopes: bool) -> Count:
    return lambda message: calibration.count(worded(message, in_envelopes=in_envelopes))


def _told_in_words(tools: Sequence[ToolSpec], question: Message, calibration: Calibration) -> int:
    return calibration.count(replace(question, role="system", parts=description(tools)))


def _remembering(count: Count) -> Count:
    """Return a function that counts each message once: a long session is gone through several times."""
    known: dict[int, tuple[Message, int]] = {}  # with the message, so that no other one gets its id

    def remembered(message: Message) -> int:
        if id(message) not in known:
            known[id(message)] = message, count(message)
        return known[id(message)][1]

    return remembered


def _wanted(turns: Sequence[Turn], question: Message, calibration: Calibration, count: Count) -> int:
    """Return the tokens of all turns before a question."""
    repeats = Repeats(calibration)
    repeats.message(question)
    return sum(count(repeats.message(each)) for turn in reversed(turns) for each in turn.sent)


def _fitting(turns: Sequence[Turn], question: Message, room: int, calibration: Calibration, count: Count) -> list[Turn]:
    """Return the turns as they are sent, so that they have at most `room` tokens; once one is left out, all older ones are."""
    repeats = Repeats(calibration)
    repeats.message(question)
    fitting = list(turns)
    for number, turn in reversed(list(enumerate(turns))):
        if turn.reason:
            continue
        for tried in (turn, replace(turn, is_bare=True)):
            before = repeats.copy()
            cost = sum(count(repeats.message(each)) for each in tried.sent)
            if cost <= room:
                fitting[number], room = tried, room - cost
                break
            repeats = before
        else:
            fitting[number], room = replace(turn, reason=TOO_OLD), -1
    return fitting


def _carried(question: Message, calibration: Calibration) -> int:
    """Return the tokens of what can be shortened or left out of a question."""
    return sum(calibration.count_part(part) for part in question.parts if isinstance(part, Context | Image))


def _is_foreign(part: Part) -> bool:
    match part:
        case Context(_, text):
            return bool(text)
        case ToolResult():
            return part.is_foreign
    return False


def _bare(question: Message) -> Message:
    parts = tuple(part for part in question.parts if not isinstance(part, Context | Image))
    return replace(question, parts=parts)


def _with(question: Message, pieces: Sequence[Piece]) -> Message:
    parts = tuple(piece.sent for piece in pieces if piece.sent is not None)
    return question if parts == question.parts else replace(question, parts=parts)


def _until(summary: Message | None) -> str:
    told = summary and summary_in(summary)
    return told.until if told else ""


def _step(tokens: int, at_most: int) -> int:
    """Return the smallest step that holds `tokens`, or `at_most`."""
    return min([*(step for step in CONTEXT_STEPS if step >= tokens), at_most])


def _system(text: str, question: Message) -> Message:
    return Message(id="system", session_id=question.session_id, role="system", parts=(Text(text),), created_at=now())
