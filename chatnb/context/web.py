"""Pages of the web, named by `url:`, as the text that stands in them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..errors import ContextNotFound, ContextRefused
from ..messages import Context
from . import articles, documents
from .base import Confirm, Reading, Reference
from .download import Address, Bounds, Download, download, is_public
from .texts import decode

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = re.compile(r"text/.*|application/(.*\+)?(json|xml|yaml|javascript|x-ndjson)|")
_DECLARED = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w-]{1,40})""", re.IGNORECASE)
_DECLARED_WITHIN = 1024  # bytes, by the standard of HTML


@dataclass(frozen=True, slots=True)
class Page:
    """What can be read at an address.

    Attributes
    ----------
    url
        Where it was found, after redirects.
    text
        Of an article its text as Markdown, without what stands around it; of other pages everything that is text.
    """

    url: str
    text: str


def fetch(url: str, is_address_allowed: Callable[[Address], bool] = is_public, bounds: Bounds | None = None) -> Page:
    """Return the text of a page, a text file, JSON, or a PDF of the web.

    This blocks for as long as `bounds` allows; where a loop runs, call it as `await asyncio.to_thread(fetch, url)`.

    Parameters
    ----------
    url
        Of http or https; without a scheme, https is meant.
    is_address_allowed
        Which addresses may be connected to; those of the public internet.
    bounds
        How large and how slow it may be.

    Raises
    ------
    ContextNotFound
        If there is no such server or page.
    ContextRefused
        If it is not public, too large, too slow, or nothing that can be read as text; or if the library that reads
        HTML is not installed.
    """
    found = download(_with_scheme(url), is_address_allowed, bounds)
    if found.content_type == "application/pdf" or found.data.startswith(b"%PDF-"):
        return Page(found.url, documents.text_of(found.data, ".pdf", found.url))
    if not _TEXT.fullmatch(found.content_type) and found.content_type not in _HTML:
        raise ContextRefused(f"{found.url} is {found.content_type[:80]}, which is not read as text. Download it.")
    text = _decoded(found)
    is_html = found.content_type in _HTML or (not found.content_type and "<html" in text[:1000].lower())
    text = articles.text_of(text, found.url) if is_html else text
    if not text.strip():
        raise ContextRefused(f"{found.url} holds no text; it may be made by scripts. Copy what matters from a browser.")
    return Page(found.url, text)


class WebSource:
    """Reads pages of the web, each server only once the user agreed.

    Parameters
    ----------
    confirm
        Asked before the first page of a server is fetched.
    is_allowed
        Whether the user allowed all of them (`ChatConfig.urls`); then nothing is asked.
    hosts
        The servers that the user agreed to so far; further ones are added to it.
    is_address_allowed
        Which addresses may be connected to.
    """

    kinds: Sequence[str] = ("url",)

    def __init__(
        self,
        confirm: Confirm,
        *,
        is_allowed: bool = False,
        hosts: set[str] | None = None,
        is_address_allowed: Callable[[Address], bool] = is_public,
    ) -> None:
        self._confirm = confirm
        self._is_allowed = is_allowed
        self._hosts = set[str]() if hosts is None else hosts
        self._is_address_allowed = is_address_allowed
        self._read: dict[str, None] = {}

    def read(self, reference: Reference) -> Reading:
        """Return the text of the page.

        Raises
        ------
        ContextNotFound
            If there is no such server or page.
        ContextRefused
            If the user does not agree, or as `fetch` does.
        """
        if not reference.target:
            raise ContextNotFound("No page is named. Write url:https://... with its address.")
        url = _with_scheme(reference.target)
        self._require_agreement(url)
        page = fetch(url, self._is_address_allowed)
        self._read[url] = None
        notes = () if page.url.rstrip("/") == url.rstrip("/") else (f"{url} led to {page.url}.",)
        return Reading((Context.of(f"page {page.url}", page.text, f"url:{url}"),), notes)

    def names(self) -> Iterable[str]:
        """Yield the pages that were read before."""
        return [f"url:{url}" for url in reversed(self._read)]

    def _require_agreement(self, url: str) -> None:
        host = _host(url)
        if self._is_allowed or host in self._hosts:
            return
        if not self._confirm(f"Fetch {url[:200]} from {host}?"):
            raise ContextRefused(
                f"{url[:200]} was not fetched: nobody agreed to it. "
                "Say yes when asked, or allow pages of the web with %config ChatConfig.urls = True."
            )
        self._hosts.add(host)


def _with_scheme(url: str) -> str:
    return url.strip() if "://" in url else f"https://{url.strip()}"


def _host(url: str) -> str:
    import httpx  # noqa: PLC0415 - 0.1 s to import, and few questions need it

    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError) as error:
        raise ContextRefused(f"{url[:200]!r} is no address of a page: {error}.") from error


def _decoded(found: Download) -> str:
    declared = _DECLARED.search(found.data[:_DECLARED_WITHIN]) if found.content_type in _HTML else None
    charset = found.charset or (declared[1].decode("ascii", "replace") if declared else "")
    if not found.data.startswith(codecs.BOM_UTF8) and b"\0" not in found.data:
        with suppress(LookupError, ValueError):  # what a server says may be unknown or wrong
            return found.data.decode(charset or "utf-8")
    texts = decode(found.data)
    if texts is None:
        raise ContextRefused(f"{found.url} says that it is text, and is binary. Download it, and read it in a cell.")
    return texts[0]
