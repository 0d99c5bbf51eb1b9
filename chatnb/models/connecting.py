"""What all providers over HTTP do alike: how they connect, what they send, and how they read lines that stream."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import httpx

from ..errors import ModelRefused
from ..messages import Json
from .address import is_loopback
from .loopback import LoopbackTransport

CONNECT_S = 5.0
"""Seconds to wait for a connection; how long an answer may take is for deadline.py to say."""

EXPLAIN_S = 1.5
"""Seconds that the reason for a wait, and the names beside a wrong one, are worth."""


def client_options(address: str) -> dict[str, Any]:
    """Return what an httpx client of a server at `address` is made with."""
    timeout = httpx.Timeout(None, connect=CONNECT_S)
    if address.startswith("http://") and is_loopback(address):
        # No proxy leads to this machine, and plain http needs no certificates, which take 36 ms to read.
        return {"timeout": timeout, "transport": LoopbackTransport()}
    # No connection is kept for later: a server that restarted would break the next question, and what is not
    # closed in time would outlive its loop. A new one costs less than a millisecond.
    return {"timeout": timeout, "limits": httpx.Limits(max_connections=None, max_keepalive_connections=0)}


def encoded(body: Mapping[str, Json]) -> bytes:
    """Return the JSON of a request's body.

    Raises
    ------
    ModelRefused
        If it cannot be written.
    """
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ModelRefused(f"The request cannot be written as JSON: {error}.\nCheck the options.") from error


async def streamed_lines(response: httpx.Response) -> AsyncGenerator[bytes]:
    r"""Yield the lines of a stream, split at "\n" alone, and in bytes, so that no character is cut."""
    rest = b""
    async with aclosing(response.aiter_bytes()) as pieces:  # type: ignore[type-var]  # httpx calls it an iterator
        async for piece in pieces:
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line
    if rest.strip():
        yield rest
