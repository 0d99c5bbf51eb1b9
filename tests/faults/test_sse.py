"""The fault server's second protocol: OpenAI's own client sees what the script says."""

from collections.abc import Iterator
from contextlib import closing

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.faults.script import TEXT, Answer, CutOff, EndOfStream, ErrorLine, Malformed, Reset, Status, tokens_of
from tests.faults.server import FaultServer

USER = {"role": "user", "content": "What is the mean?"}
CALL = {"function": {"name": "add", "arguments": {"a": 17, "b": 25}}}


def said(server: FaultServer, **more: object) -> Iterator[ChatCompletionChunk]:
    """Ask as OpenAI's client does, and yield what comes."""
    with closing(openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)) as client:
        asked = {"model": "tinychat", "messages": [USER], "stream": True, **more}
        yield from client.chat.completions.create(**asked)  # type: ignore[call-overload]  # its overloads know no dict


def text_of(chunks: Iterator[ChatCompletionChunk]) -> Iterator[str]:
    for chunk in chunks:
        yield from (choice.delta.content for choice in chunk.choices if choice.delta.content)


def test_an_answer_comes_token_by_token_and_ends_with_its_counts() -> None:
    with FaultServer() as server:
        chunks = list(said(server, stream_options={"include_usage": True}))

    assert list(text_of(iter(chunks))) == tokens_of(TEXT)
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 40


def test_counts_come_only_to_those_who_ask_for_them() -> None:
    with FaultServer() as server:
        chunks = list(said(server))

    assert [chunk.usage for chunk in chunks if chunk.usage] == []


def test_calls_of_tools_come_in_pieces_that_are_joined_by_their_index() -> None:
    with FaultServer([Answer(text="", tool_calls=[CALL, CALL])]) as server:
        chunks = list(said(server))

    pieces = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    arguments = ["".join(p.function.arguments or "" for p in pieces if p.index == i and p.function) for i in (0, 1)]
    assert arguments == ['{"a": 17, "b": 25}'] * 2
    assert [piece.id for piece in pieces if piece.id] == ["call_0", "call_1"]


def test_an_answer_that_does_not_stream_is_whole() -> None:
    with FaultServer() as server, closing(openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")) as client:
        answer = client.chat.completions.create(model="tinychat", messages=[{"role": "user", "content": "Why?"}])

    assert answer.choices[0].message.content == TEXT


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Reset(3), Exception),
        (CutOff(3), Exception),
        (ErrorLine(3, "it broke"), openai.APIError),
        (Malformed(3), ValueError),
    ],
    ids=["reset", "cut off", "error", "malformed"],
)
def test_a_fault_in_mid_stream_is_seen_after_what_came_before(fault: Reset, error: type[Exception]) -> None:
    heard: list[str] = []
    with FaultServer([Answer(fault)]) as server, pytest.raises(error):
        heard.extend(text_of(said(server)))

    assert heard == tokens_of(TEXT)[:3]


def test_a_stream_may_end_before_the_answer_does() -> None:
    with FaultServer([Answer(EndOfStream(3))]) as server:
        chunks = list(said(server))

    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices] == [None] * 3


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status(400), openai.BadRequestError),
        (Status(401), openai.AuthenticationError),
        (Status(404), openai.NotFoundError),
        (Status(429, retry_after=2), openai.RateLimitError),
        (Status(500), openai.InternalServerError),
    ],
    ids=["400", "401", "404", "429", "500"],
)
def test_a_status_is_the_clients_error(status: Status, error: type[openai.APIStatusError]) -> None:
    with FaultServer([status]) as server, pytest.raises(error) as caught:
        list(said(server))

    assert caught.value.status_code == status.code
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"]
    assert caught.value.response.headers.get("retry-after") == ("2" if status.retry_after else None)


def test_models_are_listed() -> None:
    with (
        FaultServer(models=["a", "b"]) as server,
        closing(openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")) as c,
    ):
        names = [model.id for model in c.models.list()]

    assert names == ["a", "b"]
