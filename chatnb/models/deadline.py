"""Give up on a model that is silent for too long, and say meanwhile why nothing comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from ..errors import ModelError, ModelStalled
from ..events import ModelEvent, Waiting
from .base import Model, Request
from .wrapper import Wrapper

NOTICES = (1.0, 2.5, 5.0, 10.0)
"""When a silence is told, in multiples of `notice_s`; from the last one on at each multiple of that."""


class DeadlineModel(Wrapper):
    """Ends the silence of `model` with ModelStalled.

    Before the first event a model may be loading: it has `first_token_s`, and one that needed longer is not asked
    again, since it would need as long once more. After it, `stall_s` of silence means that the connection is dead;
    asking again may help. A model that was given tools has `first_token_s` then, too, if that is longer: the call of a
    tool comes in one piece, however long it takes to write.

    From `notice_s` on, `Waiting` tells now and then why nothing comes.
    """

    def __init__(self, model: Model, first_token_s: float, stall_s: float, notice_s: float = 2.0) -> None:
        super().__init__(model)
        self._first_token_s, self._stall_s, self._notice_s = first_token_s, stall_s, notice_s

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the model's events, and `Waiting` between them."""
        stall_s = max(self._stall_s, self._first_token_s) if request.tools else self._stall_s
        relay = _Relay(self._model.stream(request))
        watch = asyncio.create_task(self._watch(relay, stall_s))
        try:
            while (event := await relay.next()) is not None:
                yield event
        finally:
            watch.cancel()
            await relay.close()
            with suppress(asyncio.CancelledError):
                await watch

    async def _watch(self, relay: _Relay, stall_s: float) -> None:
        """Tell each silence, and end the one that is too long."""
        loop = asyncio.get_running_loop()
        since, notices = relay.last_at, 0
        while True:
            limit_s = stall_s if relay.has_begun else self._first_token_s
            notice_s = self._notice_s * (NOTICES[notices] if notices < len(NOTICES) else NOTICES[-1] * (notices - 2))
            # Not longer than the shortest silence that counts: an event may come and begin another one.
            due_s = since + min(notice_s, limit_s) - loop.time()
            await asyncio.sleep(max(0.0, min(due_s, self._notice_s, stall_s)))
            if relay.last_at != since:
                since, notices = relay.last_at, 0
                continue
            waited_s = loop.time() - since
            if waited_s >= limit_s:
                relay.fail(self._stalled(limit_s, has_begun=relay.has_begun))
                return
            if waited_s < notice_s:
                continue
            notices += 1
            reason = "no more text comes" if relay.has_begun else await self._model.explain_wait()
            if relay.last_at == since:
                relay.tell(Waiting(reason, waited_s))

    def _stalled(self, limit_s: float, *, has_begun: bool) -> ModelStalled:
        if has_begun:
            return ModelStalled(
                f"{self.name} fell silent in mid-answer, for {limit_s:g} s.\n"
                "Ask again; if its pauses are that long, allow more: %config ChatConfig.stall_s = ..."
            )
        error = ModelStalled(
            f"{self.name} did not begin to answer within {limit_s:g} s.\n"
            "It may be loading still, or reading a long prompt: ask again, or allow it more time with --timeout."
        )
        error.is_retryable = False
        return error


class _Relay:
    """Reads a stream in a task of its own, so that a silence can be told without touching what is awaited.

    One task for an answer, not for an event: what the stream has ready at once is handed over at once.
    """

    def __init__(self, stream: AsyncGenerator[ModelEvent]) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: deque[ModelEvent] = deque()
        self._error: ModelError | None = None
        self._is_over = False
        self._waiter: asyncio.Future[None] | None = None
        self.has_begun = False
        self.last_at = self._loop.time()
        self._task = self._loop.create_task(self._read(stream))

    async def next(self) -> ModelEvent | None:
        """Return the next event, or None at the end; raises what the stream raises."""
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._is_over:
                await self._task  # whatever else went wrong is raised here
                return None
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._events.popleft()

    def tell(self, event: ModelEvent) -> None:
        """Put in an event of our own."""
        self._events.append(event)
        self._wake()

    def fail(self, error: ModelError) -> None:
        """End the stream with an error, after what has come so far."""
        self._error = error
        self._task.cancel()
        self._wake()

    async def close(self) -> None:
        """Stop reading and wait until the stream is closed."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _read(self, stream: AsyncGenerator[ModelEvent]) -> None:
        try:
            async with aclosing(stream):
                async for event in stream:
                    self.has_begun = True
                    self.last_at = self._loop.time()
                    self._events.append(event)
                    self._wake()
        except ModelError as error:
            self._error = self._error or error
        finally:
            self._is_over = True
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
