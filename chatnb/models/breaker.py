"""Leave a server alone for a while that does not answer, and find out when it does again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

COOL_S = 2.0
"""Seconds that a server is left alone after its first failure."""

MOST_S = 60.0
"""Each further failure in a row doubles that, up to here."""

_DOUBLINGS = 10  # by then it is longer than that; a thousand would be no number of seconds any more


class Breaker:
    """Whether a server is to be asked: a circuit breaker.

    *Closed*, it is asked as any other. After a failure it is *open*: nobody asks. When that time is over it is
    *half-open*: one ask finds out whether it is closed again, or open for twice as long.

    Parameters
    ----------
    clock
        Seconds from any moment on.

    Examples
    --------
    >>> now_s = 0.0
    >>> breaker = Breaker(lambda: now_s)
    >>> breaker.fail()
    >>> breaker.state, breaker.allows
    ('open', False)
    >>> now_s = COOL_S
    >>> breaker.state, breaker.allows
    ('half-open', True)
    >>> breaker.begin()
    >>> breaker.allows  # another ask is finding out
    False
    >>> breaker.succeed()
    >>> breaker.state
    'closed'
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0  # in a row
        self._until_s = 0.0
        self._is_tried = False

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """What becomes of asks."""
        if not self._failures:
            return "closed"
        return "open" if self._clock() < self._until_s else "half-open"

    @property
    def allows(self) -> bool:
        """Whether an ask may go to the server now."""
        return self.state == "closed" or (self.state == "half-open" and not self._is_tried)

    @property
    def wait_s(self) -> float:
        """Seconds that it is still left alone."""
        return max(0.0, self._until_s - self._clock()) if self._failures else 0.0

    def begin(self) -> None:
        """Note that an ask goes to the server."""
        self._is_tried = self.state != "closed"

    def succeed(self) -> None:
        """Note that the server answers."""
        self._failures, self._until_s, self._is_tried = 0, 0.0, False

    def fail(self, at_least_s: float = 0.0) -> None:
        """Note that it does not, or broke off; it may have said for how long it wants to be left alone.

        Asks that fail while it is left alone anyway, as those that were there at once, are one failure.
        """
        if self.state != "open":
            at_least_s = max(COOL_S * 2 ** min(self._failures, _DOUBLINGS), at_least_s)
            self._failures += 1
        self._until_s = max(self._until_s, self._clock() + min(at_least_s, MOST_S))
        self._is_tried = False

    def let_go(self) -> None:
        """Note that an ask ended without telling how the server is."""
        self._is_tried = False
