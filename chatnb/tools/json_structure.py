"""The structure of a JSON document: what stands where, how many of it, and an example of each.

Of each list and object the first members are looked at, and the rest is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..context.summaries.texts import clip, count
from .json_events import STARTS, Event, pass_over, written
from .json_filter import as_step

LOOKED_AT = 1_000
"""So many members of each list and object are looked at."""

_PLACES = 2_000  # in all: a file whose keys are data would fill the memory
_KEYS = 50
_KEY = 200
_NAMED_KEYS = 3
_DEPTH = 10
_EXAMPLE = 60
_KINDS = {"start_map": "object", "start_array": "list", "string": "text", "boolean": "true or false", "null": "null"}


@dataclass(slots=True)
class Place:
    """What stands at one place of a document, or at like places.

    Attributes
    ----------
    kinds
        How often each kind of value was seen.
    sizes
        The smallest and the largest number of members, of lists and of objects.
    example
        The first value that is no list and no object, as JSON.
    keys, items
        What objects hold by their keys, not more than 50, and what lists hold.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    example: str = ""
    keys: dict[str, Place] = field(default_factory=dict)
    items: Place | None = None

    def lines(self, path: str = "") -> Iterator[str]:
        """Yield a line for each place, with the filter that leads there."""
        if path:
            yield f"{path.removeprefix('.')}: {self.kind()}"
        objects = self.kinds["object"]
        is_long = self.sizes.get("object", (0, 0))[1] > _KEYS
        for key in list(self.keys)[: _NAMED_KEYS if is_long else None]:
            inner = self.keys[key]
            first, *rest = inner.lines(path + as_step(key))
            times = inner.kinds.total()
            yield first + (f" (in {times:,} of {objects:,})" if times < objects and not is_long else "")
            yield from rest
        if is_long:
            yield f"{path.removeprefix('.') or '$'}: ... and other keys; [*] stands for any of them"
        if self.items is not None:
            yield from self.items.lines(path + "[*]")

    def kind(self) -> str:
        """Return what stands there, in words."""
        return " or ".join(map(self._kind, self.kinds)) or "nothing"

    def _kind(self, kind: str) -> str:
        if kind in self.sizes:
            low, high = self.sizes[kind]
            noun = "item" if kind == "list" else "key"
            return f"{kind} of {f'{low:,} to ' if low < high else ''}{count(high, noun)}"
        return f"{kind}, such as {clip(self.example, 2 * _EXAMPLE)}" if kind in ("text", "number") else kind


class Survey:
    """Looks at values one after the other.

    Attributes
    ----------
    root
        What stands at their top.
    """

    def __init__(self) -> None:
        self.root = Place()
        self._places = 1

    def add(self, events: Iterator[Event], event: str, value: Any) -> None:
        """Consume a value that begins with an event, and learn from it."""
        self._add(self.root, events, event, value, 0)

    def _add(self, place: Place, events: Iterator[Event], event: str, value: Any, depth: int) -> None:
        kind = _KINDS.get(event, "number")
        place.kinds[kind] += 1
        if event not in STARTS:
            place.example = place.example or written(events, event, value, _EXAMPLE)
        elif depth == _DEPTH or self._places >= _PLACES:
            pass_over(events)
        elif kind == "list":
            self._add_items(place, events, depth)
        else:
            self._add_keys(place, events, depth)

    def _add_items(self, place: Place, events: Iterator[Event], depth: int) -> None:
        size = 0
        try:
            for event, value in events:
                if event == "end_array":
                    break
                size += 1
                if size <= LOOKED_AT:
                    place.items = place.items or self._new()
                    self._add(place.items, events, event, value, depth + 1)
                elif event in STARTS:
                    pass_over(events)
        finally:  # a list that is broken is as long as it was until there
            _count(place, "list", size)

    def _add_keys(self, place: Place, events: Iterator[Event], depth: int) -> None:
        size = 0
        try:
            for mark, long_key in events:
                if mark == "end_map":
                    break
                key = long_key[:_KEY]
                event, value = next(events)
                size += 1
                if size <= LOOKED_AT and (key in place.keys or len(place.keys) < _KEYS):
                    inner = place.keys.get(key) or place.keys.setdefault(key, self._new())
                    self._add(inner, events, event, value, depth + 1)
                elif event in STARTS:
                    pass_over(events)
        finally:
            _count(place, "object", size)

    def _new(self) -> Place:
        self._places += 1
        return Place()


def _count(place: Place, kind: str, size: int) -> None:
    smallest, largest = place.sizes.get(kind, (size, size))
    place.sizes[kind] = min(smallest, size), max(largest, size)
