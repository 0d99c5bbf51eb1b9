"""Save a turn while it goes on: its question, then what was said every few seconds, then all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from .errors import SessionError
from .messages import Message
from .planner import Ask
from .sessions import Sessions
from .turn import Turn

HEAD_START_S = 0.002
"""Seconds from when a request is made until its question is saved."""

CHECKPOINT_S = 3.0
"""Seconds between two savings of an answer that is still coming."""


class Saving:
    """What of one turn is saved when; lives on the loop of the turn."""

    def __init__(self, ask: Ask, sessions: Sessions) -> None:
        self._ask, self._sessions = ask, sessions
        self._over = asyncio.Event()
        self._turn: Turn | None = None
        self._checkpoints: asyncio.Task[None] | None = None

    def follow(self, turn: Turn) -> None:
        """Save the unfinished answer of this turn, from now on until its end."""
        self._turn = turn
        self._checkpoints = turn.loop.create_task(self._save_now_and_then(turn))

    async def question(self) -> None:
        """Save the question: before the first token is told, but not before the model begins to read."""
        # Two threads of Python hold each other up, and the request goes first.
        await asyncio.sleep(HEAD_START_S)
        with suppress(SessionError):  # the end of the turn saves again, and says so if it still cannot
            await self._keep(self._ask.question)

    async def end(self, messages: Sequence[Message]) -> None:
        """Save what the turn has become; raises SessionError."""
        self._over.set()
        if self._checkpoints:
            await asyncio.wait([self._checkpoints])  # one that came after the end would look like a crash
        asked = self._turn.reply.asked if self._turn else None
        if asked and asked.question.id != self._ask.question.id:
            return  # an earlier answer was told again, and is kept already
        # The question, too: it may have been stopped before it was saved, or the disk was full then.
        await self._keep(self._ask.question, *messages)

    async def _keep(self, *messages: Message) -> None:
        ask = self._ask
        await asyncio.to_thread(self._sessions.keep, ask.session, *messages, save=ask.settings.save)

    async def _save_now_and_then(self, turn: Turn) -> None:
        saved = 0
        while not self._over.is_set():
            try:
                async with asyncio.timeout(CHECKPOINT_S):
                    await self._over.wait()
            except TimeoutError:
                messages = turn.reply.messages()
                if self._ask.settings.save and messages and len(turn.log) > saved:
                    saved = len(turn.log)
                    with suppress(SessionError):  # as above
                        await asyncio.to_thread(self._sessions.store.checkpoint, self._ask.session.id, *messages)
