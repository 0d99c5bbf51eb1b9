"""Chat with a language model from inside the notebook, with what the kernel knows.

In a notebook::

    %load_ext chatnb

    %%chat
    What does this error mean: KeyError: 'price'?

In Python::

    from chatnb import Chat

    print(Chat("qwen3:8b").ask_now("What is a monad?").text)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .bench import tools_for as tools_for
    from .chat import Chat as Chat
    from .errors import ChatError as ChatError
    from .errors import ChatInterrupted as ChatInterrupted
    from .panel import ChatPanel as ChatPanel
    from .rows.over import over as over
    from .settings import Settings as Settings
    from .tools.tool import tool as tool
    from .transfer import export_sessions as export_sessions
    from .transfer import import_sessions as import_sessions

__version__ = "0.1.0.dev0"

__all__ = [
    "Chat",
    "ChatError",
    "ChatInterrupted",
    "ChatPanel",
    "Settings",
    "export_sessions",
    "import_sessions",
    "load_ipython_extension",
    "over",
    "tool",
    "tools_for",
    "unload_ipython_extension",
]

# Imported when they are first asked for: loading the extension is to be instant.
_HOMES = {
    "Chat": "chat",
    "ChatError": "errors",
    "ChatInterrupted": "errors",
    "ChatPanel": "panel",
    "Settings": "settings",
    "export_sessions": "transfer",
    "import_sessions": "transfer",
    "over": "rows.over",
    "tool": "tools.tool",
    "tools_for": "bench",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'chatnb' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Give the shell `%%chat`, `%chat` and `%ask`; what `%load_ext chatnb` calls."""
    importlib.import_module(".magic", __name__).load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away, stop what still runs and close everything; what `%unload_ext chatnb` calls."""
    importlib.import_module(".magic", __name__).unload(shell)
