"""One streamed answer of a `FaultServer`: its tokens in time, and its fault."""

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Any, Protocol

from tests.faults import api, sse
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

OPENAI_CHAT = "/v1/chat/completions"


class Forms(Protocol):
    """The forms of an answer in one protocol."""

    content_type: str

    def deltas(self, model: str, answer: Answer, tokens: Sequence[str]) -> list[bytes]:
        """Return all but the end."""
        ...

    def end(self, model: str, answer: Answer, sent: int, exchange: Exchange, elapsed_s: float) -> bytes:
        """Return the end."""
        ...

    def whole(self, model: str, answer: Answer, tokens: Sequence[str], exchange: Exchange) -> dict[str, Any]:
        """Return the answer to a request that does not stream."""
        ...

    def error(self, message: str) -> bytes:
        """Return an error in mid-stream."""
        ...

    def malformed(self, line: bytes) -> bytes:
        """Return something that is not JSON where JSON should be."""
        ...


class Ollamas:
    """A line for each token."""

    content_type = api.CONTENT_TYPE

    def deltas(self, model: str, answer: Answer, tokens: Sequence[str]) -> list[bytes]:
        return list(api.deltas(model, answer, tokens))

    def end(self, model: str, answer: Answer, sent: int, exchange: Exchange, elapsed_s: float) -> bytes:
        return api.line(api.end(model, answer, sent, exchange.counted, elapsed_s))

    def whole(self, model: str, answer: Answer, tokens: Sequence[str], exchange: Exchange) -> dict[str, Any]:
        return api.whole(model, answer, tokens, exchange.counted)

    def error(self, message: str) -> bytes:
        return api.line({"error": message})

    def malformed(self, line: bytes) -> bytes:
        return line


class OpenAIs:
    """An event for each token."""

    content_type = sse.CONTENT_TYPE

    def deltas(self, model: str, answer: Answer, tokens: Sequence[str]) -> list[bytes]:
        return list(sse.deltas(model, answer, tokens))

    def end(self, model: str, answer: Answer, sent: int, exchange: Exchange, elapsed_s: float) -> bytes:
        counts = bool((exchange.body.get("stream_options") or {}).get("include_usage"))
        return sse.end(model, answer, sent, exchange.counted, elapsed_s, counts=counts)

    def whole(self, model: str, answer: Answer, tokens: Sequence[str], exchange: Exchange) -> dict[str, Any]:
        return sse.whole(model, answer, tokens, exchange.counted)

    def error(self, message: str) -> bytes:
        return sse.line(sse.failure(message))

    def malformed(self, line: bytes) -> bytes:
        return sse.raw(line)


class Speech:
    """Says `tokens` over `connection` as `answer` tells, `rate` of them a second."""

    def __init__(
        self, connection: Connection, exchange: Exchange, answer: Answer, tokens: Sequence[str], rate: float | None
    ) -> None:
        self._connection, self._exchange, self._answer = connection, exchange, answer
        self._tokens, self._rate = tokens, rate
        self._forms: Forms = OpenAIs() if exchange.path == OPENAI_CHAT else Ollamas()

    async def speak(self) -> float | None:
        """Say it; return for how many seconds the server is to be away after it, None if it stays."""
        model, answer, forms = self._exchange.body["model"], self._answer, self._forms
        await pause(answer.head_after_s)
        if not self._exchange.body.get("stream", self._exchange.path != OPENAI_CHAT):
            await self._connection.respond_json(200, forms.whole(model, answer, self._tokens, self._exchange))
            return None
        await self._connection.begin(forms.content_type, piece_bytes=answer.piece_bytes)
        await pause(answer.token_after_s)
        lines = forms.deltas(model, answer, self._tokens)
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
        await self._connection.send(forms.end(model, answer, len(lines), self._exchange, elapsed_s))
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
                await self._connection.send(self._forms.error(message))
                await self._connection.end()
            case Malformed(line=line):
                await self._connection.send(self._forms.malformed(line))
                await self._connection.end()
        return True


async def pause(seconds: float) -> None:
    """Wait so long, for ever if it is infinite; let the loop's other tasks run in any case."""
    if math.isinf(seconds):
        await asyncio.Event().wait()
    await asyncio.sleep(max(0, seconds))
