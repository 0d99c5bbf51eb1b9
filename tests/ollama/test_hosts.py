"""A model on two real Ollama servers."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatnb.chat import Chat
from chatnb.events import Continued, TextDelta
from chatnb.settings import RetryPolicy, Settings
from chatnb.stores.memory import MemoryStore
from chatnb.turn import Turn
from tests.ollama.finding import find
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.ollama

FRANCE = "What is the capital of France?"
PARIS = "The capital of France is Paris."
LONG = "Tell me a long story."  # of eight hundred words, so that it is not over before a server is killed


@pytest.fixture
def second_ollama(stoppable_ollama: OllamaServer, tmp_path: Path) -> Iterator[OllamaServer]:
    """Run a second server beside the first one."""
    assert stoppable_ollama.is_ours
    server = OllamaServer(find(), tmp_path)
    try:
        server.start()
        server.create_models()
        yield server
    finally:
        server.close()


async def test_asks_are_spread_over_two_servers_and_an_answer_of_one_that_dies_is_completed_by_the_other(
    stoppable_ollama: OllamaServer, second_ollama: OllamaServer
) -> None:
    servers = {each.url.removeprefix("http://"): each for each in (stoppable_ollama, second_ollama)}
    model = f"tinychat@{','.join(servers)}"
    retry = RetryPolicy(attempts=5, initial_delay_s=0.1)
    chat = Chat(settings=Settings(model=model, options={"temperature": 0}, retry=retry), store=MemoryStore())

    def ask(question: str) -> Turn:
        return chat.ask(question, session=chat.sessions.fresh())

    asked = [ask(FRANCE) for _ in range(10)]
    ten = await asyncio.gather(*asked)
    unbroken = (await ask(LONG)).text
    turn, said, killed = ask(LONG), 0, ""
    async for event in turn.watch():
        said += isinstance(event, TextDelta)
        if said == 20 and not killed:
            (killed,) = (name for name, host in busy(chat).items() if host)
            await asyncio.to_thread(servers[killed].kill)
    await chat.catalog.aclose()

    assert {reply.text for reply in ten} == {PARIS}
    assert min(Counter(reply.host for reply in ten).get(name, 0) for name in servers) >= 2
    assert turn.reply.text == unbroken
    assert any(isinstance(event, Continued) for event in turn.log)
    assert turn.reply.host in set(servers) - {killed}


def busy(chat: Chat) -> dict[str, int]:
    """Return how many asks each host has now."""
    provider = chat.catalog.find(chat.settings.models[0], chat.settings)[0]
    return {host.name: host.in_flight for host in provider.hosts}  # type: ignore[attr-defined]
