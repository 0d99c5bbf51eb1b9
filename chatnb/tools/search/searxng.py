"""Searches through a SearXNG, such as the user's own.

https://docs.searxng.org/dev/search_api.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .base import Hit, SearchFailed, hits_of
from .clean import line
from .json_api import TOTAL_S, ask

_MEANING = {
    403: "it does not offer JSON. Add `json` to `search.formats` in its settings.yml, or ask whoever runs it",
    429: "its limiter turns programs away. Search again later; if it is yours, let this machine pass in its limiter.toml",
}


@dataclass(frozen=True, slots=True)
class SearxngSearch:
    """A SearXNG.

    Attributes
    ----------
    address
        Without "/search" and a slash at its end. It is the user's own choice and may lie in a private network.
    total_s
        How long an answer may take.
    """

    address: str
    total_s: float = TOTAL_S

    @property
    def name(self) -> str:
        """Who is sent the query."""
        return f"SearXNG at {self.address}"

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        """Return what its engines found; fails if they found nothing because they did not answer it."""
        answer = await ask(
            self.name,
            "GET",
            f"{self.address}/search",
            params={"q": query, "format": "json"},
            meaning=_MEANING,
            total_s=self.total_s,
        )
        try:
            hits = hits_of(answer.get("results"), limit)
        except TypeError as error:
            raise SearchFailed(f"{self.name} answered without results ({error}). Is it a SearXNG?") from error
        silent = answer.get("unresponsive_engines")  # pairs of a name and a reason
        if not hits and silent and isinstance(silent, list):
            told = "; ".join(": ".join(map(str, each)) if isinstance(each, list) else str(each) for each in silent)
            raise SearchFailed(f"{self.name} found nothing, and some of its engines did not answer: {line(told, 300)}.")
        return hits
