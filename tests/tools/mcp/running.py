"""Start the servers of this folder, and see what is left of them."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil

from chatnb.messages import ToolCall, ToolResult
from chatnb.tools.mcp.base import McpServer
from chatnb.tools.mcp.tools import McpTools
from chatnb.tools.tool import Tool
from chatnb.tools.toolbox import Toolbox
from tests import ports, processes

SERVERS = Path(__file__).parent / "servers"


def reference(name: str = "reference") -> McpServer:
    """Return the server of the reference package, as a program."""
    return McpServer(name, sys.executable, (str(SERVERS / "reference.py"),))


def hostile(behaviour: str, file: Path | None = None, name: str = "hostile", **more: Any) -> McpServer:
    """Return a server that does what it should not."""
    arguments = (str(SERVERS / "hostile.py"), behaviour, *([str(file)] if file else []))
    return McpServer(name, sys.executable, arguments, **more)


@asynccontextmanager
async def connected(*servers: McpServer, **limits: float) -> AsyncIterator[McpTools]:
    """Give the tools of servers that were connected with, without a complaint, and close them."""
    tools = McpTools(servers, **limits)
    try:
        assert await tools.connect() == ()
        yield tools
    finally:
        await tools.aclose()


def named(tools: McpTools) -> dict[str, Tool]:
    """Return the tools by their names."""
    return {tool.spec.name: tool for tool in tools.tools()}


async def called(tools: McpTools, name: str, arguments: Mapping[str, Any] | None = None) -> ToolResult:
    """Call a tool as a model does."""
    results = [result async for result in Toolbox(tools.tools()).run([ToolCall("1", name, arguments or {})])]
    return results[0]


@contextmanager
def serving_http(folder: Path, port: int = 0) -> Iterator[McpServer]:
    """Run the reference server over HTTP on loopback."""
    port = port or ports.free_port()
    command: list[str | Path] = [sys.executable, SERVERS / "reference.py", str(port)]
    process = processes.start(command, env=processes.environment(), log=folder / "log")
    try:
        _wait_until_open(port)
        yield McpServer("reference", url=f"http://127.0.0.1:{port}/mcp")
    finally:
        processes.stop(process)


@contextmanager
def answering(status: int, headers: Mapping[str, str]) -> Iterator[str]:
    """Answer whatever is asked over HTTP with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = f"no {self.headers.get('X-Key')}".encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mcp"
        finally:
            server.shutdown()
            thread.join()


def children() -> list[psutil.Process]:
    """Return the processes that this one has started and that are still there."""
    return [child for child in psutil.Process().children(recursive=True) if lives(child)]


def lives(process: psutil.Process) -> bool:
    """Whether a process still runs."""
    return processes.is_running(process.pid)


async def until(condition: Any, timeout_s: float = 60) -> None:
    """Wait for something that happens in another process."""
    end_at = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_at
        await asyncio.sleep(0.01)


def _wait_until_open(port: int, timeout_s: float = 60) -> None:
    end_at = time.monotonic() + timeout_s
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end_at
        time.sleep(0.05)
