"""What answers below `/chatnb` of a Jupyter Server: connecting, who it is, what they may, and carrying; nothing else."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError, authenticated
from tornado.websocket import WebSocketHandler

from ..errors import ChatError, SessionNotFound, TooManyConnections

if TYPE_CHECKING:
    from .guest import Guest
    from .rooms import Rooms

RESOURCE = "chatnb"
"""What an Authorizer is asked about; the actions are read, write and execute."""

MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest message that a client may send; a file or a picture may be attached."""

# They know a token or a password. All others, Jupyter Server's own for handlers of an older form among them, may name users.
_NAMELESS = (IdentityProvider, PasswordIdentityProvider)

OpenRooms = Callable[[], Awaitable["Rooms"]]


class _ChatHandler(JupyterHandler):
    """What both kinds of handlers know of who asks."""

    auth_resource = RESOURCE

    def initialize(self, rooms: OpenRooms) -> None:
        """Take what keeps the conversations."""
        self._open_rooms = rooms

    async def _rooms(self) -> tuple[Rooms, tuple[str, ...]]:
        """Return the rooms, and whose sessions the user sees."""
        try:
            rooms = await self._open_rooms()
            is_named = type(self.identity_provider) not in _NAMELESS
            return rooms, rooms.ids_of(self.current_user.username, is_named=is_named)
        except ChatError as error:
            raise HTTPError(500, str(error)) from error


class ListHandler(_ChatHandler, APIHandler):
    """Answers what a command without a session is answered: what sessions there are, what models."""

    @authenticated
    @authorized
    async def get(self, command: str) -> None:
        """Answer with a JSON object, `{"sessions": [...]}` or `{"models": [...], "current": ...}`."""
        rooms, ids = await self._rooms()
        answer = await rooms.call(ids, command)
        if answer["kind"] == "failed":
            raise HTTPError(502, answer["error"])
        self.finish(json.dumps({name: value for name, value in answer.items() if name not in _ENVELOPE}))


class SocketHandler(WebSocketMixin, WebSocketHandler, _ChatHandler):
    """Carries commands of a client to a room, and what it is told back; a `Line`."""

    _guest: Guest | None = None

    @property
    def max_message_size(self) -> int:
        """See `MESSAGE_BYTES`."""
        return MESSAGE_BYTES

    def set_default_headers(self) -> None:
        """Leave out the headers of pages."""

    def get_compression_options(self) -> dict[str, Any] | None:
        """Compress only where Jupyter Server says so: it costs each message more than the way saves."""
        options: dict[str, Any] | None = self.settings.get("websocket_compression_options")
        return options

    @ws_authenticated
    async def get(self, session_id: str) -> None:
        """Open a WebSocket in a session: 403 for whom it may not, 404 without such a session, 429 for too many."""
        if not await self._may("read"):
            raise HTTPError(403, f"User is not authorized to read on resource: {RESOURCE}.")
        rooms, ids = await self._rooms()
        form = self.get_argument("as", "html")
        try:
            self._guest = await rooms.admit(ids, session_id, form, self, self._may)
        except SessionNotFound as error:
            raise HTTPError(404, str(error)) from error
        except TooManyConnections as error:
            raise HTTPError(429, str(error)) from error
        except ChatError as error:
            raise HTTPError(400, str(error)) from error
        try:
            await super().get(session_id)
        finally:
            self.on_close()

    def open(self, _: str) -> None:
        """Begin to tell what happens."""
        super().open()
        if self._guest is not None:
            self._guest.enter(self.get_argument("since", ""))

    async def on_message(self, message: str | bytes) -> None:
        """Take a command; the next one is not read before this returns."""
        if self._guest is not None:
            await self._guest.take(message)

    def on_close(self) -> None:
        """Forget the client; what it asked goes on."""
        if self._guest is not None:
            self._guest.leave()

    async def send(self, text: str) -> None:
        """Send a message, and wait until the client's system takes it."""
        await self.write_message(text)

    async def _may(self, action: str) -> bool:
        return bool(await ensure_async(self.authorizer.is_authorized(self, self.current_user, action, RESOURCE)))


_ENVELOPE = ("v", "kind", "view", "id")

HANDLERS: tuple[tuple[str, type[JupyterHandler]], ...] = (
    (r"/chatnb/(sessions|models)", ListHandler),
    (r"/chatnb/ws/([A-Za-z0-9][A-Za-z0-9_-]{0,99})", SocketHandler),
)
