"""What the WebSocket of Jupyter Server adds to each token, and how many events a second it carries."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tornado.websocket import websocket_connect

from ..faults.process import ROOT, served
from ..ports import free_port
from ..server.serving import JupyterServer, changes, connected, jupyter_server, token_of
from .rows import Row

TOKENS = 4_000
CLIENTS = 50
RATE = 20.0
"""Tokens a second of each answer; all clients together get fifty times as many."""
SECONDS = 5

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
        for _ in range(2 if quick else 3):
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
    """Return the milliseconds that each token of as many answers is on its way to whoever reads the model's HTTP."""
    request = b"POST /api/chat HTTP/1.1\r\nHost: clock\r\nContent-Length: 0\r\n\r\n"
    recorders = [await _connected(int(url.rpartition(":")[2])) for _ in range(CLIENTS)]
    for recorder in recorders:
        recorder.write(request)
    for recorder in recorders:
        await recorder.until(b'"done": true')
    return [took for recorder in recorders for took in recorder.took(rb'"content": "(\d+) "')]


async def _apart(server: JupyterServer) -> list[float]:
    """Return the same by way of the WebSocket, each client in a session of its own."""
    recorders = [await _opened(server, "new") for _ in range(CLIENTS)]
    for recorder in recorders:
        recorder.write(_ASK)
    return await _told(recorders)


async def _shared(server: JupyterServer) -> list[float]:
    """Return the same, all clients in the session of one, who asks."""
    asking = await _opened(server, "new")
    (session,) = re.findall(rb'"session": {"id": "([^"]+)"', asking.received)
    recorders = [asking, *[await _opened(server, session.decode()) for _ in range(CLIENTS - 1)]]
    asking.write(_ASK)
    return await _told(recorders)


async def _told(recorders: list[_Recorder]) -> list[float]:
    for recorder in recorders:
        await recorder.until(b'"is":"finished"')
    # Words that came together are in one event, each with its own moment.
    return [took for recorder in recorders for took in recorder.took(rb'(?<=[" ])(\d{9,}) ')]


class _Recorder(asyncio.Protocol):
    """Notes what comes and when, and looks into it afterwards: fifty clients share a process.

    A library's own work for each of fifty frames would be most of what is measured.
    """

    def __init__(self) -> None:
        self.received = b""
        self._chunks: list[tuple[int, bytes]] = []
        self._end, self._over = b"", asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._chunks.append((time.monotonic_ns(), data))
        if self._end and self._end in data:
            self._over.set()

    def write(self, data: bytes) -> None:
        """Send something."""
        assert isinstance(self._transport, asyncio.WriteTransport)
        self._transport.write(data)

    async def until(self, end: bytes) -> None:
        """Wait until something came, whole."""
        self._end = end
        if not any(end in data for _, data in self._chunks):
            await self._over.wait()
        self._over.clear()
        self.received = b"".join(data for _, data in self._chunks)

    def took(self, stamp: bytes) -> list[float]:
        """Return the milliseconds that each stamp was on its way; those that were said before are told again at the end."""
        self._transport.close()
        found, seen = [], set()
        for at_ns, data in self._chunks:
            for sent_ns in re.findall(stamp, data):
                if sent_ns not in seen:
                    seen.add(sent_ns)
                    found.append((at_ns - int(sent_ns)) / 1e6)
        return found


async def _connected(port: int) -> _Recorder:
    _, recorder = await asyncio.get_running_loop().create_connection(_Recorder, "127.0.0.1", port)
    return recorder


async def _opened(server: JupyterServer, session: str) -> _Recorder:
    recorder = await _connected(server.port)
    lines = [
        f"GET /chatnb/ws/{session}?as=events HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"{name}: {value}" for name, value in token_of("ada").items()),
    ]
    recorder.write("\r\n".join([*lines, "", ""]).encode())
    await recorder.until(b'"feed": ')
    return recorder


_COMMAND = json.dumps({"v": 1, "do": "ask", "id": "1", "text": "What time is it?"}).encode()
_ASK = bytes([0x81, 0x80 | len(_COMMAND), 0, 0, 0, 0]) + _COMMAND  # a client's frame, with a mask that changes nothing


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
