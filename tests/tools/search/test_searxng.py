"""A SearXNG that finds nothing says why."""

import json
from pathlib import Path

from tests.tools.search.kinds import SEARXNG, failure, provider
from tests.tools.search.server import Server


async def test_a_searxng_whose_engines_did_not_answer_says_which(server: Server, tmp_path: Path) -> None:
    engines = [["duckduckgo", "CAPTCHA"], ["brave", "too many\nrequests"], "x"]
    server.says(SEARXNG.path, json.dumps({"results": [], "unresponsive_engines": engines}).encode())

    text = await failure(provider(SEARXNG, server, tmp_path))

    assert "duckduckgo: CAPTCHA; brave: too many requests; x." in text
