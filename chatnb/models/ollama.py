"""Models that Ollama serves, over its own API.

The `ollama` package knows the headers, the key and the forms of the answers. An answer's stream is read here, below the
package, from its httpx client: it splits lines at U+0085 and U+2028 too, which JSON may hold, so that such a character
in an answer breaks the stream (ollama 0.6.3, `aiter_lines`); its types drop what it does not know, such as nested
objects in a tool's parameters, or where a model of Ollama's cloud runs; and it is the slower half of the work for a token.

https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar
from weakref import WeakKeyDictionary

import httpx
import ollama

from ..errors import ModelError, ModelNotFound, ModelRefused
from ..events import ModelEvent
from ..messages import Json
from . import ollama_errors as failures
from .address import address
from .base import LoadedModel, ModelInfo, PullProgress, Request
from .connecting import CONNECT_S, EXPLAIN_S, client_options, encoded, streamed_lines
from .ollama_forms import body_of, events_of, full_name, human_size, info_of, names_cloud

T = TypeVar("T")


class OllamaProvider:
    """An Ollama server.

    Parameters
    ----------
    host
        Its address in any form that Ollama accepts (address.py); empty: OLLAMA_HOST, else this machine.
    elsewhere
        How its user names another server, for errors.
    """

    def __init__(self, host: str = "", elsewhere: str = failures.SETTING) -> None:
        self._elsewhere = elsewhere
        self._address = address(host or os.environ.get("OLLAMA_HOST", ""))
        # An httpx client belongs to the event loop that first used it.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, ollama.AsyncClient] = WeakKeyDictionary()
        self._details: dict[str, ModelInfo] = {}  # by digest, which names the model's very bytes

    @property
    def address(self) -> str:
        """Its URL."""
        return self._address

    def model(self, name: str) -> OllamaModel:
        """Return the model of that name; whether it exists shows when it is asked."""
        return OllamaModel(self, name)

    async def models(self) -> Sequence[ModelInfo]:
        """Return what the server has, what was changed last first."""
        listed = (await self._asked(self._client().list())).models
        return await asyncio.gather(*(self._described(entry) for entry in listed))

    async def show(self, name: str) -> ModelInfo:
        """Return what is known of one model; without its size on disk, which only `models` knows."""

        async def post() -> ModelInfo:
            response = await self._http().post("/api/show", json={"model": name})
            if response.is_error:
                raise await self._refusal(response, name)
            return info_of(name, response.json())

        return await self._asked(post())

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return what is in memory now, or on its way there."""
        return [
            LoadedModel(
                entry.name or entry.model or "",
                size_bytes=None if entry.size is None else int(entry.size),
                context_length=entry.context_length,
                expires_at=entry.expires_at.isoformat() if entry.expires_at else "",
            )
            for entry in (await self._asked(self._client().ps())).models
        ]

    async def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Download a model; the bytes are those of all its layers that have begun."""
        layers: dict[str, tuple[int, int]] = {}
        async with aclosing(self.lines("/api/pull", {"model": name, "stream": True}, name)) as lines:
            async for line in lines:
                if "error" in line:
                    raise failures.of_pull(str(line["error"]), name, self._address)
                if line.get("total"):
                    layers[line.get("digest", "")] = (line.get("completed", 0), line["total"])
                yield PullProgress(
                    str(line.get("status", "")),
                    completed_bytes=sum(completed for completed, _ in layers.values()),
                    total_bytes=sum(total for _, total in layers.values()) or None,
                )

    async def version(self) -> str:
        """Return the server's version."""

        async def get() -> str:
            response = await self._http().get("/api/version")
            response.raise_for_status()
            return str(response.json()["version"])

        return await self._asked(get())

    async def aclose(self) -> None:
        """Release what the running loop's client holds."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]  # the package has no types here

    async def lines(self, path: str, body: Mapping[str, Json], model: str) -> AsyncGenerator[Mapping[str, Json]]:
        """Yield the JSON objects that the server streams; closing it closes the connection.

        Raises
        ------
        ModelError
            Whatever goes wrong, but for a line with "error": what that means depends on the path.
        """
        content = encoded(body)
        try:
            async with self._http().stream("POST", path, content=content) as response:
                if response.is_error:
                    await response.aread()
                    raise await self._refusal(response, model)
                async with aclosing(streamed_lines(response)) as sent:
                    async for line in sent:
                        if line:
                            yield self._parsed(line)
        except httpx.HTTPError as error:
            raise failures.of_transport(error, self._address, CONNECT_S, self._elsewhere) from error

    async def explain_wait(self, name: str) -> str:
        """Say why that model's answer does not come yet; "" if that cannot be found out."""
        try:
            async with asyncio.timeout(EXPLAIN_S):
                entry = await self._in_memory(name)
                if entry is not None and entry == await self._in_memory(name):
                    return "reading the prompt"
                size = entry.size_bytes if entry else await self._size_bytes(name)
        except (ModelError, TimeoutError):
            return ""
        # Ollama lists a model as soon as it begins to load it. What tells the two apart: until its first answer is
        # over, the time at which it will be unloaded is made up anew each time one asks.
        loading = f"loading {name} into memory" + (f" ({human_size(size)})" if size else "")
        return f"{loading} and reading the prompt" if entry else loading

    async def _in_memory(self, name: str) -> LoadedModel | None:
        return next((entry for entry in await self.loaded() if full_name(entry.name) == full_name(name)), None)

    async def _size_bytes(self, name: str) -> int | None:
        listed = (await self._asked(self._client().list())).models
        return next((int(e.size) for e in listed if e.size and full_name(e.model or "") == full_name(name)), None)

    async def _described(self, entry: ollama.ListResponse.Model) -> ModelInfo:
        name = entry.model or ""
        digest = entry.digest or name
        if digest not in self._details:
            try:
                self._details[digest] = await self.show(name)
            except ModelError:  # one damaged model does not hide the others
                return ModelInfo(name, size_bytes=entry.size and int(entry.size), is_remote=names_cloud(name))
        known = self._details[digest]
        return replace(
            known,
            name=name,
            size_bytes=None if entry.size is None else int(entry.size),
            is_remote=known.is_remote or names_cloud(name),
        )

    def _client(self) -> ollama.AsyncClient:
        """Return the running loop's client."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = ollama.AsyncClient(self._address, **client_options(self._address))
        return self._clients[loop]

    def _http(self) -> httpx.AsyncClient:
        client: httpx.AsyncClient = self._client()._client  # noqa: SLF001 - see the module's docstring
        return client

    async def _asked(self, answer: Awaitable[T]) -> T:
        """Return the package's answer to a question about the server; raises ModelError only."""
        try:
            return await answer
        except ollama.ResponseError as error:
            raise failures.of_status(
                error.status_code, error.error, {}, address=self._address, model="", elsewhere=self._elsewhere
            ) from error
        except httpx.HTTPStatusError as error:
            raise await self._refusal(error.response, "") from error
        except httpx.HTTPError as error:
            raise failures.of_transport(error, self._address, CONNECT_S, self._elsewhere) from error
        except ConnectionError as error:  # the package's own, in place of httpx's
            cause = error.__context__
            refused = cause if isinstance(cause, httpx.HTTPError) else httpx.ConnectError(str(error))
            raise failures.of_transport(refused, self._address, CONNECT_S, self._elsewhere) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # another form than the package knows
            raise ModelRefused(
                f"What answers at {self._address} is not Ollama, or a version that chatnb does not know.\n"
                f"Correct the address, or {self._elsewhere}"
            ) from error

    async def _refusal(self, response: httpx.Response, model: str) -> ModelError:
        error = failures.of_status(
            response.status_code,
            response.text,
            response.headers,
            address=self._address,
            model=model,
            elsewhere=self._elsewhere,
        )
        return await self._not_found(model) if isinstance(error, ModelNotFound) else error

    async def _not_found(self, name: str) -> ModelNotFound:
        names: list[str] = []
        try:
            async with asyncio.timeout(EXPLAIN_S):
                names = [entry.model or "" for entry in (await self._asked(self._client().list())).models]
        except (ModelError, TimeoutError):
            pass  # without the names, then
        return failures.not_found(name, self._address, names)

    def _parsed(self, line: bytes) -> Mapping[str, Json]:
        try:
            data = json.loads(line.decode())
        except ValueError as error:
            shown = line[:40].decode(errors="replace")
            raise failures.broken_off(self._address, f"it sent a line that is not JSON ({shown!r})") from error
        if not isinstance(data, dict):
            raise failures.broken_off(self._address, "it sent a line that is no JSON object")
        return data


class OllamaModel:
    """One of a server's models."""

    def __init__(self, provider: OllamaProvider, name: str) -> None:
        self._provider, self._name = provider, name

    @property
    def name(self) -> str:
        """As the user wrote it, which is as Ollama knows it."""
        return self._name

    @property
    def can_continue(self) -> bool:
        """Ollama lets a model go on from an assistant's message that comes last."""
        return True

    async def explain_wait(self) -> str:
        """Say whether it is being loaded or reads the prompt."""
        return await self._provider.explain_wait(self._name)

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer."""
        address = self._provider.address
        body = body_of(self._name, request)
        async with aclosing(self._provider.lines("/api/chat", body, self._name)) as lines:
            async for line in lines:
                if "error" in line:
                    raise failures.of_message(str(line["error"]).rstrip("."), address=address, model=self._name)
                for event in events_of(line, address):
                    yield event
                if line.get("done"):
                    return
        raise failures.broken_off(address, "the stream ended before the answer did")
