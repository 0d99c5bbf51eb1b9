"""Opens files that are files, and knows the names of those that hold secrets."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from ..errors import ContextNotFound, ContextRefused

SECRET_FILES: tuple[str, ...] = (
    *(".env", ".env.*", "*.env", ".envrc", "secrets.toml", "secrets.json", "secrets.y*ml", "*.tfstate", "*.tfvars"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx", "*.ovpn", "*.gpg"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_*_sk", "ssh_host_*_key", "shadow", "gshadow"),
    *("credentials", "credentials.*", "client_secret*.json", "service_account*.json", "service-account*.json"),
    *(".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials", ".dockercfg"),
    *(".boto", ".s3cfg", ".vault-token", "kubeconfig", "jupyter_cookie_secret", "kernel-*.json", ".*_history"),
)
"""The usual names of files with keys, tokens and passwords, in lower case."""

SECRET_FOLDERS = frozenset({".ssh", ".aws", ".azure", ".gcloud", ".gnupg", ".kube", ".docker", ".password-store"})
"""Folders of which every file is such a one."""

# What projects give away on purpose, to be filled in.
_EXAMPLES = ("*.example", "*.sample", "*.template", "*.dist", "credentials.py")
# Files there are made up while they are read: some never end, some wait, some hold the kernel's own environment.
_MADE_UP = frozenset({"/proc", "/sys", "/dev"})
_GROUP = 4  # the bytes of the widest character, so that the end of a file begins with a whole one
# Where the system has no such flag (Windows) it has no named pipes among its files, either.
_FLAGS = sum(
    getattr(os, name, 0) for name in ("O_RDONLY", "O_BINARY", "O_NONBLOCK", "O_NOFOLLOW", "O_NOCTTY", "O_CLOEXEC")
)
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Ends:
    """The bytes of a file, as far as they were read.

    Attributes
    ----------
    head, tail
        Its beginning, and its end where the middle was not read; that begins at a multiple of four bytes.
    size_bytes
        Of the whole file.
    """

    head: bytes
    tail: bytes
    size_bytes: int

    @property
    def left_out_bytes(self) -> int:
        """How much lies between the two."""
        return self.size_bytes - len(self.head) - len(self.tail)


def is_secret(path: PurePath) -> bool:
    """Tell whether a file, or one of the folders that it lies in, usually holds keys, tokens or passwords.

    Upper and lower case are the same, as they are on many disks.

    Examples
    --------
    >>> [is_secret(PurePath(name)) for name in (".env", "a/.ENV.local", ".aws/config", ".env.example", "keys.py")]
    [True, True, True, False, False]
    """
    # Windows opens `.env. ` and `.env::$DATA` as `.env`.
    name = path.name.casefold().partition(":")[0].rstrip(". ")
    return is_secret_folder(path.parent) or (_fits(name, SECRET_FILES) and not _fits(name, _EXAMPLES))


def is_secret_folder(path: PurePath) -> bool:
    """Tell whether a folder, or one that it lies in, is there for keys, tokens or passwords."""
    return not SECRET_FOLDERS.isdisjoint(part.casefold().rstrip(". ") for part in path.parts)


def is_made_up(path: PurePath) -> bool:
    """Tell whether a path lies where the system shows its own state as files."""
    return any(str(each) in _MADE_UP for each in (path, *path.parents)) and PurePath("/dev/shm") not in path.parents  # noqa: S108 - real files lie there


def real_file(path: Path, name: str) -> Path:
    """Return where a path leads, with all links followed, if that is a regular file.

    Raises
    ------
    ContextNotFound
        If there is nothing.
    ContextRefused
        If it is a folder, a pipe, a device, or may not be looked at.
    """
    with explained(name):
        real = Path(os.path.realpath(path, strict=True))
        _require_regular(real.stat().st_mode, real, name)
    return real


def read_ends(path: Path, limit: int, name: str) -> Ends:
    """Return the first and last bytes of a file, all of it if it is not longer than `limit`; never waits.

    Parameters
    ----------
    path
        As `real_file` returned it.
    limit
        How many bytes are read at most.
    name
        What the file is called in errors.

    Raises
    ------
    ContextNotFound
        If the file has vanished.
    ContextRefused
        If it is no regular file, or may not be read.
    """
    with explained(name):
        # What the name means may have changed since it was looked at: so no link is followed now, no pipe is waited for,
        # and the opened file is looked at again.
        descriptor = os.open(path, _FLAGS)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a Path cannot open with flags
            status = os.fstat(descriptor)
            _require_regular(status.st_mode, path, name)
            size = status.st_size
            if size <= limit:
                return Ends(head := _read(descriptor, size), b"", len(head))
            half = limit // 2
            head = _read(descriptor, half)
            file.seek(-(-(size - half) // _GROUP) * _GROUP)
            return Ends(head, _read(descriptor, half), size)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what the system says about a path into a sentence."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ContextNotFound(f"There is no file {name}.") from error
    except PermissionError as error:
        raise ContextRefused(f"{name} may not be read by you. Change its permissions, or name another file.") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ContextRefused(
                f"{name} is a link that leads back to itself. Name the file it was meant for."
            ) from error
        if error.errno in {errno.ENAMETOOLONG, errno.EINVAL}:
            raise ContextNotFound(f"There is no file {name}.") from error
        raise ContextRefused(f"{name} could not be read ({error.strerror}).") from error
    except ValueError as error:  # a NUL in the name, or what is no character
        raise ContextNotFound(f"There is no file {name}.") from error


def one_line(name: str) -> str:
    r"""Return a file's name as it can be shown: what does not print is escaped.

    Examples
    --------
    >>> print(one_line("a\nb\u202etxt.exe"), one_line("größe.md"))
    a\nb\u202etxt.exe größe.md
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in name)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _require_regular(mode: int, path: Path, name: str) -> None:
    if is_made_up(path):
        raise ContextRefused(
            f"{name} is no file on a disk: the system makes it up while it is read. Read it in a cell, and ask about that."
        )
    if stat.S_ISDIR(mode):
        raise ContextRefused(f"{name} is a folder. Write dir:{name} for the text files in it.")
    if not stat.S_ISREG(mode):
        raise ContextRefused(
            f"{name} is {_KINDS.get(stat.S_IFMT(mode), 'no regular file')}, which could be waited for without end. "
            "Save what it gives to a file, and name that."
        )


def _read(descriptor: int, count: int) -> bytes:
    """Return `count` bytes, or fewer if the file became shorter; never those by which it grew."""
    pieces = []
    while count > 0 and (piece := os.read(descriptor, count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
