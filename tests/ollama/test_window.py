"""Windows on a real server: what was dropped is found, what fits is let be, and the estimate comes near after some turns."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from chatnb.events import ModelEvent, TokensCounted
from chatnb.messages import Message
from chatnb.models.base import Model, Request
from chatnb.models.ollama import OllamaProvider
from chatnb.tokens import UNCALIBRATED, Calibration
from chatnb.truncation import unread
from tests.ollama.server import OllamaServer
from tests.ollama.windows import loaded_windows, loads
from tests.talk import question, reply_to

pytestmark = pytest.mark.ollama

FRANCE = "What is the capital of France?"
SPOKEN = (
    ("Who are you?", "I am Tinychat, a very small language model made only for tests."),
    ("What colour is the sky?", "The sky is blue because air scatters blue light more than red light."),
    ("What is Python?", "Python is a programming language that is easy to read."),
    ("List the planets.", "1. Mercury\n2. Venus\n3. Earth\n4. Mars\n5. Jupiter\n6. Saturn\n7. Uranus\n8. Neptune"),
    ("Write hello world in Python.", '```python\nprint("Hello, world!")\n```'),
    ("What is pi?", "Pi is about 3.14159265."),
)


class Counting:
    """The server's model, and how often it was asked."""

    def __init__(self, model: Model) -> None:
        self._model, self.name, self.can_continue, self.requests = model, model.name, True, 0

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        self.requests += 1
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                yield event

    async def explain_wait(self) -> str:
        return ""


def history(count: int) -> list[Message]:
    asked = [question(SPOKEN[number % len(SPOKEN)][0], number + 1) for number in range(count)]
    return [
        message
        for number, each in enumerate(asked)
        for message in (each, reply_to(each, SPOKEN[number % len(SPOKEN)][1]))
    ]


def request(messages: Sequence[Message], window: int) -> Request:
    return Request((*messages, question(FRANCE, 9_999)), options={"num_ctx": window, "num_predict": 1})


async def counted(model: Model, request: Request) -> int:
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            if isinstance(event, TokensCounted) and event.usage.prompt_tokens:
                return event.usage.prompt_tokens
    raise AssertionError("The server did not count.")


async def learned(model: Model, turns: int = 6) -> Calibration:
    known = UNCALIBRATED
    for number in range(turns):
        asked = request(history(number), 1_024)
        known = known.learn(asked.messages, await counted(model, asked))
    return known


@pytest.fixture
async def model(ollama_server: OllamaServer) -> AsyncGenerator[Counting]:
    """Give the tiny model."""
    provider = OllamaProvider(ollama_server.url)
    yield Counting(provider.model("tinychat"))
    await provider.aclose()


async def test_whole_messages_that_the_server_dropped_are_found(model: Counting) -> None:
    known = await learned(model)
    whole, cut = request(history(24), 4_096), request(history(24), 512)
    lost = await counted(model, whole) - await counted(model, cut)
    before = model.requests

    dropped = [await unread(model, cut, await counted(model, cut), each) for each in (known, UNCALIBRATED)]

    assert lost > 100
    assert dropped[0] == pytest.approx(lost, rel=0.2)
    assert dropped[1] == pytest.approx(lost, rel=0.5)
    assert model.requests - before == 4


async def test_a_question_that_the_server_cut_is_found(model: Counting) -> None:
    cut = Request((question("word " * 400 + FRANCE),), options={"num_ctx": 512, "num_predict": 1})

    dropped = await unread(model, cut, await counted(model, cut), UNCALIBRATED)

    assert dropped


async def test_what_fits_is_never_called_truncated_and_costs_no_request(model: Counting) -> None:
    known, asked = UNCALIBRATED, []
    for number in range(20):
        each = request(history(number), 1_024)
        count = await counted(model, each)
        before = model.requests
        asked.append((await unread(model, each, count, known), model.requests - before))
        known = known.learn(each.messages, count)

    assert {dropped for dropped, _ in asked} == {None}
    assert sum(requests for _, requests in asked) <= 2


async def test_what_was_read_before_is_counted_again(model: Counting) -> None:
    asked = request(history(4), 1_024)

    counts = [await counted(model, asked) for _ in range(3)]

    assert len(set(counts)) == 1


async def test_the_estimate_is_near_after_a_few_turns(model: Counting) -> None:
    known = await learned(model)
    asked = request(history(9), 1_024)

    count = await counted(model, asked)

    assert known.count_request(asked.messages) == pytest.approx(count, rel=0.1)


async def test_the_window_is_read_back_and_the_proof_loads_nothing(
    model: Counting, ollama_server: OllamaServer
) -> None:
    cut = request(history(24), 512)
    await counted(model, request([], 1_024))
    count = await counted(model, cut)
    before = loads(ollama_server)

    await unread(model, cut, count, UNCALIBRATED)
    await asyncio.to_thread(ollama_server.wait_until_idle)

    assert loads(ollama_server) == before
    assert loaded_windows(ollama_server)[-2:] == [1_024, 512]
