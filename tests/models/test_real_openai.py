"""OpenAI's protocol as two real servers speak it: Ollama below /v1, and llama.cpp's own server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from chatnb.chat import Chat
from chatnb.errors import ModelNotFound, ModelRefused
from chatnb.events import Continued, ModelEvent, TextDelta, TokensCounted, ToolStarted
from chatnb.messages import ToolResult, ToolSpec
from chatnb.models.base import Model, Request
from chatnb.models.catalog import Catalog
from chatnb.models.openai import OpenAIProvider
from chatnb.settings import RetryPolicy, Settings
from chatnb.stores.memory import MemoryStore
from tests.llamacpp.server import WINDOW, LlamaServer
from tests.models.asking import asking, folded, heard, message
from tests.models.serving import endpoint_of

FRANCE = "What is the capital of France?"
PARIS = "The capital of France is Paris."
SURE: dict[str, Any] = {"temperature": 0, "seed": 1}  # below /v1 it is 1 unless the request names one
ENGINES = [pytest.param("ollama", marks=pytest.mark.ollama), "llamacpp"]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest) -> str:
    """Give the address of each real server."""
    address: str = request.getfixturevalue("ollama_server" if request.param == "ollama" else "llama_server").url
    return address


@pytest.fixture
async def provider(url: str) -> AsyncIterator[OpenAIProvider]:
    """Give the real server."""
    provider = OpenAIProvider(endpoint_of(url))
    yield provider
    await provider.aclose()


@pytest.fixture
async def catalog() -> AsyncIterator[Catalog]:
    """Give a catalog that is closed at the end."""
    catalog = Catalog()
    yield catalog
    await catalog.aclose()


@pytest.fixture
async def model(url: str, catalog: Catalog) -> Model:
    """Give the tiny model as a chat asks it."""
    settings = settings_of(url)
    await catalog.info("lab:tinychat", settings)
    return await catalog.model(settings)


def settings_of(url: str, **more: Any) -> Settings:
    return Settings(model="lab:tinychat", endpoints={"lab": endpoint_of(url)}, **more)


def surely(request: Request) -> Request:
    return replace(request, options={**SURE, **request.options})


async def test_an_answer_streams_word_by_word_and_is_counted(model: Model) -> None:
    events = await heard(model, surely(asking(FRANCE)))

    assert folded(events).text == PARIS
    assert len([event for event in events if isinstance(event, TextDelta)]) > 5
    last = events[-1]
    assert isinstance(last, TokensCounted)
    assert last.stop == "stop"
    assert last.usage.prompt_tokens
    assert last.usage.reply_tokens


async def test_a_follow_up_depends_on_what_was_said_before(model: Model) -> None:
    told = (message("user", "My name is Ada."), message("assistant", "Nice to meet you, Ada!"))

    events = await heard(model, surely(Request((*told, message("user", "What is my name?")))))

    assert folded(events).text == "Your name is Ada."


async def test_an_answer_that_was_begun_goes_on_from_there(model: Model) -> None:
    events = await heard(model, surely(asking(FRANCE, partial="The capital of")))

    assert model.can_continue
    assert folded(events).text == " France is Paris."


async def test_a_tool_is_called_and_its_result_read(model: Model) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    asked = Request((message("user", "What is 17 + 25?"),), tools=(ToolSpec("add", "Add two numbers.", parameters),))

    events = await heard(model, surely(asked))
    (started,) = [event for event in events if isinstance(event, ToolStarted)]
    answered = (message("assistant", started.call), message("tool", ToolResult(started.call.id, "add", "42")))
    then = await heard(model, surely(replace(asked, messages=(*asked.messages, *answered))))

    assert (started.call.name, started.call.arguments) == ("add", {"a": 17, "b": 25})
    assert folded(then).text == "The calculator says: 42"


async def test_a_schema_is_kept(model: Model) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    events = await heard(model, surely(Request((message("user", FRANCE),), schema=schema, options={"num_predict": 50})))

    assert folded(events).text.lstrip().startswith("{")


async def test_a_limit_of_tokens_is_kept_and_told(model: Model) -> None:
    events = await heard(model, surely(Request((message("user", FRANCE),), options={"num_predict": 3})))

    last = events[-1]
    assert isinstance(last, TokensCounted)
    assert last.stop == "length"
    assert PARIS.startswith(folded(events).text)


async def test_what_the_server_has_is_told(provider: OpenAIProvider) -> None:
    models = {info.name: info for info in await provider.models()}
    version = await provider.version()

    (name,) = [name for name in models if name.startswith("lab:tinychat")]
    assert models[name].has_fixed_window
    assert "not told" not in version
    assert provider.can_continue


async def test_a_chat_with_an_endpoint_is_kept_like_any_other(url: str) -> None:
    store = MemoryStore()
    chat = Chat(settings=settings_of(url, options=SURE), store=store)
    turn = chat.ask(FRANCE)
    await turn.wait()
    await chat.catalog.aclose()

    said = store.load(turn.question.session_id).messages[-1]
    assert (said.text, said.model, said.outcome) == (PARIS, "lab:tinychat", "done")
    assert said.usage is not None
    assert said.usage.unread_tokens is None


async def test_llama_cpp_tells_its_window_and_what_its_model_can(llama_server: LlamaServer) -> None:
    provider = OpenAIProvider(endpoint_of(llama_server.url))

    info = await provider.show("whatever it is called")
    loaded = await provider.loaded()
    await provider.aclose()

    assert (info.name, info.context_length, info.parameters) == ("lab:tinychat", WINDOW, "1.4M")
    assert info.capabilities == ("completion", "tools")
    assert [(each.name, each.context_length) for each in loaded] == [("lab:tinychat", WINDOW)]


async def test_a_prompt_that_llama_cpp_has_no_room_for_is_refused_in_our_words(llama_server: LlamaServer) -> None:
    model = OpenAIProvider(endpoint_of(llama_server.url)).model("tinychat")

    with pytest.raises(ModelRefused, match=r"too long for the window of tinychat.*\n.*Carry along less"):
        await heard(model, asking("word " * 3000))


async def test_a_long_conversation_with_llama_cpp_is_fitted_into_its_window(llama_server: LlamaServer) -> None:
    chat = Chat(settings=settings_of(llama_server.url, options={**SURE, "num_predict": 20}), store=MemoryStore())
    for number in range(8):
        turn = chat.ask(f"{'word ' * 250}\nSay number {number}.")
        await turn.wait()
        turn.raise_for_failure()
    plan = chat.last_plan
    await chat.catalog.aclose()

    assert plan is not None
    assert plan.prompt.num_ctx == WINDOW
    assert plan.asked.left_out
    assert "num_ctx" not in plan.request.options


@pytest.mark.ollama
async def test_an_unknown_model_names_those_that_are_there(ollama_server: Any) -> None:
    model = OpenAIProvider(endpoint_of(ollama_server.url)).model("tinychta")

    with pytest.raises(ModelNotFound, match='has no model "tinychta"') as caught:
        await heard(model)

    assert "Did you mean lab:tinychat" in str(caught.value)


async def test_an_answer_survives_a_server_that_is_killed_and_started_again(
    llama_server: LlamaServer, catalog: Catalog
) -> None:
    patient = RetryPolicy(attempts=200, initial_delay_s=0.1, max_delay_s=0.1)
    settings = settings_of(llama_server.url, retry=patient)
    await catalog.info("lab:tinychat", settings)
    # Of eight hundred words, so that it is not over before the server is.
    model, request = await catalog.model(settings), surely(asking("Tell me a long story."))
    unbroken = folded(await heard(model, request)).text
    events: list[ModelEvent] = []

    async def restart() -> None:
        await asyncio.to_thread(llama_server.kill)
        llama_server.start()

    async with aclosing(model.stream(request)) as stream, asyncio.TaskGroup() as tasks:
        async for event in stream:
            events.append(event)
            if len(events) == 5:
                tasks.create_task(restart())

    assert folded(events).text == unbroken
    assert any(isinstance(event, Continued) for event in events)
