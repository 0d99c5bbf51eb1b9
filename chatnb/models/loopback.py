"""HTTP with a server on this very machine, without what only a network needs.

httpx's own transport knows pools, proxies, TLS and several kinds of event loops. With a server on loopback that is more
than half of the work for a token, and half of the time until a question is on its way. Here each request has a
connection of its own, and whatever its socket holds is one piece, however many tokens that are.

https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress

import httpx

from .address import is_loopback

GATHER_S = 0.010
"""What comes faster than this is read several pieces at once: to be woken up for each costs more than to read them."""

_READ_BYTES = 65_536
_LARGEST_HEAD = 65_536
_FINAL = 200  # a lower status announces another one
# Whatever a resolver says of it (RFC 6761); Ollama itself listens at the first.
_LOCALHOST = ("127.0.0.1", "::1")


class LoopbackTransport(httpx.AsyncBaseTransport):
    """Speaks HTTP/1.1 with servers on loopback, as much of it as Ollama's API needs."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response once the head is there; closing that closes the connection at once.

        Raises
        ------
        httpx.TransportError
            As httpx's own transport does, and so does reading the response.
        """
        if request.url.scheme != "http" or not is_loopback(str(request.url)):
            raise httpx.UnsupportedProtocol(f"it redirects to {request.url}")
        connection = _Connection(await _connected(request))
        try:
            with _translated():
                await connection.send(_head(request) + await request.aread())
                status, fields = await connection.head()
        except BaseException:
            connection.close()
            raise
        return httpx.Response(status, headers=fields, stream=_Body(connection, httpx.Headers(fields)))


class _Body(httpx.AsyncByteStream):
    """The body of a response."""

    def __init__(self, connection: _Connection, headers: httpx.Headers) -> None:
        self._connection, self._headers = connection, headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            if self._headers.get("Transfer-Encoding", "").casefold() == "chunked":
                pieces = self._connection.chunks()
            else:
                length = self._headers.get("Content-Length")
                pieces = self._connection.content(None if length is None else int(length))
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece

    async def aclose(self) -> None:
        self._connection.close()


class _Connection:
    """A socket, and what was read from it and not taken yet: each method reads on where the one before it ended.

    All raise ValueError if what comes is not HTTP/1.1.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = connected
        self._held = b""
        self._is_quick = False

    def close(self) -> None:
        self._socket.close()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Return the status, and the fields of the header."""
        while True:
            while (end := self._held.find(b"\r\n\r\n")) < 0:
                if len(self._held) > _LARGEST_HEAD or not await self._read():
                    raise httpx.RemoteProtocolError("the server closed it without an answer")
            first, *lines = self._held[:end].split(b"\r\n")
            self._held = self._held[end + 4 :]
            version, status = first.split(b" ", 2)[:2]
            if not version.startswith(b"HTTP/1."):
                raise ValueError
            if int(status) >= _FINAL:
                self._is_quick = False  # the first token is not left to gather
                fields = (line.partition(b":") for line in lines)
                return int(status), [(name.strip(), value.strip()) for name, _, value in fields]

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield what the chunks hold, of all at once that are there."""
        while True:
            whole: list[bytes] = []
            start, size = 0, -1
            while size and (end := self._held.find(b"\r\n", start)) >= 0:
                size = int(self._held[start:end].partition(b";")[0], 16)
                stop = end + 2 + abs(size)
                if len(self._held) < stop + 2:
                    break
                whole.append(self._held[end + 2 : stop])
                start = stop + 2
            self._held = self._held[start:]
            if any(whole):
                yield b"".join(whole)
            if size == 0:  # what may follow it are fields that nobody asked for
                return
            await self._more()

    async def content(self, length: int | None) -> AsyncGenerator[bytes]:
        """Yield what comes: so many bytes, or all until the end."""
        while length is None or length > 0:
            if self._held:
                piece, self._held = self._held[:length], b""
                length = None if length is None else length - len(piece)
                yield piece
            elif length is None:
                if not await self._read():
                    return
            else:
                await self._more()

    async def _more(self) -> None:
        if not await self._read():
            raise httpx.RemoteProtocolError("the server closed it")

    async def _read(self) -> bool:
        """Hold what the socket has, or will have; return False at its end."""
        if self._is_quick:
            await asyncio.sleep(GATHER_S)
        asked_at = self._loop.time()
        data = await self._loop.sock_recv(self._socket, _READ_BYTES)
        # A full buffer means that there is more.
        self._is_quick = len(data) < _READ_BYTES and self._loop.time() - asked_at < GATHER_S
        self._held += data
        return bool(data)


async def _connected(request: httpx.Request) -> socket.socket:
    try:
        async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
            return await _connect(request.url.host, request.url.port or 80)
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error


async def _connect(host: str, port: int) -> socket.socket:
    *others, last = _LOCALHOST if host == "localhost" else (host,)
    for each in others:
        with suppress(OSError):
            return await _connect(each, port)
    connecting = socket.socket(socket.AF_INET6 if ":" in last else socket.AF_INET)
    connecting.settimeout(0)
    try:
        await asyncio.get_running_loop().sock_connect(connecting, (last, port))
    except BaseException:
        connecting.close()
        raise
    return connecting


def _head(request: httpx.Request) -> bytes:
    fields = [(name, value) for name, value in request.headers.raw if name.lower() != b"connection"]
    lines = [
        b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path),
        *(b"%s: %s" % field for field in fields),
        b"Connection: close",
    ]
    return b"\r\n".join([*lines, b"", b""])


@contextmanager
def _translated() -> Iterator[None]:
    """Raise httpx's errors."""
    try:
        yield
    except ValueError as error:
        raise httpx.RemoteProtocolError("what comes is not HTTP/1.1") from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
