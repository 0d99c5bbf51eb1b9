"""Commands about models, settings and tools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from ..errors import ModelError, ModelStalled, SettingsError
from ..questions import provider_for
from .base import Fields, Office, Result, text_in, texts_in

LIST_S = 30.0
"""Seconds that a server has to tell its models: nobody can stop this, as a cell is stopped."""


async def models(office: Office, _: Fields) -> Result:
    """List what the server has, and what of it is loaded."""
    settings = office.settings()
    provider = provider_for(office.chat, settings)
    loaded: set[str] = set()
    try:
        async with asyncio.timeout(LIST_S):
            known = await provider.models()
            with suppress(ModelError):  # an older server; the list is worth more than the mark
                loaded = {model.name for model in await provider.loaded()}
    except TimeoutError:
        raise ModelStalled(
            f"{provider.address} did not list its models within {LIST_S:g} s.\nTry again; its log may say why."
        ) from None
    return {
        "models": [
            {
                "name": model.name,
                "size_bytes": model.size_bytes,
                "capabilities": list(model.capabilities),
                "is_loaded": model.name in loaded,
                "context_length": model.context_length,
            }
            for model in known
        ],
        "current": settings.model,
    }


async def configure(office: Office, fields: Fields) -> Result:
    """Set what the session has of its own: model, system prompt, options, whether the model thinks first."""
    changed = {name: text_in(fields, name) for name in ("model", "system") if name in fields}
    options, think = fields.get("options", {}), fields.get("think")
    if not isinstance(options, Mapping) or not isinstance(think, bool | None):
        raise SettingsError("Options are names with their values; think is true, false or null.")
    more = {name: fields[name] for name in ("options", "think") if name in fields}
    await asyncio.to_thread(office.chat.sessions.update, **changed, **more)
    return {}


async def tools(office: Office, _: Fields) -> Result:
    """List the tools, what each may do, whether it asks first, and which are chosen."""
    rows = await asyncio.to_thread(office.place.bench.offered)
    return {
        "tools": [
            {
                "set": row.set,
                "name": row.tool.spec.name if row.tool else "",
                "description": row.tool.spec.description if row.tool else row.trouble,
                "may": sorted(row.tool.effects) if row.tool else [],
                "rule": row.rule,
                "is_chosen": row.is_chosen,
            }
            for row in rows
        ]
    }


async def choose(office: Office, fields: Fields) -> Result:
    """Choose the tools that models are told of, from now on and for every surface."""
    names = texts_in(fields, "tools")
    await asyncio.to_thread(office.place.bench.require, names)
    office.place.config.tools = names
    return {}
