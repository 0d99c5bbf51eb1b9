"""Which part of a JSON document is meant: `conversations[*].messages[*].content`, `items[3].name`, `a["odd key"]`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from .json_events import STARTS, Event, pass_over

Step = str | range | None
"""One step down: to the value of a key, to those items of a list, to whatever is there."""

Path = tuple["Path", str | int] | None
"""A place of a document: that of the object or list around it, and the key or number there. Quick to make."""

_ALL = sys.maxsize
_STEPS = 100
_PIECE = re.compile(
    r"""\.?\[\s*(?:(?P<index>\d{1,15}) | (?P<first>\d{0,15})\s*:\s*(?P<end>\d{0,15}) | (?P<quoted>"(?:[^"\\]|\\.)*"|'[^']*') | \*?)\s*\]
    | \.?(?P<key>[^.\[\]"'*\s](?:[^.\[\]]*[^.\[\]\s])?) | \.\*""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^\W\d][\w-]*")


def parse(text: str) -> tuple[Step, ...]:
    """Return the steps of a filter.

    `$` or a dot at the beginning, `[]` for `[*]` and `.*` are understood as well: models know JSONPath and jq.

    Raises
    ------
    ValueError
        If it is none; says how one is written.

    Examples
    --------
    >>> parse('items[3].name')
    ('items', range(3, 4), 'name')
    >>> parse('$.a["odd.key"][*][:10]')
    ('a', 'odd.key', None, range(0, 10))
    """
    steps: list[Step] = []
    at = 1 if text.startswith("$") else 0
    if text[at:].strip() in ("", "."):
        return ()
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or (at > 1 and text[at] not in ".[") or len(steps) == _STEPS:
            raise ValueError(
                f"The filter {text[:200]!r} is not understood from {text[at : at + 40]!r} on. "
                'Write such as a.b, a[0], a[0:10], a[*].b or a["odd key"]; items are counted from 0.'
            )
        steps.append(_step(piece))
        at = piece.end()
    return tuple(steps)


def _step(piece: re.Match[str]) -> Step:
    if piece["index"]:
        return range(int(piece["index"]), int(piece["index"]) + 1)
    if piece["first"] is not None:
        return range(int(piece["first"] or 0), int(piece["end"] or _ALL))
    if piece["quoted"]:
        quoted = piece["quoted"]
        return str(json.loads(quoted)) if quoted.startswith('"') else quoted[1:-1]
    return piece["key"]


def most(steps: Sequence[Step]) -> int:
    """Return how many values fit at most, if no object has a key twice."""
    count = 1
    for step in steps:
        count *= 1 if isinstance(step, str) else _ALL if step is None else len(step)
    return count


def found(
    events: Iterator[Event], event: str, value: Any, steps: Sequence[Step], path: Path = None
) -> Iterator[tuple[Path, str, Any]]:
    """Yield the path of each value that fits, with its first event, and consume the rest of the value they are in.

    Parameters
    ----------
    events
        Behind the event with which a value begins. Whoever iterates consumes of it what is left of each value that is
        yielded, before going on.
    event, value
        That event.
    steps
        What leads from that value to those that fit.
    path
        Of that value.
    """
    if not steps:
        yield path, event, value
        return
    step, rest = steps[0], steps[1:]
    # An event that has a value begins neither a list nor an object: that is seen at once.
    if event == "start_map" and not isinstance(step, range):
        for _, key in events:
            if key is None:
                return
            begins, inner = next(events)
            if key == step or step is None:
                if rest:
                    yield from found(events, begins, inner, rest, (path, key))
                else:
                    yield (path, key), begins, inner
            elif inner is None and begins in STARTS:
                pass_over(events)
    elif event == "start_array" and not isinstance(step, str):
        for index, (begins, inner) in enumerate(events):
            if inner is None and begins == "end_array":
                return
            if step is None or index in step:
                if rest:
                    yield from found(events, begins, inner, rest, (path, index))
                else:
                    yield (path, index), begins, inner
            elif inner is None and begins in STARTS:
                pass_over(events)
    elif event in STARTS:
        pass_over(events)


def as_filter(path: Path) -> str:
    """Return the filter that finds what is at a path, and nothing else.

    Examples
    --------
    >>> as_filter((((None, "items"), 3), "odd key"))
    'items[3]["odd key"]'
    """
    steps: list[str] = []
    while path is not None:
        path, last = path
        steps.append(f"[{last}]" if isinstance(last, int) else as_step(last))
    return "".join(reversed(steps)).removeprefix(".") or "$"


def as_step(key: str) -> str:
    """Return how a key is written in a filter.

    Examples
    --------
    >>> as_step("name"), as_step("odd key")
    ('.name', '["odd key"]')
    """
    return f".{key}" if _PLAIN.fullmatch(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
