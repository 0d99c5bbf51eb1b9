"""Start a turn and show it until it is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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

    def show(batch: Sequence[Event]) -> None:
        for event in batch:
            reply.add(event)
        view.show(batch, reply)

    async def start() -> Turn:
        return ask()

    try:
        turn = portal.call(start())
        portal.follow(lambda: turn.batches(view.interval_s), show, turn.cancel)
    finally:
        view.close()
    return turn
