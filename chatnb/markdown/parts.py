"""Markdown cut into parts that are rendered by themselves.

A part is a fence, or prose between two places where every block is finished. What a part is made of does not depend on
what stands around it, so a growing answer is rendered part by part, each only once.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise

from .cuts import boundaries, split_finished
from .fences import Fence, pieces

LONGEST = 10_000
"""Characters of a part of prose. It bounds what a delta costs, and what renderers take too long for."""
_LONG_FENCE = 5_000
_LONGEST_LEAD = 400
# What a last line begins with while it may still become a fence, an item or a rule.
_UNCLEAR = re.compile(r"[\s>*+\-\d.)\[\]xX]*(?:[`~].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text.

    Attributes
    ----------
    source
        Its Markdown.
    end
        Where it ends in the text.
    whole
        Where the prose begins that had to be cut, because it was longer than `LONGEST`; else where the part begins.
    fence
        The fence that it consists of, if it does.
    """

    source: str
    end: int
    whole: int
    fence: Fence | None = None


def parts(text: str) -> Iterator[Part]:
    r"""Yield the parts of a text in their order.

    A fence is a part if it stands in no list and no quote, or is too long to be rendered with what is around it.

    Parameters
    ----------
    text
        Any Markdown, with "\n" as line ends.

    Examples
    --------
    >>> [part.source for part in parts("One\ntwo\n\n- a\n\n- b\n\nThree\n```\nx\n```\n")]
    ['One\ntwo\n\n', '- a\n\n- b\n\n', 'Three\n', '```\nx\n```']
    """
    start = 0
    while start < len(text):
        start = yield from _until_long_fence(text, start)


def _until_long_fence(text: str, start: int) -> Generator[Part, None, int]:
    """Yield the parts up to the end of a fence that leaves its list or quote, and return where that is."""
    place = start
    for piece in pieces(text[start:]):
        before, place = place, min(place + sum(len(line) + 1 for line in piece.lines), len(text))
        if not isinstance(piece, Fence):
            continue
        is_inner = bool(piece.quote) or piece.is_in_list
        if is_inner and place - before <= _LONG_FENCE:
            continue
        yield from _prose(text[start:before], start)
        if piece.marker.strip():
            yield Part(piece.marker.rstrip(), before, before)
        yield Part("\n".join(piece.lines), place, before, piece)
        start = place
        if is_inner:
            return start
    yield from _prose(text[start:], start)
    return len(text)


def _prose(text: str, start: int) -> Iterator[Part]:
    if not text.strip():
        return
    places = [place for place, rank in boundaries(text) if rank == 0]
    for begin, end in pairwise([0, *places, len(text)]):
        place = begin
        while end - place > LONGEST:
            size = _cut(text[place:end])
            yield Part(text[place : place + size], start + place + size, start + begin)
            place += size
        yield Part(text[place:end], start + end, start + begin)


def _cut(text: str) -> int:
    """Return where to cut prose that is too long: between two items if possible, and never in a fence."""
    head, tail = split_finished(text, LONGEST)
    if len(head) + len(tail) == len(text):
        return len(head)
    *before, _ = pieces(text[:LONGEST])
    return sum(len(line) + 1 for piece in before for line in piece.lines) or LONGEST


def clear(text: str) -> int:
    r"""Return up to where it is clear what the lines of a growing text are.

    The parts of the text up to there but the last, and with it those of the same `whole` if it ends in an open fence, are
    parts of every text that begins like it.

    Examples
    --------
    >>> clear("One\ntwo"), clear("One\n- ")
    (7, 4)
    """
    start = text.rfind("\n") + 1
    if len(text) - start > _LONGEST_LEAD and text[start : start + _LONGEST_LEAD].strip(" \t>`~"):
        return len(text)
    return start if _UNCLEAR.fullmatch(text, start) else len(text)


def is_fence_open(text: str) -> bool:
    """Tell whether a text ends in a fence that is not closed."""
    *_, last = pieces(text)
    return isinstance(last, Fence) and not last.is_closed
