"""The tool `shell`: run a command in the notebook's folder; off unless the user turns it on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..context.cell import as_text, clipped
from ..detection import secrets_of
from ..errors import SettingsError
from .showing import plainly
from .tool import Tool

TIME_LIMIT_S = 60.0

OUTPUT_CHARACTERS = 100_000
"""What is kept of the output, its beginning and its end."""

_GRACE_S = 1.0
_PROBE = "q7Xk-93vBz-t1"  # as a secret looks: what it is named decides
_LOGIN = re.compile(r"://[^/\s@]*:[^/\s@]+@")


def shell_tools(folder: Path, time_limit_s: float = TIME_LIMIT_S) -> tuple[Tool, ...]:
    """Return the tool that runs commands in a folder.

    Parameters
    ----------
    time_limit_s
        How long a command may take.

    Raises
    ------
    SettingsError
        If this system has no groups of processes.
    """
    if not hasattr(os, "killpg"):
        raise SettingsError(
            "The shell tools need a system with groups of processes, which Windows is not. Leave them out."
        )
    commands = Commands(folder, time_limit_s)
    return (
        Tool.of(
            commands.run_command,
            effects=("runs", "network", "writes"),
            preview=commands.preview,
            time_limit_s=time_limit_s + 10,  # by then it has told itself
        ),
    )


class Commands:
    """Runs commands, each with what it starts in a group of its own."""

    def __init__(self, folder: Path, time_limit_s: float) -> None:
        self._folder, self._time_limit_s = folder, time_limit_s

    async def run_command(self, command: str) -> str:
        """Run a command in a shell, in the notebook's folder, and return what it prints.

        It gets no input. What it leaves running in the background is ended.

        Parameters
        ----------
        command
            As for sh -c.
        """
        reader, writer = os.pipe()
        output = _Output()
        # A pipe of our own: asyncio's is waited for until the last process in the background has closed it.
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: output, os.fdopen(reader, "rb"))
        try:
            process = await self._begun(command, writer)
        except BaseException:
            transport.close()
            raise
        finally:
            os.close(writer)
        try:
            async with asyncio.timeout(self._time_limit_s):
                code = await process.wait()
        except TimeoutError:
            raise TimeoutError(f"Stopped after {self._time_limit_s:g} s. {output.text()}".strip()) from None
        except asyncio.CancelledError:
            transport.close()  # nobody wants the output any more, nor waits for its end
            raise
        finally:
            _kill(process.pid)
            await process.wait()
            with contextlib.suppress(TimeoutError):  # whoever has left the group may hold the pipe for ever
                await asyncio.wait_for(output.has_ended.wait(), _GRACE_S)
            transport.close()
        text = output.text() or "[it printed nothing]"
        return text if code == 0 else f"{text}\n[exit code {code}]"

    async def _begun(self, command: str, writer: int) -> asyncio.subprocess.Process:
        """Start a command; whoever cancels that leaves nothing behind that it has started by then."""
        beginning = asyncio.ensure_future(
            asyncio.create_subprocess_shell(
                command,
                cwd=self._folder,
                env=without_secrets(os.environ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
            )
        )
        try:
            return await asyncio.shield(beginning)  # else asyncio would end the shell, and not its group
        except asyncio.CancelledError:
            process = await beginning
            _kill(process.pid)
            await process.wait()
            raise

    def preview(self, arguments: Mapping[str, Any]) -> str:
        """Return the command, and where it runs."""
        return f"{plainly(str(arguments['command']))}\n\nruns in: {plainly(str(self._folder))}"


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables that are secrets, by their names or by what they hold.

    Examples
    --------
    >>> without_secrets({"HOME": "/home/ada", "DB_PASSWORD": "sesame", "PROXY": "http://ada:pw@proxy:80"})
    {'HOME': '/home/ada'}
    """
    values = secrets_of(environment)
    return {
        name: value
        for name, value in environment.items()
        if value not in values and not secrets_of({name: _PROBE}) and not _LOGIN.search(value)
    }


class _Output(asyncio.Protocol):
    """What came through the pipe so far."""

    def __init__(self) -> None:
        self.has_ended = asyncio.Event()
        self._text, self._pieces, self._size = "", list[bytes](), 0

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if self._size > OUTPUT_CHARACTERS:
            self._join()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.has_ended.set()

    def text(self) -> str:
        self._join()
        return as_text({"output_type": "stream", "text": self._text})

    def _join(self) -> None:
        self._text = clipped(self._text + b"".join(self._pieces).decode(errors="replace"), OUTPUT_CHARACTERS)
        self._pieces.clear()
        self._size = 0


def _kill(group: int) -> None:
    # Its number cannot belong to others meanwhile: as long as one process is in it, it is taken.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
