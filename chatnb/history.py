"""Divide what was said in a session into turns, and tell which of them a model may read, and why not the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from operator import itemgetter

from .messages import Context, Image, Message, Part, Summary, Thinking, ToolCall, ToolResult


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with all that followed from it.

    Whole turns are sent or left out: models refuse a history in which a tool's result is cut from its call, or an answer
    from its question.

    Attributes
    ----------
    messages
        As they were saved.
    read
        The same ones as a model reads them: without old thoughts and without calls whose results never came, as a stopped
        turn may hold them. Some may have no parts left; those are not sent.
    reason
        Why the turn is not sent; empty if it is.
    is_bare
        Whether it is sent without what its question carried along.
    """

    messages: tuple[Message, ...]
    read: tuple[Message, ...]
    reason: str = ""
    is_bare: bool = False

    @property
    def sent(self) -> tuple[Message, ...]:
        """What a model reads of it."""
        return () if self.reason else tuple(bare(read) if self.is_bare else read for read in self.read if read.parts)


def turns_of(history: Sequence[Message], hidden: Collection[str] = (), until: str = "") -> list[Turn]:
    """Return the turns of a history, oldest first; what holds a summary belongs to none.

    Parameters
    ----------
    hidden
        Ids of messages whose turns are not sent.
    until
        Id of the last message that a summary stands for.
    """
    said = [message for message in history if summary_in(message) is None]
    numbers = accumulate(message.role == "user" for message in said)
    return [
        _turn(tuple(message for _, message in group), hidden, until)
        for _, group in groupby(zip(numbers, said, strict=True), key=itemgetter(0))
    ]


def without_older(turns: Sequence[Turn], costs: Sequence[int], limit: int, reason: str) -> list[Turn]:
    """Return the turns with a reason for all that are older than the last ones that cost at most `limit` together.

    Parameters
    ----------
    costs
        Of each turn; what is not sent anyway costs nothing.
    """
    total, marked = 0, list(turns)
    for number, turn in reversed(list(enumerate(turns))):
        if turn.sent:
            total += costs[number]
            if total > limit:
                marked[number] = replace(turn, reason=reason)
    return marked


def bare(message: Message) -> Message:
    """Return a message without pictures, and with no more than the names of other things that it carries along.

    Examples
    --------
    >>> from chatnb.messages import Context, Text, now
    >>> bare(Message("1", "s", "user", (Context("cell 5", "x = 1"), Text("Why?")), now())).parts[0].label
    'cell 5 (left out: no room)'
    """
    kept = [part for part in message.parts if not isinstance(part, Image)]
    parts = tuple(map(_bare, kept))
    return message if parts == message.parts else replace(message, parts=parts)


def _bare(part: Part) -> Part:
    match part:
        case Context(label, ref=ref):
            return Context(f"{label} (left out: no room)", "", ref=ref)
        case ToolResult(images=images) if images:
            return replace(part, images=())
    return part


def newest_summary(messages: Sequence[Message], hidden: Collection[str] = ()) -> Message | None:
    """Return the message with the summary that counts, if there is one."""
    return next((each for each in reversed(messages) if summary_in(each) and each.id not in hidden), None)


def summary_in(message: Message) -> Summary | None:
    """Return the summary that a message holds, if it holds one."""
    return next((part for part in message.parts if isinstance(part, Summary)), None)


def _turn(messages: tuple[Message, ...], hidden: Collection[str], until: str) -> Turn:
    answered = {part.call_id for message in messages for part in message.parts if isinstance(part, ToolResult)}
    read = tuple(_read(message, answered) for message in messages)
    return Turn(messages, read, _reason(messages, read, hidden, until))


def _reason(messages: Sequence[Message], read: Sequence[Message], hidden: Collection[str], until: str) -> str:
    if any(message.id in hidden for message in messages):
        return "hidden"
    if all(message.id <= until for message in messages):
        return "summarised"
    if read[0].role != "user" or not read[0].parts:
        return "its question is gone"
    # A question that is being asked, too, if it was saved before the history was read.
    if not any(message.role == "assistant" and message.parts for message in read):
        return "got no answer"
    return ""


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
