"""Check each thing that can be wrong, and say the next step for each that is."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import ChatError, SettingsError
from .folders import sessions_folder
from .models.catalog import OLLAMA, Catalog
from .models.endpoints import OPENAI
from .servers import Servers
from .settings import Settings, without_password

MIN_FREE_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    step
        What to do about it; empty where all is well.
    """

    about: str
    verdict: Literal["ok", "warning", "wrong"]
    found: str
    step: str = ""


async def examine(
    settings: Settings,
    catalog: Catalog,
    servers: Servers | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Return what was found, the server of the models first, then this machine, then the MCP servers, if any."""
    server = [finding async for finding in _servers(settings, catalog)]
    here = await asyncio.to_thread(_here, settings, os.environ if environment is None else environment)
    return [*server, *here, *(await _mcp(servers) if servers else ())]


async def _servers(settings: Settings, catalog: Catalog) -> AsyncGenerator[Finding]:
    """Yield what is found of each server that the settings name, and of the models that they name there."""
    names = catalog.apart(settings.models, settings)
    prefixes = [catalog.split(name, settings)[0] for name in names]
    endpoints = dict.fromkeys(
        prefix for prefix in prefixes if prefix in settings.endpoints or prefix == OPENAI or "@" in prefix
    )
    # The built-in script is what answers until there is an Ollama.
    for prefix in (*([] if prefixes and set(prefixes) == set(endpoints) else [OLLAMA]), *endpoints):
        answers = True
        async for finding in _server(prefix, settings, catalog):
            answers = answers and finding.verdict == "ok"
            yield finding
        for name in names if answers else ():
            found = catalog.split(name, settings)[0]
            if found == prefix or (prefix == OLLAMA and found not in endpoints):
                yield await _model(name, settings, catalog)


async def _server(prefix: str, settings: Settings, catalog: Catalog) -> AsyncGenerator[Finding]:
    is_ollama = prefix == OLLAMA
    host = without_password(prefix.partition("@")[2])
    about = "Ollama" if is_ollama else f"host {host}" if host else prefix
    try:
        provider = catalog.provider(settings, prefix)
        version = await provider.version()
        yield Finding(about, "ok", f"version {version} at {provider.address}")
        models = await provider.models()
    except ChatError as error:
        found, _, step = str(error).partition("\n")  # what to do stands in the lines below what happened
        if isinstance(error, SettingsError):
            step = "`%chat config` shows where it was set."
        elif is_ollama:
            step = f"{step} https://ollama.com has it.".lstrip()
        else:
            step = "The other hosts answer meanwhile." if host else step or "`%chat config` shows its address."
        yield Finding(about, "wrong", found, step)
        return
    if not models:
        step = "`%chat pull llama3.2` gets a small one (2 GB)." if is_ollama else "Load one there."
        yield Finding("models", "wrong", "the server has none", step)
        return
    yield Finding(
        "models" if is_ollama else f"models of {host or prefix}", "ok", ", ".join(model.name for model in models)
    )


async def _model(name: str, settings: Settings, catalog: Catalog) -> Finding:
    about = f"model {name}"
    try:
        provider, short = catalog.find(name, settings)
        info = await provider.show(short)
    except ChatError as error:
        return Finding(about, "wrong", str(error), f"`%chat pull {name}` gets it.")
    if info.capabilities and "completion" not in info.capabilities:
        return Finding(about, "wrong", f"it can {', '.join(info.capabilities)}, but not chat", "Choose another model.")
    if info.has_fixed_window and info.context_length is None and info not in await provider.models():
        return Finding(about, "warning", "the server does not list it", "`%chat models` shows what it lists.")
    return Finding(about, "ok", ", ".join(info.capabilities) or "can chat")


async def _mcp(servers: Servers) -> list[Finding]:
    try:
        reached = await servers.reach()
    except SettingsError as error:
        return [Finding("MCP servers", "wrong", str(error))]
    steps = {name: f'Mend mcpServers.{name}, or write "disabled": true there.' for name in reached.failures}
    return [
        Finding(f"MCP server {name}", "wrong", reached.failures[name], steps[name])
        if name in steps
        else Finding(f"MCP server {name}", "ok", ", ".join(tool.spec.name for tool in tools) or "it has no tools")
        for name, tools in reached.sets.items()
    ]


def _here(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    return [_folder(sessions_folder(settings)), _proxy(environment), _packages()]


def _folder(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"?")
            probe.flush()
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        step = 'Choose another folder: %config ChatConfig.home = "..."; or ask with --no-save.'
        return Finding("sessions", "wrong", f"{folder} cannot be written: {error.strerror or error}", step)
    if free_bytes < MIN_FREE_BYTES:
        found = f"{folder} has only {free_bytes // 1_000_000} MB left"
        return Finding("sessions", "warning", found, "Make room on the disk.")
    return Finding("sessions", "ok", f"kept in {folder}")


def _proxy(environment: Mapping[str, str]) -> Finding:
    proxies = [name for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy") if environment.get(name)]
    spared = environment.get("NO_PROXY", environment.get("no_proxy", ""))
    if proxies and not any(host in spared for host in ("localhost", "127.0.0.1", "*")):
        found = f"{proxies[0]} is set, and NO_PROXY does not name localhost"
        step = 'Set NO_PROXY="localhost,127.0.0.1" if the model cannot be reached.'
        return Finding("proxy", "warning", found, step)
    return Finding("proxy", "ok", "not in the way")


def _packages() -> Finding:
    versions = {}
    for name in ("chatnb", "ipython", "ipykernel", "jupyterlab", "ollama"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    if versions.get("ipykernel") == "7.0.0":
        return Finding("packages", "warning", found, "ipykernel 7.0.0 loses messages: `pip install -U ipykernel`.")
    return Finding("packages", "ok", f"Python {platform.python_version()}, {found}")
