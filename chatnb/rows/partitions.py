"""Ask about the rows of a Dask DataFrame on the workers of its cluster."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from dask import dataframe
from distributed import Event, Semaphore, Worker, default_client, futures_of, get_worker, wait

from ..chat import Chat
from ..errors import ChatError, ChatInterrupted, named
from ..models.address import is_loopback
from ..models.catalog import Catalog
from ..models.host import LIMIT, Gate
from .each_row import STOPPED, EachRow
from .many import Progress

INTERVAL_S = 0.3
"""Between two reports of a partition, and two looks at all of them."""

TURN_S = 0.5
"""So long the cluster is asked for a place at a server, before it is asked again."""

T = TypeVar("T")

_COUNTS = ("kept", "asked", "failed", "prompt_tokens", "reply_tokens")


def run_on_workers(frame: Any, each: EachRow, chat: Chat, show: Callable[[Progress], object] = lambda _: None) -> Any:
    """Return the Dask DataFrame with the answers as further columns; its partitions are asked now, side by side.

    Each worker asks the servers that it reaches, all of them together as many rows at once at each server as the settings
    allow. All add to one file, so that has to be where every worker sees it under the same path. What a worker had
    answered before it died is read from there by the one that takes over its partition. Without a cluster this process
    asks.

    Raises
    ------
    ChatInterrupted
        At an interrupt; what was answered is kept.
    ChatError
        As for a table in memory; the first one of any partition.
    """
    meta = each.run(frame._meta, chat)  # noqa: SLF001 - Dask's own name for a table without rows
    try:
        client = default_client()
    except ValueError:
        table = each.run(frame.compute(), chat, show)
        return dataframe.from_pandas(table, npartitions=frame.npartitions, sort=False)
    each = replace(each, answers=each.path and each.path.absolute(), is_shared=True)
    topic = f"chatnb-{secrets.token_hex(8)}"
    far = _Far(len(frame), each)
    client.subscribe_topic(topic, far.note)
    asked = frame.map_partitions(partial(_asked, each=each, topic=topic), meta=meta).persist()
    try:
        _wait(futures_of(asked), lambda: show(far.now()))
    except BaseException as error:
        Event(topic, client=client).set()  # no worker asks on
        if isinstance(error, KeyboardInterrupt):
            raise ChatInterrupted(STOPPED) from None
        raise
    finally:
        client.unsubscribe_topic(topic)
    show(far.now())
    return asked


def _wait(futures: Collection[Any], look: Callable[[], object]) -> None:
    """Wait until all are done, and look now and then; raises what went wrong in any."""
    while left := [future for future in futures if future.status == "pending"]:
        look()
        with suppress(TimeoutError):
            wait(left, timeout=INTERVAL_S, return_when="FIRST_COMPLETED")
        for future in futures:
            if future.status in ("error", "lost", "cancelled"):
                future.result()


class _Far:
    """How far all partitions are, as their workers report it."""

    def __init__(self, total: int, each: EachRow) -> None:
        self._whole = Progress(total, price=each.price)
        self._began_s = time.monotonic()
        self._reports: dict[str, dict[str, int]] = {}  # the last one of each

    def note(self, event: tuple[float, Any]) -> None:
        """Take a report; on any thread."""
        partition, counts = event[1]
        self._reports[partition] = counts

    def now(self) -> Progress:
        """Return how far all are together."""
        reports = list(self._reports.values())
        counts: dict[str, Any] = {name: sum(report[name] for report in reports) for name in _COUNTS}
        return replace(self._whole, seconds=time.monotonic() - self._began_s, **counts)


def _asked(partition: Any, each: EachRow, topic: str) -> Any:
    """Ask about the rows of a partition; on a worker."""
    worker = get_worker()
    chat = Chat(settings=each.settings, catalog=Catalog(_gate(worker, each.settings.parallel or LIMIT)))
    report = _Report(worker, topic)
    try:
        return each.run(partition, chat, report.show)
    except ChatError as error:
        failed = named(type(error).__name__, str(error))
    finally:
        report.send()
        chat.close()
    raise failed  # out here, without what it came from: that cannot be sent


class _Report:
    """Tells now and then how far a partition is, and hears whether it is to go on."""

    def __init__(self, worker: Worker, topic: str) -> None:
        self._worker, self._topic = worker, topic
        self._partition = str(worker.get_current_task())
        self._stopped = Event(topic)
        self._far: Progress | None = None
        self._due_s = 0.0

    def show(self, far: Progress) -> None:
        """Take note; raises ChatError if nobody waits for the answers any more."""
        self._far = far
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + INTERVAL_S
            self.send()
            if self._stopped.is_set():
                raise ChatError(STOPPED)  # an interrupt would end the worker

    def send(self) -> None:
        """Tell how far it is."""
        if self._far is not None:
            self._worker.log_event(self._topic, [self._partition, {name: getattr(self._far, name) for name in _COUNTS}])


_semaphores: WeakKeyDictionary[Worker, dict[str, Semaphore]] = WeakKeyDictionary()


def _gate(worker: Worker, limit: int) -> Gate:
    """Return what lets all workers together have `limit` asks at once at each server."""
    known = _semaphores.setdefault(worker, {})

    def semaphore(address: str) -> Semaphore:
        # On each machine "localhost" is another server.
        server = f"{socket.gethostname()} {address}" if is_loopback(address) else address
        name = f"chatnb {limit} {server}"
        if name not in known:
            known[name] = Semaphore(limit, name, scheduler_rpc=worker.scheduler, loop=worker.loop)
        return known[name]

    @asynccontextmanager
    async def gate(address: str) -> AsyncIterator[None]:
        lease = semaphore(address)
        is_ours = False
        try:
            while not is_ours:
                taking = asyncio.ensure_future(_on_loop_of(worker, partial(lease.acquire, TURN_S)))
                try:
                    is_ours = await asyncio.shield(taking)
                except asyncio.CancelledError:
                    # Whoever is gone must not be given a place: it would be nobody's for half a minute.
                    is_ours = await taking
                    raise
            yield
        finally:
            if is_ours:
                await _on_loop_of(worker, lease.release)

    return gate


async def _on_loop_of(worker: Worker, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what a coroutine does on the worker's own loop, where Dask's things belong."""

    async def called() -> T:
        return await call()

    loop: asyncio.AbstractEventLoop = worker.loop.asyncio_loop  # type: ignore[attr-defined]  # tornado's own has it
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(called(), loop))
