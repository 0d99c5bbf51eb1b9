"""Where the loop thread and the kernel thread meet; the only file that knows threads.

The loop thread runs everything asynchronous: models, turns, timers. The kernel thread runs the user's cells; while one
of them waits for a turn, it does what the loop thread puts into its inbox: drawing, and tools that need the kernel.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_POLL_S = 0.1


class Portal:
    """One event loop on one background thread, started at its first use, and the way back from it.

    `submit` and `close` may be called from any thread but the loop's. `call` and `follow` block their caller, which is
    as a rule the kernel thread; there they can be interrupted.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._inbox: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._is_in_job = False

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the loop thread and return at once."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop thread and return its result; an interrupt cancels it.

        Raises
        ------
        KeyboardInterrupt
            If the kernel was interrupted; the coroutine is told to end.
        """
        future = self.submit(coroutine)
        was_interrupted = self._wait(future, future.cancel)
        if was_interrupted and future.cancelled():
            raise KeyboardInterrupt
        return future.result()

    def follow(
        self,
        source: Callable[[], AsyncGenerator[T]],
        each: Callable[[T], object],
        cancel: Callable[[], object] | None = None,
    ) -> None:
        """Call `each` on this thread for everything that `source()` yields on the loop thread, until it ends.

        Parameters
        ----------
        source
            Called on the loop thread.
        cancel
            Called on the loop thread at the first interrupt, and whenever the following ends early. It has to make the
            source end, soon and by itself. Without it the source is closed.

        Raises
        ------
        KeyboardInterrupt
            At a second interrupt, while the first one is still being obeyed; without `cancel` at the first.
        """
        is_followed = True

        def take(item: T) -> None:
            if is_followed:  # what is left in the inbox after a second interrupt is nobody's any more
                each(item)

        async def pump() -> None:
            async with aclosing(source()) as items:
                async for item in items:
                    self._inbox.put(partial(take, item))

        loop = self._running_loop()
        future = self.submit(pump())
        end: Callable[[], object] = partial(loop.call_soon_threadsafe, cancel) if cancel else future.cancel
        try:
            self._wait(future, end)
        finally:
            is_followed = False
            if not future.done():
                end()
                future.cancel()
        if future.cancelled():
            raise KeyboardInterrupt
        future.result()

    async def on_kernel(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on the kernel thread, in the cell that waits or the next one that will.

        To be awaited on the loop thread. A function that has begun cannot be stopped by cancelling.
        """
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            self._is_in_job = True
            try:
                result = function(*args, **kwargs)
            except KeyboardInterrupt:
                # As itself it would end the event loop of the thread that waits for it.
                future.set_exception(InterruptedError("The kernel was interrupted."))
            except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever asked
                future.set_exception(error)
            else:
                future.set_result(result)
            finally:
                self._is_in_job = False

        self._inbox.put(job)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Cancel what still runs, wait until it has tidied up, and end the thread. A later use starts a new one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon: a kernel that is told to exit does not wait for a model.
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="chatnb", daemon=True)
                self._thread.start()
            return self._loop

    def _wait(self, future: concurrent.futures.Future[Any], cancel: Callable[[], object]) -> bool:
        """Do what comes into the inbox until `future` is done; return whether the kernel was interrupted."""
        # Wakes the wait below; what the source put into the inbox lies before it.
        future.add_done_callback(lambda _: self._inbox.put(lambda: None))
        with self._interrupts(cancel) as interrupts:
            while not (future.done() and self._inbox.empty()):
                try:
                    # A timeout keeps the wait interruptible on Windows.
                    todo = self._inbox.get(timeout=_POLL_S)
                except Empty:
                    continue
                todo()
        return bool(interrupts)

    @contextmanager
    def _interrupts(self, cancel: Callable[[], object]) -> Iterator[list[int]]:
        """Let the first interrupt call `cancel` and the second one raise KeyboardInterrupt, as asyncio.Runner does.

        A KeyboardInterrupt could land anywhere, between any two lines; a handler of our own is told instead. Only the
        user's own code, in a job, is interrupted as Python interrupts it. Other threads than the main one never are.
        """
        interrupts: list[int] = []
        if threading.current_thread() is not threading.main_thread():
            yield interrupts
            return

        def handle(signal_number: int, _: FrameType | None) -> None:
            interrupts.append(signal_number)
            if len(interrupts) == 1:
                cancel()
            if len(interrupts) > 1 or self._is_in_job:
                raise KeyboardInterrupt

        previous = signal.signal(signal.SIGINT, handle)
        try:
            yield interrupts
        finally:
            signal.signal(signal.SIGINT, previous)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
