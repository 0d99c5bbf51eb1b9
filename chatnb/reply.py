"""Fold the events of a turn into the messages that it becomes.

What is shown is what is saved: views, the store and the wire all read the same `Reply`. The fold is a function of the
events alone, so whoever watches, early or late, arrives at the same messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from .events import (
    Asked,
    Continued,
    Event,
    FellBack,
    Finished,
    Offered,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolFinished,
    ToolStarted,
    Truncated,
    Waiting,
)
from .messages import Message, Origin, Outcome, Part, Seam, Text, Thinking, ToolCall, ToolResult, Usage

Number = TypeVar("Number", int, float)


class Reply:
    """The answer so far.

    Owned by whoever folds it; not shared between threads.

    Attributes
    ----------
    asked, finished
        The first and the last event, None until they came.
    model
        Who answers now; changes with a fallback.
    status
        Why nothing is coming at the moment, or None.
    fallbacks
        Each change of the model, in order.
    is_truncated
        Whether a limit of tokens cut the last answer.
    offered
        Calls of tools that the answer prints instead of making them.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.asked: Asked | None = None
        self.finished: Finished | None = None
        self.model = ""
        self.status: Waiting | Retrying | None = None
        self.fallbacks: list[FellBack] = []
        self.is_truncated = False
        self.offered: tuple[ToolCall, ...] = ()
        self._rounds: list[_Round] = []
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take in the next event."""
        self.status = event if isinstance(event, Waiting | Retrying) else None
        match event:
            case TextDelta(text):
                self._round().say(Text, text)
            case ThinkingDelta(text):
                self._round().say(Thinking, text)
            case ToolStarted(call):
                self._round().calls.append(call)
            case ToolFinished(result):
                self._rounds[-1].results.append(result)
            case Retrying():
                self._round().drop()
            case Continued(model, reason):
                self._round().mend(model, reason)
            case FellBack():
                self._fall_back(event)
            case TokensCounted(usage, stop, host, origin):
                self.is_truncated = stop == "length"
                current = self._round()
                current.usage, current.host, current.origin = usage, host, origin
            case Truncated(sent_tokens, read_tokens):
                current = self._round()
                current.usage = replace(current.usage or Usage(), unread_tokens=sent_tokens - read_tokens)
            case Offered(calls):
                self.offered = calls
            case Asked():
                self.asked, self.model = event, event.model
            case Finished():
                self.finished = event

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it has not."""
        return self.finished.outcome if self.finished else None

    @property
    def text(self) -> str:
        """What was said, of all rounds, without thoughts and tools."""
        return "\n\n".join(text for text in (r.text(Text) for r in self._rounds) if text)

    @property
    def answer(self) -> str:
        """What was said in the last round: the answer itself."""
        return self._rounds[-1].text(Text) if self._rounds else ""

    @property
    def open_calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants called and that have not answered yet."""
        return tuple(
            call
            for r in self._rounds[-1:]
            for call in r.calls
            if call.id not in {result.call_id for result in r.results}
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything in the order in which it is shown: thoughts, text, calls and their results."""
        return tuple(part for r in self._rounds for part in (*r.parts(), *r.calls, *r.results))

    @property
    def usage(self) -> Usage:
        """What the turn cost: tokens written and seconds of all rounds, the last prompt, and the most that was unread."""
        usages = [r.usage for r in self._rounds if r.usage is not None]
        if not usages:
            return Usage()
        return Usage(
            prompt_tokens=usages[-1].prompt_tokens,
            reply_tokens=_total(u.reply_tokens for u in usages),
            load_s=_total(u.load_s for u in usages),
            prompt_s=_total(u.prompt_s for u in usages),
            reply_s=_total(u.reply_s for u in usages),
            unread_tokens=max((u.unread_tokens for u in usages if u.unread_tokens is not None), default=None),
        )

    @property
    def host(self) -> str:
        """Which of several hosts ended the last round; empty where there is but one, or it is not over."""
        return self._rounds[-1].host if self._rounds else ""

    @property
    def window_tokens(self) -> int | None:
        """How much of the window the last round took: what the model read, and what it wrote; None if unknown."""
        usage = self._rounds[-1].usage if self._rounds else None
        if usage is None or usage.prompt_tokens is None:
            return None
        return usage.prompt_tokens + (usage.reply_tokens or 0)

    @property
    def origin(self) -> Origin:
        """Where the answer comes from if no model was asked; of several rounds the last one counts."""
        return self._rounds[-1].origin if self._rounds else ""

    @property
    def seams(self) -> tuple[Seam, ...]:
        """Where the answer was mended."""
        return tuple(seam for r in self._rounds for seam in r.seams)

    def messages(self) -> tuple[Message, ...]:
        """Return what the turn adds to the session after its question.

        Ids follow from the question's, so that a checkpoint and the final save are the same messages. The last answer
        carries how the turn ended; it is there, if empty, as soon as the turn is over.
        """
        if self.asked is None:
            return ()
        question = self.asked.question
        end = self.finished
        duration_s = end.duration_s if end else None
        said = Message(
            id=question.id,
            session_id=question.session_id,
            role="assistant",
            parts=(),
            created_at=question.created_at + timedelta(seconds=duration_s or 0),
            user_id=question.user_id,
            turn_id=question.turn_id,
        )
        messages: list[Message] = []
        for r in self._rounds or ([_Round(self.model)] if end else []):
            answer = replace(
                said,
                id=_next_id(question, messages),
                parts=(*r.parts(), *r.calls),
                model=r.model or self.model,
                outcome="done",
                usage=r.usage,
                options=self.asked.options,
                seams=tuple(r.seams),
                host=r.host,
                origin=r.origin,
            )
            messages.append(answer)
            if r.results:
                messages.append(replace(said, id=_next_id(question, messages), role="tool", parts=tuple(r.results)))
        if messages:
            last = max(i for i, message in enumerate(messages) if message.role == "assistant")
            messages[last] = replace(
                messages[last],
                outcome=end.outcome if end else None,
                error=end.error if end else "",
                duration_s=duration_s,
            )
        return tuple(messages)

    def _round(self) -> _Round:
        """Return the round that a model's event belongs to: a new one once tools have answered."""
        if not self._rounds or self._rounds[-1].results:
            self._rounds.append(_Round(self.model))
        return self._rounds[-1]

    def _fall_back(self, event: FellBack) -> None:
        self.fallbacks.append(event)
        self.model = event.to
        current = self._round()
        if event.keeps_text:
            current.mend(event.to, event.reason)
        else:
            current.drop()
        current.model = event.to


