"""An endpoint's key and headers: put into each request, kept nowhere, and taken out of what a server says of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Self

import httpx

from ..errors import ModelError
from ..settings import Endpoint
from .endpoints import headers_of, key_of
from .failing import scrubbed


class Keys(httpx.Auth):
    """Puts them into the requests of one ask, remembers which they were for as long as that takes, and hides them.

    As a context it takes them out of every ModelError that leaves it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._sent: set[str] = set()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a request with them."""
        endpoint = self._endpoint
        # The keyring may have to ask its owner.
        await (asyncio.to_thread if endpoint.api_key_keyring else _at_once)(_authorize, request, endpoint)
        values = [request.headers.get("Authorization", "").removeprefix("Bearer ")]
        values += [request.headers.get(name, "") for name, value in endpoint.headers if "${" in value]
        self._sent.update(word for value in values for word in value.split())
        yield request

    def scrub(self, text: str) -> str:
        """Return a server's words without what was sent; to be called before they are shortened."""
        return scrubbed(text, self._sent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Take what was sent out of a ModelError that leaves, and from its traceback every frame that may know it."""
        if isinstance(error, ModelError):
            error.args = tuple(self.scrub(each) if isinstance(each, str) else each for each in error.args)
            raise error.with_traceback(None) from None


def _authorize(request: httpx.Request, endpoint: Endpoint) -> None:
    if endpoint.api_key_env or endpoint.api_key_keyring:
        request.headers["Authorization"] = f"Bearer {key_of(endpoint)}"
    request.headers.update(headers_of(endpoint))


async def _at_once(
    function: Callable[[httpx.Request, Endpoint], None], request: httpx.Request, endpoint: Endpoint
) -> None:
    function(request, endpoint)
