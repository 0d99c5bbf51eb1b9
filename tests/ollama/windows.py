"""Read back which windows a real Ollama loaded its models with.

`/api/ps` tells it (`context_length`) only since versions that are newer than the one in these tests, so it is read in the
server's log: one line for each runner that is started, with the window times the number of parallel requests.
"""

import re

import pytest

from tests.ollama.server import OllamaServer

_START = re.compile(r"starting (?:llama server|runner)\".*--ctx-size (\d+)(?:.*--parallel (\d+))?")


def loaded_windows(server: OllamaServer) -> list[int]:
    """Return the window of each load so far, oldest first, in tokens; the last one is in force."""
    if not server.is_ours:
        pytest.skip("needs an Ollama program whose log it may read; CHATNB_TEST_OLLAMA names an address")
    return [int(total) // int(parallel or 1) for total, parallel in _START.findall(server.log)]


def loads(server: OllamaServer) -> int:
    """Return how often a model was loaded so far; all after the first are reloads, as long as one model is asked."""
    return len(loaded_windows(server))
