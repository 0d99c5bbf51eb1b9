"""A server that is connected with when it is needed, and again when the connection has ended."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import SettingsError
from ...messages import Json
from .base import McpFailed, McpServer
from .definitions import Definition, define
from .results import text_of

if TYPE_CHECKING:
    from .life import Life, Method

T = TypeVar("T")

MOST_TOOLS = 200
"""Of one server."""

LIST_LIMIT_S = 20.0

_PATIENCE = 10  # times as long as it took to fail: a server that hangs is not to be waited for before each question


class Connection:
    """One server, for as long as it may be needed; belongs to one event loop.

    Parameters
    ----------
    start_limit_s
        How long it may take from starting it, which may mean to download it, to its first answer.
    """

    def __init__(self, server: McpServer, start_limit_s: float) -> None:
        self.server = server
        self.notes: tuple[str, ...] = ()
        self.start_limit_s = start_limit_s
        self._life: Life | None = None
        self._definitions: tuple[Definition, ...] = ()
        self._failure: McpFailed | None = None
        self._again_at_s = 0.0
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def definitions(self) -> tuple[Definition, ...]:
        """Return what the server's tools are now; `notes` says which were left out, and why.

        Raises
        ------
        McpFailed
            If the server cannot be reached, or does not answer as the protocol says.
        """
        async with self._lock:
            is_new = self._life is None or self._life.is_over
            try:
                await self._list()
            except McpFailed:
                if is_new:
                    raise
                await self._list()  # an old connection may have ended without a sign
            return self._definitions

    async def call(self, definition: Definition, arguments: Mapping[str, Json], limit_s: float) -> str:
        """Call a tool and return the text of its result.

        Cancelling it tells the server, and does not wait for it.

        Raises
        ------
        McpFailed
            If the server is not there, does not answer in time, ends, or calls the result an error.
        """
        async with self._lock:
            if self._life is None or self._life.is_over:
                await self._list()
        if definition not in self._definitions:
            raise McpFailed(
                f"The MCP server {self.server.name} has changed what {definition.name} is, or does not have it any more. "
                "So it was not called; from the next question on the tool is told of as it is now."
            )
        request = {"name": definition.name, "arguments": dict(arguments)}
        return text_of(await self._asked("tools/call", request, limit_s))

    async def aclose(self) -> None:
        """End the connection, and the server if it is ours."""
        async with self._lock:
            if self._life is not None:
                await self._life.close()
                self._life = None
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _list(self) -> None:
        """Read what there is, on a new connection if there is none."""
        if self._life is None or self._life.is_over:
            await self._begin()
        listed: list[Mapping[str, Json]] = []
        cursor, pages = None, 0
        while pages == 0 or (cursor and len(listed) < MOST_TOOLS and pages < MOST_TOOLS):
            page = await self._asked("tools/list", {"cursor": cursor} if cursor else {}, LIST_LIMIT_S)
            listed += page["tools"]
            cursor, pages = page.get("nextCursor"), pages + 1
        notes, definitions = [], dict[str, Definition]()
        for tool in listed[:MOST_TOOLS]:
            name = self.server.quoted(str(tool["name"]), 60)
            try:
                definition = define(self.server, tool)
                if definitions.setdefault(definition.name, definition) is not definition:
                    raise ValueError("another one has its name")  # noqa: TRY301 - told as the others are
            except (ValueError, RecursionError) as error:
                notes.append(f"The tool {name} of the MCP server {self.server.name} is left out: {error}.")
        if cursor or len(listed) > MOST_TOOLS:
            notes.append(f"Of the MCP server {self.server.name} only the first {MOST_TOOLS} tools are used.")
        self._definitions, self.notes = tuple(definitions.values()), tuple(notes)

    async def _begin(self) -> None:
        began_s = time.monotonic()
        if self._failure is not None and began_s < self._again_at_s:
            raise McpFailed(str(self._failure))
        try:
            # Off the loop: it takes a second or two, in which every other answer would stand still.
            life = await asyncio.to_thread(importlib.import_module, ".life", __package__)
        except ImportError as error:
            raise SettingsError(
                f"MCP servers need a package that is not there ({error.name}): pip install 'chatnb[mcp]'"
            ) from error
        if self._life is not None:
            self._later(self._life.close())
        self._life = life.Life(self.server)
        try:
            await self._life.client(self.start_limit_s)
        except BaseException as error:
            self._later(self._life.close())  # nobody waits until a program has ended that hangs
            if not isinstance(error, McpFailed):
                raise
            now_s = time.monotonic()
            self._again_at_s = now_s + _PATIENCE * (now_s - began_s)
            self._failure = McpFailed(f"The MCP server {self.server.name} cannot be used. {error}")
            raise self._failure from error

    async def _asked(self, method: Method, params: dict[str, Json], limit_s: float) -> Mapping[str, Json]:
        life = self._life
        assert life is not None  # noqa: S101 - for the type checker
        task = self._later(life.ask(method, params))
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(task)
        except TimeoutError:
            task.cancel()
            raise McpFailed(
                f"The MCP server {self.server.name} did not answer within {limit_s:g} s, and was told to stop."
            ) from None
        except asyncio.CancelledError:
            task.cancel()  # which tells the server; if it does not read that, nobody is to wait
            raise
        except McpFailed as error:
            again = " At its next use it is connected with again." if life.is_over else ""
            raise McpFailed(f"The MCP server {self.server.name} failed. {error}{again}") from error

    def _later(self, work: Awaitable[T]) -> asyncio.Task[T]:
        """Do something that goes on if nobody waits for it any more."""
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)  # noqa: S101 - for the type checker
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it, too
