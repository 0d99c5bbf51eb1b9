"""Ask a model again before its first word, and mend its answer after it."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing

from tenacity import AsyncRetrying, DoAttempt, DoSleep, RetryCallState, retry_if_exception

from ..errors import ModelBusy, ModelError
from ..events import Continued, ModelEvent, Retrying, Waiting
from ..settings import RetryPolicy
from .base import Model, Request
from .mending import Partial, joined
from .wrapper import Wrapper

PATIENCE_S = 60.0
"""A `Retry-After` of more seconds is not waited for: the error says when to come back."""

PERSISTENCE = 10
"""An answer that breaks again and again but grows is followed for `attempts` times this many requests."""


class RetryingModel(Wrapper):
    """Asks `model` again when it fails in a way that may pass.

    Before anything of the answer was shown, and where a broken answer cannot be continued (a schema, a tool's call, a
    model that cannot, too little text, thoughts alone), the attempt is dropped and the question asked anew: `Retrying`.
    Else the model is asked to go on from what was shown (mending.py): `Continued`, once it does.

    The policy's attempts are attempts in a row that add nothing to the answer. One that adds to it, so that the next
    can go on from there, starts the count and the delays over; `PERSISTENCE` bounds their sum.

    A request that ends with an assistant's message is treated as an answer that broke there. Where the model begins
    again instead of going on, `Retrying` comes and after it the whole answer.
    """

    def __init__(self, model: Model, policy: RetryPolicy | None = None) -> None:
        super().__init__(model)
        self._policy = policy or RetryPolicy()

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer, however many requests it takes."""
        answer = Partial(request)
        tries = _Tries(self._policy)
        retrying = AsyncRetrying(
            retry=retry_if_exception(_may_pass), stop=tries.are_enough, wait=tries.wait_s, reraise=True
        )
        retrying.begin()
        state = RetryCallState(retrying, None, (), {})
        began_at = asyncio.get_running_loop().time()
        reason = ""
        while True:
            try:
                todo = await retrying.iter(state)
            except ModelError as error:
                seconds = asyncio.get_running_loop().time() - began_at
                raise _told(error, state.attempt_number, seconds) from error
            match todo:
                case DoAttempt():
                    length = len(answer.text)
                    try:
                        async with aclosing(self._attempt(answer, reason)) as events:
                            async for event in events:
                                answer.add(event)
                                yield event
                    except ModelError as error:
                        reason = first_line(error)
                        tries.note(has_grown=self._goes_on(answer) and len(answer.text) > length)
                        state.set_exception((type(error), error, error.__traceback__))
                    else:
                        return
                case DoSleep():
                    # The wait is told before it begins, so it is waited here.
                    state.prepare_for_next_attempt()
                    if self._goes_on(answer):
                        yield Waiting(f"{reason} Going on from there in {todo:.1f} s", 0.0)
                    else:
                        answer.drop()
                        yield self._retrying(tries.failed + 1, float(todo), reason)
                    await asyncio.sleep(todo)

    def _attempt(self, answer: Partial, reason: str) -> AsyncGenerator[ModelEvent]:
        events = self._model.stream(answer.request())
        if not (answer.text and self._model.can_continue):
            return events
        # Where somebody else had begun the answer, the one who handed it over has told so.
        continued = Continued(self.name, reason) if answer.has_said else None
        begun_again = self._retrying(1, 0.0, "It began its answer again instead of going on.")
        return joined(answer.text, events, continued, begun_again)

    def _goes_on(self, answer: Partial) -> bool:
        return self._model.can_continue and answer.can_go_on

    def _retrying(self, attempt: int, delay_s: float, reason: str) -> Retrying:
        return Retrying(self.name, attempt, self._policy.attempts, delay_s, reason)


class _Tries:
    """How often an answer was asked for in vain, and what follows from it."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._delay_s = policy.initial_delay_s
        self.failed = 0

    def note(self, *, has_grown: bool) -> None:
        """Count a failed attempt."""
        if has_grown:
            self.failed, self._delay_s = 0, self._policy.initial_delay_s
        else:
            self.failed += 1

    def are_enough(self, state: RetryCallState) -> bool:
        """Tell tenacity whether to give up."""
        attempts = self._policy.attempts
        bound = attempts * PERSISTENCE if attempts > 1 else 1
        return self.failed >= attempts or state.attempt_number >= bound

    def wait_s(self, state: RetryCallState) -> float:
        """Tell tenacity how long to wait."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ModelBusy) and error.retry_after_s is not None:
            return error.retry_after_s
        policy = self._policy
        delay_s = min(policy.max_delay_s, self._delay_s)
        self._delay_s = delay_s * policy.multiplier
        return delay_s * (1 + policy.jitter * random.random())  # noqa: S311 - to spread load, not to hide anything


def first_line(error: ModelError) -> str:
    """Return what happened, without what to do about it."""
    return str(error).partition("\n")[0]


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, ModelBusy) and error.retry_after_s is not None and error.retry_after_s > PATIENCE_S:
        return False
    return isinstance(error, ModelError) and error.is_retryable


def _told(error: ModelError, attempts: int, seconds: float) -> ModelError:
    """Return the error with what was tried at the end of its first line."""
    if attempts == 1:
        return error
    what, newline, rest = str(error).partition("\n")
    told = copy.copy(error)
    told.args = (f"{what.rstrip('.')} ({attempts} attempts, {seconds:.1f} s).{newline}{rest}",)
    return told
