"""Ollama's provider over a real wire: what a server has, downloads, reasons for a wait, connections."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import ollama
import pytest

from chatnb.errors import ModelBroken, ModelError, ModelNotFound, ModelRefused, ModelUnreachable
from chatnb.models import base
from chatnb.models.ollama import OllamaProvider
from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.models.asking import asking, folded, heard

Json = Mapping[str, Any]


@asynccontextmanager
async def serving(*answers: tuple[str, object]) -> AsyncIterator[str]:
    """Serve JSON by path; the answers to one path come in turn, the last one again and again."""
    left: dict[str, list[object]] = {}
    for path, answer in answers:
        left.setdefault(path, []).append(answer)

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode()
            mine = left.get(path, [None])
            data = mine.pop(0) if len(mine) > 1 else mine[0]
            body = data if isinstance(data, bytes) else json.dumps(data() if callable(data) else data).encode()
            status = "404 Not Found" if data is None else "200 OK"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def in_memory(name: str, expires_at: Callable[[], datetime]) -> Callable[[], Json]:
    """Return what `/api/ps` says of one model."""
    return lambda: {
        "models": [{"name": name, "model": name, "size": 9_100_000_000, "expires_at": expires_at().isoformat()}]
    }


def tags(*names: str) -> Json:
    """Return what `/api/tags` says."""
    return {"models": [{"model": name, "name": name, "size": 9_000_000_000, "digest": name} for name in names]}


async def test_models_are_listed_with_what_is_known_of_each() -> None:
    with FaultServer(models=["tinychat", "tinythink:1b"]) as server:
        provider = OllamaProvider(server.url)

        models = await provider.models()
        await provider.aclose()

    assert [model.name for model in models] == ["tinychat:latest", "tinythink:1b"]
    assert models[0] == base.ModelInfo(
        "tinychat:latest", 2_927_104, "1.44M", "F16", 4096, ("completion", "tools", "thinking")
    )


async def test_what_is_known_of_a_model_is_asked_once_for_the_same_bytes() -> None:
    with FaultServer(models=["tinychat"]) as server:
        provider = OllamaProvider(server.url)

        await provider.models()
        await provider.models()
        await provider.aclose()
        paths = [exchange.path for exchange in server.exchanges]

    assert paths.count("/api/show") == 1


async def test_a_model_that_cannot_be_described_does_not_hide_the_others() -> None:
    good = {"details": {"parameter_size": "8B"}, "model_info": {}, "capabilities": ["completion"]}
    async with serving(("/api/tags", tags("a", "b")), ("/api/show", b"?"), ("/api/show", good)) as url:
        provider = OllamaProvider(url)

        models = await provider.models()
        await provider.aclose()

    assert {model.name for model in models} == {"a", "b"}
    assert sorted(model.parameters for model in models) == ["", "8B"]


async def test_a_model_that_ollama_passes_on_to_its_cloud_is_told_from_one_that_runs_here() -> None:
    passed_on = {"details": {}, "capabilities": ["completion"], "remote_host": "https://ollama.com:443"}
    here: Json = {"details": {}, "model_info": {}, "capabilities": ["completion"]}
    async with serving(("/api/show", passed_on), ("/api/show", here), ("/api/show", here)) as url:
        provider = OllamaProvider(url)

        remote = [(await provider.show(name)).is_remote for name in ("mine", "mine", "glm-5:cloud")]
        await provider.aclose()

    assert remote == [True, False, True]


async def test_a_list_of_models_tells_which_ones_run_elsewhere() -> None:
    here: Json = {"details": {}, "model_info": {}}
    passed_on = {"details": {}, "remote_model": "gpt-oss:120b"}
    async with serving(
        ("/api/tags", tags("a")),
        ("/api/show", passed_on),
        ("/api/tags", tags("b", "c:cloud")),
        ("/api/show", here),
        ("/api/show", b"?"),
    ) as url:
        provider = OllamaProvider(url)

        models = [*await provider.models(), *await provider.models()]
        await provider.aclose()

    assert {model.name: model.is_remote for model in models} == {"a": True, "b": False, "c:cloud": True}


async def test_a_model_that_is_not_there_is_shown_as_an_error_with_those_that_are() -> None:
    with FaultServer(models=["tinychat"]) as server:
        provider = OllamaProvider(server.url)

        with pytest.raises(ModelNotFound, match="Did you mean tinychat"):
            await provider.show("tinychta")
        await provider.aclose()


async def test_what_is_in_memory_and_the_version_are_told() -> None:
    with FaultServer(models=["tinychat"]) as server:
        provider = OllamaProvider(server.url)

        loaded, version = await provider.loaded(), await provider.version()
        await provider.aclose()

    assert [(model.name, model.size_bytes) for model in loaded] == [("tinychat:latest", 2_927_104)]
    assert version == "0.9.3"


QUESTIONS: dict[str, Callable[[OllamaProvider], Awaitable[object]]] = {
    "models": lambda provider: provider.models(),
    "show": lambda provider: provider.show("tinychat"),
    "loaded": lambda provider: provider.loaded(),
    "version": lambda provider: provider.version(),
    "pull": lambda provider: anext(provider.pull("tinychat")),
}


@pytest.mark.parametrize("question", list(QUESTIONS))
async def test_a_server_that_is_not_there_is_a_clear_error(question: str) -> None:
    with FaultServer() as server:
        provider = OllamaProvider(server.url)

    with pytest.raises(ModelUnreachable, match="`ollama serve`"):
        await QUESTIONS[question](provider)
    await provider.aclose()


@pytest.mark.parametrize("question", list(QUESTIONS))
@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"[1]", b"{}", b'{"models": 3}', b"null"])
async def test_something_else_that_answers_there_is_a_model_error(question: str, body: bytes) -> None:
    paths = ("/api/tags", "/api/show", "/api/ps", "/api/version", "/api/pull")
    async with serving(*((path, body) for path in paths)) as url:
        provider = OllamaProvider(url)

        with contextlib.suppress(ModelError):  # any other error fails the test
            await QUESTIONS[question](provider)
        await provider.aclose()


async def test_a_wrong_path_is_a_clear_error() -> None:
    async with serving() as url:
        provider = OllamaProvider(f"{url}/nowhere")

        with pytest.raises(ModelRefused, match="is not Ollama"):
            await provider.models()
        await provider.aclose()


async def test_a_download_tells_how_far_it_is() -> None:
    with FaultServer(pull_steps=4) as server:
        provider = OllamaProvider(server.url)

        async with aclosing(provider.pull("tinychat")) as progress:
            steps = [step async for step in progress]
        await provider.aclose()

    assert steps[0] == base.PullProgress("pulling manifest")
    assert [step.completed_bytes for step in steps if step.total_bytes and "pulling" in step.status] == [
        2_927_104 * quarter // 4 for quarter in range(5)
    ]
    assert steps[-1].status == "success"


async def test_a_download_of_several_layers_adds_them_up() -> None:
    lines = [
        {"status": "pulling a", "digest": "a", "total": 100, "completed": 100},
        {"status": "pulling b", "digest": "b", "total": 300},
        {"status": "pulling b", "digest": "b", "total": 300, "completed": 150},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    async with serving(("/api/pull", body)) as url:
        provider = OllamaProvider(url)

        async with aclosing(provider.pull("tinychat")) as progress:
            steps = [(step.completed_bytes, step.total_bytes) async for step in progress]
        await provider.aclose()

    assert steps == [(100, 100), (100, 400), (250, 400)]


async def test_a_download_that_fails_says_why() -> None:
    error = 'pull model manifest: Get "https://registry": dial tcp: lookup registry: no such host'
    with FaultServer(pull_error=error) as server:
        provider = OllamaProvider(server.url)

        with pytest.raises(ModelUnreachable, match="could not reach the library"):
            async with aclosing(provider.pull("tinychat")) as progress:
                _ = [step async for step in progress]
        await provider.aclose()


async def test_a_download_that_is_interrupted_closes_its_connection() -> None:
    with FaultServer(pull_delay_s=3600) as server:
        provider = OllamaProvider(server.url)
        progress = provider.pull("tinychat")
        await anext(progress)

        await progress.aclose()

        server.exchanges[0].wait_until_client_left()


async def test_a_model_that_is_not_in_memory_is_being_loaded() -> None:
    async with serving(("/api/ps", {"models": []}), ("/api/tags", tags("qwen3:8b"))) as url:
        model = OllamaProvider(url).model("qwen3:8b")

        assert await model.explain_wait() == "loading qwen3:8b into memory (9 GB)"


async def test_a_model_that_has_answered_nothing_since_it_was_loaded_may_be_loading_still() -> None:
    soon = in_memory("qwen3:8b", lambda: datetime.now(UTC) + timedelta(minutes=5))
    async with serving(("/api/ps", soon)) as url:
        model = OllamaProvider(url).model("qwen3:8b")

        assert await model.explain_wait() == "loading qwen3:8b into memory (9.1 GB) and reading the prompt"


async def test_a_model_that_has_answered_before_reads_the_prompt() -> None:
    at = datetime.now(UTC) + timedelta(minutes=4)
    async with serving(("/api/ps", in_memory("qwen3:latest", lambda: at))) as url:
        model = OllamaProvider(url).model("qwen3")

        assert await model.explain_wait() == "reading the prompt"


@pytest.mark.parametrize("body", [b"?", b"[]", b'{"models": [{}]}'])
async def test_a_reason_that_cannot_be_found_out_is_no_error(body: bytes) -> None:
    async with serving(("/api/ps", body), ("/api/tags", body)) as url:
        model = OllamaProvider(url).model("qwen3:8b")

        assert await model.explain_wait() in ("", "loading qwen3:8b into memory")


async def test_a_server_that_does_not_tell_the_reason_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnb.models.ollama.EXPLAIN_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        model = OllamaProvider(f"127.0.0.1:{silent.getsockname()[1]}").model("qwen3:8b")

        assert await model.explain_wait() == ""


async def test_the_environment_names_the_server_where_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:4711")

    assert OllamaProvider().address == "http://127.0.0.1:4711"
    assert OllamaProvider("lab").address == "http://lab:11434"


async def test_no_proxy_stands_between_this_machine_and_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with FaultServer() as server:
        provider = OllamaProvider(server.url)

        assert await provider.version() == "0.9.3"


async def test_the_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    with FaultServer() as server:
        await heard(OllamaProvider(server.url).model("tinychat"))

    assert server.chats[0].headers["authorization"] == "Bearer secret"


async def test_no_connection_outlives_its_answer() -> None:
    with FaultServer() as server:
        provider = OllamaProvider(server.url)

        await heard(provider.model("tinychat"))
        await provider.models()

        async with asyncio.timeout(5):
            while server.open_connections:  # noqa: ASYNC110 - the server notices in a thread of its own
                await asyncio.sleep(0.001)


def test_a_provider_serves_one_event_loop_after_the_other() -> None:
    with FaultServer() as server:
        model = OllamaProvider(server.url).model("tinychat")

        texts = [folded(asyncio.run(heard(model))).text for _ in range(3)]

    assert texts == [server.text] * 3


async def test_options_that_cannot_be_sent_are_refused_by_name() -> None:
    with FaultServer() as server:
        model = OllamaProvider(server.url).model("tinychat")
        request = base.Request(asking().messages, options={"stop": {"a"}})

        with pytest.raises(ModelRefused, match="options"):
            await heard(model, request)

    assert server.exchanges == []


async def test_the_client_package_has_what_is_used_of_it() -> None:
    client = ollama.AsyncClient()

    assert callable(client._client.stream)
    assert str(client._client.base_url).startswith("http")
    await client._client.aclose()


async def test_a_last_line_without_its_line_break_counts() -> None:
    body = b'{"message": {"content": "Hi"}}\n{"done": true}'
    async with serving(("/api/chat", body)) as url:
        assert folded(await heard(OllamaProvider(url).model("tinychat"))).text == "Hi"


async def test_half_a_last_line_is_a_broken_stream() -> None:
    async with serving(("/api/chat", b'{"message": {"content": "Hi"}}\n{"done": tr')) as url:
        with pytest.raises(ModelBroken, match="not JSON"):
            await heard(OllamaProvider(url).model("tinychat"))


async def test_lone_surrogates_in_a_question_can_be_sent() -> None:
    with FaultServer([Answer()]) as server:
        await heard(OllamaProvider(server.url).model("tinychat"), asking("what is \ud800?"))

    assert server.chats[0].messages[0]["content"] == "what is \ud800?"
