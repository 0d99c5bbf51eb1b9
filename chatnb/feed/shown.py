"""A turn in flight, as front ends see it now, and what has to change when more of it comes."""

from __future__ import annotations

from collections.abc import Sequence

from ..events import Asked, Event, TextDelta, ThinkingDelta
from ..messages import Json
from ..reply import Reply
from ..turn import Turn
from ..views.words import status_line
from ..wire import to_json
from .drawing import Change, Drawing
from .entries import Entry, Told, answer_entry, notes_of, question_entry

PACE_S = 0.025
"""How long words of a short answer gather; those of a long one longer, by a second for each so many characters, up to a
quarter of a second."""
SLOWER_CHARS = 250_000
SLOWEST_S = 0.25


class Shown:
    """A turn, and how it is shown now."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.reply = Reply()  # of what was shown
        self.is_followed = True
        self._turn_id = turn.question.turn_id
        self._drawing = Drawing(self._turn_id)
        self._events: list[Json] = []
        self._length = 0
        self._head: dict[str, Json] = {"model": "", "status": "", "notes": []}

    def interval_s(self) -> float:
        """Return how long words may gather until they are shown.

        The longer the answer, the longer: the envelope of a message weighs as much as 150 words, and who reads a long
        answer while it comes is behind anyway.
        """
        return PACE_S + min(self._length / SLOWER_CHARS, SLOWEST_S)

    def live(self) -> dict[str, Json]:
        """Return it as a front end that comes now has to draw it."""
        return {
            "turn": self._turn_id,
            "question": question_entry(self.turn.question),
            **self._head,
            "events": list(self._events),
            "parts": [dict(part) for part in self._drawing.parts],
        }

    def take(self, batch: Sequence[Event], now_s: float) -> list[Change]:
        """Take in what happened, and return what has to change."""
        changes: list[Change] = []
        for event in batch:
            self.reply.add(event)
            if isinstance(event, TextDelta | ThinkingDelta):
                self._length += len(event.text)
            else:
                self._events.append(_light(event))
                changes.append({"is": "event", "turn": self._turn_id, "event": self._events[-1]})
        changes += self._drawing.draw(self.reply, now_s)
        return changes + self._change(
            model=self.reply.model,
            notes=list(notes_of(self.reply)),
            status=status_line(self.reply.status) if self.reply.status else "",
        )

    def say(self, status: str) -> list[Change]:
        """Say why nothing comes, and return what has to change."""
        return self._change(status=status)

    def told(self) -> Told:
        """Return what no message keeps."""
        return Told(notes_of(self.reply), tuple(self._drawing.durations_s.items()))

    def entries(self, *, is_drawn: bool) -> list[Entry]:
        """Return the question and its answer for good.

        Parameters
        ----------
        is_drawn
            Whether front ends have its parts already; then these are only named.
        """
        parts = self._drawing.parts
        said = [{"same": number} if is_drawn and part["type"] != "tool" else part for number, part in enumerate(parts)]
        return [question_entry(self.turn.question), answer_entry(self.reply, self.told(), said)]

    def _change(self, **fields: Json) -> list[Change]:
        changed = {name: value for name, value in fields.items() if self._head[name] != value}
        self._head.update(changed)
        return [{"is": "live", "turn": self._turn_id, **changed}] if changed else []


def _light(event: Event) -> dict[str, Json]:
    """Return an event without what its question carries along."""
    data = to_json(event)
    if isinstance(event, Asked):
        data["question"] = {**data["question"], "parts": []}
    return data
