"""The chat over a WebSocket: an extension of Jupyter Server, which installing chatnb enables (chatnb.json).

A server that starts imports this and what says where to listen, and nothing of the chat: that comes with the first
request. Where there is no Jupyter Server nobody looks here.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .extension import ChatExtension  # noqa: PLC0415 - only Jupyter Server calls this, and it is there then

    return [{"module": __name__, "app": ChatExtension}]
