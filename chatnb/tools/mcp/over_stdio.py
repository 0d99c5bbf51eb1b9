"""A server that is a program: started in a group of its own, spoken to over its standard streams, and ended with all it started.

The package has a transport for that. This one stands in its place because a line may be as long as a server likes there,
nobody reads what the program complains of, and what it leaves running behind itself goes on.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from .base import McpFailed, McpServer

MESSAGE_BYTES = 8_000_000
"""A longer message ends the connection."""

GRACE_S = 1.0
"""So long it may take to end by itself, and then again when it is asked to."""

_POLL_S = 0.01
_TAIL_BYTES = 4_000
_NOISE = 100  # lines that are no messages: some programs greet whoever starts them
_QUEUE = 1_000  # messages that wait to be read by the server: nobody has to wait for one that hangs

_running: set[tuple[int, int]] = set()
"""Each program that runs: who started it, since a fork of that process is not to end it, and its own id."""

Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


class Program:
    """One run of a server; an asynchronous context manager, as `mcp.Client` takes it.

    Attributes
    ----------
    has_ended
        Set when nothing will come any more.
    is_refused
        Whether it answers, but does not know us any more; a program always does.
    """

    is_refused = False

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self.has_ended = asyncio.Event()
        self._fault = self._noise = ""
        self._said = b""

    async def __aenter__(self) -> Streams:
        server = self._server
        environment = {**get_default_environment(), **server.environment}
        folder = _folder_of(server)
        name = str(folder / server.command) if os.path.dirname(server.command) else server.command  # noqa: PTH120 - "./x" has one
        command = shutil.which(name, path=environment.get("PATH"))
        if command is None:
            raise McpFailed(f"There is no program {server.command!r} on the PATH. Install it, or write its whole path.")
        try:
            self._process = await asyncio.create_subprocess_exec(
                command,
                *server.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
                cwd=folder,
                limit=MESSAGE_BYTES,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise McpFailed(f"{server.place} could not be started: {error}") from error
        self._mark = (os.getpid(), self._process.pid)
        _running.add(self._mark)
        incoming, receive = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        send, outgoing = anyio.create_memory_object_stream[SessionMessage](_QUEUE)
        self._streams = (incoming, receive, send, outgoing)
        self._tasks = [
            asyncio.create_task(self._read(incoming), name=f"mcp {server.name} stdout"),
            asyncio.create_task(self._write(outgoing), name=f"mcp {server.name} stdin"),
            asyncio.create_task(self._listen(), name=f"mcp {server.name} stderr"),
        ]
        return receive, send

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process.stdin  # noqa: S101 - for the type checker
        try:
            process.stdin.close()  # as the protocol says good-bye
            if not await self._exits() and hasattr(os, "killpg"):
                _signal_group(process.pid, signal.SIGTERM)
                await self._exits()
        finally:
            # What it started, too, even if it has ended itself.
            if hasattr(os, "killpg"):
                _signal_group(process.pid, signal.SIGKILL)
            elif process.returncode is None:
                process.kill()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._exits()
            _running.discard(self._mark)
            for stream in self._streams:
                stream.close()
            # Whoever left the group may hold the pipes open; nothing public closes our ends of them.
            process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001

    def refusal(self) -> str:
        """Return what is said of an answer besides the answer: nothing."""
        return ""

    async def reason(self) -> str:
        """Return why it is not to be spoken to any more, or how it behaves, in sentences."""
        if not hasattr(self, "_process"):  # it was still to be started
            return ""
        if self.has_ended.is_set() and not self._fault:
            await self._exits()
        code = self._process.returncode
        what = self._fault or (f"It ended with exit code {code}." if code is not None else "")
        noise = f"It printed what is no message: {self._noise}" if self._noise and not self._fault else ""
        said = self._server.quoted(self._said.decode(errors="replace"), is_end=True)
        return " ".join(filter(None, [what, noise, said and f"It complained: {said}"]))

    async def _read(self, incoming: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        output = self._process.stdout
        assert output  # noqa: S101
        noises = 0
        try:
            while line := await output.readline():
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    noises += 1
                    self._noise = self._noise or repr(
                        self._server.quoted(line[:_TAIL_BYTES].decode(errors="replace"), 100)
                    )
                    # A broken message is somebody's answer, which would be waited for.
                    if noises > _NOISE or b'"jsonrpc"' in line:
                        self._fault = f"It printed what is no message of the protocol: {self._noise}"
                        return
                else:
                    await incoming.send(SessionMessage(message))
        except ValueError:  # of readline: the limit
            self._fault = f"It sent a message of more than {MESSAGE_BYTES:,} bytes."
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            pass
        finally:
            self.has_ended.set()
            incoming.close()

    async def _write(self, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
        pipe = self._process.stdin
        assert pipe  # noqa: S101
        with contextlib.suppress(ConnectionError, anyio.ClosedResourceError):  # reading tells that it has ended
            async for message in outgoing:
                pipe.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await pipe.drain()

    async def _listen(self) -> None:
        output = self._process.stderr
        assert output  # noqa: S101
        while data := await output.read(_TAIL_BYTES * 16):
            self._said = (self._said + data)[-_TAIL_BYTES:]

    async def _exits(self) -> bool:
        # Not process.wait(): it waits for whoever holds the pipes.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while self._process.returncode is None:  # noqa: ASYNC110 - asyncio tells it in no other way
                    await asyncio.sleep(_POLL_S)
        return self._process.returncode is not None


def _folder_of(server: McpServer) -> Path:
    """Return where a server runs: not in the notebook's folder, unless the user says so.

    `python -m` and `npx` take from the folder in which they run whatever has the right name, and that folder may have
    come from elsewhere.
    """
    if server.folder:
        return Path(server.folder).expanduser().absolute()
    home = Path.home()
    return home if home.is_dir() else Path(home.anchor)


@atexit.register
def _end_all() -> None:
    """End what still runs when this process ends without having closed it: a kernel that is restarted, a script."""
    left = {group for owner, group in _running if owner == os.getpid()}
    if not left or not hasattr(os, "killpg"):  # then all there is are the closed pipes
        return
    for group in left:
        _signal_group(group, signal.SIGTERM)
    end_at_s = time.monotonic() + GRACE_S
    for group in left:
        with contextlib.suppress(ChildProcessError):  # something else has waited for it
            while time.monotonic() < end_at_s and os.waitpid(group, os.WNOHANG) == (0, 0):
                time.sleep(_POLL_S)
        _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
