"""Find the search provider that a setting means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ...errors import SettingsError
from .base import SearchProvider
from .ddgs import ddgs_search
from .ollama import OllamaSearch
from .searxng import SearxngSearch

_FORMS = '"ddgs", "searxng:https://..." or "ollama"'


def provider_of(setting: str, environment: Mapping[str, str]) -> SearchProvider:
    """Return the provider that a setting names.

    Parameters
    ----------
    setting
        "ddgs" (DuckDuckGo), "ddgs:brave,mojeek" (other engines of ddgs), "searxng:" with the address of a SearXNG, or
        "ollama".
    environment
        Holds OLLAMA_API_KEY, where Ollama's web search is meant.

    Raises
    ------
    SettingsError
        If it names none, or what it needs is missing. It does not repeat the setting, which may hold a password.

    Examples
    --------
    >>> provider_of("searxng:http://localhost:8888/", {}).name
    'SearXNG at http://localhost:8888'
    """
    kind, _, rest = setting.strip().partition(":")
    match kind.strip().lower():
        case "ddgs":
            return ddgs_search(rest)
        case "searxng":
            return SearxngSearch(_address(rest.strip()))
        case "ollama" if not rest:
            return OllamaSearch(_key(environment))
        case _:
            raise SettingsError(f"There is no such search provider. Set one of {_FORMS}.")


def _address(text: str) -> str:
    form = "Write searxng:https://... with the address that it has in a browser, without a query."
    try:
        url = urlsplit(text)
        is_whole = url.port != 0 and bool(url.hostname) and not re.search(r"\s", text)
    except ValueError as error:
        raise SettingsError(f"The address of the SearXNG cannot be one. {form}") from error
    if url.scheme not in {"http", "https"} or not is_whole:
        raise SettingsError(f"The address of the SearXNG cannot be one. {form}")
    if "@" in url.netloc or url.query or url.fragment:
        raise SettingsError(
            f"The address of the SearXNG holds a user, a password or a query, which are not sent. {form}"
        )
    return text.rstrip("/").removesuffix("/search")


def _key(environment: Mapping[str, str]) -> str:
    key = environment.get("OLLAMA_API_KEY", "").strip()
    if not key:
        raise SettingsError(
            "Ollama's web search needs a key. Make one at https://ollama.com/settings/keys, and set OLLAMA_API_KEY to it."
        )
    if not re.fullmatch(r"[!-~]+", key):  # a library's error would repeat such a header, and the key with it
        raise SettingsError("OLLAMA_API_KEY holds blanks or letters that no key has. Copy it once more.")
    return key
