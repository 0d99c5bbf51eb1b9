"""One client that is connected to a room: its commands, as fast as they may come, and what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from ..errors import ChatError, SettingsError
from ..messages import Json, new_id
from ..remote.base import Fields, text_in
from ..wire import VERSION
from .channel import Channel
from .commands import Action, action_of
from .outlet import Outlet, Piece

COMMANDS_PER_S = 20.0
BURST = 60
"""So many commands may come at once, and then so many a second: more are not read before their time."""

AT_ONCE = 8
"""Commands of one client that are not answered, or whose answer it has not taken; the next one is read after that."""

STALL_S = 60.0
"""A client that takes nothing for so long is let go."""

IDLE_S = 3600.0
"""A connection over which nothing was said or told for so long is closed."""

GOING_AWAY, TOO_SLOW, GONE = 1001, 1013, 4410
"""With which codes connections are closed: the server stops or nothing happens, the client reads nothing, the session is gone."""


class Line(Protocol):
    """The way to a client."""

    async def send(self, text: str) -> None:
        """Return when the client's system has taken a message; raises an Exception if the client is gone."""
        ...

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """End the connection; the reason has at most 123 bytes."""
        ...


class Guest:
    """A client of a channel; lives on the loop.

    Parameters
    ----------
    may
        Tells whether its user may do something.
    left
        Called when it is gone.

    Attributes
    ----------
    channel
        What tells it.
    heard_s
        When it last said something, by the loop's clock.
    """

    def __init__(
        self,
        channel: Channel,
        line: Line,
        may: Callable[[Action], Awaitable[bool]],
        left: Callable[[Guest], object],
    ) -> None:
        self._id = new_id()
        self.channel = channel
        self._line, self._may, self._left = line, may, left
        self._loop = asyncio.get_running_loop()
        self._outlet = Outlet(channel.snapshot)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: asyncio.Task[None] | None = None
        self.heard_s = self._loop.time()
        self._allowance, self._allowed_s = float(BURST), self.heard_s

    def look(self, now_s: float) -> None:
        """End the connection if nothing was said or told for long, or the client takes nothing of what it is told."""
        if self._outlet.is_stuck and now_s - self._outlet.sent_s > STALL_S:
            self.dismiss("Too slow.", TOO_SLOW)
        elif now_s - max(self.heard_s, self._outlet.sent_s) > IDLE_S:
            self.dismiss("Nothing was said for long.")

    def enter(self, since: str) -> None:
        """Begin to tell it what happens; see `Channel.join`."""
        self.channel.join(self._outlet, since)
        self._sending = self._spawn(self._send())

    def leave(self) -> None:
        """Forget it: the connection has ended. What it asked goes on."""
        self._left(self)
        self.channel.leave(self._outlet)
        if self._sending is not None:
            self._sending.cancel()

    def dismiss(self, why: str, code: int = GOING_AWAY) -> None:
        """End the connection, and say from where on the client can go on, where there is something to go on with."""
        since = "" if code == GONE else f" To go on: since={self.channel.id}.{self._outlet.rev}"
        self._line.close(code, f"{why}{since}"[:123])

    async def take(self, message: str | bytes) -> None:
        """Take a command, and return when the next one may be read."""
        self.heard_s = self._loop.time()
        self._allowance = min(BURST, self._allowance + (self.heard_s - self._allowed_s) * COMMANDS_PER_S) - 1
        self._allowed_s = self.heard_s
        if self._allowance < 0:
            await asyncio.sleep(-self._allowance / COMMANDS_PER_S)
        await self._slots.acquire()
        self._spawn(self._answer(message))

    async def _answer(self, message: str | bytes) -> None:
        answer = await self._answered(message)
        if answer is None:
            self._slots.release()
        else:
            self._outlet.put(Piece(json.dumps(answer), sent=self._slots.release))

    async def _answered(self, message: str | bytes) -> dict[str, Json] | None:
        fields: Fields = {}
        try:
            fields = _fields_in(message)
            view = text_in(fields, "view", "")
            action = action_of(fields)
            self.channel.check(text_in(fields, "model", ""))
            if not await self._may(action):
                raise SettingsError(f"You may not do that here: it takes the right to {action} chatnb.")
            if fields["do"] == "hello":
                self._outlet.refresh(view)
                return None
            # Two clients may call themselves the same.
            answer = await self.channel.remote.handle({**fields, "view": self._id})
        except ChatError as error:
            named = {name: str(fields.get(name, "")) for name in ("view", "id")}
            return {"v": VERSION, "kind": "failed", **named, "error": str(error)}
        return answer and {**answer, "view": view}

    async def _send(self) -> None:
        try:
            await self._outlet.run(self._line.send)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the client is gone, in whichever way
            self.leave()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _fields_in(message: str | bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        fields = json.loads(message, parse_constant=_no_number)
        if isinstance(fields, dict):
            return fields
    raise SettingsError(
        'This is no command. One is a JSON object, as {"v": 1, "do": "ask", "id": "1", "text": "Why?"}.'
    )


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON, and no browser could read it again")
