"""The search providers, each with a server that speaks its form.

ddgs is the real package with its real client, over TLS: the server is its proxy, and plays html.duckduckgo.com.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from chatnb.tools.search.base import SearchFailed, SearchProvider
from chatnb.tools.search.ddgs import DdgsSearch
from chatnb.tools.search.ollama import OllamaSearch
from chatnb.tools.search.searxng import SearxngSearch
from tests.tools.search.server import Asked, Server

KEY = "0123456789abcdef.secretsecretsecret"
CAPTCHA = b"<!DOCTYPE html><html><title>Are you a person?</title><form action='/check'>Pick all ducks</form></html>"

Found = Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A provider, and how a server speaks to it."""

    path: str
    made: Callable[[str, str, float], SearchProvider]
    body: Callable[[Found], bytes]
    query: Callable[[Asked], str]


def as_page(found: Found) -> bytes:
    items = "".join(
        f"<div class='links_main result__body'><h2><a>{html.escape(title)}</a></h2>"
        f"<a href='{html.escape(url)}'>{html.escape(text)}</a></div>"
        for title, url, text in found
    )
    return f"<html><body>{items}</body></html>".encode("utf-8", "replace")


def as_json(found: Found) -> bytes:
    results = [{"title": title, "url": url, "content": text, "score": 1.0} for title, url, text in found]
    return json.dumps({"query": "tea", "results": results, "unresponsive_engines": []}).encode()


SEARXNG = Kind(
    "/searxng/search",
    lambda url, _, limit_s: SearxngSearch(f"{url}/searxng", limit_s),
    as_json,
    lambda asked: parse_qs(urlsplit(asked.path).query)["q"][0],
)
OLLAMA = Kind(
    "/api/web_search",
    lambda url, _, limit_s: OllamaSearch(KEY, f"{url}/api/web_search", limit_s),
    as_json,
    lambda asked: str(json.loads(asked.body)["query"]),
)
DDGS = Kind(
    "/html/",
    lambda url, authority, limit_s: DdgsSearch(engine_s=limit_s, proxy=url, certificates=authority),
    as_page,
    lambda asked: parse_qs(asked.body.decode())["q"][0],
)
OF_JSON = {"searxng": SEARXNG, "ollama": OLLAMA}
KINDS = {**OF_JSON, "ddgs": DDGS}


def provider(kind: Kind, server: Server, tmp_path: Path, limit_s: float = 20.0) -> SearchProvider:
    return kind.made(server.url, str(tmp_path / "authority.pem"), limit_s)


async def failure(search: SearchProvider, query: str = "tea") -> str:
    with pytest.raises(SearchFailed) as caught:
        await search.search(query, 3)
    text = str(caught.value)
    assert KEY not in text + repr(search)
    return text
