"""What the receipt says: a line for everything that was sent, shortened or left behind, and notes for what matters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .history import Turn, bare
from .messages import Context, Image, Message, ToolCall, ToolResult, ToolSpec, title_of
from .repeats import Repeats
from .shortening import Piece
from .tokens import Calibration

Count = Callable[[Message], int]
"""Returns the tokens of a message, by estimate."""

Fate = Literal["kept", "shortened", "left out"]

TOO_OLD = "older than what fits"
"""The reason of a turn that gave way."""

_UNCHANGED = "unchanged, already above"
_BARE = "no room for what it carried along"
_KINDS = {"user": "question", "assistant": "answer"}
_LABEL_CHARS = 40


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the receipt.

    Attributes
    ----------
    label
        "system", "tools: ...", "summary", "question", "context: cell 5", "image"; of the history "question: ...",
        "answer: ...", "result: ..." with their first words.
    tokens
        By estimate, as sent; 0 if it was left out.
    reason
        Why it was not sent as it is, in a few words.
    message_id
        Of the message that it is, or belongs to.
    full_tokens
        By estimate, before it was shortened or left out.
    """

    label: str
    tokens: int
    fate: Fate
    reason: str = ""
    message_id: str = ""
    full_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the receipt, and what is sent of it."""

    label: str
    message: Message
    sent: Message | None
    reason: str = ""

    def item(self, count: Count) -> Item:
        """Return it with what it costs."""
        full = count(self.message)
        if self.sent is None:
            return Item(self.label, 0, "left out", self.reason, self.message.id, full)
        tokens = count(self.sent)
        return Item(self.label, tokens, "shortened" if self.reason else "kept", self.reason, self.message.id, full)


def turn_lines(turn: Turn, repeats: Repeats) -> Iterator[Line]:
    """Yield a line for each message of a turn."""
    for saved, read in zip(turn.messages, turn.read, strict=True):
        if turn.reason or not read.parts:
            yield Line(_label(saved), saved, None, turn.reason or "nothing in it is read later")
        else:
            kept = bare(read) if turn.is_bare else read
            sent = repeats.message(kept)
            yield Line(_label(saved), read, sent, _BARE if kept is not read else "" if sent is read else _UNCHANGED)


def sent_once(piece: Piece, repeats: Repeats) -> Piece:
    """Return the piece of a question as it is sent, by what stood before."""
    sent = piece.sent and repeats.part(piece.sent)
    return piece if sent is piece.sent else Piece(piece.part, sent, _UNCHANGED)


def question_items(question: Message, own: int, pieces: Sequence[Piece], calibration: Calibration) -> Iterator[Item]:
    """Yield the lines of what a question carries along, and of its own text with `own` tokens."""
    for piece in pieces:
        if isinstance(piece.part, Context | Image):
            label = f"context: {piece.part.label}" if isinstance(piece.part, Context) else "image"
            full = calibration.count_part(piece.part)
            tokens = calibration.count_part(piece.sent) if piece.sent else 0
            fate: Fate = "left out" if piece.sent is None else "shortened" if piece.reason else "kept"
            yield Item(label, tokens, fate, piece.reason, question.id, full)
    yield Item("question", own, "kept", message_id=question.id, full_tokens=own)


def question_notes(pieces: Sequence[Piece], size: int, fixed: int, calibration: Calibration) -> Iterator[str]:
    """Yield what has to be said of the question and of what it carries along."""
    if fixed > size:
        yield (
            f"The question with the system prompt and the tools has about {fixed:,} tokens, more than the window of "
            f"{size:,}: the server will not read all of it."
        )
    for piece in pieces:
        name = piece.part.label if isinstance(piece.part, Context) else "A picture"
        if piece.sent is None:
            yield f"{name} is left out: beside the question the window of {size:,} tokens has no room for it."
        elif piece.reason and piece.reason != _UNCHANGED:
            was, now_ = calibration.count_part(piece.part), calibration.count_part(piece.sent)
            yield f"{name} is shortened in its middle, from about {was:,} tokens to {now_:,}: the window has {size:,}."


def bare_notes(turns: Sequence[Turn], size: int) -> Iterator[str]:
    """Yield what has to be said of earlier questions."""
    lost = sum(any(bare(read) is not read for read in turn.read) for turn in turns if turn.is_bare and not turn.reason)
    if lost:
        whose = "an earlier question" if lost == 1 else f"{lost} earlier questions"
        yield f"What {whose} carried along is left out: the window of {size:,} tokens has no room for it."


def tools_item(tools: Sequence[ToolSpec], tokens: int) -> Item:
    """Return the line of what the model is told that it may call."""
    label = "tools: " + title_of(", ".join(tool.name for tool in tools), _LABEL_CHARS)
    return Item(label, tokens, "kept", full_tokens=tokens)


def summary_line(message: Message, sent: Message | None, newest: Message | None, hidden: Collection[str]) -> Line:
    """Return the line of a summary, which is sent only if it is `sent`."""
    if message is sent:
        return Line("summary", message, message)
    if message.id in hidden:
        return Line("summary", message, None, "hidden")
    reason = "no room" if message is newest else "a newer one counts" if newest else "no history is read"
    return Line("summary", message, None, reason)


def _label(message: Message) -> str:
    if message.role == "tool":
        return "result: " + ", ".join(part.name for part in message.parts if isinstance(part, ToolResult))
    calls = [part.name for part in message.parts if isinstance(part, ToolCall)]
    words = title_of(message.text, _LABEL_CHARS) if message.text.strip() else ", ".join(calls)
    return f"{_KINDS.get(message.role, message.role)}: {words}"
