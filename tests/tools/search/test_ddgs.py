"""Searching through ddgs, the real one: what it asks, whom it trusts, and what it cannot tell."""

import asyncio
from pathlib import Path

import pytest

from chatnb.tools.search.ddgs import DdgsSearch
from tests.ports import free_port
from tests.tools.search.kinds import CAPTCHA, DDGS, KEY, as_page, failure, provider
from tests.tools.search.server import Server


async def test_ddgs_says_that_it_cannot_tell_why_there_are_no_hits(server: Server, tmp_path: Path) -> None:
    for status, body in ((200, as_page([])), (200, CAPTCHA), (202, CAPTCHA), (429, b""), (403, b""), (500, b"")):
        server.says("/html/", body, status)

        text = await failure(provider(DDGS, server, tmp_path))

        assert "There may be none, or it may not answer programs for now" in text
    assert set(server.tunnels) == {"html.duckduckgo.com:443"}


async def test_a_cancelled_search_of_ddgs_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    server.hangs("/html/")
    search = asyncio.ensure_future(provider(DDGS, server, tmp_path, 1.0).search("tea", 3))
    await asyncio.to_thread(server.came.wait, 10)

    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search

    assert not server.left.is_set()


async def test_ddgs_asks_duckduckgo_alone(server: Server, tmp_path: Path) -> None:
    server.says("/html/", as_page([("Tea", "https://x.example/", "tea")]))

    await provider(DDGS, server, tmp_path).search("tea", 10)

    assert server.tunnels == ["html.duckduckgo.com:443"]


async def test_ddgs_does_not_trust_who_cannot_prove_who_it_is(server: Server) -> None:
    server.says("/html/", as_page([("Tea", "https://x.example/", "tea")]))

    text = await failure(DdgsSearch(proxy=server.url))

    assert "could not be asked" in text
    assert not server.asked


async def test_the_password_of_a_proxy_is_not_told() -> None:
    search = DdgsSearch(proxy=f"http://user:{KEY}@127.0.0.1:{free_port()}")

    assert "could not be asked" in await failure(search)
