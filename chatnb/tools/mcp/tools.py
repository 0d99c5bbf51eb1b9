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
from .definitions import Definition, marked, names_of

START_LIMIT_S = 60.0
"""Programs such as npx and uvx may have to be downloaded first."""


class McpTools:
    """The tools of some servers; lives as long as a kernel, on one event loop.

    Parameters
    ----------
    start_limit_s
        How long a server may take from its start to its first answer.
    call_limit_s
        How long a call may take.

    Examples
    --------
    >>> async def example() -> None:
    ...     servers = McpTools(parse_servers(config.mcp_servers))
    ...     notes = await servers.connect()         # before each question: what is new, what has ended
    ...     toolbox = Toolbox(servers.tools())
    ...     await servers.aclose()                  # when the kernel ends
    """

    def __init__(
        self,
        servers: Sequence[McpServer],
        *,
        start_limit_s: float = START_LIMIT_S,
        call_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._connections = [Connection(server, start_limit_s) for server in servers]
        self._call_limit_s = call_limit_s
        self._found: list[tuple[Connection, Definition]] = []
        self._first: dict[tuple[str, str], str] = {}

    async def connect(self) -> tuple[str, ...]:
        """Connect with all servers that are not connected, and read what their tools are now.

        Returns
        -------
        tuple of str
            Which servers and tools cannot be used, and which have changed, in sentences for the user.
        """
        found = await asyncio.gather(*map(self._read, self._connections))
        self._found = [(connection, each) for connection, (definitions, _) in found for each in definitions]
        return tuple(note for _, (_, notes) in found for note in notes)

    def tools(self, reserved: Collection[str] = ()) -> tuple[Tool, ...]:
        """Return the tools as they were when `connect` was called last.

        A tool that is not any more what it was at first has another name, so that no rule and no yes for the first one
        holds for it; and a remembered yes is for the very definition and the very arguments that were shown.

        Parameters
        ----------
        reserved
            Names of other tools, whether they are turned on or not; a tool that would have one of them gets another.
        """
        pairs = [(connection.server.name, definition.name) for connection, definition in self._found]
        named = zip(names_of(pairs, reserved), pairs, self._found, strict=True)
        return tuple(
            self._tool(
                name if self._first[pair] == definition.digest else marked(name, definition.digest),
                connection,
                definition,
            )
            for name, pair, (connection, definition) in named
        )

    async def aclose(self) -> None:
        """End all connections, and the programs that were started for them with all that those started."""
        await asyncio.gather(*(connection.aclose() for connection in self._connections))

    async def _read(self, connection: Connection) -> tuple[Connection, tuple[Sequence[Definition], Sequence[str]]]:
        name = connection.server.name
        try:
            definitions = await connection.definitions()
        except McpFailed as error:
            return connection, ((), (str(error),))
        changed = [
            each.name for each in definitions if self._first.setdefault((name, each.name), each.digest) != each.digest
        ]
        # Cleaned by `quoted`: it is the server that chose these names.
        shown = ", ".join(connection.server.quoted(each, 60) for each in changed)
        note = f"The MCP server {name} has changed what it says of {shown}: as another tool, it is asked about anew."
        return connection, (definitions, (*connection.notes, *([note] if changed else ())))

    def _tool(self, name: str, connection: Connection, definition: Definition) -> Tool:
        return Tool(
            ToolSpec(name, definition.description, definition.parameters),
            _calling(connection, definition, self._call_limit_s),
            "loop",
            definition.check,
            definition.effects,
            lambda arguments: _preview(connection.server, definition, arguments),
            lambda arguments: f"{_as_json(arguments)} to this tool as it is now ({definition.digest[:12]})",
            self._call_limit_s + connection.start_limit_s + 10,  # by then it has told itself
            is_foreign=True,  # a program that says that its world is closed may still read what others wrote
        )


def _calling(connection: Connection, definition: Definition, limit_s: float) -> Callable[..., Awaitable[str]]:
    async def call(**arguments: Any) -> str:
        return await connection.call(definition, arguments, limit_s)

    return call


def _preview(server: McpServer, definition: Definition, arguments: Mapping[str, Any]) -> str:
    kind = "a program on this machine" if server.is_local else "a server"
    return plainly(
        f"{definition.name} of the MCP server {server.name} ({server.place}, {kind}) with\n{_as_json(arguments)}"
    )


def _as_json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False, sort_keys=True)
