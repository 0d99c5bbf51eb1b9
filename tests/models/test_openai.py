"""The provider of OpenAI's protocol over a real wire: what a server has, what it can, and what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from chatnb.errors import ModelError, ModelRefused, ModelUnreachable
from chatnb.models.base import LoadedModel, ModelInfo, Provider
from chatnb.models.catalog import Catalog
from chatnb.models.masked import is_masked
from chatnb.models.openai import OpenAIProvider
from chatnb.settings import Endpoint, Settings
from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.models.asking import folded, heard
from tests.models.serving import endpoint_of, lab


@asynccontextmanager
async def serving(answers: Mapping[str, object]) -> AsyncIterator[str]:
    """Serve JSON, or bytes, by path; give the address."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            data = answers.get((await reader.readuntil(b"\r\n\r\n")).split()[1].decode())
            body = data if isinstance(data, bytes) else json.dumps(data).encode()
            status = "404 Not Found" if data is None else "200 OK"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def listed(*names: str, owner: str = "somebody") -> Mapping[str, Any]:
    return {"data": [{"id": name, "owned_by": owner} for name in names]}


async def test_models_are_listed_as_the_user_writes_them() -> None:
    with FaultServer(models=["mixtral:8x7b", "qwen3"]) as server:
        provider = lab(server)

        models = await provider.models()
        await provider.aclose()

    assert isinstance(provider, Provider)
    assert [model.name for model in models] == ["lab:mixtral:8x7b", "lab:qwen3"]
    assert models[0].context_length == 4096


async def test_a_model_that_is_not_listed_may_be_there_all_the_same() -> None:
    with FaultServer(models=["qwen3"]) as server:
        provider = lab(server)

        info = await provider.show("another")
        await provider.aclose()

    assert info == ModelInfo("lab:another", has_fixed_window=True)


async def test_a_server_that_lists_nothing_is_asked_all_the_same() -> None:
    async with serving({}) as url:
        provider = lab(url)

        info = await provider.show("qwen3")

        assert info == ModelInfo("lab:qwen3", has_fixed_window=True)
        with pytest.raises(ModelRefused, match="does not speak OpenAI's protocol there"):
            await provider.models()
        await provider.aclose()


@pytest.mark.parametrize(
    ("owner", "version", "loaded", "continues"),
    [
        ("vllm", "0.9.3", [LoadedModel("lab:a", context_length=4096)], True),
        ("llamacpp", "b7", [LoadedModel("lab:a", 2_927_104, 4096)], True),
        ("library", "0.11", [], True),
        ("somebody", "not told", [], False),
    ],
)
async def test_what_is_beside_the_protocol_depends_on_who_made_the_server(
    owner: str, version: str, loaded: list[LoadedModel], continues: bool
) -> None:
    meta = {"n_ctx": 4096, "size": 2_927_104} if owner == "llamacpp" else {}
    length = {"max_model_len": 4096} if owner == "vllm" else {}
    answers: dict[str, object] = {
        "/v1/models": {"data": [{"id": "a", "owned_by": owner, "meta": meta, **length}]},
        "/version": {"version": "0.9.3"},
        "/props": {"build_info": "b7"},
        "/api/version": {"version": "0.11"},
    }
    async with serving(answers) as url:
        provider = lab(url)

        told = await provider.version()

        assert told.startswith(version)
        assert await provider.loaded() == loaded
        assert provider.model("a").can_continue is continues
        await provider.aclose()


async def test_lm_studio_tells_what_is_loaded_and_what_its_models_can() -> None:
    more = [
        {"id": "a", "type": "llm", "state": "loaded", "max_context_length": 9000, "capabilities": ["tool_use"]},
        {"id": "b", "type": "embeddings", "state": "not-loaded", "max_context_length": 512},
    ]
    answers = {"/v1/models": listed("a", "b", owner="organization_owner"), "/api/v0/models": {"data": more}}
    async with serving(answers) as url:
        provider = lab(url)

        models, loaded = await provider.models(), await provider.loaded()
        await provider.aclose()

    assert [model.capabilities for model in models] == [("completion", "tools"), ("embedding",)]
    assert loaded == [LoadedModel("lab:a", context_length=9000)]


