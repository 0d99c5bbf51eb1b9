"""What Jupyter Server is told: where to listen, and what to do when it stops."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp

from ..errors import ChatError
from .handlers import HANDLERS

if TYPE_CHECKING:
    from .rooms import Rooms


class ChatExtension(ExtensionApp):
    """Listens below `/chatnb`; its settings are those of `ChatConfig`, in `jupyter_server_config.py` or the environment."""

    name = "chatnb"
    _rooms: asyncio.Task[Rooms] | None = None

    def initialize_handlers(self) -> None:
        """Tell Jupyter Server who answers."""
        self.handlers.extend((path, handler, {"rooms": self.rooms}) for path, handler in HANDLERS)

    async def rooms(self) -> Rooms:
        """Return what keeps the conversations; the first caller waits while it is imported.

        Raises
        ------
        SettingsError
            If a setting cannot be.
        """
        if self._rooms is None or (self._rooms.done() and self._rooms.exception()):
            self._rooms = asyncio.create_task(self._opened())
        return await asyncio.shield(self._rooms)

    async def _opened(self) -> Rooms:
        # Half a second's work of Python: kernels' messages go through this loop meanwhile.
        module = await asyncio.to_thread(importlib.import_module, f"{__package__}.rooms")
        rooms: Rooms = module.Rooms(self.serverapp.config if self.serverapp else None)
        return rooms

    def current_activity(self) -> bool:
        """Return whether somebody is connected or being answered: no time for a server to end because it is idle."""
        task = self._rooms
        return task is not None and task.done() and not task.exception() and task.result().are_busy

    async def stop_extension(self) -> None:
        """Stop what is being answered, and keep what was said."""
        if self._rooms is not None:
            with suppress(ChatError):  # it had not begun
                rooms = await self._rooms
                await rooms.close()
