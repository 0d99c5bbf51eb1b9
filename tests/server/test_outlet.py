"""What is on its way to a client: in order, whole, and bounded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from chatnb.server.outlet import MOST_BYTES, Outlet, Piece
from tests.seen import Json


class Pipe:
    """A way to a client that takes a message only when the test lets it."""

    def __init__(self) -> None:
        self.taken: list[Json] = []
        self.rev = 0
        self._open = asyncio.Event()
        self.snapshots: asyncio.Queue[int] | None = None  # their revisions, where the test makes them

    async def write(self, text: str) -> None:
        await self._open.wait()
        self.taken.append(json.loads(text))

    async def snapshot(self) -> Json:
        return {"kind": "snapshot", "rev": await self.snapshots.get() if self.snapshots else self.rev}

    def put(self, outlet: Outlet, size: int = 0) -> None:
        """Put the next delta."""
        self.rev += 1
        outlet.put(Piece(json.dumps({"rev": self.rev, "filler": "x" * size}), self.rev))

    async def drained(self, count: int) -> list[object]:
        """Let the client take all, and return what each message is once there are so many."""
        self._open.set()
        async with asyncio.timeout(20):
            while len(self.taken) < count:  # noqa: ASYNC110 - what it waits for sets no event
                await asyncio.sleep(0)
        return [message.get("kind", message["rev"]) if "rev" in message else message["id"] for message in self.taken]


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Outlet, Pipe]]:
    pipe = Pipe()
    outlet = Outlet(pipe.snapshot)
    task = asyncio.create_task(outlet.run(pipe.write))
    yield outlet, pipe
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_messages_go_out_in_their_order() -> None:
    async with running() as (outlet, pipe):
        pipe.put(outlet)
        outlet.put(Piece('{"id": "c1"}'))
        pipe.put(outlet)

        assert await pipe.drained(3) == [1, "c1", 2]


async def test_a_client_that_does_not_read_is_kept_no_more_for_than_a_bound() -> None:
    async with running() as (outlet, pipe):
        largest = 0
        for _ in range(5_000):
            pipe.put(outlet, 1_000)
            largest = max(largest, outlet.size)
            await asyncio.sleep(0)
        outlet.put(Piece('{"id": "c1"}'))
        told = await pipe.drained(3)
        pipe.put(outlet)

        assert MOST_BYTES / 2 < largest <= MOST_BYTES
        assert told == [1, "c1", "snapshot"]
        assert pipe.taken[-1]["rev"] == 5_000
        assert await pipe.drained(4) == [1, "c1", "snapshot", 5_001]


async def test_a_message_that_alone_is_larger_than_the_bound_is_told() -> None:
    async with running() as (outlet, pipe):
        pipe.put(outlet, 2 * MOST_BYTES)

        assert await pipe.drained(1) == [1]


async def test_what_came_while_a_snapshot_was_made_is_not_told_twice() -> None:
    async with running() as (outlet, pipe):
        pipe.snapshots = asyncio.Queue()
        outlet.refresh(None)
        await asyncio.sleep(0)  # it is being made from here on
        for _ in range(3):
            pipe.put(outlet)
        pipe.snapshots.put_nowait(2)

        assert await pipe.drained(2) == ["snapshot", 3]
