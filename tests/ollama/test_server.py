"""The real Ollama with the tiny model, through the `ollama` package: what the other tests rely on."""

import threading
from collections.abc import Iterator
from contextlib import closing

import httpx
import ollama
import pytest

from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.ollama

FRANCE = {"role": "user", "content": "What is the capital of France?"}
STORY = {"role": "user", "content": "Tell me a long story."}  # eight hundred words, a few seconds


@pytest.fixture
def client(ollama_server: OllamaServer) -> Iterator[ollama.Client]:
    """Give a client of the server."""
    with closing(ollama.Client(ollama_server.url, timeout=60)) as client:
        yield client


def test_an_answer_streams_token_by_token(client: ollama.Client) -> None:
    parts = list(client.chat("tinychat", [FRANCE], stream=True))

    assert "".join(part.message.content or "" for part in parts) == "The capital of France is Paris."
    assert len(parts) > 5
    assert parts[-1].done_reason == "stop"


def test_a_partial_reply_is_continued(client: ollama.Client) -> None:
    partial = {"role": "assistant", "content": "The capital of"}

    answer = client.chat("tinychat", [FRANCE, partial])

    assert answer.message.content == " France is Paris."


def test_thinking_comes_apart_from_the_answer(client: ollama.Client) -> None:
    answer = client.chat("tinythink", [FRANCE], think=True)

    assert (answer.message.thinking or "").strip() == "The user asks: What is the capital of France?"
    assert answer.message.content == "The capital of France is Paris."


def test_an_unknown_model_is_not_found(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="not found") as caught:
        client.chat("nobody", [FRANCE])

    assert caught.value.status_code == 404


def test_the_three_models_say_what_they_can(client: ollama.Client) -> None:
    capabilities = {name: client.show(name).capabilities for name in ("tinychat", "tinythink", "tinyplain")}

    assert capabilities == {
        "tinychat": ["completion", "tools"],
        "tinythink": ["completion", "tools", "thinking"],
        "tinyplain": ["completion"],
    }


def test_the_answered_model_is_loaded(client: ollama.Client, ollama_server: OllamaServer) -> None:
    client.chat("tinychat", [FRANCE])

    loaded = ollama_server.loaded()

    assert loaded  # models with the same weights share one runner, under the name that came first
    assert loaded[0].startswith("tiny")


def test_it_is_busy_while_it_answers_and_idle_after_the_client_left(stoppable_ollama: OllamaServer) -> None:
    body = {"model": "tinychat", "messages": [STORY]}
    stoppable_ollama.wait_until_idle()
    with httpx.stream("POST", f"{stoppable_ollama.url}/api/chat", json=body, timeout=60) as answer:
        lines = answer.iter_lines()
        next(lines)
        was_busy = stoppable_ollama.is_busy()

    assert was_busy
    stoppable_ollama.wait_until_idle()


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_it_can_end_in_mid_answer_and_start_again(stoppable_ollama: OllamaServer, ending: str) -> None:
    body = {"model": "tinychat", "messages": [STORY]}
    url = f"{stoppable_ollama.url}/api/chat"
    with httpx.stream("POST", url, json=body, timeout=60) as answer:
        lines = answer.iter_lines()
        next(lines)
        # Ollama waits for its last answers when it is asked to end, so they are read meanwhile.
        end = threading.Thread(target=getattr(stoppable_ollama, ending))
        end.start()
        rest: list[str] = []
        with pytest.raises(httpx.TransportError):
            rest.extend(lines)
        end.join(30)
    with pytest.raises(httpx.ConnectError):
        httpx.get(stoppable_ollama.url)

    stoppable_ollama.start()

    with closing(ollama.Client(stoppable_ollama.url, timeout=60)) as client:
        assert client.chat("tinychat", [FRANCE]).message.content == "The capital of France is Paris."
