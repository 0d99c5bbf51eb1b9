"""Make what a question carries along fit: its largest texts are cut in their middle, so that it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .messages import Context, Image, Part
from .tokens import Calibration

_NEAR = 0.3  # of a half: so much of it is given up for a cut at a line's end
_TRIES = 40


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the question, and what is sent of it: itself, something shorter, or nothing."""

    part: Part
    sent: Part | None
    reason: str = ""


def fit(parts: Sequence[Part], room: int, calibration: Calibration) -> list[Piece]:
    """Return what is sent of each part, so that context and pictures have at most `room` tokens together.

    All that is too large comes down to one size. A picture cannot be cut: it is left out if it has no room at all.
    Other parts stay as they are and take nothing of the room.
    """
    pieces = [Piece(part, part) for part in parts]
    for number, part in enumerate(parts):
        if isinstance(part, Image):
            tokens = calibration.count_part(part)
            if tokens > room:
                pieces[number] = Piece(part, None, "no room")
            else:
                room -= tokens
    sizes = {number: calibration.count_part(part) for number, part in enumerate(parts) if isinstance(part, Context)}
    limit = level(list(sizes.values()), room)
    for number, tokens in sizes.items():
        if tokens > limit:
            pieces[number] = _shortened(parts[number], tokens, limit, calibration)
    return pieces


def level(sizes: Sequence[int], room: int) -> int:
    """Return the largest size to which all have to come down so that they fit into `room` together.

    Those that are smaller stay as they are: the largest give first.

    Examples
    --------
    >>> level([10, 500, 700], 110), level([10, 20], 110)
    (50, 20)
    """
    left = len(sizes)
    for size in sorted(sizes):
        if size * left > room:
            return max(room // left, 0)
        room, left = room - size, left - 1
    return max(sizes, default=0)


def shorten(text: str, limit: int, size: Callable[[str], int]) -> str | None:
    r"""Return beginning and end of a text with a mark between, `limit` long by `size`; None if nothing would be left.

    Cut at ends of lines where there are some nearby.

    Examples
    --------
    >>> print(shorten("first\nsecond\nthird\nfourth\n" * 9, 80, len))
    first
    second
    third
    [... 196 characters left out ...]
    second
    third
    fourth
    <BLANKLINE>
    """
    kept, shortened = len(text), text
    for _ in range(_TRIES):
        # A little less than by how much it is too large: the mark is added, and no text is equally dense throughout.
        kept = int(kept * min(0.97, 0.99 * limit / max(size(shortened), 1)))
        if kept < 2:  # noqa: PLR2004 - a character on each side
            return None
        shortened = _cut(text, kept)
        if size(shortened) <= limit:
            return shortened
    return None


def _shortened(part: Part, tokens: int, limit: int, calibration: Calibration) -> Piece:
    assert isinstance(part, Context)  # noqa: S101 - for the type checker
    text = shorten(part.text, limit, lambda text: calibration.count_part(replace(part, text=text)))
    if text is None:
        return Piece(part, None, "no room")
    # Without its hash: what stands above is not this.
    return Piece(part, replace(part, text=text, sha256=""), f"shortened from {tokens:,} tokens")


def _cut(text: str, kept: int) -> str:
    """Return at most the first and last `kept` / 2 characters, with a mark between."""
    half = kept // 2
    head, tail = text[:half], text[len(text) - half :]
    if (end := head.rfind("\n", int(half * (1 - _NEAR)))) >= 0:
        head = head[:end]
    if (start := tail.find("\n", 0, int(half * _NEAR) + 1)) >= 0:
        tail = tail[start + 1 :]
    return f"{head}\n[... {len(text) - len(head) - len(tail):,} characters left out ...]\n{tail}"
