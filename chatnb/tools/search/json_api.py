"""One request to a provider that answers in JSON, bounded in time and size."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...messages import Json
from .base import SearchFailed

if TYPE_CHECKING:
    import httpx

SIZE_BYTES = 2_000_000
"""Of an answer; what comes without an end is not kept."""

TOTAL_S = 15.0
"""From the connection to the last byte; SearXNG waits for several engines."""

_OK = 200
_MEANING = {429: "it asks to come back later", 500: "it failed", 502: "it failed", 503: "it is busy or down"}


async def ask(
    name: str,
    method: str,
    url: str,
    *,
    meaning: Mapping[int, str],
    headers: Mapping[str, str] | None = None,
    total_s: float = TOTAL_S,
    **content: Any,
) -> Mapping[str, Json]:
    """Return the JSON object that a provider answers with.

    No redirect is followed: the query and a key go to the address that the user named, and to no other. No proxy and no
    password of the environment is used.

    Parameters
    ----------
    name
        What errors call the provider.
    meaning
        What a status of its answer says, where it says something special.
    content
        What is sent: `params` or `json`, as httpx takes them.

    Raises
    ------
    SearchFailed
        If it does not answer in time, or with anything else.
    """
    import httpx  # noqa: PLC0415 - 0.1 s to import, and few sessions search

    # As it is, since a packed answer may be a thousand times as large as what comes.
    sent = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "chatnb", **(headers or {})}
    try:
        async with (
            asyncio.timeout(total_s),
            httpx.AsyncClient(timeout=None, trust_env=False) as client,  # noqa: S113 - the line above is the limit
            client.stream(method, url, headers=sent, follow_redirects=False, **content) as response,
        ):
            if response.is_redirect:
                raise SearchFailed(f"{name} redirects to another address. Set that one, if it is right.")
            if response.status_code != _OK:
                why = {**_MEANING, **meaning}.get(response.status_code, "it does not say why")
                raise SearchFailed(f"{name} answered with the status {response.status_code}: {why}.")
            data = await _body(name, response)
    except TimeoutError as error:
        raise SearchFailed(f"{name} did not answer within {total_s:g} s. Search again later.") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise SearchFailed(
            f"{name} could not be asked ({type(error).__name__}). Is it there, and the network?"
        ) from error
    return _object(name, data)


async def _body(name: str, response: httpx.Response) -> bytes:
    data = bytearray()
    async for piece in response.aiter_raw():
        data += piece
        if len(data) > SIZE_BYTES:
            raise SearchFailed(f"{name} answered with more than {SIZE_BYTES / 1e6:g} MB, which is no list of results.")
    return bytes(data)


def _object(name: str, data: bytes) -> Mapping[str, Json]:
    text = data.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        page = (
            "a page for people, perhaps one that wants to see a person" if "<html" in text[:2000].lower() else "no JSON"
        )
        raise SearchFailed(
            f"{name} answered with {page}. Open it in a browser, or search with another provider."
        ) from error
    if not isinstance(value, dict):
        raise SearchFailed(f"{name} answered with JSON of another form. Is it a search provider of that kind?")
    return value
