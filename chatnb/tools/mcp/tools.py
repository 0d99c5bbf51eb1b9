"""The tools of MCP servers, as tools that a model may call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from ...messages import ToolSpec
from ..showing import plainly
from ..tool import TIME_LIMIT_S, Tool
from .base import McpFailed, McpServer
from .connection import Connection
from .definitions import Definition
from .names import marked, names_of

START_LIMIT_S = 60.0
"""Programs such as npx and uvx may have to be downloaded first."""


class McpTools:
    """The tools of some servers; lives as long as a chat, on one event loop.

    Parameters
    ----------
    start_limit_s
        How long a server may take from its start to its first answer.
    call_limit_s
        How long a call may take.

    Attributes
    ----------
    failures
        Why servers could not be used when they were connected with last, in sentences, by their names.

    Examples
    --------
    >>> async def example() -> None:
    ...     servers = McpTools(parse_servers(config.mcp))
    ...     notes = await servers.connect()         # before each question: what is new, what has ended
    ...     toolbox = Toolbox(servers.tools())
    ...     await servers.aclose()                  # when the chat ends
    """

    def __init__(
        self,
        servers: Sequence[McpServer] = (),
        *,
        start_limit_s: float = START_LIMIT_S,
        call_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._start_limit_s, self._call_limit_s = start_limit_s, call_limit_s
        self._connections = {server.name: Connection(server, start_limit_s) for server in servers}
        self._found: dict[str, Sequence[Definition]] = {}
        self._first: dict[tuple[str, str], str] = {}
        self.failures: dict[str, str] = {}

    async def use(self, servers: Sequence[McpServer]) -> None:
        """Go on with these servers; the connections with those that are not among them any more are ended."""
        now = {server.name: server for server in servers}
        gone = [name for name, connection in self._connections.items() if connection.server != now.get(name)]
        ended = [self._connections.pop(name) for name in gone]
        for name in gone:
            self._found.pop(name, None)
            self.failures.pop(name, None)
            self._first = {pair: digest for pair, digest in self._first.items() if pair[0] != name}
        for name, server in now.items():
            self._connections.setdefault(name, Connection(server, self._start_limit_s))
        await asyncio.gather(*(connection.aclose() for connection in ended))

    async def connect(self, names: Collection[str] | None = None) -> tuple[str, ...]:
        """Connect with servers that are not connected, and read what their tools are now.

        Parameters
        ----------
        names
            Of the servers that are meant; by default all.

        Returns
        -------
        tuple of str
            Which servers and tools cannot be used, and which have changed, in sentences for the user.
        """
        meant = [each for name, each in self._connections.items() if names is None or name in names]
        return tuple(note for notes in await asyncio.gather(*map(self._read, meant)) for note in notes)

    def sets(self, reserved: Collection[str] = ()) -> dict[str, tuple[Tool, ...]]:
        """Return for each server that is connected its tools, as they were when it was connected with last.

        A tool that is not any more what it was at first has another name, so that no rule and no yes for the first one
        holds for it; and a remembered yes is for the very definition and the very arguments that were shown.

        Parameters
        ----------
        reserved
            Names of other tools, whether they are turned on or not; a tool that would have one of them gets another.
        """
        pairs = [(server, each.name) for server, found in self._found.items() for each in found]
        names = iter(names_of(pairs, reserved, self._connections))
        return {
            server: tuple(self._tool(next(names), self._connections[server], each) for each in found)
            for server, found in self._found.items()
        }

    def tools(self, reserved: Collection[str] = ()) -> tuple[Tool, ...]:
        """Return the tools of all servers that are connected; see `sets`."""
        return tuple(tool for tools in self.sets(reserved).values() for tool in tools)

    async def aclose(self) -> None:
        """End all connections, and the programs that were started for them with all that those started."""
        await self.use(())

    async def _read(self, connection: Connection) -> Sequence[str]:
        name, failure = connection.server.name, ""
        try:
            definitions = await connection.definitions()
        except McpFailed as error:
            definitions, failure = (), str(error)
        if self._connections.get(name) is not connection:  # it was replaced meanwhile
            return ()
        if failure:
            self._found.pop(name, None)
            self.failures[name] = failure
            return (failure,)
        self._found[name] = definitions
        self.failures.pop(name, None)
        changed = [
            each.name for each in definitions if self._first.setdefault((name, each.name), each.digest) != each.digest
        ]
        # Cleaned by `quoted`: it is the server that chose these names.
        shown = ", ".join(connection.server.quoted(each, 60) for each in changed)
        note = f"The MCP server {name} has changed what it says of {shown}: as another tool, it is asked about anew."
        return (*connection.notes, *([note] if changed else ()))

    def _tool(self, name: str, connection: Connection, definition: Definition) -> Tool:
        if self._first[connection.server.name, definition.name] != definition.digest:
            name = marked(name, definition.digest)
        return Tool(
            ToolSpec(name, definition.description, definition.parameters),
            _calling(connection, definition, self._call_limit_s),
            "loop",
            definition.check,
            definition.effects,
            lambda arguments: _preview(connection.server, definition, arguments),
            lambda arguments: f"{_as_json(arguments)} to this tool as it is now ({definition.digest[:12]})",
            self._call_limit_s + connection.start_limit_s + 10,  # by then it has told itself
            is_networked=True,  # a program that says that its world is closed may still read what others wrote
        )


def _calling(connection: Connection, definition: Definition, limit_s: float) -> Callable[..., Awaitable[str]]:
    home = asyncio.get_running_loop()

    async def call(**arguments: Any) -> str:
        asked = connection.call(definition, arguments, limit_s)
        if asyncio.get_running_loop() is home:
            return await asked
        # The question is asked on a loop of its own, such as that of an asynchronous cell.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked, home))

    return call


def _preview(server: McpServer, definition: Definition, arguments: Mapping[str, Any]) -> str:
    kind = "a program on this machine" if server.is_local else "a server"
    return plainly(
        f"{definition.name} of the MCP server {server.name} ({server.place}, {kind}) with\n{_as_json(arguments)}"
    )


def _as_json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False, sort_keys=True)
