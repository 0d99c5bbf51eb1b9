"""Let asks wait for a free host, and let them in by turns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from random import Random

from ..events import Waiting
from .host import Host, choose

NOTICE_S = 5.0
"""How often a wait is told, in seconds."""


class Place:
    """An ask in the line, and from some moment on at a host."""

    def __init__(self, session: str, model: str, hosts: Sequence[Host]) -> None:
        self.session, self.model, self.hosts = session, model, hosts
        self.given: asyncio.Future[Host] = asyncio.get_running_loop().create_future()
        self.has_left = False

    @property
    def host(self) -> Host:
        """Where it may be asked now; to be looked at when `waits` has ended."""
        return self.given.result()

    async def waits(self) -> AsyncGenerator[Waiting]:
        """Yield now and then that it waits, until it has a host."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        while not self.given.done():
            names = ", ".join(host.shown for host in self.hosts)
            yield Waiting(f"waiting for other answers of {names}", loop.time() - began_at)
            await asyncio.wait([self.given], timeout=NOTICE_S)


class Line:
    """All asks that wait, of all sessions and for all hosts; lives on one event loop.

    Sessions take turns: one that asks a hundred things at once does not keep the others waiting for all of them. Within
    a session who came first goes first, as far as their hosts are the same.
    """

    def __init__(self, chance: Random | None = None) -> None:
        self._chance = chance or Random()  # noqa: S311 - to spread load, not to hide anything
        self._waiting: dict[str, deque[Place]] = {}  # by session, in the order of their turns

    def join(self, session: str, model: str, hosts: Sequence[Host]) -> Place:
        """Return a place for an ask, which may have a host at once; whoever joins leaves in the end."""
        place = Place(session, model, hosts)
        self._waiting.setdefault(session, deque()).append(place)
        self._let_in()
        return place

    def leave(self, place: Place) -> None:
        """Take an ask out, whether it waits still, is answered or was given up; it may be out already."""
        if place.has_left:
            return
        place.has_left = True
        if place.given.done():
            place.host.in_flight -= 1
            place.host.breaker.let_go()
            self._let_in()
        else:
            place.given.cancel()
            self._remove(place)

    def _let_in(self) -> None:
        while any(map(self._let_in_from, list(self._waiting))):
            pass

    def _let_in_from(self, session: str) -> bool:
        """Let in one ask of a session, if there is a host for any."""
        for place in self._waiting[session]:
            if host := choose(place.model, place.hosts, self._chance):
                self._remove(place)
                host.in_flight += 1
                host.breaker.begin()
                place.given.set_result(host)
                return True
        return False

    def _remove(self, place: Place) -> None:
        waiting = self._waiting.pop(place.session)
        waiting.remove(place)
        if waiting:  # the others have their turn before its next ask
            self._waiting[place.session] = waiting
