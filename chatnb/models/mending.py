"""Join a broken answer and the stream that is to go on from it, so that nothing is shown twice.

A server that is asked to go on from a partial answer does one of four things. Which one shows in its first words; these
are held back until it is clear, a few characters as a rule. In this order:

1. *It repeats the whole partial*, and goes on after it: the repetition is skipped.
2. *It repeats the partial's end*, at least `CERTAIN` characters: the repetition is skipped. Unless that end repeats
   itself already, as a row of zeros does: such a text may well go on so.
3. *It begins again and says something else*: its text and the partial begin with the same `CERTAIN` characters, then
   they differ. The partial is dropped, and the new answer takes its place. After a partial that ends with white space
   a new line or sentence may well begin as the first one did, so `CERTAIN_AFTER_SPACE` characters are asked for.
4. Else *it goes on*, and every character of its text is new.

What remains ambiguous: a server that begins again with other words from the start looks as one that goes on; a text
that goes on with exactly its own beginning looks as one that begins again; a repetition shorter than `CERTAIN` is taken
for new text. Servers that go on when they are asked to, as Ollama does, are joined right, but for a text that says
`CERTAIN` characters twice in a row, for the first time, at the very place of the break.

Thoughts of a stream that goes on are left out: the answer that they prepare has begun already.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from ..events import (
    Continued,
    FellBack,
    ModelEvent,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
    Waiting,
)
from ..messages import Message, Part, Text, Thinking, now
from .base import Request

CERTAIN = 12
"""So many equal characters are no accident. A shorter partial is not continued at all, but asked anew."""

CERTAIN_AFTER_SPACE = 40
"""Rule 3 for a partial that ends with white space."""

REACH = 1_000
"""Rule 2 looks at so many characters of the partial's end."""


class Partial:
    """What one answer has shown so far, and how to ask somebody to go on from it.

    Parameters
    ----------
    request
        What was asked. Where it ends with an assistant's message, that is the beginning of the answer.
    """

    def __init__(self, request: Request) -> None:
        self._asked = request
        self._beginning: Message | None = None
        if request.messages and request.messages[-1].role == "assistant":
            self._beginning = request.messages[-1]
            self._asked = replace(request, messages=request.messages[:-1])
        self._said: list[str] = []
        self._thought: list[str] = []
        self._has_calls = False

    @property
    def text(self) -> str:
        """The answer's text from its very beginning."""
        return (self._beginning.text if self._beginning else "") + "".join(self._said)

    @property
    def has_said(self) -> bool:
        """Whether there is text that was not there when it was asked."""
        return bool(self._said)

    @property
    def can_go_on(self) -> bool:
        """Whether somebody can go on from it: JSON and calls of tools are whole or nothing, too little is no start."""
        return not self._has_calls and self._asked.schema is None and len(self.text) >= CERTAIN

    def add(self, event: ModelEvent) -> None:
        """Take in what the answer shows next."""
        match event:
            case TextDelta(text):
                self._said.append(text)
            case ThinkingDelta(text):
                self._thought.append(text)
            case ToolStarted():
                self._has_calls = True
            case Retrying() | FellBack(keeps_text=False):
                self.drop()

    def drop(self) -> None:
        """Forget everything that was said, the beginning too: the question is to be asked anew."""
        self._beginning = None
        self._said.clear()
        self._thought.clear()
        self._has_calls = False

    def request(self) -> Request:
        """Return the request that goes on from here: the question, and what was said as the answer's beginning."""
        parts: list[Part] = list(self._beginning.parts) if self._beginning else []
        if self._thought and self._said:
            parts.append(Thinking("".join(self._thought)))
        if self._said:
            parts.append(Text("".join(self._said)))
        if not parts:
            return self._asked
        said = Message(id="", session_id="", role="assistant", parts=tuple(parts), created_at=now())
        return replace(self._asked, messages=(*self._asked.messages, said))


async def joined(
    partial: str, stream: AsyncGenerator[ModelEvent], continued: Continued | None, begun_again: Retrying
) -> AsyncGenerator[ModelEvent]:
    """Yield `stream` without what `partial` holds already.

    Parameters
    ----------
    stream
        The answer to a request that ends with `partial`; closed at the end.
    continued
        Yielded as soon as it is clear that the stream goes on.
    begun_again
        Yielded, instead, when the partial is to be dropped; the whole new answer follows.

    Raises
    ------
    ModelError
        As `stream` does. What was held back until then is not shown.
    """
    joint: _Joint | None = _Joint(partial)
    thoughts: list[ThinkingDelta] = []
    is_new_answer = False

    def settled(verdict: _Verdict) -> list[ModelEvent]:
        nonlocal joint, is_new_answer
        joint, is_new_answer = None, verdict.is_new_answer
        text = [TextDelta(verdict.text)] if verdict.text else []
        if is_new_answer:
            return [begun_again, *thoughts, *text]
        return [*([continued] if continued else []), *text]

    async with aclosing(stream):
        async for event in stream:
            if joint is None:
                if is_new_answer or not isinstance(event, ThinkingDelta):
                    yield event
                continue
            match event:
                case TextDelta(text):
                    if verdict := joint.add(text):
                        for each in settled(verdict):
                            yield each
                case ThinkingDelta():
                    thoughts.append(event)
                case Waiting():
                    yield event
                case _:  # no more text comes before this
                    for each in settled(joint.end()):
                        yield each
                    yield event


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What to show of the text that was held back."""

    text: str
    is_new_answer: bool = False


class _Joint:
    """The text that was held back, and how far it agrees with which ends of the partial."""

    def __init__(self, partial: str) -> None:
        self._partial = partial
        self._held: list[str] = []
        self._length = 0
        self._agreed = 0  # how many first characters are those of the partial
        self._repeated = 0  # the longest end of the partial, all of it repeated
        # Where in the partial the text may have begun, as far as it was heard: its start, or somewhere in its end.
        ends = range(max(1, len(partial) - REACH), len(partial) - CERTAIN + 1)
        self._starts = [0, *(start for start in ends if not _repeats_itself(partial, len(partial) - start))]

    def add(self, text: str) -> _Verdict | None:
        """Take in more text; return what to show once it is clear, None until then."""
        still = []
        for start in self._starts:
            expected = self._partial[start + self._length : start + self._length + len(text)]
            if text == expected and start + self._length + len(text) < len(self._partial):
                still.append(start)
            elif text.startswith(expected):
                self._repeated = max(self._repeated, len(self._partial) - start)
            elif start == 0:
                self._agreed = self._length + _agreeing(text, expected)
        self._starts = still
        self._held.append(text)
        self._length += len(text)
        # A start before all that are complete would mean a longer repetition.
        return None if still else self._verdict()

    def end(self) -> _Verdict:
        """Return what to show, now that no more text comes."""
        if 0 in self._starts:
            self._agreed = self._length
        return self._verdict()

    def _verdict(self) -> _Verdict:
        text = "".join(self._held)
        if self._repeated:
            return _Verdict(text[self._repeated :])
        enough = CERTAIN_AFTER_SPACE if self._partial[-1:].isspace() else CERTAIN
        return _Verdict(text, is_new_answer=self._agreed >= enough)


def _repeats_itself(text: str, length: int) -> bool:
    """Return whether the second half of the last `length` characters stands in or just before them once more."""
    half = text[-(length // 2) :]
    return text.find(half, max(0, len(text) - 2 * length)) < len(text) - len(half)


def _agreeing(text: str, expected: str) -> int:
    """Return how many first characters are the same."""
    return next((i for i, (a, b) in enumerate(zip(text, expected, strict=False)) if a != b), len(expected))
