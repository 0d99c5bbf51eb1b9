"""One server that speaks OpenAI's protocol, asked over HTTP: what comes back is JSON or a ModelError."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from ..errors import ModelError, ModelNotFound, ModelRefused
from ..messages import Json
from ..settings import Endpoint
from . import openai_errors as failures
from .base import Request
from .connecting import CONNECT_S, EXPLAIN_S, client_options, encoded, streamed_lines
from .failing import Place
from .openai_keys import Keys
from .openai_listing import entries_of
from .openai_requests import body_of
from .sse import events

_DONE: Mapping[str, Json] = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
"""What a chunk says that ends an answer: "[DONE]" says no more, and there are servers that send nothing else."""


class Connection:
    """An endpoint and what is learned of its server by asking.

    Attributes
    ----------
    owner
        Whom the server named as the owner of its models when it was last asked; empty where it did not say.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.owner = ""
        self._endpoint = endpoint
        self._address = endpoint.base_url
        # An httpx client belongs to the event loop that first used it.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()
        self._counts = True

    async def chunks(self, name: str, request: Request, keys: Keys) -> AsyncGenerator[Mapping[str, Json]]:
        """Yield the objects that an answer streams; closing it closes the connection.

        Parameters
        ----------
        keys
            What is sent, and what knows it again; errors are to be raised within it.

        Raises
        ------
        ModelError
            Whatever goes wrong.
        """
        content = encoded(body_of(name, request, is_openai=self._is_openai, counts=self._counts))
        try:
            async with self._http().stream(
                "POST",
                "chat/completions",
                content=content,
                headers={"Content-Type": "application/json"},
                auth=keys,
            ) as response:
                if not response.is_success:
                    await response.aread()
                    if not (self._counts and response.status_code in (400, 422) and "stream_options" in response.text):
                        raise await self._refusal(response, name, keys)
                    self._counts = False  # a server that does not know the question; it is asked again without it
                else:
                    async with aclosing(self._objects(response, keys)) as objects:
                        async for each in objects:
                            if failure := self._failure(each, name, keys):
                                raise failure
                            yield each
                    return
        except httpx.HTTPError as error:
            raise self._place.of_transport(error, CONNECT_S) from error
        async with aclosing(self.chunks(name, request, keys)) as again:
            async for each in again:
                yield each

    async def entries(self) -> list[Mapping[str, Any]]:
        """Return the entries of the server's list of models; raises ModelError."""
        keys = Keys(self._endpoint)
        with keys:
            entries = await self._listed(keys)
        self.owner = next((str(entry["owned_by"]) for entry in entries if entry.get("owned_by")), "")
        return entries

    async def _listed(self, keys: Keys) -> list[Mapping[str, Any]]:
        try:
            response = await self._http().get("models", auth=keys)
            if not response.is_success:
                raise await self._refusal(response, "", keys)
            return entries_of(response.json())
        except httpx.HTTPError as error:
            raise self._place.of_transport(error, CONNECT_S) from error
        except (ValueError, TypeError) as error:
            raise self.stranger() from error

    async def beside(self, path: str) -> Mapping[str, Any]:
        """Return an object from beside the protocol's own paths; empty where there is none."""
        url = self._address.removesuffix("/v1")
        try:
            async with asyncio.timeout(EXPLAIN_S):
                response = await self._http().get(f"{url}/{path}", auth=Keys(self._endpoint))
            found = response.json() if response.is_success else {}
        except (httpx.HTTPError, TimeoutError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def stranger(self) -> ModelRefused:
        """Return the error of a server that answers in another form than any known."""
        return ModelRefused(
            f"What answers at {self._address} does not speak OpenAI's protocol, or in a form that chatnb does not know.\n"
            f"If the address is wrong, {self._place.elsewhere}"
        )

    async def aclose(self) -> None:
        """Release what the running loop's client holds."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def _objects(self, response: httpx.Response, keys: Keys) -> AsyncGenerator[Mapping[str, Json]]:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html":
            raise failures.of_status(404, "", {}, endpoint=self._endpoint, model="")
        if kind == "application/json":  # a server that does not stream
            yield self._parsed(await response.aread(), keys)
            return
        async with aclosing(events(streamed_lines(response))) as sent:
            async for data in sent:
                if data.strip() == b"[DONE]":
                    yield _DONE
                    return
                yield self._parsed(data, keys)

    def _parsed(self, data: bytes, keys: Keys) -> Mapping[str, Json]:
        try:
            parsed = json.loads(data.decode())
        except ValueError as error:
            shown = keys.scrub(data.decode(errors="replace"))[:40]
            raise self._place.broken_off(f"it sent something that is not JSON ({shown!r})") from error
        if not isinstance(parsed, dict):
            raise self._place.broken_off("it sent something that is no JSON object")
        return parsed

    async def _refusal(self, response: httpx.Response, model: str, keys: Keys) -> ModelError:
        text = keys.scrub(response.text)
        error = failures.of_status(response.status_code, text, response.headers, endpoint=self._endpoint, model=model)
        if not isinstance(error, ModelNotFound) or not model:
            return error
        names: list[str] = []
        try:
            async with asyncio.timeout(EXPLAIN_S):
                names = [entry["id"] for entry in await self.entries()]
        except (ModelError, TimeoutError):
            pass  # without the names, then
        return failures.not_found(model, self._endpoint, names)

    def _failure(self, sent: Mapping[str, Json], model: str, keys: Keys) -> ModelError | None:
        """Return what an error in mid-stream means; None if it is none."""
        if not (error := _error_in(sent)):
            return None
        error = json.loads(keys.scrub(json.dumps(error)))
        return failures.of_error(error, endpoint=self._endpoint, model=f"{self._endpoint.name}:{model}")

    @property
    def _is_openai(self) -> bool:
        """Whether it is OpenAI itself."""
        return httpx.URL(self._address).host == "api.openai.com"

    @property
    def _place(self) -> Place:
        return failures.place_of(self._endpoint)

    def _http(self) -> httpx.AsyncClient:
        """Return the running loop's client. It follows no redirect: the key is for this address alone."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = httpx.AsyncClient(base_url=self._address, **client_options(self._address))
        return self._clients[loop]


def _error_in(sent: Mapping[str, Json]) -> Json:
    """Return the error that an object tells, in one of three forms: under "error", or the object itself; else None."""
    if "choices" in sent:
        return sent.get("error")
    return sent.get("error") or (sent if "message" in sent or sent.get("object") == "error" else None)
