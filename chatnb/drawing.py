"""What has to change on a screen when more of an answer has come.

A screen has the parts of an answer: text and thoughts as blocks of HTML, and calls of tools. What is drawn of a part is
sent once: a block that grows is only added to, so that an answer costs about as many bytes as it is long, not as many as
its length times the number of redraws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from .entries import Call, Piece, piece_json, pieces_of
from .html import blocks
from .messages import Json, Text, Thinking
from .reply import Reply

Change = dict[str, Json]


class Drawing:
    """How the parts of one turn are drawn now.

    Parameters
    ----------
    turn_id
        Named in each change.

    Attributes
    ----------
    parts
        As JSON; a screen that was told all changes has the same.
    durations_s
        How long the model thought, by the number of the part.
    """

    def __init__(self, turn_id: str) -> None:
        self.parts: list[dict[str, Json]] = []
        self.durations_s: dict[int, float] = {}
        self._turn_id = turn_id
        self._pieces: list[Piece] = []
        self._began_s: list[float] = []

    def draw(self, reply: Reply, now_s: float) -> list[Change]:
        """Draw what came, and return what has to change.

        Parameters
        ----------
        reply
            All that came.
        now_s
            By a clock that only goes forward.
        """
        pieces = pieces_of(reply)
        changes = list(self._cut(pieces))
        is_over = reply.finished is not None
        for number, piece in enumerate(pieces):
            if number == len(self._pieces):
                self._began_s.append(now_s)
            changes += self._drawn(number, piece)
            if isinstance(piece, Thinking) and (is_over or number < len(pieces) - 1):
                changes += self._timed(number, now_s)
        return changes

    def _cut(self, pieces: Sequence[Piece]) -> Iterator[Change]:
        """Drop the parts that are not what they were: an attempt was given up, or other words came between."""
        kept = 0
        for old, new in zip_longest(self._pieces, pieces):
            if old is None or not _goes_on(old, new):
                break
            kept += 1
        if kept < len(self._pieces):
            del self._pieces[kept:], self.parts[kept:], self._began_s[kept:]
            self.durations_s = {number: s for number, s in self.durations_s.items() if number < kept}
            yield {"is": "cut", "turn": self._turn_id, "parts": kept}

    def _drawn(self, number: int, piece: Piece) -> Iterator[Change]:
        is_new = number == len(self._pieces)
        if not is_new and self._pieces[number] == piece:
            return
        if isinstance(piece, Call):
            self._put(number, piece, piece_json(piece))
            yield {"is": "part", "turn": self._turn_id, "part": number, "value": self.parts[number]}
            return
        kind = "thinking" if isinstance(piece, Thinking) else "text"
        old = [] if is_new else self.parts[number]["blocks"]
        new = blocks(piece.text)
        if is_new:
            self._put(
                number, piece, {"type": kind, "blocks": new} | ({"duration_s": None} if kind == "thinking" else {})
            )
        else:
            self._pieces[number] = piece
            self.parts[number]["blocks"] = new
        if change := _difference(old, new):
            yield {"is": "blocks", "turn": self._turn_id, "part": number, "type": kind} | change
        elif is_new:
            yield {"is": "part", "turn": self._turn_id, "part": number, "value": dict(self.parts[number])}

    def _timed(self, number: int, now_s: float) -> Iterator[Change]:
        """Note how long a thought took, once it is over."""
        if number in self.durations_s:
            return
        self.durations_s[number] = self.parts[number]["duration_s"] = round(now_s - self._began_s[number], 1)
        # Its blocks are on the screen; only this is new.
        yield {
            "is": "thought",
            "turn": self._turn_id,
            "part": number,
            "duration_s": self.durations_s[number],
        }

    def _put(self, number: int, piece: Piece, part: dict[str, Json]) -> None:
        self._pieces[number : number + 1] = [piece]
        self.parts[number : number + 1] = [part]


def _goes_on(old: Piece, new: Piece | None) -> bool:
    """Whether a part is the same one as before, perhaps with more in it."""
    match old, new:
        case Call(call), Call(other):
            return call == other
        case (Text(before), Text(text)) | (Thinking(before), Thinking(text)):
            return text.startswith(before)
    return False


def _difference(old: Sequence[str], new: Sequence[str]) -> Change:
    """Return what makes the old blocks into the new ones; empty if they are the same."""
    same = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    if same == len(old) == len(new):
        return {}
    if same == len(new):  # only dropped
        return {"from": same, "keep": 0, "html": []}
    kept = _common(old[same], new[same]) if same < len(old) else 0
    return {"from": same, "keep": _units(new[same][:kept]), "html": [new[same][kept:], *new[same + 1 :]]}


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common; by halves, since comparing slices is fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _units(text: str) -> int:
    """Return the length of a text as JavaScript counts it."""
    return len(text) + sum(character > "\uffff" for character in text)
