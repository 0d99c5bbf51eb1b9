"""Half-written Markdown made whole.

While an answer streams, its last line is often not what it will be: a lone `-` makes a heading of the line above, half a
table is a row of pipes, half a link leads nowhere. It is held back for the few tokens until that is clear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict

from .fences import Prose, pieces

_DELIMITER = re.compile(r"(?<!\\)\\([\[\]()])")
_DISPLAY = re.compile(r"(?<!\\)\$\$")
_STARS = re.compile(r"\*\*")
_TICKS = re.compile(r"`+")
_BLANK = re.compile(r"(\n[ \t]*\n)")
# A last line that may still become anything: a rule, a bullet, a number, what underlines a table's head, a fence.
_UNDECIDED = re.compile(
    r"[ \t>]*(?:[-=|:*#+_. \t]+|\d{1,9}[.)]?[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+[-=*_`~\[\]xX \t]*|`+|`{3}[^`]*|~+|~{3}.*|\$)",
)
# Longer lines and links than these are shown as they come.
_LINE = 400
_LINK = 2000


def whole_markdown(text: str, *, is_final: bool) -> str:
    r"""Return what to show of an answer that is still being written.

    Formulas in \[ \] and \( \), which JupyterLab does not know, are given dollars, in a finished answer too.

    Parameters
    ----------
    text
        The answer so far, as the model wrote it: what is shown is first made whole, then safe.
    is_final
        Whether nothing more will come. Then nothing is held back.

    Returns
    -------
    str
        A beginning of what is returned for the same text as a final one, and perhaps the marks that close what is open:
        backticks, two asterisks. An open fence stays open, and code is exact.

    Examples
    --------
    >>> whole_markdown(r"so \(x\) is", is_final=True)
    'so $x$ is'
    >>> whole_markdown("Prices\n-", is_final=False)
    'Prices\n'
    >>> whole_markdown("See the [docs](https://exa", is_final=False)
    'See the '
    """
    found = list(pieces(text))
    shown = [
        _dollars("\n".join(piece.lines)) if isinstance(piece, Prose) else "\n".join(piece.lines) for piece in found
    ]
    if not is_final:
        last = found[-1]
        if isinstance(last, Prose):
            shown[-1] = _held_back(shown[-1])
        elif not last.is_closed and (len(last.lines) == 1 or not last.lines[-1].strip(" \t>" + last.ticks[0])):
            # The opening fence, whose language is being written, or perhaps half of the closing one.
            shown[-1] = "".join(f"{line}\n" for line in last.lines[:-1])
    return "\n".join(shown)


def _dollars(prose: str) -> str:
    if "\\[" not in prose and "\\(" not in prose:
        return prose
    return "".join(_with_dollars(part) for part in _BLANK.split(prose))


def _with_dollars(paragraph: str) -> str:
    spans, _ = _code_spans(paragraph)
    out: list[str] = []
    done = 0
    opening: re.Match[str] | None = None
    for mark in _DELIMITER.finditer(paragraph):
        if _is_within(spans, mark.start()):
            continue
        if mark[1] in "[(":
            opening = mark
        elif opening is not None and opening[1] + mark[1] in ("[]", "()"):
            formula = paragraph[opening.end() : mark.start()]
            # Some models escape the brackets of links; and a dollar would end the formula.
            if formula.strip() and "$" not in formula and not paragraph.startswith(("(", "[", ":"), mark.end()):
                with_dollars = f"$${formula}$$" if mark[1] == "]" else f"${formula.strip()}$"
                out += [paragraph[done : opening.start()], with_dollars]
                done = mark.end()
            opening = None
    return "".join([*out, paragraph[done:]])


def _held_back(prose: str) -> str:
    start = prose.rfind("\n") + 1
    if len(prose) - start < _LINE and _UNDECIDED.fullmatch(prose, start):
        prose = prose[:start]
    start = max((found.end() for found in _BLANK.finditer(prose)), default=0)
    paragraph = _without_half_formula(_without_table_head(prose[start:]))
    last = paragraph.rfind("\n") + 1
    return prose[:start] + paragraph[:last] + _closed(_without_half_link(paragraph[last:]))


def _without_table_head(paragraph: str) -> str:
    """Hold back a first row of pipes: with the row that underlines it, it becomes a table."""
    rows = paragraph.removesuffix("\n").split("\n")
    is_row = [row.lstrip(" \t>").startswith("|") for row in rows[-2:]]
    return "\n".join([*rows[:-1], ""]) if is_row[-1] and not any(is_row[:-1]) else paragraph


def _without_half_formula(paragraph: str) -> str:
    spans, _ = _code_spans(paragraph)
    marks = [mark for mark in _DISPLAY.finditer(paragraph) if not _is_within(spans, mark.start())]
    if len(marks) % 2:
        return paragraph[: marks[-1].start()]
    opening: re.Match[str] | None = None
    for mark in _DELIMITER.finditer(paragraph):
        if not _is_within(spans, mark.start()):
            opening = mark if mark[1] in "[(" else None
    if opening is not None and (opening[1] == "[" or "\n" not in paragraph[opening.end() :]):
        return paragraph[: opening.start()]
    return paragraph


def _without_half_link(line: str) -> str:
    line = line.removesuffix("\\")
    spans, unclosed = _code_spans(line)
    place = line.rfind("](")
    if place < 0 and line.endswith("]"):
        place = len(line) - 1
    if place < 0 or place < len(line) - _LINK or unclosed or _is_within(spans, place):
        return line
    depth = 0
    for char in line[place + 2 :]:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return line
    depth = 0
    for start in range(place, max(place - _LINK, -1), -1):
        depth += (line[start] == "]") - (line[start] == "[")
        if depth == 0:
            return line[: start - 1] if line[:start].endswith("!") else line[:start]
    return line


def _closed(line: str) -> str:
    """Close the inline code and the bold text that the line has begun."""
    _, unclosed = _code_spans(line)
    if unclosed and unclosed[-1].end() == len(line):
        line = line[: unclosed[-1].start()]
        _, unclosed = _code_spans(line)
    if unclosed:
        line = line.rstrip() + unclosed[0][0]
    if len(_stars(line)) % 2 and line.endswith("*"):
        line = line.rstrip("*")
    stars = _stars(line)
    if len(stars) % 2 and not line[stars[-1] + 2].isspace():
        line = line.rstrip() + "**"
    return line


def _stars(line: str) -> list[int]:
    spans, _ = _code_spans(line)
    return [mark.start() for mark in _STARS.finditer(line) if not _is_within(spans, mark.start())]


def _code_spans(text: str) -> tuple[list[tuple[int, int]], list[re.Match[str]]]:
    """Return where the inline code is, and the backticks that nothing closes."""
    runs = list(_TICKS.finditer(text))
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, run in enumerate(runs):
        places[len(run[0])].append(place)
    spans: list[tuple[int, int]] = []
    unclosed: list[re.Match[str]] = []
    at = 0
    while at < len(runs):
        same = places[len(runs[at][0])]
        after = bisect_right(same, at)
        if after < len(same):
            spans.append((runs[at].start(), runs[same[after]].end()))
            at = same[after] + 1
        else:
            unclosed.append(runs[at])
            at += 1
    return spans, unclosed


def _is_within(spans: list[tuple[int, int]], place: int) -> bool:
    at = bisect_right(spans, (place, place))
    return at > 0 and place < spans[at - 1][1]
