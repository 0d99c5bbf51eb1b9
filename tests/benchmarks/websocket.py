"""What the WebSocket of Jupyter Server adds to each token, and how many events a second it carries."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tornado.websocket import websocket_connect

from ..faults.process import ROOT, served
from ..ports import free_port
from ..seen import Json
from ..server.serving import JupyterServer, changes, connected, jupyter_server
from .rows import Row

TOKENS = 4_000
CLIENTS = 50
RATE = 20.0
"""Tokens a second of each answer; all clients together get fifty times as many."""
SECONDS = 3

ECHO = """
import asyncio, sys
from tornado.web import Application
from tornado.websocket import WebSocketHandler

class Echo(WebSocketHandler):
    async def on_message(self, message):
        await self.write_message(message)

async def main():
    Application([("/", Echo)]).listen(int(sys.argv[1]), "127.0.0.1")
    print("listens", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def rows(quick: bool) -> Iterator[Row]:
    """Yield how many times as fast an echo is, and the milliseconds that are added to a token."""
    times = 3 if quick else 7
    with served(tokens=TOKENS) as model, _server(model.url) as server, _echo() as port:
        pairs = [asyncio.run(_speeds(server, port)) for _ in range(times)]
    echo = f"a bare tornado echo of {TOKENS:,} messages of one event each"
    yield Row("events in a second: an echo's over ours", median(a / b for a, b in pairs), "x", 2.0, echo)

    measured: dict[str, list[float]] = {"each in a session": [], "all in one session": []}
    direct: list[float] = []
    with _clock(RATE, int(RATE * SECONDS)) as url, _server(url) as server:
        asyncio.run(_shared(server))  # the first question loads and learns
        for _ in range(2 if quick else 4):
            direct += asyncio.run(_direct(url))
            measured["each in a session"] += asyncio.run(_apart(server))
            measured["all in one session"] += asyncio.run(_shared(server))
    bare = f"the model's own HTTP, read by {CLIENTS} clients at {RATE:.0f} tokens/s each"
    for name, took in measured.items():
        yield Row(f"added to a token, {CLIENTS} clients, {name}, median", _added(took, direct, 50), "ms", 2.0, bare)
        yield Row(f"added to a token, {CLIENTS} clients, {name}, 95th", _added(took, direct, 95), "ms", None, bare)


def _added(measured: list[float], direct: list[float], percent: int) -> float:
    cuts = [quantiles(values, n=100)[percent - 1] for values in (measured, direct)]
    return cuts[0] - cuts[1]


async def _speeds(server: JupyterServer, port: int) -> tuple[float, float]:
    """Return the events a second of an echo and of the WebSocket."""
    async with connected(server, **{"as": "events"}) as client:
        await client.read()
        began_s = time.perf_counter()
        await client.send("ask", text="Why?")
        await client.finished()
        ours_s = time.perf_counter() - began_s
        event = next(change for message in client.messages for change in changes(message, "event"))
    event["event"] = {"type": "TextDelta", "text": " outliers"}
    message = json.dumps({"v": 1, "kind": "delta", "rev": 1_000, "changes": [event]})
    socket = await websocket_connect(f"ws://127.0.0.1:{port}/")

    async def write() -> None:
        for _ in range(TOKENS):
            await socket.write_message(message)

    began_s = time.perf_counter()
    writing = asyncio.create_task(write())
    for _ in range(TOKENS):
        await socket.read_message()
    echo_s = time.perf_counter() - began_s
    await writing
    socket.close()
    return TOKENS / echo_s, TOKENS / ours_s


async def _direct(url: str) -> list[float]:
    """Return how long each token of as many answers is on its way to whoever reads the model's HTTP."""
    took: list[float] = []

    async def read() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"POST /api/chat HTTP/1.1\r\nHost: clock\r\nContent-Length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        while line := await reader.readline():
            _note(took, json.loads(line)["message"]["content"])
        writer.close()

    await asyncio.gather(*(read() for _ in range(CLIENTS)))
    return took


async def _apart(server: JupyterServer) -> list[float]:
    """Return the same by way of the WebSocket, each client in a session of its own."""
    took: list[float] = []

    async def ask() -> None:
        async with _opened(server, "new") as (reader, writer):
            writer.write(_frame({"v": 1, "do": "ask", "id": "1", "text": "What time is it?"}))
            await _listened(reader, took)

    await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    return took


async def _shared(server: JupyterServer) -> list[float]:
    """Return the same, all clients in the session of one, who asks."""
    took: list[float] = []
    here = asyncio.Barrier(CLIENTS)

    async def listen(session: str) -> None:
        async with _opened(server, session) as (reader, _):
            await _next(reader)
            await here.wait()
            await _listened(reader, took)

    async with _opened(server, "new") as (reader, writer):
        session = (await _next(reader))["state"]["session"]["id"]
        others = [asyncio.create_task(listen(session)) for _ in range(CLIENTS - 1)]
        await here.wait()
        writer.write(_frame({"v": 1, "do": "ask", "id": "1", "text": "What time is it?"}))
        await asyncio.gather(_listened(reader, took), *others)
    return took


async def _listened(reader: asyncio.StreamReader, took: list[float]) -> None:
    """Note each token of an answer, until it is over."""
    while True:
        for change in (await _next(reader)).get("changes", ()):
            if change["is"] == "event" and change["event"]["type"] == "TextDelta":
                _note(took, change["event"]["text"])
            if change["is"] == "finished":
                return


# Fifty clients share a process with each other, and the one core that is left with the model: a library's own work for each
# frame would be most of what is measured.
@asynccontextmanager
async def _opened(
    server: JupyterServer, session: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    path = server.address(session, **{"as": "events"}).partition(str(server.port))[2]
    head = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Authorization: token ada-token\r\n\r\n"
    )
    writer.write(head.encode())
    await reader.readuntil(b"\r\n\r\n")
    yield reader, writer
    writer.close()


async def _next(reader: asyncio.StreamReader) -> Json:
    """Return the next message of a server; its frames are neither masked nor in pieces."""
    kind, size = await reader.readexactly(2)
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    data = await reader.readexactly(size)
    message: Json = json.loads(data) if kind == 0x81 else {}
    return message


def _frame(message: Json) -> bytes:
    """Return a short message as a client's frame, with a mask that changes nothing."""
    data = json.dumps(message).encode()
    return bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data


def _note(took: list[float], text: str) -> None:
    """Note the milliseconds that the tokens of a text were on their way."""
    now_ns = time.monotonic_ns()
    took.extend((now_ns - int(stamp)) / 1e6 for stamp in text.split())


@contextmanager
def _server(model_url: str) -> Iterator[JupyterServer]:
    with (
        TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as home,
        jupyter_server(Path(home), OLLAMA_HOST=model_url, CHATNB_MODEL="tinychat") as server,
    ):
        server.get("/chatnb/models")  # the first request imports
        yield server


@contextmanager
def _clock(rate: float, tokens: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.clock", str(rate), str(tokens)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


@contextmanager
def _echo() -> Iterator[int]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", ECHO, str(port)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield port
        process.kill()
