"""A server at an address, over streamable HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from .base import McpServer

MESSAGE_BYTES = 8_000_000
"""A longer message ends the connection."""

_CONNECT_S = 15.0
_STREAM = "text/event-stream"
_UNKNOWN = frozenset({401, 403, 404, 405})


class Address:
    """One connection with a server; an asynchronous context manager, as `mcp.Client` takes it.

    Attributes
    ----------
    has_ended
        Set when nothing will come any more; such a connection says so by the error of its next use instead.
    """

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self.has_ended = asyncio.Event()
        self._status = 0
        self._fault = ""

    async def __aenter__(self) -> Any:
        self._stack = AsyncExitStack()
        client = httpx2.AsyncClient(
            # Nothing is unpacked: a small answer could become one that fills the memory.
            headers={**self._server.headers, "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(_CONNECT_S, read=None),  # whoever asks waits for as long as it likes
            event_hooks={"response": [self._bound]},
        )
        await self._stack.enter_async_context(client)
        return await self._stack.enter_async_context(
            streamable_http_client(self._server.url, http_client=client, max_sse_event_size=MESSAGE_BYTES)
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, trace)

    @property
    def is_refused(self) -> bool:
        """Whether it answers, but does not know us, or not any more."""
        return self._status in _UNKNOWN

    def refusal(self) -> str:
        """Return in a sentence how it refuses what it is asked; empty if it does not."""
        match self._status:
            case 401 | 403:
                return f"It did not let us in (HTTP {self._status}). Its headers need a valid key."
            case 404 | 405:
                return f"It knows no MCP at this address, or not any more (HTTP {self._status}); many end with /mcp."
            case status if status >= 300:  # noqa: PLR2004 - redirects and errors
                return f"It answered with HTTP {status}."
        return ""

    async def reason(self) -> str:
        """Return what is wrong, in sentences; empty if it is not known here."""
        return self._fault or self.refusal()

    async def _bound(self, response: httpx2.Response) -> None:
        if response.request.method == "POST":  # what else is asked for, a server need not have
            self._status = response.status_code
        if response.headers.get("content-encoding", "identity") != "identity":
            self._fault = "It packed an answer although it was asked not to."
            raise httpx2.DecodingError(self._fault)
        if not response.headers.get("content-type", "").lower().startswith(_STREAM):  # its events have their own limit
            stream = response.stream
            assert isinstance(stream, httpx2.AsyncByteStream)  # noqa: S101 - of an asynchronous client
            response.stream = _Bounded(stream, self)

    def refuse(self) -> None:
        """Note that an answer is too long."""
        self._fault = f"It sent a message of more than {MESSAGE_BYTES:,} bytes."
        raise httpx2.ReadError(self._fault)


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer, up to the limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, address: Address) -> None:
        self._stream, self._address = stream, address

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > MESSAGE_BYTES:
                self._address.refuse()
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
