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
        """Return how long the view wants to wait before it is called again; it may grow with what is shown.

        Called from another thread than the rest.
        """
        ...

    def close(self) -> None:
        """Leave what is shown in a state to keep, whether or not the turn came to its end. May be called twice."""
        ...


def pace_s(markdown: str) -> float:
    """Return how long to wait before Markdown that is drawn whole each time is drawn again.

    A browser takes about 0.3 s to render 16,000 characters, and as long again for each ten formulas that stand apart. It
    is given three times as long, so that it keeps up and the page can be used meanwhile. So the cost of all redraws of
    one output grows with its length at a given speed of the model, not with its square.

    Examples
    --------
    >>> pace_s("")
    0.1
    >>> pace_s("x" * 16_000)
    1.1
    """
    return 0.1 + len(markdown) / 16_000 + 0.03 * (markdown.count("$$") // 2)
