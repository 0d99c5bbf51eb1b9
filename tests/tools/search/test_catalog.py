"""A setting names a provider, or says what is missing, and never repeats a secret."""

import subprocess
import sys

import pytest

from chatnb.errors import SettingsError
from chatnb.tools.search.catalog import provider_of
from chatnb.tools.search.ddgs import DdgsSearch
from chatnb.tools.search.ollama import URL, OllamaSearch
from chatnb.tools.search.searxng import SearxngSearch

KEY = {"OLLAMA_API_KEY": " s3cret.key\n"}


@pytest.mark.parametrize(
    ("setting", "provider"),
    [
        ("ddgs", DdgsSearch()),
        (" DDGS ", DdgsSearch()),
        ("ddgs:brave, mojeek", DdgsSearch("brave,mojeek")),
        ("searxng:https://searx.example", SearxngSearch("https://searx.example")),
        ("searxng:http://127.0.0.1:8888/", SearxngSearch("http://127.0.0.1:8888")),
        ("searxng:https://x.example/searxng/search", SearxngSearch("https://x.example/searxng")),
        ("ollama", OllamaSearch("s3cret.key")),
    ],
)
def test_a_setting_names_a_provider(setting: str, provider: object) -> None:
    assert provider_of(setting, KEY) == provider


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("", "no such search provider"),
        ("s3cret", "no such search provider"),
        ("google:s3cret", "no such search provider"),
        ("ollama:s3cret", "no such search provider"),
        ("ddgs:s3cret", "no such search engine"),
        ("ddgs:auto", "no such search engine"),
        ("searxng:", "cannot be one"),
        ("searxng:s3cret.example", "cannot be one"),
        ("searxng:ftp://s3cret.example", "cannot be one"),
        ("searxng:https://", "cannot be one"),
        ("searxng:https://user:s3cret@x.example", "a user, a password or a query"),
        ("searxng:https://x.example/?token=s3cret", "a user, a password or a query"),
        ("searxng:https://s3cret.example:99999/", "cannot be one"),
        ("searxng:http://[::s3cret/", "cannot be one"),
        ("searxng:https://s3cret example/", "cannot be one"),
    ],
)
def test_a_setting_that_names_none_is_told_and_not_repeated(setting: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        provider_of(setting, {})

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "why"), [("", "needs a key"), (" ", "needs a key"), ("s3 cret", "blanks"), ("s3crét", "blanks")]
)
def test_a_key_that_is_missing_or_damaged_is_told_and_not_repeated(key: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        provider_of("ollama", {"OLLAMA_API_KEY": key})

    assert "cr" not in str(caught.value).replace("characters", "")


def test_a_key_is_not_shown() -> None:
    provider = provider_of("ollama", KEY)

    assert "s3cret" not in repr(provider)
    assert provider.name == "Ollama's web search"
    assert provider == OllamaSearch("s3cret.key", "https://ollama.com/api/web_search")
    assert URL.startswith("https://")


def test_without_the_package_ddgs_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ddgs.engines", None)

    with pytest.raises(SettingsError, match=r"pip install 'chatnb\[search\]'"):
        provider_of("ddgs", {})


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = "import sys; import chatnb.tools.search.catalog; print([m for m in ('ddgs', 'primp', 'httpx') if m in sys.modules])"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown == "[]\n"
