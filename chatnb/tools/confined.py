"""The folder that a model may use files of, and what a path that it wrote means there.

A path is followed through all its links first, and is refused if it ends outside. A model's word is enough for
nothing more: files of keys and passwords and git's own are refused whoever agrees.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..context.guarded import explained, is_made_up, is_secret, is_secret_folder, one_line, real_file
from ..context.summaries.texts import cut
from ..errors import ContextNotFound, ContextRefused

# A name may mean something else since it was looked at: no link is followed now, and no pipe is waited for.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_RDONLY", "O_BINARY", "O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC"))
_BEGIN = "Paths begin in the notebook's folder; list_files shows what is there."


@dataclass(frozen=True, slots=True)
class ConfinedFolder:
    """A folder that no path leaves.

    Attributes
    ----------
    root
        Itself without links: `ConfinedFolder.of` sees to that.
    """

    root: Path

    @classmethod
    def of(cls, path: Path) -> ConfinedFolder:
        """Return the folder that a path leads to."""
        return cls(Path(os.path.realpath(path)))

    def file(self, path: str) -> Path:
        """Return where the file that a model named really is.

        Raises
        ------
        ContextNotFound
            If there is none.
        ContextRefused
            If it lies outside, is no regular file, or is none for models.
        """
        real = self.place(path)
        if is_folder(real):
            raise ContextRefused(f"{self.name(real)} is a folder. list_files shows what is in it.")
        if not os.path.lexists(real):
            raise ContextNotFound(f"There is no file {_shown(path)}. {_BEGIN}")
        return real_file(real, self.name(real))

    @contextmanager
    def opened(self, real: Path) -> Iterator[BinaryIO]:
        """Open a file that `file` returned, to read its bytes one after the other; raises as `file` does."""
        name = self.name(real)
        with explained(name):
            file = os.fdopen(os.open(real, _FLAGS), "rb")
        with file:
            is_same = stat.S_ISREG(os.fstat(file.fileno()).st_mode) and Path(os.path.realpath(real)) == real
            if not is_same:
                raise ContextRefused(f"{name} has just become something else. Ask again.")
            yield file

    def folder(self, path: str) -> Path:
        """Return where the folder that a model named really is; raises as `file` does."""
        real = self.place(path)
        if not is_folder(real):
            raise ContextNotFound(f"There is no folder {_shown(path)}. {_BEGIN}")
        return real

    def place(self, path: str) -> Path:
        """Return where a path leads, with all links followed, whether there is something or not.

        Raises
        ------
        ContextRefused
            If that is outside, or nothing for models.
        """
        # Zero-width and other unseen characters are dropped by some file systems, so that a name means another file.
        if not path.isprintable() or not path:
            raise ContextRefused(f"The path {_shown(path)!r} is empty or holds characters that do not show. {_BEGIN}")
        shown = _shown(path)
        with explained(shown):
            real = Path(os.path.realpath(self.root / path))
        if not real.is_relative_to(self.root):
            raise ContextRefused(f"{shown} lies outside of the notebook's folder, which tools do not leave. {_BEGIN}")
        if is_secret(real) or is_secret_folder(real):
            raise ContextRefused(f"{shown} looks like keys or passwords, which no tool reads or writes.")
        # Its configuration holds passwords of remotes, and what its hooks say is run.
        if any(part.casefold().rstrip(". ") == ".git" for part in real.parts):
            raise ContextRefused(f"{shown} belongs to git itself, and no tool reads or writes there.")
        if is_made_up(real):
            raise ContextRefused(f"{shown} is no file on a disk: the system makes it up while it is read.")
        return real

    def name(self, real: Path) -> str:
        """Return what a place within is called, as a path from the folder on, in one line."""
        return one_line(real.relative_to(self.root).as_posix())


def is_folder(real: Path) -> bool:
    """Tell whether there is a folder."""
    return os.path.isdir(real)  # noqa: PTH112 - a Path raises where the name is too long


def _shown(path: str) -> str:
    return cut(one_line(path), 200)
