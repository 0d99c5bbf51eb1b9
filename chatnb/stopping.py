"""Let another process of the same user end the answers of this one: what `chatnb stop` talks to.

A process whose answers are kept listens, from its first one on, on a Unix socket of its own in a folder beside the
sessions. Nobody looks anywhere again and again: whoever connects gets a line for each answer, which is stopped then. The
socket of a process that was killed stays behind as a file, and is removed by whoever comes next.

On Windows Python's loop has no such sockets: there nothing listens, and `chatnb stop` says so.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import SettingsError
from .stores.disk import make_private

RUN = "run"
"""The folder's name."""

PATIENCE_S = 5.0
"""How long a process may take to answer; one that is stopped itself never does."""

_CAN_LISTEN = hasattr(socket, "AF_UNIX")
_LONGEST = 100  # bytes; the path of a socket has at most 104 to 108
_BACKLOG = 8


class StopServer:
    """Listens for those who want the answers of this process stopped.

    `listen` and `close` belong to one event loop.

    Parameters
    ----------
    folder
        Where the socket is put; it is made for its user alone.
    stop
        Stops every answer that is coming and returns what each is about; called on that loop.
    """

    def __init__(self, folder: Path, stop: Callable[[], Sequence[str]]) -> None:
        self._path = folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.sock"
        self._stop = stop
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Begin; on a system or a disk that has no such sockets nothing happens."""
        if self._server is None and _CAN_LISTEN:
            with suppress(OSError):
                bound = await asyncio.to_thread(_bound, self._path)
                self._server = await asyncio.start_unix_server(self._answer, sock=bound)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        with suppress(OSError):
            self._path.unlink()

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.writelines(f"{what}\n".encode() for what in self._stop())
            await writer.drain()
        writer.close()


def stop_all(folder: Path) -> list[str]:
    """Stop the answers of all processes that listen in a folder, and return what each was about.

    Raises
    ------
    SettingsError
        On a system where none can listen.
    """
    if not _CAN_LISTEN:
        raise SettingsError(
            "Here one process cannot stop another one's answer. Stop it where it was asked: with its stop button or Ctrl-C."
        )
    stopped = []
    for path in _sockets(folder):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection, _short(path) as name:
            connection.settimeout(PATIENCE_S)
            connection.connect(name)
            stopped += connection.makefile(encoding="utf-8", errors="replace").read().splitlines()
    return stopped


def _bound(path: Path) -> socket.socket:
    make_private(path.parent)
    _sockets(path.parent)
    bound = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as name:
            bound.bind(name)
        path.chmod(0o600)
    except BaseException:
        bound.close()
        raise
    bound.listen(_BACKLOG)
    return bound


def _sockets(folder: Path) -> list[Path]:
    """Return the sockets of this machine's living processes, and remove those of its dead ones."""
    living = []
    for path in folder.glob(f"{socket.gethostname()}-*.sock"):
        try:
            os.kill(int(path.stem.split("-")[-2]), 0)
        except ProcessLookupError:
            with suppress(OSError):
                path.unlink()
        except (ValueError, IndexError, OSError):
            continue  # another user's process has that number now, or it is no file of ours
        else:
            living.append(path)
    return living


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a path of a socket in a form that is short enough for the system."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="chatnb-") as folder:
        link = Path(folder) / "run"
        link.symlink_to(path.parent, target_is_directory=True)
        yield str(link / path.name)
