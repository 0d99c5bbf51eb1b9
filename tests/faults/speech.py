"""One streamed answer of a `FaultServer`: its tokens in time, and its fault."""

import asyncio
import math
import time
from collections.abc import Sequence

from tests.faults import api
from tests.faults.connection import Connection
from tests.faults.exchange import Exchange
from tests.faults.script import (
    Answer,
    CutOff,
    EndOfStream,
    ErrorLine,
    Fault,
    Malformed,
    Reset,
    Restart,
    Stall,
)


class Speech:
    """Says `tokens` over `connection` as `answer` tells, `rate` of them a second."""

    def __init__(
        self, connection: Connection, exchange: Exchange, answer: Answer, tokens: Sequence[str], rate: float | None
    ) -> None:
        self._connection, self._exchange, self._answer = connection, exchange, answer
        self._tokens, self._rate = tokens, rate

    async def speak(self) -> float | None:
        """Say it; return for how many seconds the server is to be away after it, None if it stays."""
        model, answer, messages = self._exchange.body["model"], self._answer, self._exchange.messages
        await pause(answer.head_after_s)
        if self._exchange.body.get("stream") is False:
            await self._connection.respond_json(200, api.whole(model, answer, self._tokens, messages))
            return None
        await self._connection.begin(api.CONTENT_TYPE, piece_bytes=answer.piece_bytes)
        await pause(answer.token_after_s)
        lines = list(api.deltas(model, answer, self._tokens))
        fault = answer.fault
        began_at = time.monotonic()
        until = len(lines) if fault is None else fault.after
        await self._send(lines[:until])
        if fault is not None:
            await self._connection.delivered()
            if await self._is_over(fault):
                return fault.seconds if isinstance(fault, Restart) else None
            await self._send(lines[until:])
        elapsed_s = time.monotonic() - began_at
        await self._connection.send(api.line(api.end(model, answer, len(lines), messages, elapsed_s)))
        await self._connection.end()
        return None

    async def _send(self, lines: Sequence[bytes]) -> None:
        began_at = time.monotonic()
        for count, data in enumerate(lines):
            # Each token has its own time, so that a late one does not delay those after it.
            await pause(began_at + count / self._rate - time.monotonic() if self._rate else 0)
            await self._connection.send(data)
            self._exchange.sent_one()

    async def _is_over(self, fault: Fault) -> bool:
        match fault:
            case Stall(seconds=seconds):
                await pause(seconds)
                return False
            case Reset() | Restart():
                self._connection.reset()
            case CutOff():
                self._connection.close()
            case EndOfStream():
                await self._connection.end()
            case ErrorLine(message=message):
                await self._connection.send(api.line({"error": message}))
                await self._connection.end()
            case Malformed(line=line):
                await self._connection.send(line)
                await self._connection.end()
        return True


async def pause(seconds: float) -> None:
    """Wait so long, for ever if it is infinite; let the loop's other tasks run in any case."""
    if math.isinf(seconds):
        await asyncio.Event().wait()
    await asyncio.sleep(max(0, seconds))
