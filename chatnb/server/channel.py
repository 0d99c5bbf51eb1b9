"""One session in one form, for all who are connected to it: each message is made once, and the last ones are kept for a while.

Whoever was cut off goes on from the last revision that came; where that is too long ago a snapshot tells all.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TypeVar

from ..feed.forms import Form
from ..feed.session import Feed
from ..messages import Json, new_id
from ..remote import Remote
from ..remote.base import Place, Say
from .commands import OFFERED, check_hosts
from .outlet import Outlet, Piece

T = TypeVar("T")

_DIGITS = 16  # no revision has so many

KEPT_BYTES = 1024 * 1024
"""Deltas that are kept for those who come back, at most."""


class Channel:
    """Tells clients what happens in a session, and does what they ask for; lives on the loop.

    Attributes
    ----------
    id
        Of this run of revisions: after a restart they are others.
    """

    def __init__(self, place: Place, model: Callable[[], str], form: Form) -> None:
        self.id = new_id()
        self._place = place
        self.feed = Feed(place.chat, list(OFFERED), model, form=form)
        self.remote = Remote(self.feed, place, _anywhere, OFFERED)
        self._outlets: set[Outlet] = set()
        self._kept: deque[Piece] = deque()
        self._size = 0
        self.feed.listen(self._tell)

    def close(self) -> None:
        """Tell nothing any more."""
        self.feed.close()

    def check(self, model: str) -> None:
        """Raise SettingsError where a model may not be asked for here."""
        check_hosts(model, self._place.config.settings(), self._place.chat.catalog)

    async def snapshot(self) -> dict[str, Json]:
        """Return the message with all that is to be seen now."""
        return {**await self.feed.snapshot(), "feed": self.id}

    def join(self, outlet: Outlet, since: str) -> None:
        """Send a client all that happens, from `since` on: `FEED.REV`, as the client saw it last; else all that is there."""
        feed, _, rev = since.rpartition(".")
        missed = self._missed(rev) if feed == self.id else None
        self._outlets.add(outlet)
        if missed is None:
            outlet.refresh(None)
            return
        for piece in missed:
            outlet.put(piece)

    def leave(self, outlet: Outlet) -> None:
        """Send a client nothing more."""
        self._outlets.discard(outlet)

    def _missed(self, rev: str) -> list[Piece] | None:
        """Return the deltas after a revision; None where they are not all there any more, or it is none."""
        count = self.feed.rev - int(rev) if rev.isdecimal() and len(rev) < _DIGITS else -1
        if not 0 <= count <= len(self._kept):
            return None
        return list(islice(self._kept, len(self._kept) - count, None))

    def _tell(self, message: Mapping[str, Json]) -> None:
        if message["kind"] == "snapshot":  # nobody goes on from before it
            self._kept.clear()
            self._size = 0
            for outlet in self._outlets:
                outlet.refresh(None)
            return
        piece = Piece(json.dumps(message, separators=(",", ":")), message["rev"])
        self._kept.append(piece)
        self._size += len(piece.text)
        while self._size > KEPT_BYTES:
            self._size -= len(self._kept.popleft().text)
        for outlet in self._outlets:
            outlet.put(piece)


async def _anywhere(function: Callable[[], T], say: Say) -> T:  # noqa: ARG001 - as in OnKernel
    """Run a function where the kernel's things may be touched: there is no kernel, so any thread will do."""
    return await asyncio.to_thread(function)
