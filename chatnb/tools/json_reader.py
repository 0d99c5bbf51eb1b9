"""Read a part of a JSON file that may be larger than memory, or what its structure is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO, Never

from .json_events import STARTS, Broken, Event, pass_over, with_events, written
from .json_filter import Path, Step, as_filter, found, parse
from .json_filter import most as at_most
from .json_structure import LOOKED_AT, Survey

LIMIT_S = 50.0
"""So long a file is read, some 5 GB; a damaged one twice, which together is less than the time limit of a tool."""

_ENTRY_SHARE = 4  # of the room at most, for one of several values
_HEAD_BYTES = 65_536
_LINES = (".jsonl", ".ndjson", ".jsonlines")


def read(
    file: BinaryIO,
    name: str,
    filter: str = "",  # noqa: A002 - as the tool calls it
    *,
    first: int = 1,
    most: int = 50,
    room: int = 7_000,
    limit_s: float = LIMIT_S,
) -> str:
    """Return the values that a filter finds, each with its path, or without a filter the structure.

    Parameters
    ----------
    file
        JSON or JSON Lines, in UTF-8, or UTF-16 with a byte order mark.
    name
        What the file is called in the result; its ending may say that it is JSON Lines.
    filter
        See `json_filter`. The lines of JSON Lines are a list, of which `[*]` may be left out.
    first, most
        Which of the values are returned, counted from 1, and how many at most.
    room
        How long the result is at most, about, in characters.
    limit_s
        How long the file is read; what was found until then is the result.

    Raises
    ------
    ValueError
        If the filter is none, or if the file is no JSON from its beginning on.
    """
    if first < 1 or most < 1:
        raise ValueError("first_entry and max_entries are at least 1.")
    steps = parse(filter)
    is_lines = name.lower().endswith(_LINES) or _begins_with_lines(file)
    if not filter.strip():
        size_bytes = file.seek(0, os.SEEK_END)
        return with_events(file, limit_s, lambda events: _structure(events, name, size_bytes, room, is_lines=is_lines))

    def entries(events: Iterator[Event]) -> str:
        is_of_each = is_lines and (not steps or isinstance(steps[0], str))
        wanted = (None, *steps) if is_of_each else steps
        return _entries(events, name, wanted, first=first, most=most, room=room, is_lines=is_lines)

    try:
        return with_events(file, limit_s, entries)
    except _SeveralValues:
        is_lines = True
        return with_events(file, limit_s, entries)


class _SeveralValues(Exception):  # noqa: N818 - a finding
    """What was taken for one value is followed by another."""


def _entries(
    events: Iterator[Event], name: str, steps: Sequence[Step], *, first: int, most: int, room: int, is_lines: bool
) -> str:
    highest = at_most(steps)
    entry_room = room if highest == 1 else room // _ENTRY_SHARE
    shown: list[str] = []
    number = 0
    end = ""
    try:
        for number, (path, event, value) in enumerate(_found(events, steps, is_lines=is_lines), 1):
            if number < first:
                if value is None and event in STARTS:
                    pass_over(events)
                continue
            if room <= 0 or len(shown) == most:
                end = f"[there are more: read_json with first_entry={number}]"
                break
            shown.append(f"{as_filter(path)}: {written(events, event, value, entry_room)}")
            room -= len(shown[-1])
            if number == highest:
                break
    except Broken as error:
        if not number:
            raise Broken(f"Nothing fits in what could be read. {error}") from error
        end = f"[{name} was read up to there. {error}]"
    if not shown and number:
        return f"{number:,} values fit, so there is no entry {first:,}. {end}".strip()
    return "\n".join(filter(None, [*(shown or ["Nothing fits. Without a filter the structure is shown."]), end]))


def _found(events: Iterator[Event], steps: Sequence[Step], *, is_lines: bool) -> Iterator[tuple[Path, str, Any]]:
    if is_lines:
        return _found_in_lines(events, steps[0], steps[1:])
    event, value = next(events)
    return chain(found(events, event, value, steps), _nothing_more(events))


def _found_in_lines(events: Iterator[Event], which: Step, steps: Sequence[Step]) -> Iterator[tuple[Path, str, Any]]:
    for number, (event, value) in enumerate(events):
        if which is None or (isinstance(which, range) and number in which):
            yield from found(events, event, value, steps, (None, number))
        elif event in STARTS:
            pass_over(events)


def _nothing_more(events: Iterator[Event]) -> Iterator[Never]:
    for _ in events:
        raise _SeveralValues
    yield from ()


def _structure(events: Iterator[Event], name: str, size_bytes: int, room: int, *, is_lines: bool) -> str:
    survey = Survey()
    count = 0
    end = ""
    try:
        for event, value in events:
            count += 1
            if count <= LOOKED_AT:
                survey.add(events, event, value)
            elif event in STARTS:
                pass_over(events)
    except Broken as error:
        if not survey.root.kinds:
            raise
        end = f"[{name} was read up to there. {error}]"
    is_lines = is_lines or count > 1
    form = f"JSON Lines, {count:,} lines" if is_lines else f"JSON: {survey.root.kind()}"
    shown = [f"{name}: {size_bytes:,} bytes of {form}"]
    for line in survey.root.lines("[*]" if is_lines else ""):
        room -= len(line) + 1
        if room < 0:
            shown.append("[... and more places]")
            break
        shown.append(line)
    return "\n".join(filter(None, [*shown, end]))


def _begins_with_lines(file: BinaryIO) -> bool:
    """Tell whether the first line is a value of its own, and more follows."""
    file.seek(0)
    line, _, rest = file.read(_HEAD_BYTES).lstrip().partition(b"\n")
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return bool(rest.strip())
