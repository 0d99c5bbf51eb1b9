"""Ollama's web search is asked as its documentation says."""

import json
from pathlib import Path

from tests.tools.search.kinds import KEY, OLLAMA, as_json, provider
from tests.tools.search.server import Server


async def test_ollama_gets_the_key_in_a_header_and_no_more_than_ten_are_asked_for(
    server: Server, tmp_path: Path
) -> None:
    server.says(OLLAMA.path, as_json([]))

    await provider(OLLAMA, server, tmp_path).search("tea", 50)

    [asked] = server.asked
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in asked.path
    assert json.loads(asked.body) == {"query": "tea", "max_results": 10}
