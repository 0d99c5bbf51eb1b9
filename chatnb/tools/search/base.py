"""What answers a search of the web: the protocol, and what it returns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...errors import ChatError
from .clean import line

TITLE_CHARACTERS = 120
URL_CHARACTERS = 300
TEXT_CHARACTERS = 320

_URL = re.compile(r"https?://\S+", re.IGNORECASE)


class SearchFailed(ChatError):  # noqa: N818 - named after what happened
    """A search got no answer; says why, and what may help."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that a search found; each text is one line without control characters.

    Attributes
    ----------
    url
        Of http or https.
    text
        A few lines of the page, as the provider chose them; may be empty.
    """

    title: str
    url: str
    text: str


class SearchProvider(Protocol):
    """Finds pages of the web."""

    @property
    def name(self) -> str:
        """Who is sent the query, as users know it: "DuckDuckGo", "SearXNG at https://..."."""
        ...

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        """Return what was found, best first.

        Cancelling it ends it at once, as far as it can be stopped.

        Parameters
        ----------
        query
            One line, not empty.
        limit
            At most so many hits, 1 or more.

        Raises
        ------
        SearchFailed
            If it was not answered; no other error. Neither it nor `repr(provider)` shows a key.
        """
        ...


def hits_of(items: object, limit: int, *, url: str = "url", text: str = "content") -> tuple[Hit, ...]:
    """Return the first hits of a list as providers send it: mappings with a title, an address and a text.

    Left out is what has no address that a page could be read at.

    Parameters
    ----------
    items
        Whatever was sent.
    url, text
        What the provider calls the address and the text.

    Raises
    ------
    TypeError
        If it is no list.

    Examples
    --------
    >>> hits_of([{"title": "Tea", "url": "https://tea.example/"}, {"url": "javascript:x()"}], 3)
    (Hit(title='Tea', url='https://tea.example/', text=''),)
    """
    if not isinstance(items, list):
        raise TypeError("the results are no list")
    found = (_hit(item, url, text) for item in items if isinstance(item, Mapping))
    return tuple(hit for hit in found if hit)[:limit]


def _hit(item: Mapping[object, object], url: str, text: str) -> Hit | None:
    address = str(item.get(url) or "").strip()
    if not _URL.fullmatch(address) or not address.isprintable() or len(address) > URL_CHARACTERS:
        return None
    title = line(str(item.get("title") or ""), TITLE_CHARACTERS)
    return Hit(title or address[:TITLE_CHARACTERS], address, line(str(item.get(text) or ""), TEXT_CHARACTERS))
