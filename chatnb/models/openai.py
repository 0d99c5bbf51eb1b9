"""Models of servers that speak OpenAI's protocol: llama.cpp, vLLM, LM Studio, SGLang, gateways, OpenAI itself.

Not with the `openai` package: its import takes as long as a short answer (0.7 to 1.5 s, 537 modules, a second HTTP
client among them), for each token it costs several times what reading the JSON does, and it does not know the forms of
others than OpenAI. Its types and its client hold the requests and the tests' server to the protocol
(tests/models/test_openai_forms.py, tests/faults/test_sse.py).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from ..errors import ModelBroken, ModelError, ModelNotFound, ModelRefused
from ..events import ModelEvent
from ..messages import Json
from ..settings import Endpoint
from . import openai_errors as failures
from .address import is_own
from .base import LoadedModel, ModelInfo, PullProgress, Request
from .connecting import CONNECT_S, EXPLAIN_S, client_options, encoded, streamed_lines
from .endpoints import openai_endpoint
from .failing import Place
from .openai_answers import Answer
from .openai_keys import Keys
from .openai_listing import entries_of, info_of
from .openai_requests import CONTINUING, body_of
from .sse import events

LAST_S = 5.0
"""Seconds that are worth waiting for the counts, once an answer has ended."""

_DONE: Mapping[str, Json] = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
"""What a chunk says that ends an answer: "[DONE]" says no more, and there are servers that send nothing else."""

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
        # An httpx client belongs to the event loop that first used it.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()
        self._owner = ""
        self._counts = True

    @property
    def address(self) -> str:
        """Its URL."""
        return self.endpoint.base_url

    @property
    def is_openai(self) -> bool:
        """Whether it is OpenAI itself."""
        return httpx.URL(self.address).host == "api.openai.com"

    @property
    def can_continue(self) -> bool:
        """Whether a model goes on from an assistant's message, as far as is known so far."""
        return self._owner in CONTINUING if self.endpoint.continues is None else self.endpoint.continues

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
        only = described[0][1] if self._owner == "llamacpp" and len(described) == 1 else None
        found = next((info for short, info in described if short == name), only)
        return ModelInfo(full, has_fixed_window=True) if found is None else found

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return what is in memory now, where the server tells it; nothing else."""
        entries = await self._entries()
        states = await self._more(entries)
        is_server_of_one = self._owner in ("vllm", "llamacpp", "sglang")
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
        entries = await self._entries()
        match self._owner:
            case "llamacpp":
                told = await self._beside("props")
                return str(told.get("build_info") or "not told")
            case "vllm":
                told = await self._beside("version")
            case "library":
                told = await self._beside("api/version")
            case _:
                told = {}
        return str(told.get("version") or f"not told, {len(entries)} models")

    async def aclose(self) -> None:
        """Release what the running loop's client holds."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def chunks(self, name: str, request: Request) -> AsyncGenerator[Mapping[str, Json]]:
        """Yield the objects that an answer streams; closing it closes the connection.

        Raises
        ------
        ModelError
            Whatever goes wrong.
        """
        content = encoded(body_of(name, request, is_openai=self.is_openai, counts=self._counts))
        try:
            async with self._http().stream(
                "POST",
                "chat/completions",
                content=content,
                headers={"Content-Type": "application/json"},
                auth=self._keys(),
            ) as response:
                if not response.is_success:
                    await response.aread()
                    if not (self._counts and response.status_code in (400, 422) and "stream_options" in response.text):
                        raise await self._refusal(response, name)
                    self._counts = False  # a server that does not know the question; it is asked again without it
                else:
                    async with aclosing(self._objects(response)) as objects:
                        async for each in objects:
                            if failure := self._failure(each, response.request, name):
                                del each  # no frame of a traceback is to hold what a server repeats
                                raise failure
                            yield each
                    return
        except httpx.HTTPError as error:
            raise self._place.of_transport(error, CONNECT_S) from error
        async with aclosing(self.chunks(name, request)) as again:
            async for each in again:
                yield each

    async def _objects(self, response: httpx.Response) -> AsyncGenerator[Mapping[str, Json]]:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html":
            raise failures.of_status(404, "", {}, endpoint=self.endpoint, model="")
        if kind == "application/json":  # a server that does not stream
            yield self._parsed(await response.aread())
            return
        async with aclosing(events(streamed_lines(response))) as sent:
            async for data in sent:
                if data.strip() == b"[DONE]":
                    yield _DONE
                    return
                yield self._parsed(data)

    def _parsed(self, data: bytes) -> Mapping[str, Json]:
        try:
            parsed = json.loads(data.decode())
        except ValueError as error:
            shown = data[:40].decode(errors="replace")
            raise self._place.broken_off(f"it sent something that is not JSON ({shown!r})") from error
        if not isinstance(parsed, dict):
            raise self._place.broken_off("it sent something that is no JSON object")
        return parsed

    async def _described(self) -> list[tuple[str, ModelInfo]]:
        """Return each model's name on the server, and what is known of it."""
        entries = await self._entries()
        return self._infos(entries, await self._more(entries))

    def _infos(
        self, entries: Sequence[Mapping[str, Any]], more: Mapping[str, Mapping[str, Any]]
    ) -> list[tuple[str, ModelInfo]]:
        is_gateway = self._owner in _GATEWAYS and is_own(self.address)
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
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._stranger() from error

    async def _entries(self) -> list[Mapping[str, Any]]:
        try:
            response = await self._http().get("models", auth=self._keys())
            if not response.is_success:
                raise await self._refusal(response, "")
            entries = entries_of(response.json())
        except httpx.HTTPError as error:
            raise self._place.of_transport(error, CONNECT_S) from error
        except (ValueError, TypeError) as error:
            raise self._stranger() from error
        self._owner = next((str(entry["owned_by"]) for entry in entries if entry.get("owned_by")), "")
        return entries

    async def _more(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Return what a server tells of its models beyond the protocol, by their names."""
        match self._owner:
            case "llamacpp" if len(entries) == 1:
                return {entries[0]["id"]: await self._beside("props")}
            case "organization_owner":  # LM Studio
                listed = (await self._beside("api/v0/models")).get("data")
                listed = listed if isinstance(listed, list) else []
                return {each["id"]: each for each in listed if isinstance(each, dict) and "id" in each}
        return {}

    async def _beside(self, path: str) -> Mapping[str, Any]:
        """Return an object from beside the protocol's own paths; empty where there is none."""
        url = self.address.removesuffix("/v1")
        try:
            async with asyncio.timeout(EXPLAIN_S):
                response = await self._http().get(f"{url}/{path}", auth=self._keys())
            found = response.json() if response.is_success else {}
        except (httpx.HTTPError, TimeoutError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    async def _refusal(self, response: httpx.Response, model: str) -> ModelError:
        text = failures.scrubbed(response.text, self._keys().secrets_of(response.request))
        error = failures.of_status(response.status_code, text, response.headers, endpoint=self.endpoint, model=model)
        if not isinstance(error, ModelNotFound) or not model:
            return error
        names: list[str] = []
        try:
            async with asyncio.timeout(EXPLAIN_S):
                names = [entry["id"] for entry in await self._entries()]
        except (ModelError, TimeoutError):
            pass  # without the names, then
        return failures.not_found(model, self.endpoint, names)

    def _failure(self, sent: Mapping[str, Json], request: httpx.Request, model: str) -> ModelError | None:
        """Return what an error in mid-stream means; None if it is none."""
        if not (error := _error_in(sent)):
            return None
        text = failures.scrubbed(json.dumps(error), self._keys().secrets_of(request))
        return failures.of_error(json.loads(text), endpoint=self.endpoint, model=f"{self.endpoint.name}:{model}")

    def _stranger(self) -> ModelRefused:
        return ModelRefused(
            f"What answers at {self.address} does not speak OpenAI's protocol, or in a form that chatnb does not know.\n"
            f"If the address is wrong, {self._place.elsewhere}"
        )

    @property
    def _place(self) -> Place:
        return failures.place_of(self.endpoint)

    def _keys(self) -> Keys:
        return Keys(self.endpoint)

    def _http(self) -> httpx.AsyncClient:
        """Return the running loop's client. It follows no redirect: the key is for this address alone."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = httpx.AsyncClient(base_url=self.address, **client_options(self.address))
        return self._clients[loop]


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
        answer = Answer()
        async with aclosing(self._provider.chunks(self._short, request)) as chunks:
            while True:
                try:
                    # What follows the reason for the end are counts: an answer does not fail without them.
                    chunk = await (asyncio.wait_for(anext(chunks), LAST_S) if answer.ended_by else anext(chunks))
                except (StopAsyncIteration, TimeoutError):
                    break
                except ModelError:
                    if not answer.ended_by:
                        raise
                    break
                for event in self._read(answer.add(chunk), chunk):
                    yield event
        place = failures.place_of(self._provider.endpoint)
        match answer.ended_by:
            case "":
                raise place.broken_off("the stream ended before the answer did")
            case "content_filter":
                raise ModelRefused(f"{self.name} was stopped by a filter of its server.\nAsk in other words.")
            case "error" | "abort":
                raise place.failed("it ended the answer itself", self.name)
        for event in self._read(answer.end(), {}):
            yield event

    def _read(self, told: Iterator[ModelEvent], chunk: Mapping[str, Json]) -> Sequence[ModelEvent]:
        """Return what is told; raises ModelBroken if it has another form than any known."""
        try:
            return list(told)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            shown = f": {str(chunk)[:200]}" if chunk else ": the call of a tool"
            raise ModelBroken(
                f"{self._provider.endpoint.name} at {self._provider.address} sent something that chatnb cannot read{shown}\n"
                "Ask again; if it stays so, something else answers there, or a model that writes calls wrongly."
            ) from error


def _error_in(sent: Mapping[str, Json]) -> Json:
    """Return the error that an object tells, in one of three forms: under "error", or the object itself; else None."""
    if "choices" in sent:
        return sent.get("error")
    return sent.get("error") or (sent if "message" in sent or sent.get("object") == "error" else None)
