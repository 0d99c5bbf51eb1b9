"""Read which servers there are, from the JSON that most programs with MCP take: `mcpServers`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...errors import SettingsError
from .base import McpServer

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LOCAL = ("command", "args", "env", "cwd")
_REMOTE = ("url", "headers")
_EITHER = ("type", "disabled")
_TYPES = {"stdio": "command", "http": "url", "streamable-http": "url", "streamableHttp": "url"}


@dataclass(frozen=True, slots=True)
class Configured:
    """What is written down: the servers, and why others that are named there cannot be used, in sentences."""

    servers: tuple[McpServer, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)


def servers_of(setting: Mapping[str, Any] | str, file: Path, taken: Collection[str] = ()) -> Configured:
    """Return the servers that the user has set up.

    What is wrong with one of them does not take the others away.

    Parameters
    ----------
    setting
        `ChatConfig.mcp`: the servers themselves, or the path of a file of them; empty: what `file` says.
    file
        The user's own; it need not be there.
    taken
        Names that mean something else.

    Raises
    ------
    SettingsError
        If the file cannot be read, or holds something else.
    """
    config = setting if isinstance(setting, Mapping) else {}
    if not setting and file.exists():
        config = _read(file)
    elif isinstance(setting, str) and setting:
        config = _read(Path(setting).expanduser())
    entries = config.get("mcpServers", config)
    if not isinstance(entries, Mapping):
        raise SettingsError("mcpServers is no mapping of names to servers.")
    servers: list[McpServer] = []
    faults: dict[str, str] = {}
    for name, entry in entries.items():
        try:
            found = parse_servers({"mcpServers": {name: entry}})
        except SettingsError as error:
            faults[str(name)] = str(error)
            continue
        if found and name in taken:
            faults[name] = f"mcpServers.{name} has the name of tools of chatnb. Give it another one."
        else:
            servers += found
    return Configured(tuple(servers), faults)


def parse_servers(config: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> tuple[McpServer, ...]:
    """Return the servers of a configuration, without those that are `disabled`.

    Parameters
    ----------
    config
        `{"mcpServers": {"name": {...}}}`, or what stands inside. A program has `command`, `args`, `env` and `cwd`, an
        address `url` and `headers`. In each text `${VAR}` stands for a variable of the environment, and
        `${VAR:-default}` for one that may be missing.
    environment
        By default the process's.

    Raises
    ------
    SettingsError
        If something is missing, unknown or no text; says where, and never what stands there, since it may be secret.

    Examples
    --------
    >>> parse_servers({"notes": {"url": "https://example.org/mcp", "headers": {"Authorization": "Bearer ${KEY}"}}},
    ...               {"KEY": "sesame"})
    (McpServer(name='notes', command='', folder=''),)
    """
    servers = config
    if "mcpServers" in config:
        _require_known(config, ("mcpServers",), "the configuration of MCP servers")
        servers = config["mcpServers"]
    if not isinstance(servers, Mapping):
        raise SettingsError("mcpServers is no mapping of names to servers.")
    variables = os.environ if environment is None else environment
    return tuple(
        _Reader(variables).server(name, entry)
        for name, entry in servers.items()
        if not (isinstance(entry, Mapping) and entry.get("disabled") is True)
    )


def _read(file: Path) -> Mapping[str, Any]:
    """Return what a file holds; beside the servers there may be other programs' settings in it."""
    try:
        config = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"The MCP servers cannot be read from {file}: {error.strerror or error}") from error
    except ValueError as error:  # of the JSON: what it says quotes nothing
        raise SettingsError(f"{file} is no JSON of MCP servers: {error}") from error
    if not isinstance(config, Mapping):
        raise SettingsError(f'{file} is no JSON of MCP servers: {{"mcpServers": {{"NAME": {{...}}}}}} is expected.')
    return config


class _Reader:
    """Reads one entry, with the variables that it may name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._secrets: set[str] = set()  # what the variables hold

    def server(self, name: object, entry: object) -> McpServer:
        where = f"mcpServers.{name}"
        if not isinstance(name, str) or not name.strip():
            raise SettingsError("A server of mcpServers has no name.")
        if not isinstance(entry, Mapping):
            raise SettingsError(f'{where} is no mapping. Write {{"command": ..., "args": [...]}} or {{"url": ...}}.')
        _require_known(entry, (*_LOCAL, *_REMOTE, *_EITHER), where)
        self._require_one_kind(entry, where)
        if "command" in entry:
            return McpServer(
                name,
                self._text(entry["command"], f"{where}.command"),
                self._texts(entry.get("args", ()), f"{where}.args"),
                self._named_texts(entry.get("env", {}), f"{where}.env"),
                self._text(entry["cwd"], f"{where}.cwd") if "cwd" in entry else "",
                secrets=frozenset(self._secrets),  # by now it knows them
            )
        url = self._text(entry["url"], f"{where}.url")
        headers = self._named_texts(entry.get("headers", {}), f"{where}.headers")
        _require_address(url, f"{where}.url")
        for header, text in headers.items():
            if not _HEADER.fullmatch(header) or not text.isascii() or not text.isprintable():
                raise SettingsError(f"{where}.headers.{header!r} cannot be sent: one line of ASCII is needed.")
        return McpServer(name, url=url, headers=headers, secrets=frozenset(self._secrets))

    def _require_one_kind(self, entry: Mapping[str, Any], where: str) -> None:
        if entry.get("type") == "sse":
            raise SettingsError(
                f"{where} uses the older transport SSE, which chatnb does not speak. "
                "Ask for the server's address for streamable HTTP; it often ends with /mcp."
            )
        keys = [key for key in ("command", "url") if key in entry]
        if len(keys) != 1 or (entry.get("type") or "stdio") not in _TYPES:
            raise SettingsError(f'{where} needs either "command" (a program) or "url" (streamable HTTP).')
        if _TYPES.get(entry.get("type") or "", keys[0]) != keys[0]:
            raise SettingsError(f'{where} has the type {entry["type"]!r}, but "{keys[0]}".')
        foreign = [key for key in entry if key in (_REMOTE if keys[0] == "command" else _LOCAL)]
        if foreign:
            raise SettingsError(f'{where} has "{keys[0]}", so {", ".join(foreign)} would do nothing. Leave it out.')

    def _text(self, value: object, where: str) -> str:
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise SettingsError(f"{where} is no text.")
        return self._filled(value, where)

    def _texts(self, value: object, where: str) -> tuple[str, ...]:
        if (
            isinstance(value, str)
            or not isinstance(value, Sequence)
            or not all(isinstance(each, str) for each in value)
        ):
            raise SettingsError(f"{where} is no list of texts.")
        return tuple(self._filled(each, where) for each in value)

    def _named_texts(self, value: object, where: str) -> dict[str, str]:
        if not isinstance(value, Mapping) or not all(isinstance(each, str) for pair in value.items() for each in pair):
            raise SettingsError(f"{where} is no mapping of texts to texts.")
        return {key: self._filled(each, f"{where}.{key}") for key, each in value.items()}

    def _filled(self, text: str, where: str) -> str:
        def value(found: re.Match[str]) -> str:
            name, default = found.groups()
            known = self._environment.get(name) or default
            if known is None:
                raise SettingsError(f"{where} needs the environment variable {name}, which is not set.")
            self._secrets.add(known)
            return known

        return _VARIABLE.sub(value, text)


def _require_known(entry: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in entry:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise SettingsError(f"{where} has the key {key!r}, which chatnb does not know. {hint}")


def _require_address(url: str, where: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        raise SettingsError(f"{where} is no address that begins with http:// or https://.")