@dataclass(slots=True)
class _Round:
    """One answer of a model, and what the tools that it called gave back."""

    model: str
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    seams: list[Seam] = field(default_factory=list)
    usage: Usage | None = None
    host: str = ""
    origin: Origin = ""
    # Runs of deltas of one kind. A list, since adding to a string copies it: 16,000 tokens would be half a gigabyte.
    said: list[tuple[type[Text | Thinking], list[str]]] = field(default_factory=list)

    def say(self, kind: type[Text | Thinking], text: str) -> None:
        if not text:
            return
        if not self.said or self.said[-1][0] is not kind:
            self.said.append((kind, []))
        self.said[-1][1].append(text)

    def text(self, kind: type[Text | Thinking]) -> str:
        return "".join("".join(deltas) for k, deltas in self.said if k is kind)

    def parts(self) -> tuple[Text | Thinking, ...]:
        return tuple(kind("".join(deltas)) for kind, deltas in self.said)

    def mend(self, model: str, reason: str) -> None:
        self.seams.append(Seam(len(self.text(Text)), model, reason))

    def drop(self) -> None:
        self.said.clear()
        self.calls.clear()
        self.seams.clear()


def _next_id(question: Message, answers: list[Message]) -> str:
    return f"{question.id}.{len(answers) + 1:03d}"


def _total(values: Iterable[Number | None]) -> Number | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
