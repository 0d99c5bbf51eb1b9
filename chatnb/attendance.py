"""Whether a person is there, to see an answer while it comes and to be asked something."""

from __future__ import annotations

import sys
from typing import Any


def is_of_kernel(shell: Any) -> bool:
    """Return whether a shell is a kernel's; else it is in a terminal."""
    return hasattr(shell, "get_parent")


def is_attended(shell: Any) -> bool:
    """Return whether a person is there to answer a question.

    nbclient, nbconvert, `jupyter execute` and nbval have nobody, and say so with each request.
    """
    if not is_of_kernel(shell):
        return sys.stdin is not None and sys.stdin.isatty()
    return bool(shell.get_parent().get("content", {}).get("allow_stdin", True))


def is_live(shell: Any, stream: str) -> bool:
    """Return whether a person sees an answer while it comes.

    Parameters
    ----------
    stream
        `ChatConfig.stream`: "always" and "never" hold for every kernel.
    """
    if not is_of_kernel(shell):
        return sys.stdout.isatty()
    return {"always": True, "never": False}.get(stream, is_attended(shell))
