"""Searches through the package ddgs, which reads the result pages of search engines as a browser would.

Its client follows redirects and keeps answers of any size: both come from an engine whose certificate was checked.

https://github.com/deedy5/ddgs
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import SettingsError
from .base import Hit, SearchFailed, hits_of

INSTALL = "pip install 'chatnb[search]'"


@dataclass(frozen=True, slots=True)
class DdgsSearch:
    """Search engines by way of ddgs, which needs no key.

    Attributes
    ----------
    engines
        Who is sent the query, as ddgs calls them, with commas between; only those, where ddgs by itself asks all.
    engine_s
        How long one of them may take.
    proxy
        Of http, https or socks5; without it, ddgs takes that in DDGS_PROXY.
    certificates
        A file of those that are trusted, where a proxy has one of its own.
    """

    engines: str = "duckduckgo"
    engine_s: float = 10.0
    proxy: str | None = field(default=None, repr=False)  # it may hold a password
    certificates: str | None = None

    @property
    def name(self) -> str:
        """Who is sent the query."""
        return "DuckDuckGo" if self.engines == "duckduckgo" else self.engines

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        """Return what they found; cancelled, a request under way goes on until its time is over, and nobody waits."""
        return await asyncio.to_thread(self._search, query, limit)

    def _search(self, query: str, limit: int) -> Sequence[Hit]:
        try:
            from ddgs import DDGS  # noqa: PLC0415 - optional
            from ddgs.exceptions import DDGSException, TimeoutException  # noqa: PLC0415 - likewise
        except ImportError as error:
            raise SearchFailed(f"To search with ddgs, install it: {INSTALL}") from error
        client = DDGS(self.proxy, self.engine_s, verify=self.certificates or True)  # type: ignore[arg-type]  # it takes any number
        try:
            found = client.text(query, max_results=limit, backend=self.engines)
        except TimeoutException as error:
            raise SearchFailed(f"{self.name} did not answer within {self.engine_s:g} s. Search again later.") from error
        except DDGSException as error:
            if "No results" not in str(error):  # not repeated: it may hold the proxy's password
                raise SearchFailed(f"{self.name} could not be asked. Is the network there, and the proxy?") from error
            # A refusal (202, 403, 429), a captcha and no results at all: ddgs tells none of them from the others.
            raise SearchFailed(
                f"{self.name} gave no results. There may be none, or it may not answer programs for now: try other words, "
                "then later, or another search provider."
            ) from error
        return hits_of(found, limit, url="href", text="body")


def ddgs_search(engines: str = "") -> DdgsSearch:
    """Return a search with engines of ddgs, or with DuckDuckGo.

    Raises
    ------
    SettingsError
        If ddgs is not installed, or has no such engine: it would ask all of them then.
    """
    try:
        from ddgs.engines import ENGINES  # noqa: PLC0415 - optional
    except ImportError as error:
        raise SettingsError(f"To search with ddgs, install it: {INSTALL}") from error
    names = [name.strip() for name in engines.split(",") if name.strip()] or ["duckduckgo"]
    if not ENGINES["text"].keys() >= set(names):
        raise SettingsError(f"ddgs has no such search engine. It has: {', '.join(sorted(ENGINES['text']))}.")
    return DdgsSearch(",".join(names))
