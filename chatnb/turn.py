"""A turn in flight: a question, the log of what happened since, and whoever watches.

The log only grows, so a late watcher (a reloaded page) replays from its start. Only this file turns errors and
cancelling into `Finished`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing
from dataclasses import replace

from . import errors
from .errors import ChatError, ToolsGoOn
from .events import Asked, Event, Finished, Offered, TextDelta, ThinkingDelta, TokensCounted, ToolFinished
from .messages import Message, Outcome
from .reply import Reply

Keep = Callable[[Sequence[Message]], Awaitable[None]]

# Characters in a second. Faster than this nobody reads along, and no model writes: it is a script, or a cache.
_RUSH = 10_000
# Events, Asked among them.
_FIRST_WORDS = 16
# As long as it takes to keep an answer on most disks.
_MOMENT_S = 0.05


class Turn:
    """One question and its answer, while it comes.

    Lives on one event loop and is touched only there; but it can be cancelled and waited for, and its `log` can be
    read, from any thread.

    Examples
    --------
    Iterate over it for the events, or await it for the whole reply::

        async for event in chat.ask("Why?"):
            ...
        reply = await chat.ask("Why?")

    Attributes
    ----------
    question
        What was asked.
    log
        Every event so far, oldest first; begins with Asked and ends with Finished.
    reply
        The fold of the log.
    loop
        Where it lives.
    was_stopped
        Whether `cancel` came before the end; the answer may have been complete by then.
    """

    def __init__(self, question: Message, events: AsyncGenerator[Event], keep: Keep) -> None:
        """Start to answer; must be called on the running loop.

        Parameters
        ----------
        events
            Asked and all that follows but Finished; closed by the turn. Where it fails before Asked, the turn tells it.
        keep
            Saves the messages of the reply, before Finished is told; a ChatError that it raises fails the turn.
        """
        self.question = question
        self.log: list[Event] = []
        self.reply = Reply()
        self.loop = asyncio.get_running_loop()
        self._watchers: set[Callable[[], None]] = set()
        self._began_at: float | None = None  # by the loop's clock, when the first words came
        self._is_stoppable = True
        self.was_stopped = False
        self._over: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._over.set_running_or_notify_cancel()  # whoever stops waiting for it does not cancel it
        self._task = self.loop.create_task(self._run(events, keep), name=f"turn {question.id}")
        self._task.add_done_callback(self._end)

    @property
    def is_finished(self) -> bool:
        """Whether the last event is there."""
        return bool(self.log) and isinstance(self.log[-1], Finished)

    def cancel(self) -> None:
        """Stop the answer; what was said is kept, and Finished comes as always. Does nothing to a turn that ends."""
        if not self.is_finished and not self.loop.is_closed():
            # By way of the loop, also on its own thread: a task that is cancelled before its first step never takes it,
            # and nothing would be kept.
            self.loop.call_soon_threadsafe(self._stop)

    async def wait(self) -> None:
        """Return when the turn is over."""
        await asyncio.wrap_future(self._over)

    async def watch(self) -> AsyncGenerator[Event]:
        """Yield every event from the first to Finished."""
        async with aclosing(self.batches(lambda: 0.0)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def batches(self, interval_s: Callable[[], float]) -> AsyncGenerator[Sequence[Event]]:
        """Yield the events from the first to Finished, several at once.

        Parameters
        ----------
        interval_s
            How long deltas may gather, asked anew each time. Whatever a person waits for (the first words, a tool, a
            retry, the end) comes at once, with all before it.

        Notes
        -----
        An answer that comes faster than anybody reads need not be shown three times in a blink. So its first words come
        without the flood that is behind them, and its last words wait a moment for the end, which is told when the answer
        is kept.
        """
        seen = 0
        is_begun = False
        while True:
            due = self.loop.time() + interval_s()
            if not any(map(self._is_urgent, range(seen, len(self.log)))):
                if len(self.log) > seen and isinstance(self.log[-1], TokensCounted):
                    due = min(due, self.loop.time() + _MOMENT_S)
                await self._next(seen, due)
            batch = tuple(self.log[seen:])
            if not is_begun and not any(map(self._is_urgent, range(seen + _FIRST_WORDS, len(self.log)))):
                batch = batch[:_FIRST_WORDS]
            is_begun = is_begun or isinstance(batch[-1], TextDelta | ThinkingDelta)
            seen += len(batch)
            yield batch
            if isinstance(batch[-1], Finished):
                return

    def __aiter__(self) -> AsyncGenerator[Event]:
        """Return `watch()`."""
        return self.watch()

    def __await__(self) -> Generator[object, None, Reply]:
        """Wait for the end and return the reply; raises the ChatError that the turn failed with."""
        return self._result().__await__()

    async def _result(self) -> Reply:
        try:
            await self.wait()
        except asyncio.CancelledError:
            self.cancel()  # whoever waits for the answer was stopped: nobody wants it any more
            await self.wait()  # but it is kept
            raise
        self.raise_for_failure()
        return self.reply

    def raise_for_failure(self) -> None:
        """Raise the ChatError that the turn failed with, if it did."""
        match self.reply.finished:
            case Finished("failed", error, kind):
                raise errors.named(kind, error)

    async def _run(self, events: AsyncGenerator[Event], keep: Keep) -> None:
        started = time.perf_counter()
        finished = await self._tell(events)
        self._is_stoppable = False  # from here on the turn only tidies up
        finished = replace(finished, duration_s=round(time.perf_counter() - started, 6))
        if not self.log:
            self._push(Asked(self.question, ""))
        self.reply.add(finished)
        try:
            await keep(self.reply.messages())
        except Exception as error:  # noqa: BLE001 - see _failure
            # The answer is whole and shown; that it could not be kept is what the user has to know.
            broken = _failure(error)
            finished = replace(
                finished,
                outcome="failed",
                error="\n".join(filter(None, (finished.error, broken.error))),
                error_kind=finished.error_kind or broken.error_kind,
            )
        self._push(finished)

    async def _tell(self, events: AsyncGenerator[Event]) -> Finished:
        try:
            async with aclosing(events):
                async for event in events:
                    self._push(event)
        except asyncio.CancelledError as error:
            if self._is_whole():  # what was stopped was no more than looking whether the server had read all
                return Finished(self._natural_outcome())
            return Finished("cancelled", str(error) if isinstance(error, ToolsGoOn) else "")
        except Exception as error:  # noqa: BLE001 - see _failure
            return _failure(error)
        return Finished(self._natural_outcome())

    def _is_whole(self) -> bool:
        """Whether the answer is complete, though more may be told of it."""
        is_counted = bool(self.log) and isinstance(self.log[-1], TokensCounted | Offered)
        return is_counted and not self.reply.open_calls

    def _natural_outcome(self) -> Outcome:
        if self.log and isinstance(self.log[-1], ToolFinished):  # no answer came after it
            return "tool_limit"
        return "length" if self.reply.is_truncated else "done"

    def _stop(self) -> None:
        if self._is_stoppable:
            self._is_stoppable = False
            self.was_stopped = True
            self._task.cancel()

    def _end(self, _: asyncio.Task[None]) -> None:
        """Let nobody wait for ever if something else than `cancel` ended the task, such as the end of its loop."""
        if not self.is_finished:
            if not self.log:
                self._push(Asked(self.question, ""))
            self._push(Finished("cancelled"))
        self._over.set_result(None)

    def _push(self, event: Event) -> None:
        self.log.append(event)
        self.reply.add(event)
        if self._began_at is None and isinstance(event, TextDelta | ThinkingDelta):
            self._began_at = self.loop.time()
        for look in tuple(self._watchers):
            look()

    def _is_urgent(self, index: int) -> bool:
        """Whether a person waits for this event: all but a delta that follows a delta of its kind."""
        event = self.log[index]
        if isinstance(event, TokensCounted):
            said = sum(len(told.text) for told in self.log if isinstance(told, TextDelta | ThinkingDelta))
            return self._began_at is None or said < _RUSH * (self.loop.time() - self._began_at)
        if not isinstance(event, TextDelta | ThinkingDelta):
            return not isinstance(event, Asked)
        return index == 0 or type(self.log[index - 1]) is not type(event)

    async def _next(self, seen: int, due: float) -> None:
        """Wait until an urgent event comes, or `due` has passed and there is more than `seen` events."""
        woken: asyncio.Future[None] = self.loop.create_future()
        is_due = False

        def look() -> None:
            if woken.done() or len(self.log) <= seen:
                return
            if is_due or self._is_urgent(len(self.log) - 1):
                woken.set_result(None)
            elif isinstance(self.log[-1], TokensCounted):
                timers.append(self.loop.call_later(_MOMENT_S, ring))

        def ring() -> None:
            nonlocal is_due
            is_due = True  # rather than a look at the clock: a timer may come a little before its time
            look()

        timers = [self.loop.call_at(due, ring)]
        self._watchers.add(look)
        try:
            await woken
        finally:
            for timer in timers:
                timer.cancel()
            self._watchers.discard(look)


def _failure(error: Exception) -> Finished:
    """Return how a turn ends that `error` broke; any error, since a watcher that waits for ever is worse than a bug."""
    if isinstance(error, ChatError):
        return Finished("failed", str(error), type(error).__name__)
    text = f"chatnb itself failed ({type(error).__name__}: {error}). This is a bug: please report it."
    return Finished("failed", text, ChatError.__name__)