async def test_a_download_is_refused_with_a_sentence() -> None:
    with pytest.raises(ModelRefused, match="lab at http://gpu:8000/v1 cannot be asked to download qwen3"):
        await anext(lab("http://gpu:8000").pull("qwen3"))


QUESTIONS: dict[str, Callable[[OpenAIProvider], Awaitable[object]]] = {
    "models": lambda provider: provider.models(),
    "show": lambda provider: provider.show("qwen3"),
    "loaded": lambda provider: provider.loaded(),
    "version": lambda provider: provider.version(),
}


@pytest.mark.parametrize("question", list(QUESTIONS))
async def test_a_server_that_is_not_there_is_a_clear_error(question: str) -> None:
    with FaultServer() as server:
        provider = lab(server)

    with pytest.raises(ModelUnreachable, match=r"lab at http://127\.0\.0\.1:\d+/v1 did not answer"):
        await QUESTIONS[question](provider)
    await provider.aclose()


@pytest.mark.parametrize("question", list(QUESTIONS))
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[1]",
        b"{}",
        b'{"data": 3}',
        b"null",
        b'{"data": [{"id": "a", "meta": 3}]}',
        b'{"data": [{"id": 1}]}',
    ],
)
async def test_something_else_that_answers_there_is_a_model_error(question: str, body: bytes) -> None:
    async with serving({"/v1/models": body}) as url:
        provider = lab(url)

        with suppress(ModelError):  # any other error fails the test
            await QUESTIONS[question](provider)
        await provider.aclose()


async def test_no_connection_outlives_its_answer() -> None:
    with FaultServer() as server:
        provider = lab(server)

        await heard(provider.model("tinychat"))
        await provider.models()

        async with asyncio.timeout(5):
            while server.open_connections:  # noqa: ASYNC110 - the server notices in a thread of its own
                await asyncio.sleep(0.001)


def test_a_provider_serves_one_event_loop_after_the_other() -> None:
    with FaultServer() as server:
        model = lab(server).model("tinychat")

        texts = [folded(asyncio.run(heard(model))).text for _ in range(3)]

    assert texts == [server.text] * 3


async def test_openai_is_asked_where_its_own_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with FaultServer([Answer()]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        catalog = Catalog()
        model = await catalog.model(Settings(model="openai:tinychat"))

        text = folded(await heard(model)).text
        await catalog.aclose()

    assert (model.name, text) == ("openai:tinychat", server.text)
    assert "authorization" not in server.chats[0].headers


async def test_openai_without_a_key_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    catalog = Catalog()
    model = await catalog.model(Settings(model="openai:gpt-5"))

    with pytest.raises(
        ModelRefused, match="There is no key for openai: the environment variable OPENAI_API_KEY is not"
    ):
        await heard(model)
    await catalog.aclose()


def test_an_endpoint_that_is_named_anew_is_another_provider() -> None:
    catalog = Catalog()

    def found(url: str) -> Provider:
        settings = Settings(endpoints={"lab": endpoint_of(url)})
        return catalog.find("lab:qwen3:8b", settings)[0]

    assert found("http://a") is found("http://a")
    assert found("http://a") is not found("http://b")
    assert catalog.find("lab:qwen3:8b", Settings(endpoints={"lab": endpoint_of("http://a")}))[1] == "qwen3:8b"


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://192.168.1.7:8000/v1", False), ("http://gpu:8000/v1", False), ("https://api.example.com/v1", True)],
)
async def test_secrets_are_hidden_from_endpoints_outside_the_users_network(url: str, expected: bool) -> None:
    catalog = Catalog()
    settings = Settings(model="lab:a", endpoints={"lab": Endpoint("lab", url)})
    catalog._infos["a", catalog.find("lab:a", settings)[0]] = ModelInfo("lab:a")  # nobody is there to be asked

    assert await is_masked(settings.models, settings, catalog) is expected


@pytest.mark.parametrize(("owner", "expected"), [("vllm", False), ("openai", True), ("anthropic", True)])
async def test_secrets_are_hidden_from_a_gateway_that_passes_questions_on(owner: str, expected: bool) -> None:
    with FaultServer(models=["tinychat"], owner=owner) as server:
        catalog = Catalog()
        settings = Settings(model="lab:tinychat", endpoints={"lab": endpoint_of(server)})

        masked = await is_masked(settings.models, settings, catalog)
        await catalog.aclose()

    assert masked is expected
