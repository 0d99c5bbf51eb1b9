"""In which form front ends are told: drawn, as HTML that they need not understand, or plain, as events and messages.

Both are made of the same log by the same feed; only what an entry and a turn in flight look like differs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ..events import Asked, Event, ToolFinished
from ..messages import Context, Json, Message, Part, ToolResult
from ..reply import Reply
from ..turn import Turn
from ..wire import to_json
from .drawing import Change
from .entries import Entry, Told, entries_of, notes_of, question_entry
from .shown import Shown


class Showing(Protocol):
    """A turn in flight, as it was told so far."""

    turn: Turn
    reply: Reply
    is_followed: bool

    def interval_s(self) -> float:
        """Return how long words may gather until they are told."""
        ...

    def live(self) -> dict[str, Json]:
        """Return it as a front end that comes now has to see it."""
        ...

    def take(self, batch: Sequence[Event], now_s: float) -> list[Change]:
        """Take in what happened, and return what has to change."""
        ...

    def say(self, status: str) -> list[Change]:
        """Say why nothing comes, and return what has to change."""
        ...

    def told(self) -> Told:
        """Return what no message keeps."""
        ...

    def entries(self, *, is_drawn: bool) -> list[Entry]:
        """Return the question and its answer for good; see `Shown`."""
        ...


class Form(Protocol):
    """What a conversation is told as."""

    @property
    def least_s(self) -> float:
        """The seconds between two deltas of one turn, at least."""
        ...

    def begin(self, turn: Turn) -> Showing:
        """Return a turn of which nothing was told yet."""
        ...

    def question(self, message: Message) -> Entry:
        """Return a question that waits."""
        ...

    def entries(
        self,
        history: Sequence[Message],
        hidden: Collection[str],
        told: Mapping[str, Told],
        *,
        count: int,
        before: str,
        places: Mapping[str, tuple[int, int]],
    ) -> tuple[list[Entry], bool]:
        """Return the newest entries of a history, and whether there are earlier ones; see `entries_of`."""
        ...


class Drawn:
    """Entries with HTML, for front ends that draw: a question and all that followed from it."""

    least_s = 0.02  # a server of Jupyter drops what comes from a kernel faster than a thousand messages a second
    begin = staticmethod(Shown)
    question = staticmethod(question_entry)
    entries = staticmethod(entries_of)


class Plain:
    """Messages and events as the store and the wire have them, for programs; each event at once."""

    least_s = 0.0

    def begin(self, turn: Turn) -> Logged:
        """Return a turn of which nothing was told yet."""
        return Logged(turn)

    def question(self, message: Message) -> Entry:
        """Return a question that waits."""
        return light(message)

    def entries(
        self,
        history: Sequence[Message],
        hidden: Collection[str],
        told: Mapping[str, Told],  # noqa: ARG002 - as in Form: messages alone are told
        *,
        count: int,
        before: str,
        places: Mapping[str, tuple[int, int]],
    ) -> tuple[list[Entry], bool]:
        """Return the newest messages of a history, and whether there are earlier ones."""
        earlier = [message for message in history if not before or message.id < before]
        unread = {message.turn_id or message.id for message in history if message.id in hidden}
        entries = []
        for message in earlier[-count:]:
            turn = message.turn_id or message.id
            at, of = places.get(turn, (1, 1))
            more: Entry = {"is_hidden": True} if turn in unread else {}
            entries.append(light(message) | more | ({"branches": {"at": at, "of": of}} if of > 1 else {}))
        return entries, len(earlier) > len(entries)


class Logged:
    """A turn in flight as its events; see `Showing`."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.reply = Reply()  # of what was told
        self.is_followed = True
        self._events: list[dict[str, Json]] = []

    def interval_s(self) -> float:
        """Return 0: nothing gathers but what comes while the last delta is sent."""
        return 0.0

    def live(self) -> dict[str, Json]:
        """Return the turn with its events so far; words that followed each other are in one."""
        question = self.turn.question
        return {"turn": question.turn_id, "question": light(question), "events": list(map(dict, self._events))}

    def take(self, batch: Sequence[Event], now_s: float) -> list[Change]:  # noqa: ARG002 - as in Showing
        """Take in what happened, and return it."""
        told: list[dict[str, Json]] = []
        for event in batch:
            self.reply.add(event)
            join(told, _light_event(event))
        for each in told:
            join(self._events, dict(each))
        return [{"is": "event", "turn": self.turn.question.turn_id, "event": each} for each in told]

    def say(self, status: str) -> list[Change]:  # noqa: ARG002 - as in Showing
        """Say nothing besides events."""
        return []

    def told(self) -> Told:
        """Return what no message keeps."""
        return Told(notes_of(self.reply))

    def entries(self, *, is_drawn: bool) -> list[Entry]:  # noqa: ARG002 - as in Showing
        """Return the question and its answer for good."""
        return [light(message) for message in (self.turn.question, *self.reply.messages())]


def join(events: list[dict[str, Json]], event: dict[str, Json]) -> None:
    """Add an event; words that follow words of their kind go on in the same one."""
    if events and event["type"] in ("TextDelta", "ThinkingDelta") and events[-1]["type"] == event["type"]:
        events[-1]["text"] += event["text"]
    else:
        events.append(event)


def light(message: Message) -> Entry:
    """Return a message without the text of what it carries along, and without what no model has read of a result."""
    parts = tuple(_light_part(part) for part in message.parts)
    return to_json(replace(message, parts=parts) if parts != message.parts else message)


def _light_part(part: Part) -> Part:
    match part:
        case Context():
            return replace(part, text="")
        case ToolResult():
            return replace(part, whole="")
    return part


def _light_event(event: Event) -> dict[str, Json]:
    match event:
        case Asked(question):
            return to_json(event) | {"question": light(question)}
        case ToolFinished(result):
            return to_json(ToolFinished(replace(result, whole="")))
    return to_json(event)
