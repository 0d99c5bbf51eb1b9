"""What is on its way to one client: in order, and never more than a bound, however slowly the client reads.

A client that lags behind loses deltas, and gets a snapshot in their place as soon as it takes more.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..messages import Json

MOST_BYTES = 1024 * 1024
"""Deltas that wait for one client, at most; all clients of a channel share what they wait for."""

Snapshot = Callable[[], Awaitable[dict[str, Json]]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A message as it is sent.

    Attributes
    ----------
    rev
        The revision that a delta leads to; None for an answer to a command, which is never dropped.
    sent
        Called when it is sent.
    """

    text: str
    rev: int | None = None
    sent: Callable[[], object] | None = None


class Outlet:
    """Takes messages at once, and sends them as the client reads.

    Parameters
    ----------
    snapshot
        Makes the message with all that is to be seen now.

    Attributes
    ----------
    rev
        Of what was sent last.
    sent_s
        When something was sent last, by the loop's clock.
    is_stuck
        Whether the client has not taken what was sent then.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.rev = -1
        self._snapshot = snapshot
        self._loop = asyncio.get_running_loop()
        self.sent_s = self._loop.time()
        self.is_stuck = False
        self._pieces: deque[Piece] = deque()
        self._size = 0  # of the deltas among them
        self._views: list[str | None] = []  # for whom a snapshot is due
        self._woken = asyncio.Event()

    @property
    def size(self) -> int:
        """The bytes of deltas that wait."""
        return self._size

    def put(self, piece: Piece) -> None:
        """Send a message after those that wait; a delta that there is no room for is dropped with all that wait."""
        if piece.rev is not None:
            if self._views:  # a snapshot comes, which has it
                return
            if self._size and self._size + len(piece.text) > MOST_BYTES:
                self.refresh(None)
                return
            self._size += len(piece.text)
        self._pieces.append(piece)
        self._woken.set()

    def refresh(self, view: str | None) -> None:
        """Send a snapshot in the place of the deltas that wait."""
        if view not in self._views:
            self._views.append(view)
        self._keep(lambda piece: piece.rev is None)
        self._woken.set()

    async def run(self, write: Callable[[str], Awaitable[object]]) -> None:
        """Send for ever; raises whatever `write` raises."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._pieces or self._views:
                for piece in await self._next():
                    self.sent_s, self.is_stuck = self._loop.time(), True
                    await write(piece.text)
                    self.is_stuck = False
                    if piece.sent:
                        piece.sent()

    async def _next(self) -> list[Piece]:
        if self._views and not self._pieces:
            views, self._views = self._views, []
            snapshot = await self._snapshot()
            self.rev = snapshot["rev"]
            # What came while it was made is in it.
            self._keep(lambda piece: piece.rev is None or piece.rev > self.rev)
            return [Piece(json.dumps({**snapshot, "view": view})) for view in views]
        piece = self._pieces.popleft()
        if piece.rev is not None:
            self._size -= len(piece.text)
            self.rev = piece.rev
        return [piece]

    def _keep(self, is_due: Callable[[Piece], bool]) -> None:
        self._pieces = deque(filter(is_due, self._pieces))
        self._size = sum(len(piece.text) for piece in self._pieces if piece.rev is not None)
