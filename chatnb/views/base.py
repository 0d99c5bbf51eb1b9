"""What a view is: the protocol of everything that shows an answer while it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..events import Event
from ..reply import Reply


class View(Protocol):
    """Shows one turn. Used from one thread, by whoever follows the turn."""

    def show(self, events: Sequence[Event], reply: Reply) -> None:
        """Show what happened since the last call; `reply` has taken `events` in already.

        Called at once for events that a person waits for (the first text, a tool, a retry, the end), else when
        `interval_s` has passed.
        """
        ...

    def interval_s(self) -> float:
        """Return how long the view wants to wait before it is called again; it may grow with what is shown."""
        ...

    def close(self) -> None:
        """Leave what is shown in a state to keep, whether or not the turn came to its end. May be called twice."""
        ...
