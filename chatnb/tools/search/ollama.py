"""Searches through Ollama's own web search, for which an account and its key are needed.

https://docs.ollama.com/capabilities/web-search
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from .base import Hit, SearchFailed, hits_of
from .json_api import TOTAL_S, ask

URL: Final = "https://ollama.com/api/web_search"

_MOST: Final = 10  # as documented
_MEANING = {
    401: "it does not accept the key in OLLAMA_API_KEY. Make a new one at https://ollama.com/settings/keys",
    429: "the account has searched as often as it may for now. Search again later",
}


@dataclass(frozen=True, slots=True)
class OllamaSearch:
    """Ollama's web search.

    Attributes
    ----------
    key
        Of an account; printable ASCII without blanks. Sent in a header, and shown nowhere.
    url
        Where it is asked.
    total_s
        How long an answer may take.
    """

    key: str = field(repr=False)
    url: str = URL
    total_s: float = TOTAL_S

    @property
    def name(self) -> str:
        """Who is sent the query."""
        return "Ollama's web search"

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        """Return what it found, at most ten hits."""
        answer = await ask(
            self.name,
            "POST",
            self.url,
            json={"query": query, "max_results": min(limit, _MOST)},
            headers={"Authorization": f"Bearer {self.key}"},
            meaning=_MEANING,
            total_s=self.total_s,
        )
        try:
            return hits_of(answer.get("results"), limit)
        except TypeError as error:
            raise SearchFailed(
                f"{self.name} answered in a form that is not known ({error}). Is chatnb up to date?"
            ) from error
