"""The models against a real Ollama with the tiny model, through everything that is wrapped around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from chatnb.errors import ModelNotFound, ModelRefused, ModelUnreachable
from chatnb.events import Continued, ModelEvent, TextDelta, ThinkingDelta, TokensCounted, ToolStarted
from chatnb.messages import Context, Text, ToolResult, ToolSpec
from chatnb.models.base import Model, Request
from chatnb.models.catalog import Catalog
from chatnb.models.ollama import OllamaProvider
from chatnb.settings import RetryPolicy, Settings
from tests.models.asking import asking, folded, heard, message
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.ollama

FRANCE = "What is the capital of France?"
PARIS = "The capital of France is Paris."
ENDLESS = {"num_predict": 3000, "stop": ["<never>"]}


@pytest.fixture
async def provider(ollama_server: OllamaServer) -> AsyncIterator[OllamaProvider]:
    """Give the real server."""
    provider = OllamaProvider(ollama_server.url)
    yield provider
    await provider.aclose()


@pytest.fixture
async def catalog() -> AsyncIterator[Catalog]:
    """Give a catalog that is closed at the end."""
    catalog = Catalog()
    yield catalog
    await catalog.aclose()


@pytest.fixture
async def model(ollama_server: OllamaServer, catalog: Catalog) -> Model:
    """Give the tiny model as a chat asks it."""
    return await catalog.model(Settings(model="tinychat", host=ollama_server.url))


async def test_an_answer_streams_word_by_word_and_is_counted(model: Model) -> None:
    events = await heard(model, asking(FRANCE))

    assert folded(events).text == PARIS
    assert len([event for event in events if isinstance(event, TextDelta)]) > 5
    last = events[-1]
    assert isinstance(last, TokensCounted)
    assert last.stop == "stop"
    assert last.usage.prompt_tokens
    assert last.usage.reply_tokens
    assert last.usage.tokens_per_s


async def test_a_follow_up_depends_on_what_was_said_before(model: Model) -> None:
    told = (message("user", "My name is Ada."), message("assistant", "Nice to meet you, Ada!"))

    events = await heard(model, Request((*told, message("user", "What is my name?"))))

    assert folded(events).text == "Your name is Ada."


async def test_context_before_the_question_leaves_the_question_the_last_word(model: Model) -> None:
    asked = message("user", Context("cell 1", "What is the capital of Italy?"), Text(FRANCE))

    events = await heard(model, Request((asked,)))

    assert folded(events).text == PARIS


async def test_thinking_comes_apart_from_the_answer(provider: OllamaProvider) -> None:
    events = await heard(provider.model("tinythink"), replace(asking(FRANCE), think=True))

    thought = "".join(event.text for event in events if isinstance(event, ThinkingDelta))
    assert thought.strip() == "The user asks: What is the capital of France?"
    assert folded(events).text == PARIS


async def test_a_schema_is_kept(model: Model) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    events = await heard(model, Request((message("user", FRANCE),), schema=schema, options={"num_predict": 50}))

    assert folded(events).text.lstrip().startswith("{")


async def test_a_tool_is_called_and_its_result_read(model: Model) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    asked = Request((message("user", "What is 17 + 25?"),), tools=(ToolSpec("add", "Add two numbers.", parameters),))

    events = await heard(model, asked)
    (started,) = [event for event in events if isinstance(event, ToolStarted)]
    answered = (message("assistant", started.call), message("tool", ToolResult(started.call.id, "add", "42")))
    then = await heard(model, replace(asked, messages=(*asked.messages, *answered)))

    assert (started.call.name, started.call.arguments) == ("add", {"a": 17, "b": 25})
    assert folded(then).text == "The calculator says: 42"


async def test_a_model_without_tools_or_thoughts_refuses_them_in_our_words(provider: OllamaProvider) -> None:
    plain = provider.model("tinyplain")

    with pytest.raises(ModelRefused, match="tinyplain cannot use tools"):
        await heard(plain, Request(asking().messages, tools=(ToolSpec("add", "", {"type": "object"}),)))
    with pytest.raises(ModelRefused, match="--no-think"):
        await heard(plain, replace(asking(), think=True))


async def test_an_unknown_model_names_those_that_are_there(ollama_server: OllamaServer, catalog: Catalog) -> None:
    model = await catalog.model(Settings(model="tinychta", host=ollama_server.url))

    with pytest.raises(ModelNotFound) as caught:
        await heard(model)

    lines = str(caught.value).splitlines()
    assert lines[0].endswith('has no model "tinychta".')
    assert lines[1].startswith("Did you mean tinychat? It has: ")
    assert "tinythink" in lines[1]
    assert lines[2] == "To download it: %chat pull tinychta"


async def test_an_answer_is_continued_from_its_beginning(model: Model) -> None:
    events = await heard(model, asking(FRANCE, partial="The capital of"))

    assert folded(events).text == " France is Paris."


async def test_closing_an_answer_makes_the_server_idle(stoppable_ollama: OllamaServer, model: Model) -> None:
    await asyncio.to_thread(stoppable_ollama.wait_until_idle)
    stream = model.stream(replace(asking("Count from 1 to 100."), options=ENDLESS))
    events = [await anext(stream) for _ in range(20)]

    await stream.aclose()

    await asyncio.to_thread(stoppable_ollama.wait_until_idle)
    assert not any(isinstance(event, TokensCounted) for event in events)


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_an_answer_survives_a_server_that_is_stopped_and_started_again(
    stoppable_ollama: OllamaServer, catalog: Catalog, ending: str
) -> None:
    patient = RetryPolicy(attempts=200, initial_delay_s=0.1, max_delay_s=0.1)
    request = asking("Compare lists and tuples.")
    model = await catalog.model(Settings(model="tinychat", host=stoppable_ollama.url, retry=patient))
    unbroken = folded(await heard(model, request)).text
    events: list[ModelEvent] = []

    async def restart() -> None:
        # Ollama waits for its last answers when it is asked to end, so they are read meanwhile.
        await asyncio.to_thread(getattr(stoppable_ollama, ending))
        stoppable_ollama.start()

    async with aclosing(model.stream(request)) as stream, asyncio.TaskGroup() as tasks:
        async for event in stream:
            events.append(event)
            if len(events) == 20:
                tasks.create_task(restart())

    assert folded(events).text == unbroken
    assert any(isinstance(event, Continued) for event in events)


async def test_the_window_that_was_asked_for_is_the_one_that_is_loaded(provider: OllamaProvider) -> None:
    sizes = []
    for num_ctx in (1024, 4096):
        await heard(provider.model("tinychat"), replace(asking(FRANCE), options={"num_ctx": num_ctx}))
        (loaded,) = await provider.loaded()
        sizes.append(loaded.size_bytes or 0)
        assert loaded.context_length in (None, num_ctx)  # newer servers tell it, all tell the memory it takes

    assert 0 < sizes[0] < sizes[1]


async def test_what_the_server_has_is_told(provider: OllamaProvider) -> None:
    models = {model.name: model for model in await provider.models()}

    assert {"tinychat:latest", "tinythink:latest", "tinyplain:latest"} <= set(models)
    tiny = models["tinychat:latest"]
    assert (tiny.context_length, tiny.capabilities, tiny.quantization) == (4096, ("completion", "tools"), "F16")
    assert tiny.size_bytes
    assert tiny.size_bytes > 2_900_000
    assert (await provider.show("tinythink")).capabilities == ("completion", "tools", "thinking")


async def test_the_version_and_what_is_in_memory_are_told(provider: OllamaProvider) -> None:
    await heard(provider.model("tinychat"), asking(FRANCE))

    loaded, version = await provider.loaded(), await provider.version()

    assert loaded[0].name.startswith("tiny")
    assert version.count(".") >= 1


async def test_a_model_that_has_answered_reads_the_prompt_and_one_that_was_unloaded_is_loaded(
    provider: OllamaProvider, ollama_server: OllamaServer
) -> None:
    model = provider.model("tinychat")
    await heard(model, replace(asking(FRANCE), keep_alive="0"))
    while await provider.loaded():  # noqa: ASYNC110 - it is unloaded after the answer
        await asyncio.sleep(0.05)
    unloaded = await model.explain_wait()
    await heard(model, asking(FRANCE))

    assert unloaded == "loading tinychat into memory (2.9 MB)"
    assert await model.explain_wait() == "reading the prompt"


async def test_a_download_without_the_network_says_that_the_server_needs_it(provider: OllamaProvider) -> None:
    with pytest.raises((ModelUnreachable, ModelNotFound)) as caught:
        async with aclosing(provider.pull("chatnb-test-no-such-model")) as progress:
            _ = [step async for step in progress]

    assert "chatnb-test-no-such-model" in str(caught.value) or "library of models" in str(caught.value)


async def test_without_a_name_a_model_that_is_in_memory_is_taken(ollama_server: OllamaServer, catalog: Catalog) -> None:
    model = await catalog.model(Settings(host=ollama_server.url))

    events = await heard(model, asking(FRANCE))

    assert model.name.startswith("tiny")
    assert folded(events).text == PARIS
