"""Long Markdown cut in two."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from .fences import Fence, pieces

_TICKS = re.compile(r"[`~]")
_CLEAR = 12
_LIST_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]")


def split_finished(text: str, limit: int) -> tuple[str, str]:
    """Cut a long answer in two where a block of it is finished.

    The cut depends on the first `limit` characters alone. So it stays where it is while the answer grows: for a beginning
    `p` of `q`, both longer than `limit`, the heads are equal, and the tail of `p` is a beginning of the tail of `q`.

    Parameters
    ----------
    text
        The answer so far, as the model wrote it.
    limit
        In characters, at least 100.

    Returns
    -------
    tuple of str
        Head and tail; the tail is empty if the text is not longer than `limit`. The cut is, as far as there is one, at a
        blank line between two blocks, else between the items of a list, else at a line end, else between two words, and
        never within a character that is composed of several. A fence that has to be cut is closed in the head and opened
        again in the tail; otherwise head and tail together are the text.
    """
    if len(text) <= limit:
        return text, ""
    lines_end = text.rfind("\n", 0, limit) + 1
    # Enough of the last line to see what it is; but whether it is a fence is not clear before its end.
    is_clear = limit - lines_end >= _CLEAR and not _TICKS.search(text, lines_end, limit)
    best = [0, 0, 0]
    for place, rank in boundaries(text[: limit if is_clear else lines_end]):
        best[rank] = place
    at = next((place for place in best if place >= limit // 4), max(best))
    if not at:
        *_, last = pieces(text[: max(lines_end - 1, 0)])
        if isinstance(last, Fence) and not last.is_closed:
            return _within_fence(text, limit, lines_end, last)
        at = lines_end or _word(text, limit)
    return text[:at], text[at:]


def boundaries(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a text can be cut, from its beginning to its end.

    Parameters
    ----------
    text
        Any Markdown, finished or not.

    Yields
    ------
    tuple of int
        A place, and what begins there: 0 a block, 1 a further item of a list, 2 a part of one of these.
    """
    place = 0
    is_begun = is_apart = is_list = is_formula = False
    for piece in pieces(text):
        is_fence = isinstance(piece, Fence)
        for line in piece.lines[:1] if is_fence else piece.lines:
            if line.strip():
                is_item = _LIST_ITEM.match(line) is not None
                is_part = is_formula or line.startswith((" ", "\t"))
                if is_begun and is_apart and not is_part:
                    yield place, 1 if is_item and is_list else 0
                elif is_begun and (is_apart or (is_item and is_list)):
                    yield place, 2
                is_list = is_item or (is_list and not (is_apart and not is_part))
                is_begun = True
            if line.count("$$") % 2 or ("\\[" in line) != ("\\]" in line):
                is_formula = not is_formula
            # A lone dollar sign does not make a formula of all that follows.
            is_formula = is_formula and not is_fence and not line.startswith("#")
            is_apart = not line.strip()
            place += len(line) + 1
        if isinstance(piece, Fence):
            place += sum(len(line) + 1 for line in piece.lines[1:])
            is_apart = piece.is_closed


def _within_fence(text: str, limit: int, lines_end: int, fence: Fence) -> tuple[str, str]:
    opening = f"{fence.quote}{' ' * len(fence.marker)}{fence.ticks}{fence.info}"
    start = lines_end - sum(len(line) + 1 for line in fence.lines)
    code = start + len(fence.lines[0]) + 1
    # One whole line of the code is left to the tail, so that it does not begin with an empty fence.
    at = text.rfind("\n", 0, lines_end - 1) + 1
    if at <= code:
        at = max(_word(text, limit), 1)
    if at <= code or len(opening) >= limit // 4:
        return text[:at], text[at:]
    head = text[:at] if text[at - 1] == "\n" else text[:at] + "\n"
    return f"{head}{fence.margin}{fence.ticks}\n", f"{opening}\n{text[at:]}"


def _word(text: str, limit: int) -> int:
    """Return where to cut a text without lines: behind a space, or at least not within a composed character."""
    space = text.rfind(" ", limit // 2, limit) + 1
    if space:
        return space
    return next((at for at in range(limit, limit // 2, -1) if not _is_composed(text, at)), limit)


def _is_composed(text: str, at: int) -> bool:
    """Tell whether what stands before and behind a place is one character to a reader."""
    before, char = text[at - 1], text[at]
    if "\U0001f1e6" <= char <= "\U0001f1ff":
        # A flag is two of these.
        head = text[:at]
        return (at - len(head.rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))) % 2 == 1
    return (
        unicodedata.category(char)[0] == "M"
        or "\u200d" in (before, char)
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or "\u1160" <= char <= "\u11ff"
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= char <= "\udfff")
        or (before == "\r" and char == "\n")
    )
