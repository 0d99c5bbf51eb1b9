"""Find running kernels, and ask one of them from outside, by way of its connection file.

All is asked silently, so that the numbers of cells, the history and `_` stay as they are. What answers is
tools/offered.py, in the kernel: its Python needs chatnb, too.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .errors import ChatError, SettingsError
from .tools.offered import MIME

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

_PING_S = 2.0
_BEGIN_S = 2.0  # a kernel that was free just now; it refuses what it gets to later
_SUBSCRIBE_S = 0.2
_STOP_S = 5.0


class KernelAway(ChatError):  # noqa: N818 - named after what happened
    """A kernel that is not there, is busy, or cannot answer; says which, and what to do."""


class RunningKernel:
    """A kernel that others started; entered as an asynchronous context manager.

    Parameters
    ----------
    read_limit_s
        So long the kernel may be busy with other things, or take for an answer.
    run_limit_s
        So long code may run.

    Raises
    ------
    SettingsError
        When it is entered, if the file is none of a kernel, or jupyter_client is missing.
    """

    def __init__(self, connection_file: Path, read_limit_s: float = 10.0, run_limit_s: float = 120.0) -> None:
        self._file = connection_file
        self._read_limit_s, self._run_limit_s = read_limit_s, run_limit_s
        self._lock = asyncio.Lock()  # replies come over one channel
        self._runs: asyncio.Task[str] | None = None

    async def __aenter__(self) -> Self:
        self._channels = _channels(self._file, "shell", "control")
        self._client = self._channels.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runs is not None:
            await asyncio.wait([self._runs], timeout=_STOP_S)
        self._channels.__exit__(kind, error, trace)

    async def ask(self, deed: str, arguments: Mapping[str, Any]) -> str:
        """Return what the kernel answers; see `offered.DEEDS`.

        Raises
        ------
        KernelAway
            If it does not, or answers that it cannot.
        """
        async with self._lock:
            request = self._send(_expression(deed, arguments, self._read_limit_s))
            try:
                async with asyncio.timeout(self._read_limit_s):
                    return _text(await self._reply(request))
            except TimeoutError:
                raise KernelAway(await self._why_silent()) from None

    async def run(self, code: str) -> str:
        """Run code once the kernel is free, and return what it shows; interrupt it if nobody waits for it any more.

        Raises
        ------
        KernelAway
            If the kernel is not free, or if the code fails or takes too long.
        """
        is_left = asyncio.Event()
        # In a task of its own: whoever is cancelled cannot wait until it is clear whose code the kernel runs.
        self._runs = asyncio.create_task(self._run(code, is_left))
        self._runs.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            return await asyncio.shield(self._runs)
        except asyncio.CancelledError:
            is_left.set()
            raise

    async def _run(self, code: str, is_left: asyncio.Event) -> str:
        async with self._lock:
            try:
                with _channels(self._file, "iopub") as watcher:
                    async with asyncio.timeout(self._read_limit_s):
                        await self._is_heard(watcher)
                    if is_left.is_set():
                        return ""
                    async with asyncio.timeout(_BEGIN_S):
                        request = self._send(_expression("run_code", {"code": code}, _BEGIN_S))
                        await _mention(watcher, request)
            except TimeoutError:
                raise KernelAway(await self._why_silent()) from None
            # From here on it is this code that an interrupt stops, and not a cell of the user's.
            reply, left = asyncio.create_task(self._reply(request)), asyncio.create_task(is_left.wait())
            await asyncio.wait([reply, left], timeout=self._run_limit_s, return_when=asyncio.FIRST_COMPLETED)
            left.cancel()
            if reply.done():
                return _text(reply.result())
            self._client.control_channel.send(self._client.session.msg("interrupt_request", {}))
            await asyncio.wait([reply], timeout=_STOP_S)
            what = "was interrupted" if reply.done() else "does not stop"
            reply.cancel()
            raise KernelAway(f"The code ran longer than {self._run_limit_s:g} s and {what}.")

    async def _is_heard(self, watcher: AsyncKernelClient) -> None:
        """Return when the kernel is free, and the watcher hears what it tells: a subscription takes a moment."""
        while True:
            request = self._send("0")
            await self._reply(request)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SUBSCRIBE_S):
                    return await _mention(watcher, request)

    def _send(self, expression: str) -> str:
        """Let the kernel evaluate something, without a trace, and return the id of the request."""
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": {"answer": expression},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message = self._client.session.msg("execute_request", content)
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    async def _reply(self, request: str) -> Mapping[str, Any]:
        while True:
            message = await self._client.shell_channel.get_msg()
            if message["parent_header"].get("msg_id") == request:  # else one that nobody waits for any more
                content: Mapping[str, Any] = message["content"]
                return content

    async def _why_silent(self) -> str:
        if await _answers(self._file):
            return "The kernel is busy with a cell, and nothing was done. Ask again later."
        return f"The kernel of {self._file.name} does not answer: it has ended. Start `chatnb mcp` for another one."


async def running_kernels() -> tuple[Path, ...]:
    """Return the connection files of this user's kernels that answer, the newest first.

    Raises
    ------
    SettingsError
        If jupyter_client is missing.
    """
    _require("jupyter_client")
    newest = _connection_files()
    answers = await asyncio.gather(*map(_answers, newest))
    return tuple(file for file, is_there in zip(newest, answers, strict=True) if is_there)


async def chosen_kernel(name: str) -> tuple[Path, tuple[Path, ...]]:
    """Return the kernel that is meant, and the others if none was named."""
    running = await running_kernels()
    if not running:
        raise SettingsError("No kernel runs. Open a notebook, and start `chatnb mcp` again.")
    if not name:
        return running[0], running[1:]
    named = [file for file in running if name in file.name]
    if len(named) == 1:
        return named[0], ()
    listed = "".join(f"\n  {file}" for file in running)
    has = "Several running kernels have" if named else "No running kernel has"
    raise SettingsError(f"{has} {name!r} in the name of its connection file. There are:{listed}")


def _expression(deed: str, arguments: Mapping[str, Any], limit_s: float) -> str:
    asked = json.dumps({"do": deed, "with": arguments, "until": time.time() + limit_s})
    return f"__import__('chatnb.tools.offered', fromlist=['answer']).answer({asked!r})"


async def _mention(watcher: AsyncKernelClient, request: str) -> None:
    """Return when the kernel tells everybody that it is at a request."""
    while True:
        message = await watcher.iopub_channel.get_msg()
        if message["parent_header"].get("msg_id") == request:
            return


def _text(reply: Mapping[str, Any]) -> str:
    """Return the text of a reply.

    Raises
    ------
    KernelAway
        If it is none, or says what went wrong.
    """
    shown = reply.get("user_expressions", {}).get("answer")
    if shown is None:
        raise KernelAway("This kernel cannot be looked into: only those of IPython can.")
    if shown.get("status") != "ok":
        if shown.get("ename") in ("ModuleNotFoundError", "ImportError"):
            raise KernelAway("The kernel's Python has no chatnb of this version: run `%pip install -U chatnb` there.")
        raise KernelAway(f"The kernel could not answer: {shown.get('ename')}: {shown.get('evalue')}")
    answer = shown["data"][MIME]
    if answer["is_error"]:
        raise KernelAway(answer["text"])
    return str(answer["text"])


@contextmanager
def _channels(connection_file: Path, *wanted: str) -> Iterator[AsyncKernelClient]:
    """Hold those channels to a kernel open.

    Raises
    ------
    SettingsError
        If the file is none of a kernel.
    """
    _require("jupyter_client")
    from jupyter_client.asynchronous.client import AsyncKernelClient  # noqa: PLC0415 - of an extra

    client = AsyncKernelClient(connection_file=str(connection_file))
    try:
        client.load_connection_file()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{connection_file} is no connection file of a kernel: {error}") from error
    client.start_channels(**{name: name in wanted for name in ("shell", "iopub", "stdin", "hb", "control")})
    try:
        yield client
    finally:
        client.stop_channels()


async def _answers(connection_file: Path) -> bool:
    """Tell whether a kernel answers on its control channel, as it does while a cell runs."""
    try:
        with _channels(connection_file, "control") as client:
            client.control_channel.send(client.session.msg("kernel_info_request", {}))
            async with asyncio.timeout(_PING_S):
                await client.control_channel.get_msg()
    except (TimeoutError, SettingsError, KeyError):
        return False
    return True


def _connection_files() -> list[Path]:
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415 - of an extra

    files = [(file.stat().st_mtime, file) for file in Path(jupyter_runtime_dir()).glob("kernel-*.json")]
    return [file for _, file in sorted(files, reverse=True)]


def _require(package: str) -> None:
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise SettingsError("To reach a kernel takes a package that is not there: pip install 'chatnb[mcp]'") from error
