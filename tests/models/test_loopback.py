"""HTTP on loopback: whatever a server sends, in whatever pieces, is the same answer or a clear error."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from chatnb.models.loopback import LoopbackTransport

from ..ports import free_port

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = CHUNKED + b'3\r\nHe\xc3\r\n4;note="x"\r\n\xa5llo\r\nA\r\n, the\r\nend\r\n0\r\nTrailer: 1\r\n\r\n'
SAID = "Heållo, the\r\nend".encode()

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Run a server whose connections `serve` answers once it has the request, and yield its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, host, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"


def saying(*pieces: bytes) -> Serve:
    """Return what sends `pieces`, each in a packet of its own, and closes the connection."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return serve


def cut(data: bytes, size: int) -> Sequence[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


async def got(url: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=LoopbackTransport(), timeout=5) as client:
        return await client.get(url)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1_000])
async def test_an_answer_in_chunks_is_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    async with serving(saying(*cut(ANSWER, size))) as url:
        response = await got(url)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain"
    assert response.content == SAID


@pytest.mark.parametrize("size", [1, 5, 1_000])
@pytest.mark.parametrize("field", [b"Content-Length: 5\r\n", b""], ids=["with its length", "up to the end"])
async def test_an_answer_in_one_is_read_whole(field: bytes, size: int) -> None:
    async with serving(saying(*cut(b"HTTP/1.1 404 Not Found\r\n" + field + b"\r\nHello", size))) as url:
        response = await got(url)

    assert (response.status_code, response.content) == (404, b"Hello")


async def test_an_answer_that_was_announced_is_waited_for() -> None:
    async with serving(saying(b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER)) as url:
        assert (await got(url)).content == SAID


async def test_what_is_sent_is_what_httpx_would_send_but_for_keeping_the_connection() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readexactly(8))
        writer.write(ANSWER)

    async def note(request: httpx.Request) -> None:
        received.append(request.headers.get("content-length", "").encode())

    async with (
        serving(serve) as url,
        httpx.AsyncClient(transport=LoopbackTransport(), event_hooks={"request": [note]}) as client,
    ):
        await client.post(f"{url}/api/chat?a=b", content="größe?".encode())

    assert received == [b"8", "größe?".encode()]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200",
        CHUNKED,
        ANSWER[:-25],
        CHUNKED + b"5\r\nHel",
        CHUNKED + b"five\r\nHello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHello",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nHello",
        b"HTTP/1.1 fine\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"x" * 70_000 + b"\r\n\r\n",
    ],
)
async def test_an_answer_that_breaks_off_or_is_none_is_an_error(sent: bytes) -> None:
    async with serving(saying(sent)) as url:
        with pytest.raises(httpx.RemoteProtocolError):
            await got(url)


async def test_a_connection_that_is_reset_is_an_error() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serving(serve) as url:
        with pytest.raises(httpx.ReadError):
            await got(url)


async def test_a_closed_port_is_an_error() -> None:
    with pytest.raises(httpx.ConnectError):
        await got(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_localhost_is_found_by_either_of_its_addresses(host: str) -> None:
    async with serving(saying(ANSWER), host) as url:
        assert (await got(f"http://localhost:{httpx.URL(url).port}")).content == SAID


@pytest.mark.parametrize("target", ["http://192.0.2.1/", "https://127.0.0.1/"])
async def test_a_redirect_to_elsewhere_is_not_followed(target: str) -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: " + target.encode() + b"\r\nContent-Length: 0\r\n\r\n"
    async with serving(saying(moved)) as url, httpx.AsyncClient(transport=LoopbackTransport()) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get(url, follow_redirects=True)


async def test_closing_the_response_closes_the_connection() -> None:
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER[:-10])
        assert await reader.read() == b""
        left.set()

    async with serving(serve) as url, httpx.AsyncClient(transport=LoopbackTransport()) as client:
        async with client.stream("GET", url) as response:
            await anext(response.aiter_bytes())

        await asyncio.wait_for(left.wait(), 5)


async def test_whoever_stops_waiting_for_an_answer_closes_the_connection() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.set()
        assert await reader.read() == b""
        left.set()

    async with serving(serve) as url:
        asking = asyncio.create_task(got(url))
        await asked.wait()
        asking.cancel()

        await asyncio.wait_for(left.wait(), 5)


async def test_the_first_token_is_given_before_the_next_one_comes() -> None:
    heard = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        writer.write(b"3\r\none\r\n")
        await heard.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    pieces: list[bytes] = []
    async with (
        serving(serve) as url,
        httpx.AsyncClient(transport=LoopbackTransport(), timeout=5) as client,
        client.stream("GET", url) as response,
    ):
        async for piece in response.aiter_bytes():
            pieces.append(piece)
            heard.set()

    assert pieces == [b"one", b"two"]


async def test_tokens_that_come_quickly_are_given_several_at_once() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        for _number in range(100):
            writer.write(b"2\r\nx \r\n")
            await asyncio.sleep(0.001)
        writer.write(b"0\r\n\r\n")

    async with (
        serving(serve) as url,
        httpx.AsyncClient(transport=LoopbackTransport()) as client,
        client.stream("GET", url) as response,
    ):
        pieces = [piece async for piece in response.aiter_bytes()]

    assert b"".join(pieces) == b"x " * 100
    assert len(pieces) < 60
