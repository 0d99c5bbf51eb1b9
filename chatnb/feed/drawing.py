"""What has to change on a screen when more of an answer has come.

A screen has the parts of an answer: text and thoughts as blocks of HTML, and calls of tools. What is drawn of a part is
sent once: a block that grows is only added to, so that an answer costs about as many bytes as it is long, not as many as
its length times the number of redraws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from ..markdown.changes import Change as Redrawn
from ..markdown.html import Rendering
from ..messages import Json, Text, Thinking
from ..reply import Reply
from .entries import Call, Piece, name_of, piece_json, pieces_of

Change = dict[str, Json]


class Drawing:
    """How the parts of one turn are drawn now.

    Parameters
    ----------
    turn_id
        Named in each change.

    Attributes
    ----------
    durations_s
        How long the model thought, by the number of the part.
    """

    def __init__(self, turn_id: str) -> None:
        self.durations_s: dict[int, float] = {}
        self._turn_id = turn_id
        self._drawn: list[_Words | _Called] = []

    @property
    def parts(self) -> list[dict[str, Json]]:
        """Each part as JSON; a screen that was told all changes has the same."""
        return [each.json(self.durations_s.get(number)) for number, each in enumerate(self._drawn)]

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
        for number, piece in enumerate(pieces):
            is_over = reply.finished is not None or number < len(pieces) - 1
            drawn = self._draw(number, piece, now_s, is_over=is_over)
            changes.extend({**change, "part": number} for change in drawn)
        return [{**change, "turn": self._turn_id} for change in changes]

    def _cut(self, pieces: Sequence[Piece]) -> Iterator[Change]:
        """Drop the parts that are not what they were: an attempt was given up, or other words came between."""
        kept = 0
        for drawn, piece in zip_longest(self._drawn, pieces):
            if drawn is None or piece is None or not drawn.goes_on(piece):
                break
            kept += 1
        if kept < len(self._drawn):
            del self._drawn[kept:]
            self.durations_s = {number: s for number, s in self.durations_s.items() if number < kept}
            yield {"is": "cut", "parts": kept}

    def _draw(self, number: int, piece: Piece, now_s: float, *, is_over: bool) -> Iterator[Change]:
        is_new = number == len(self._drawn)
        if isinstance(piece, Call):
            if is_new or self._drawn[number].piece != piece:
                self._drawn[number : number + 1] = [_Called(piece)]
                yield {"is": "part", "value": piece_json(piece)}
            return
        if is_new:
            self._drawn.append(_Words(piece, name_of(self._turn_id, number), now_s))
            yield {"is": "part", "value": self._drawn[number].json()}
        words = self._drawn[number]
        if not isinstance(words, _Words) or words.is_over:
            return
        yield from words.add(piece)
        if is_over:
            yield from words.end()
            if isinstance(piece, Thinking):
                self.durations_s[number] = round(now_s - words.began_s, 1)
                yield {"is": "thought", "duration_s": self.durations_s[number]}


class _Words:
    """A text, or a thought, while it is written."""

    def __init__(self, piece: Text | Thinking, name: str, began_s: float) -> None:
        self.piece = type(piece)("")
        self.began_s = began_s
        self.is_over = False
        self._rendering = Rendering(name=name)
        self._blocks: tuple[str, ...] = ()

    def goes_on(self, piece: Piece) -> bool:
        if isinstance(piece, Call) or type(piece) is not type(self.piece):
            return False
        return piece == self.piece or (not self.is_over and piece.text.startswith(self.piece.text))

    def json(self, duration_s: float | None = None) -> dict[str, Json]:
        is_thought = isinstance(self.piece, Thinking)
        part: dict[str, Json] = {"type": "thinking" if is_thought else "text", "blocks": list(self._blocks)}
        return part | ({"duration_s": duration_s} if is_thought else {})

    def add(self, piece: Text | Thinking) -> Iterator[Change]:
        new, self.piece = piece.text[len(self.piece.text) :], piece
        if new and (change := self._rendering.add(new)):
            yield from self._changed([change])

    def end(self) -> Iterator[Change]:
        self.is_over = True
        yield from self._changed(self._rendering.end())

    def _changed(self, redrawn: Sequence[Redrawn]) -> Iterator[Change]:
        for change in redrawn:
            # What stays behind is sent again; there is some only where a link was defined after its use.
            html = [*change.html, *self._blocks[change.stop :]]
            self._blocks = change.applied(self._blocks)
            yield {"is": "blocks", "type": self.json()["type"], "from": change.start, "keep": change.keep, "html": html}


class _Called:
    """A call of a tool."""

    def __init__(self, piece: Call) -> None:
        self.piece = piece

    def goes_on(self, piece: Piece) -> bool:
        return isinstance(piece, Call) and piece.call == self.piece.call

    def json(self, _: float | None = None) -> dict[str, Json]:
        return piece_json(self.piece)
