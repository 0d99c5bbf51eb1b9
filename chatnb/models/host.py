"""One of several servers that a model can be asked of, as far as it is known from here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from random import Random
from typing import TypeVar

from ..errors import ModelBroken, ModelBusy, ModelError, ModelStalled, ModelUnreachable
from .base import Provider
from .breaker import Breaker
from .ollama_forms import full_name
from .retrying import first_line

T = TypeVar("T")

Gate = Callable[[str], AbstractAsyncContextManager[object]]

LIMIT = 4
"""Most asks at once at each host, where the settings name no other limit."""

FRESH_S = 2.0
"""So long what a server told of its memory is taken for true."""

LOOK_S = 1.5
"""Seconds that it is worth to know that."""

_DEAD = (ModelUnreachable, ModelBusy, ModelBroken, ModelStalled)  # what says more of the server than of the ask


class Host:
    """A server with what it is doing now; lives on one event loop.

    Parameters
    ----------
    name
        As the user writes it: the name of an endpoint, or an address; empty for the only server that there is.
    limit
        Most asks at once.
    clock
        Seconds from any moment on.
    gate
        Entered for the time of each ask, with the server's address: other processes may count theirs there, too.

    Attributes
    ----------
    in_flight
        How many asks it has from here.
    """

    def __init__(
        self,
        name: str,
        provider: Provider,
        limit: int = LIMIT,
        clock: Callable[[], float] = time.monotonic,
        gate: Gate = nullcontext,
    ) -> None:
        self.name, self.provider, self.limit = name, provider, limit
        self.breaker = Breaker(clock)
        self._gate = gate
        self.in_flight = 0
        self._clock = clock
        self._in_memory: frozenset[str] = frozenset()
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()
        self._last: ModelError | None = None

    @property
    def shown(self) -> str:
        """How it is called where the user reads of it."""
        return self.name or self.provider.address

    def gate(self) -> AbstractAsyncContextManager[object]:
        """Return what is entered for the time of an ask."""
        return self._gate(self.provider.address)

    @property
    def has_room(self) -> bool:
        """Whether it may have one more ask."""
        return self.in_flight < self.limit

    def has_in_memory(self, model: str) -> bool:
        """Return whether it said so when it was last looked at."""
        return full_name(model) in self._in_memory

    async def look(self) -> None:
        """Let the server tell what it has in memory, unless it told just now or is left alone; never raises."""
        async with self._looking:  # of many asks at once, one looks
            if self._looked_at is not None and self._clock() - self._looked_at < FRESH_S:
                return
            self._looked_at = self._clock()
            # One that is busy may be slow to tell, and is not dead for it.
            with suppress(ModelError, TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    loaded = await self.tell(self.provider.loaded)
                # An endpoint's models have its name before their own.
                names = (each.name.removeprefix(f"{self.name}:") for each in loaded)
                self._in_memory = frozenset(map(full_name, names))

    async def tell(self, question: Callable[[], Awaitable[T]]) -> T:
        """Return what the server answers to a question about itself.

        Raises
        ------
        ModelError
            If it does not; without asking it, as long as it is left alone.
        """
        if not self.breaker.allows and self._last is not None:
            raise ModelUnreachable(
                f"{self.shown} is left alone for {self.breaker.wait_s:.0f} s more: {first_line(self._last)}"
            )
        self.breaker.begin()
        try:
            answer = await question()
        except ModelError as error:
            self.failed(error)
            raise
        finally:
            self.breaker.let_go()
        self.breaker.succeed()
        return answer

    def failed(self, error: ModelError) -> None:
        """Note how an ask failed: whether the server is to be left alone for it."""
        if isinstance(error, _DEAD):
            self._last = error
            self.breaker.fail((error.retry_after_s or 0.0) if isinstance(error, ModelBusy) else 0.0)


def choose(model: str, hosts: Sequence[Host], chance: Random) -> Host | None:
    """Return the host that an ask goes to now, or None if all are busy.

    Those that are left alone are asked only where all are. Of the rest, those with the model in memory go first: to
    load it takes longer than most answers. Of two of these, taken by chance, the one with fewer asks is chosen: nearly
    as good as the best of all, without every ask of many kernels running to the same one.

    https://www.eecs.harvard.edu/~michaelm/postscripts/tpds2001.pdf
    """
    alive = [host for host in hosts if host.breaker.allows] or hosts
    free = [host for host in alive if host.has_room]
    ready = [host for host in free if host.has_in_memory(model)] or free
    two = chance.sample(ready, min(2, len(ready)))
    return min(two, key=lambda host: host.in_flight, default=None)
