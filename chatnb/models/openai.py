"""Models of servers that speak OpenAI's protocol: llama.cpp, vLLM, LM Studio, SGLang, gateways, OpenAI itself.

Not with the `openai` package: its import takes as long as a short answer (0.7 to 1.5 s, 537 modules, a second HTTP
client among them), for each token it costs several times what reading the JSON does, and it does not know the forms of
others than OpenAI. Its types and its client hold the requests and the tests' server to the protocol
(tests/models/test_openai_forms.py, tests/faults/test_sse.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ..errors import ModelBroken, ModelError, ModelRefused
from ..events import ModelEvent
from ..messages import Json
from ..settings import Endpoint
from . import openai_errors as failures
from .address import is_own
from .base import LoadedModel, ModelInfo, PullProgress, Request
from .endpoints import openai_endpoint
from .openai_answers import Answer
from .openai_connection import Connection
from .openai_keys import Keys
from .openai_listing import info_of
from .openai_requests import CONTINUING

LAST_S = 5.0
"""Seconds that are worth waiting for the counts, once an answer has ended."""

_GATEWAYS = ("openai", "anthropic", "google", "azure", "mistralai", "system")
"""Whom a gateway names as the owner of models that it passes questions on to."""


class OpenAIProvider:
    """A server that speaks OpenAI's protocol.

    Parameters
    ----------
    endpoint
        As the settings name it; by default OpenAI itself, or what OPENAI_BASE_URL names.
    """

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self.endpoint = endpoint or openai_endpoint()
        self.connection = Connection(self.endpoint)

    @property
    def address(self) -> str:
        """Its URL."""
        return self.endpoint.base_url

    @property
    def can_continue(self) -> bool:
        """Whether a model goes on from an assistant's message, as far as is known so far."""
        return self.connection.owner in CONTINUING if self.endpoint.continues is None else self.endpoint.continues

    def model(self, name: str) -> OpenAIModel:
        """Return the model of that name; whether it exists shows when it is asked."""
        return OpenAIModel(self, name)

    async def models(self) -> Sequence[ModelInfo]:
        """Return what the server has, named as the user writes it, in the server's order."""
        return [info for _, info in await self._described()]

    async def show(self, name: str) -> ModelInfo:
        """Return what is known of one model: no more than its name where the server does not list it."""
        try:
            described = await self._described()
        except ModelRefused:  # it lists nothing, or not for this key
            described = []
        full = f"{self.endpoint.name}:{name}"
        # llama.cpp has one model, under any name.
        only = described[0][1] if self.connection.owner == "llamacpp" and len(described) == 1 else None
        found = next((info for short, info in described if short == name), only)
        return ModelInfo(full, has_fixed_window=True) if found is None else found

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return what is in memory now, where the server tells it; nothing else."""
        entries = await self.connection.entries()
        states = await self._more(entries)
        is_server_of_one = self.connection.owner in ("vllm", "llamacpp", "sglang")
        infos = [info for _, info in self._infos(entries, states)]
        return [
            LoadedModel(info.name, info.size_bytes, info.context_length)
            for entry, info in zip(entries, infos, strict=True)
            if is_server_of_one or states.get(entry["id"], {}).get("state") == "loaded"
        ]

    async def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Raise ModelRefused: nothing in the protocol downloads a model."""
        steps: Sequence[PullProgress] = ()
        for step in steps:  # none, but it makes this a generator, as callers expect
            yield step
        raise ModelRefused(
            f"{self.endpoint.name} at {self.address} cannot be asked to download {name}: its protocol has no word for that.\n"
            "Its own program does, or its configuration."
        )

    async def version(self) -> str:
        """Return the server's version; "not told" where it does not say."""
        entries = await self.connection.entries()
        match self.connection.owner:
            case "llamacpp":
                told = await self.connection.beside("props")
                return str(told.get("build_info") or "not told")
            case "vllm":
                told = await self.connection.beside("version")
            case "library":
                told = await self.connection.beside("api/version")
            case _:
                told = {}
        return str(told.get("version") or f"not told, {len(entries)} models")

    async def aclose(self) -> None:
        """Release what the running loop's client holds."""
        await self.connection.aclose()

    async def _described(self) -> list[tuple[str, ModelInfo]]:
        """Return each model's name on the server, and what is known of it."""
        entries = await self.connection.entries()
        return self._infos(entries, await self._more(entries))

    def _infos(
        self, entries: Sequence[Mapping[str, Any]], more: Mapping[str, Mapping[str, Any]]
    ) -> list[tuple[str, ModelInfo]]:
        is_gateway = self.connection.owner in _GATEWAYS and is_own(self.address)
        try:
            return [
                (
                    entry["id"],
                    info_of(
                        f"{self.endpoint.name}:{entry['id']}", entry, more.get(entry["id"], {}), is_remote=is_gateway
                    ),
                )
                for entry in entries
            ]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self.connection.stranger() from None  # whose frames hold what the server sent

    async def _more(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Return what a server tells of its models beyond the protocol, by their names."""
        match self.connection.owner:
            case "llamacpp" if len(entries) == 1:
                return {entries[0]["id"]: await self.connection.beside("props")}
            case "organization_owner":  # LM Studio
                listed = (await self.connection.beside("api/v0/models")).get("data")
                listed = listed if isinstance(listed, list) else []
                return {each["id"]: each for each in listed if isinstance(each, dict) and "id" in each}
        return {}


class OpenAIModel:
    """One of a server's models."""

    def __init__(self, provider: OpenAIProvider, name: str) -> None:
        self._provider, self._short = provider, name

    @property
    def name(self) -> str:
        """As the user writes it: `lab:mixtral`."""
        return f"{self._provider.endpoint.name}:{self._short}"

    @property
    def can_continue(self) -> bool:
        """Whether its server lets it."""
        return self._provider.can_continue

    async def explain_wait(self) -> str:
        """Say nothing: the protocol has no word for it."""
        return ""

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer."""
        answer, keys = Answer(), Keys(self._provider.endpoint)
        chunk: Mapping[str, Json] = {}
        with keys:
            try:
                async with aclosing(self._provider.connection.chunks(self._short, request, keys)) as chunks:
                    while True:
                        try:
                            # What follows the reason for the end are counts: an answer does not fail without them.
                            told = anext(chunks)
                            chunk = await (asyncio.wait_for(told, LAST_S) if answer.ended_by else told)
                        except (StopAsyncIteration, TimeoutError):
                            break
                        except ModelError:
                            if not answer.ended_by:
                                raise
                            break
                        for event in self._read(answer.add(chunk), chunk, keys):
                            yield event
            finally:
                chunk = {}  # no frame of a traceback is to hold what a server repeats
        place = failures.place_of(self._provider.endpoint)
        match answer.ended_by:
            case "":
                raise place.broken_off("the stream ended before the answer did")
            case "content_filter":
                raise ModelRefused(f"{self.name} was stopped by a filter of its server.\nAsk in other words.")
            case "error" | "abort":
                raise place.failed("it ended the answer itself", self.name)
        for event in self._read(answer.end(), {}, keys):
            yield event

    def _read(self, told: Iterator[ModelEvent], chunk: Mapping[str, Json], keys: Keys) -> Sequence[ModelEvent]:
        """Return what is told; raises ModelBroken if it has another form than any known."""
        try:
            return list(told)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            shown = f": {keys.scrub(str(chunk))[:200]}" if chunk else ": the call of a tool"
            raise ModelBroken(
                f"{self._provider.endpoint.name} at {self._provider.address} sent something that chatnb cannot read{shown}\n"
                "Ask again; if it stays so, something else answers there, or a model that writes calls wrongly."
            ) from error
