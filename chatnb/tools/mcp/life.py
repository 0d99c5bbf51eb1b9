"""One life of a connection, from its beginning to its end, in a task of its own.

The package's connections are entered and left by one and the same task, and those who call tools come and go. This
module imports the package, which takes a second or two, so that it is imported off the loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Literal

import mcp
import mcp.types
from mcp.types import CONNECTION_CLOSED, PARSE_ERROR
from pydantic import ValidationError

from ...messages import Json
from .base import McpFailed, McpServer
from .over_http import Address
from .over_stdio import Program

# Without a handler in the whole program they would print tracebacks into the cell.
for _name in ("mcp", "client"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


Method = Literal["tools/list", "tools/call"]

_GRACE_S = 2.0
_FORMS: Mapping[Method, tuple[type[mcp.types.Request[Any, Any]], type[mcp.types.Result]]] = {
    "tools/list": (mcp.types.ListToolsRequest, mcp.types.ListToolsResult),
    "tools/call": (mcp.types.CallToolRequest, mcp.types.CallToolResult),
}


class Life:
    """A connection that is being made, stands, or has ended.

    Attributes
    ----------
    is_over
        Whether it will not be used any more.
    """

    def __init__(self, server: McpServer) -> None:
        self._transport = Program(server) if server.is_local else Address(server)
        self._server = server
        self._error: BaseException | None = None
        self._client: asyncio.Future[mcp.Client] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self.is_over = False
        self._task = asyncio.create_task(self._live(), name=f"mcp {server.name}")

    async def client(self, limit_s: float) -> mcp.Client:
        """Return the client once the server has answered.

        Raises
        ------
        McpFailed
            If it does not within `limit_s`, or ends before.
        """
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(self._client)
        except TimeoutError:
            why = await self._transport.reason()
            raise McpFailed(f"It did not answer within {limit_s:g} s. {why}".strip()) from None
        except McpFailed:
            raise
        except Exception as error:
            raise McpFailed(await self._reason(_leaf(error))) from error

    async def ask(self, method: Method, params: Mapping[str, Json]) -> dict[str, Json]:
        """Return what the server answers, as JSON that the protocol's types have checked.

        Not by the client's own `call_tool`: that one also runs the schemas that a server gives for its results.

        Raises
        ------
        McpFailed
            If it answers with an error, with something else than the protocol has, or not any more.
        """
        session = self._client.result().session
        request, answer = _FORMS[method]
        try:
            sent = request.model_validate({"method": method, "params": params})
            result = await session.send_request(sent, answer)
        except (mcp.MCPError, ValidationError, RuntimeError, ValueError) as error:
            raise McpFailed(await self._reason(error)) from error
        dumped: dict[str, Json] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        return dumped

    async def _reason(self, error: BaseException) -> str:
        """Return why something failed, in sentences; notices whether the connection is over."""
        if isinstance(error, mcp.MCPError):
            text = self._server.quoted(str(error))
            if error.code != CONNECTION_CLOSED:
                refusal = self._transport.refusal()
                self.is_over = self.is_over or self._transport.is_refused
                says = "What it sent is no message." if error.code == PARSE_ERROR else f"It says: {text or error.code}"
                return f"{refusal} {says}".strip()
            self.is_over = True
            if not self._transport.has_ended.is_set():  # what broke it is known when its task is through
                self._stop.set()
                await asyncio.wait([self._task], timeout=_GRACE_S)
            error = self._error or error
        if why := await self._transport.reason():
            return why
        root = _leaf(error)
        text = self._server.quoted(str(root))
        return f"{self._server.place} could not be reached or understood ({type(root).__name__}: {text})."

    async def close(self) -> None:
        """End it, and return when nothing of it is left."""
        self.is_over = True
        self._stop.set()
        if not self._client.done():
            self._task.cancel()
        await asyncio.wait([self._task])

    async def _live(self) -> None:
        try:
            async with mcp.Client(
                self._transport,
                cache=None,
                client_info=mcp.types.Implementation(name="chatnb", version=version("chatnb")),
            ) as client:
                self._client.set_result(client)
                waits = [asyncio.create_task(event.wait()) for event in (self._stop, self._transport.has_ended)]
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self.is_over = True  # closing it takes a moment, in which nobody is to use it
                    for wait in waits:
                        wait.cancel()
        except BaseException as error:
            self._error = error
            if not self._client.done():
                self._client.set_exception(error if isinstance(error, Exception) else McpFailed("It was stopped."))
                self._client.exception()  # whoever waited may be gone
            if not isinstance(error, Exception):
                raise
        finally:
            self.is_over = True


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
