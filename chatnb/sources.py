"""What can be named wherever one asks: files, pages of the web, pictures and earlier sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .context.base import Confirm, Source
from .context.files import FilesSource
from .context.past import PastSource
from .context.pictures import ImageSource
from .context.web import WebSource
from .errors import ContextNotFound
from .messages import Image
from .sessions import Sessions


def ask_user(question: str) -> bool:
    """Ask the user on standard input."""
    try:
        return input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")
    except EOFError:  # Ctrl-D, or nobody there after all
        return False


def nobody(_: str) -> bool:
    """Answer a question for the user where nobody is there: no."""
    return False


def nothing(target: str) -> Sequence[Image]:
    """Find no picture, since there are no cells."""
    raise ContextNotFound(f"There are no cells here, so there is no picture {target!r}.")


def outside(
    folder: Path,
    sessions: Sessions,
    *,
    confirm: Confirm = nobody,
    urls: bool = False,
    hosts: set[str] | None = None,
    extensions: Sequence[str] = (),
    namespace: Mapping[str, object] | None = None,
    pictures: Callable[[str], Sequence[Image]] = nothing,
) -> list[Source]:
    """Return the sources of everything that is not in the kernel.

    Parameters
    ----------
    folder
        Where relative paths begin.
    confirm
        Asks the user before a file of secrets or a page of the web is read.
    urls
        Whether pages of the web are read without asking.
    hosts
        Those that the user has agreed to; they are added to it.
    extensions
        Suffixes of the files that are taken from folders; none: all that hold text.
    namespace, pictures
        Where a figure and the pictures of a cell are found, in a kernel.
    """
    return [
        FilesSource(folder, confirm, extensions),
        ImageSource(folder, namespace or {}, pictures),
        WebSource(confirm, is_allowed=urls, hosts=hosts),
        PastSource(sessions),
    ]
