"""Files that hold up whoever reads them, made for real."""

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65_534


def make_socket(path: Path) -> None:
    """Leave a socket behind; its name must be short."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def make_long(path: Path, megabytes: int) -> None:
    """Write one line of text."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(b"0123456789" * 100_000)


@contextmanager
def unprivileged_folder() -> Iterator[Path]:
    """Give a folder and, to a test that runs as root, the rights of a user whom permissions stop."""
    is_root = sys.platform != "win32" and os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        if is_root:
            os.chown(name, _NOBODY, _NOBODY)
            os.seteuid(_NOBODY)
        try:
            yield Path(name).resolve()
        finally:
            if is_root:
                os.seteuid(0)
