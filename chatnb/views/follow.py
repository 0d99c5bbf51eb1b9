"""Start a turn and show it until it is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence

from ..events import Event
from ..portal import Portal
from ..reply import Reply
from ..turn import Turn
from .base import View


def follow(portal: Portal, ask: Callable[[], Turn], view: View) -> Turn:
    """Return the turn that `ask` starts on the loop thread, when it is finished and shown.

    An interrupt stops the answer; the turn then ends as "cancelled".

    Raises
    ------
    KeyboardInterrupt
        At a second interrupt.
    """
    reply = Reply()  # this thread's own: only events cross over
    turns: list[Turn] = []  # one, unless `ask` itself fails

    def begin() -> AsyncGenerator[Sequence[Event]]:
        turns.append(ask())
        return turns[0].batches(view.interval_s)

    def show(batch: Sequence[Event]) -> None:
        for event in batch:
            reply.add(event)
        view.show(batch, reply)

    def cancel() -> None:
        for turn in turns:
            turn.cancel()

    try:
        # In one call: whoever starts a turn and follows it in another can be interrupted in between.
        portal.follow(begin, show, cancel)
    finally:
        view.close()
    return turns[0]
