"""Where the loop thread and the kernel thread meet; the only file that knows threads.

The loop thread runs everything asynchronous: models, turns, timers. The kernel thread, which is the main thread, runs
the user's cells; while one of them waits for a turn, it does what the loop thread puts into its inbox: drawing, and
tools that need the kernel.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from functools import partial
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, Generic, ParamSpec, Self, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_POLL_S = 0.1
_GRACE_S = 5.0  # what is cancelled has to tidy up in that time, or the portal closes without it

_Inbox = SimpleQueue[Callable[[], object]]


class Portal:
    """One event loop on one background thread, started at its first use, and the way back from it.

    `submit`, `call`, `follow` and `close` may be used from any thread but the loop's. All but `submit` block their
    caller; on the kernel thread they can be interrupted.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._inbox: _Inbox = SimpleQueue()  # the kernel thread's
        self._call_soon: Callable[[Callable[[], object]], object] | None = None

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the loop thread and return at once.

        A future that is cancelled is done at once; the coroutine may still be tidying up.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop thread and return its result; an interrupt cancels it.

        Raises
        ------
        KeyboardInterrupt
            At an interrupt, as soon as the coroutine has tidied up; at a second one at once.
        """
        return self._wait(self._running_loop(), coroutine, self._own_inbox())

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
            Called on the loop thread, once.
        cancel
            Called on the loop thread, after `source`, at the first interrupt, and whenever the following ends early. It
            has to make the source end, soon and by itself. Without it the source is closed.

        Raises
        ------
        KeyboardInterrupt
            At a second interrupt, while the first one is still being obeyed; without `cancel` at the first.
        """
        inbox = self._own_inbox()
        is_followed = True

        def take(item: T) -> None:
            if is_followed:  # what is left in the inbox after a second interrupt is nobody's any more
                each(item)

        async def pump() -> None:
            async with aclosing(source()) as items:
                async for item in items:
                    inbox.put(partial(take, item))

        try:
            self._wait(self._running_loop(), pump(), inbox, cancel)
        finally:
            is_followed = False

    async def on_kernel(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on the kernel thread, in the cell that waits or the next one that will.

        To be awaited on the loop thread. A function that has begun cannot be stopped by cancelling.
        """
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        self._inbox.put(partial(_do, future, partial(function, *args, **kwargs)))
        return await asyncio.wrap_future(future)

    async def on_idle_kernel(
        self, function: Callable[P, T], begun: Callable[[], object], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function on the kernel thread, in a cell that waits or when no cell runs; otherwise as `on_kernel`.

        Parameters
        ----------
        begun
            Called on the loop thread when the function begins.
        """
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        loop = asyncio.get_running_loop()

        def run() -> T:
            loop.call_soon_threadsafe(begun)
            return function(*args, **kwargs)

        self._inbox.put(_Anytime(future, run))
        self.tidy()
        return await asyncio.wrap_future(future)

    def tend(self, call_soon: Callable[[Callable[[], object]], object] | None) -> None:
        """Let `call_soon` have things done on the kernel thread also while no cell waits; None: nobody does.

        Parameters
        ----------
        call_soon
            Has a function called on the kernel thread once no cell runs; from any thread, at once, without an error.
        """
        self._call_soon = call_soon

    def tidy(self) -> None:
        """Have done, as soon as no cell runs, what may be done then."""
        if self._call_soon is not None:
            self._call_soon(self._tidy)

    def _tidy(self) -> None:
        left = []
        with suppress(Empty):
            while True:
                todo = self._inbox.get_nowait()
                if isinstance(todo, _Anytime):
                    todo()
                else:
                    left.append(todo)
        for todo in left:
            self._inbox.put(todo)

    def close(self) -> None:
        """Cancel what still runs, wait until it has tidied up, and end the thread. A later use starts a new one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        try:
            self._wait(loop, _cancel_all(), self._own_inbox())
        finally:
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

    def _own_inbox(self) -> _Inbox:
        """Return where this thread gets what it has to do: what one thread follows is not for another to draw."""
        return self._inbox if threading.current_thread() is threading.main_thread() else SimpleQueue()

    def _wait(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, T],
        inbox: _Inbox,
        cancel: Callable[[], object] | None = None,
    ) -> T:
        """Run a coroutine on the loop thread, and here what comes into the inbox, until both are done."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError(
                "This thread cannot wait for itself. In an asynchronous function, write `await chat.ask(...)`."
            )
        # First of all, so that nothing is begun and then left alone.
        with _Interrupts() as interrupts:
            future, stop = _begin(loop, coroutine)
            future.add_done_callback(lambda _: inbox.put(lambda: None))  # wakes the wait below
            # One round of the loop later: by then a coroutine that has just begun has called its source.
            end = partial(loop.call_soon_threadsafe, loop.call_soon, cancel) if cancel else stop
            interrupts.obey(end)
            try:
                _work(inbox, future.done)
            finally:
                if not future.done():
                    end()
                    stop()
        if interrupts.count and future.cancelled():
            raise KeyboardInterrupt
        return future.result()


