"""An endpoint's key and headers: put into each request, and kept nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import httpx

from ..settings import Endpoint
from .endpoints import headers_of, key_of


class Keys(httpx.Auth):
    """Puts them into each request of a client."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a request with them."""
        endpoint = self._endpoint
        # The keyring may have to ask its owner.
        await (asyncio.to_thread if endpoint.api_key_keyring else _at_once)(_authorize, request, endpoint)
        yield request

    def secrets_of(self, request: httpx.Request) -> list[str]:
        """Return what was put into a request."""
        values = [request.headers.get("Authorization", "").removeprefix("Bearer ")]
        values += [request.headers.get(name, "") for name, value in self._endpoint.headers if "${" in value]
        return [word for value in values for word in value.split()]


def _authorize(request: httpx.Request, endpoint: Endpoint) -> None:
    if endpoint.api_key_env or endpoint.api_key_keyring:
        request.headers["Authorization"] = f"Bearer {key_of(endpoint)}"
    request.headers.update(headers_of(endpoint))


async def _at_once(
    function: Callable[[httpx.Request, Endpoint], None], request: httpx.Request, endpoint: Endpoint
) -> None:
    function(request, endpoint)
