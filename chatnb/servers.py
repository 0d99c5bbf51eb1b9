"""The MCP servers that the user has set up, and what their tools are now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .config import ChatConfig
from .errors import SettingsError
from .folders import data_folder
from .tools.mcp.config import Configured, servers_of
from .tools.mcp.names import may_have
from .tools.mcp.tools import McpTools
from .tools.tool import Tool

FILE = "mcp.json"
"""The file of servers where `ChatConfig.mcp` says nothing, beside the folder of sessions."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of connecting with servers.

    Attributes
    ----------
    sets
        The tools of each server, by its name; none where it cannot be used.
    failures
        Why servers cannot be used, by their names.
    notes
        The same and more, in sentences for the user: what of the tools is left out, or has changed.
    """

    sets: Mapping[str, Sequence[Tool]] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def is_lost(self, name: str) -> bool:
        """Tell whether a tool of that name may be one of a server that cannot be used."""
        return any(may_have(server, name) for server in self.failures)


class Servers:
    """Connects with the servers of a user as they are needed.

    Parameters
    ----------
    mcp
        What holds the connections; belongs to one event loop, as the methods that are asynchronous do.
    taken
        Names of tools and sets of them that no server can have.
    """

    def __init__(self, config: ChatConfig, mcp: McpTools, taken: Collection[str] = ()) -> None:
        self._config, self._mcp, self._taken = config, mcp, taken
        self._known: Mapping[str, Sequence[Tool]] = {}  # by their servers, as they were when they were last needed

    def configured(self) -> Configured:
        """Return what the user has written down.

        The only file that is looked for is the user's own. One in a notebook's folder starts nothing unless the user
        names it: a server is a program, and folders come from elsewhere, too.

        Raises
        ------
        SettingsError
            If a file cannot be read, or holds something else.
        """
        file = data_folder(self._config.settings()) / FILE
        return servers_of(self._config.mcp, file, self._taken)

    def names(self) -> list[str]:
        """Return what can be chosen without asking anybody: the servers, and the tools of those that are connected."""
        try:
            servers = [server.name for server in self.configured().servers]
        except SettingsError:
            return []
        return [*servers, *(tool.spec.name for name in servers for tool in self._known.get(name, ()))]

    async def reach(self, names: Sequence[str] | None = None, reserved: Collection[str] = ()) -> Reached:
        """Connect with the servers that are chosen, each by its own name or with that of a tool of it.

        Parameters
        ----------
        names
            What was chosen; None: everything.
        reserved
            Names of still other tools.

        Raises
        ------
        SettingsError
            If what is written down cannot be read, or the package for it is missing.
        """

        def is_chosen(server: str) -> bool:
            return names is None or any(server == name or may_have(server, name) for name in names)

        configured = self.configured()
        chosen = [server.name for server in configured.servers if is_chosen(server.name)]
        faults = {
            name: f"The MCP server {name} cannot be used. {why}"
            for name, why in configured.faults.items()
            if is_chosen(name)
        }
        await self._mcp.use(configured.servers)
        notes = await self._mcp.connect(chosen)
        failures = {**faults, **{name: why for name, why in self._mcp.failures.items() if name in chosen}}
        self._known = self._mcp.sets({*self._taken, *reserved})
        sets = {name: self._known.get(name, ()) for name in (*chosen, *faults)}
        return Reached(sets, failures, (*faults.values(), *notes))