class _Interrupts:
    """While it is entered, the first interrupt ends what is waited for and the second one raises KeyboardInterrupt.

    So does asyncio.Runner. A KeyboardInterrupt could land anywhere, between any two lines; a handler of our own is told
    instead. Only the user's own code, in a job, is interrupted as Python interrupts it. Other threads than the main one
    never are.

    Attributes
    ----------
    count
        Interrupts so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._ends: list[Callable[[], object]] = []
        self._previous: Any = None

    def __enter__(self) -> Self:
        # Who ignores interrupts, or dies of them, shall go on doing so.
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def obey(self, end: Callable[[], object]) -> None:
        """Call `end` at the first interrupt; at once if it was before."""
        self._ends.append(end)
        if self.count:
            self._end()

    def _handle(self, _: int, frame: FrameType | None) -> None:
        self.count += 1
        self._end()
        if self.count > 1 or _is_in_job(frame):
            raise KeyboardInterrupt

    def _end(self) -> None:
        # The handler may come in between any two steps of `obey`: only one of them gets it.
        with suppress(IndexError):
            self._ends.pop()()


def _begin(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]
) -> tuple[concurrent.futures.Future[T], Callable[[], object]]:
    """Run a coroutine on the loop thread; return its result to come, which waits for its end, and what cancels it."""
    future: concurrent.futures.Future[T] = concurrent.futures.Future()
    tasks: list[asyncio.Task[T]] = []

    def start() -> None:
        task = loop.create_task(coroutine)
        task.add_done_callback(finish)
        tasks.append(task)

    def finish(task: asyncio.Task[T]) -> None:
        if task.cancelled():
            future.cancel()
        elif error := task.exception():
            future.set_exception(error)
        else:
            future.set_result(task.result())

    def stop() -> None:
        tasks[0].cancel()

    loop.call_soon_threadsafe(start)
    return future, partial(loop.call_soon_threadsafe, stop)


def _work(inbox: _Inbox, is_over: Callable[[], bool]) -> None:
    """Do what comes into the inbox until it is over and nothing is left."""
    while not (is_over() and inbox.empty()):
        try:
            # A timeout keeps the wait interruptible on Windows.
            todo = inbox.get(timeout=_POLL_S)
        except Empty:
            continue
        todo()


class _Anytime(Generic[T]):
    """A job that needs no cell that waits for it."""

    def __init__(self, future: concurrent.futures.Future[T], function: Callable[[], T]) -> None:
        self._future, self._function = future, function

    def __call__(self) -> None:
        _do(self._future, self._function)


def _do(future: concurrent.futures.Future[T], function: Callable[[], T]) -> None:
    """Do a job: run the function for whoever waits for the future."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever asked
        future.set_exception(_carried(error))
    else:
        future.set_result(result)


def _is_in_job(frame: FrameType | None) -> bool:
    """Whether a frame of the kernel thread is below a job's: whatever is raised there, the job catches."""
    inner = None
    while frame is not None and frame.f_code is not _work.__code__:
        if frame.f_code is _do.__code__:
            return inner is not None
        frame, inner = frame.f_back, frame
    return False


def _carried(error: BaseException) -> Exception:
    """Return an error of the kernel thread as it can be raised on the loop's.

    What is no Exception would end the loop, or look like a cancellation; a StopIteration would end whoever awaits.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"{type(error).__name__} on the kernel's thread: {error}")


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _cancel_all() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
