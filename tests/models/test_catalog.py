"""Names, and the models behind them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb.errors import ModelNotFound, ModelUnreachable, SettingsError
from chatnb.events import FellBack
from chatnb.messages import ToolSpec
from chatnb.models.catalog import Catalog
from chatnb.models.demo import ScriptedProvider
from chatnb.models.ollama import OllamaProvider
from chatnb.settings import RetryPolicy, Settings
from tests.faults.script import TEXT, Answer, Status
from tests.faults.server import FaultServer
from tests.models.asking import asking, folded, heard

QUICK = RetryPolicy(attempts=2, initial_delay_s=0.001)


@pytest.mark.parametrize(
    ("name", "kind", "short"),
    [
        ("qwen3:8b", OllamaProvider, "qwen3:8b"),
        ("tinychat", OllamaProvider, "tinychat"),
        ("ollama:qwen3:8b", OllamaProvider, "qwen3:8b"),
        ("scripted:demo", ScriptedProvider, "demo"),
        ("nobody:demo", OllamaProvider, "nobody:demo"),
        ("hf.co/somebody/model:Q4", OllamaProvider, "hf.co/somebody/model:Q4"),
    ],
)
def test_a_prefix_names_a_provider_or_belongs_to_the_model(name: str, kind: type, short: str) -> None:
    provider, found = Catalog().find(name, Settings())

    assert isinstance(provider, kind)
    assert found == short


async def test_a_named_model_answers_through_everything_that_is_wrapped_around_it() -> None:
    with FaultServer([Status(503), Answer()]) as server:
        catalog = Catalog()
        model = await catalog.model(Settings(model="tinychat", host=server.url, retry=QUICK))

        events = await heard(model)
        await catalog.aclose()

    assert folded(events).text == TEXT
    assert model.name == "tinychat"


async def test_the_models_after_the_first_are_fallbacks_that_stay() -> None:
    with FaultServer({"large": [Status(404)], "small": [Answer()]}) as server:
        catalog = Catalog()
        settings = Settings(model="large, small", host=server.url, retry=QUICK)
        first = await heard(await catalog.model(settings))
        second = await heard(await catalog.model(replace(settings, system="Be brief.")))
        await catalog.aclose()

    assert isinstance(first[0], FellBack)
    assert not any(isinstance(event, FellBack) for event in second)
    assert folded(second).text == TEXT


async def test_without_a_name_the_first_model_of_the_server_is_taken_once() -> None:
    with FaultServer(models=["one", "two"]) as server:
        catalog = Catalog()
        settings = Settings(host=server.url)

        model = await catalog.model(settings)
        again = await catalog.model(settings)
        await catalog.aclose()
        asked = [exchange.path for exchange in server.exchanges]

    assert model is again
    assert model.name == "one:latest"
    assert asked.count("/api/tags") == 1


async def test_a_server_without_models_says_how_to_get_one() -> None:
    with FaultServer(models=[]) as server:
        catalog = Catalog()

        with pytest.raises(ModelNotFound, match="%chat pull") as caught:
            await catalog.model(Settings(host=server.url))
        await catalog.aclose()

    assert "scripted:demo" in str(caught.value)


async def test_without_a_name_and_without_a_server_there_is_a_clear_error() -> None:
    with FaultServer() as server:
        url = server.url
    catalog = Catalog()

    with pytest.raises(ModelUnreachable, match="ollama serve"):
        await catalog.model(Settings(host=url))
    await catalog.aclose()


async def test_what_a_model_can_is_asked_once_and_unknown_when_nobody_tells() -> None:
    with FaultServer(models=["tinychat"]) as server:
        catalog = Catalog()
        settings = Settings(host=server.url)

        infos = [await catalog.info("tinychat", settings) for _ in range(3)]
        unknown = await catalog.info("nobody", settings)
        await catalog.aclose()
        asked = [exchange.body["model"] for exchange in server.exchanges if exchange.path == "/api/show"]

    assert [info and info.context_length for info in infos] == [4096] * 3
    assert unknown is None
    assert asked == ["tinychat", "nobody"]


async def test_an_address_that_cannot_be_one_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="ftp://lab"):
        await Catalog().model(Settings(model="tinychat", host="ftp://lab"))


def test_a_provider_that_nobody_installed_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="ollama, scripted"):
        Catalog().provider(Settings(), "nobody")


async def test_the_same_address_is_the_same_provider_until_all_is_closed() -> None:
    catalog = Catalog()

    first, second = catalog.provider(Settings(host="lab")), catalog.provider(Settings(host="lab"))
    await catalog.aclose()

    assert first is second
    assert catalog.provider(Settings(host="lab")) is not first


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Install a package that brings a provider called `lab`."""
    (folder / "lab_provider.py").write_text("from chatnb.models.demo import ScriptedProvider as Lab\n")
    info = folder / "lab_provider-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-provider\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[chatnb.models]\nlab = lab_provider:Lab\n")
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("lab_provider", None)


async def test_another_package_brings_a_provider_with_an_entry_point(tmp_path: Path) -> None:
    with installed(tmp_path):
        catalog = Catalog()

        model = await catalog.model(Settings(model="lab:demo"))

    assert model.name == "scripted:demo"


@pytest.mark.parametrize(
    ("capabilities", "is_native"), [(["completion"], False), (["completion", "tools"], True), (None, True)]
)
async def test_a_model_gets_tools_in_words_where_its_server_says_that_it_calls_none(
    capabilities: list[str] | None, is_native: bool
) -> None:
    with FaultServer([Answer(text='{"answer": "42"}')], capabilities=capabilities) as server:
        catalog = Catalog()
        settings = Settings(model="tinychat", host=server.url)

        events = await heard(await catalog.model(settings), replace(asking(), tools=(ToolSpec("now", "", {}),)))
        await catalog.aclose()

    [exchange] = server.chats
    assert ("tools" in exchange.body) == is_native
    assert ("format" in exchange.body) != is_native
    assert folded(events).text == ('{"answer": "42"}' if is_native else "42")
