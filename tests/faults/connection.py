"""HTTP/1.1 over one socket, and every way to end it badly."""

import asyncio
import contextlib
import fcntl
import json
import socket
import struct
import termios
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, TypeVar

T = TypeVar("T")


class ClientLeft(Exception):  # noqa: N818  it is no error, it is what the client did
    """The client closed its connection before the answer had ended."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request, read whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body's JSON, or nothing."""
        data: dict[str, Any] = json.loads(self.body) if self.body else {}
        return data


class Connection:
    """One client; used by one task of the server's loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._piece_bytes: int | None = None
        self._kept = b""
        self._ended_here = False

    async def request(self) -> Head | None:
        """Wait for the next request; None when the client closed the connection between two."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest if each)}
        body = await self._reader.readexactly(int(headers["content-length"])) if "content-length" in headers else b""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await self._reader.readline(), 16):
                body += (await self._reader.readexactly(size + 2))[:-2]
            await self._reader.readline()
        return Head(method, target.partition("?")[0], headers, body)

    async def while_client_stays(self, answering: Coroutine[Any, Any, T]) -> T | None:
        """Run `answering` and return its result; end it at once when the client closes its end.

        It ends at once, too, without a result, when the server itself closes the connection meanwhile.

        Raises
        ------
        ClientLeft
            When it was the client.
        """
        answer = asyncio.ensure_future(answering)
        # A client that waits for an answer sends nothing, so a read that ends means that it left.
        leaving = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                if self._ended_here:
                    return None
                raise ClientLeft
            try:
                return answer.result()
            except ConnectionError as error:
                raise ClientLeft from error
        finally:
            for task in (answer, leaving):
                task.cancel()
            await asyncio.gather(answer, leaving, return_exceptions=True)

    async def respond(
        self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer."""
        fields = {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}
        self._writer.write(_head(status, fields) + body)
        await self._writer.drain()

    async def respond_json(
        self, status: int, data: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole answer as JSON."""
        body = json.dumps(data, ensure_ascii=False).encode()
        await self.respond(status, body, "application/json; charset=utf-8", headers)

    async def begin(self, content_type: str, piece_bytes: int | None = None) -> None:
        """Send the head of a chunked answer, whose chunks have `piece_bytes` bytes or are what `send` is given."""
        self._piece_bytes = piece_bytes
        self._writer.write(_head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"}))
        await self._writer.drain()

    async def send(self, data: bytes) -> None:
        """Send some of the body."""
        if self._piece_bytes is None:
            await self._chunk(data)
            return
        self._kept += data
        while len(self._kept) >= self._piece_bytes:
            piece, self._kept = self._kept[: self._piece_bytes], self._kept[self._piece_bytes :]
            await self._chunk(piece)
            await asyncio.sleep(0)

    async def end(self) -> None:
        """End the body as HTTP says."""
        kept, self._kept = self._kept, b""
        if kept:
            await self._chunk(kept)
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def _chunk(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._writer.drain()

    async def delivered(self) -> None:
        """Wait until the client's system has everything that was sent: a reset throws the rest away."""
        # The system tells nobody when the other side has it.
        while not self._writer.is_closing() and self._unsent():  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    def _unsent(self) -> int:
        queued = struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
        return int(queued) + self._writer.transport.get_write_buffer_size()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self._ended_here = True
        if not self._writer.is_closing():
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()

    def close(self) -> None:
        """Close in good order, after what was sent."""
        self._ended_here = True
        self._writer.close()

    async def closed(self) -> None:
        """Wait until it is closed."""
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    @staticmethod
    def retry_after(seconds: float | None, *, as_date: bool) -> dict[str, str]:
        """Return the header that asks a client to wait."""
        if seconds is None:
            return {}
        if as_date:
            return {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)}
        return {"Retry-After": f"{seconds:g}"}


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [
        f"{name}: {value}"
        for name, value in {**fields, "Date": format_datetime(datetime.now(UTC), usegmt=True)}.items()
    ]
    return "\r\n".join([*lines, "", ""]).encode()
