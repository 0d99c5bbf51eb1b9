"""The fault server itself: a real client sees each fault as the script says it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import ollama
import pytest

from tests.faults.process import served
from tests.faults.script import (
    OUT_OF_MEMORY,
    TEXT,
    Answer,
    CutOff,
    EndOfStream,
    ErrorLine,
    Malformed,
    NoReply,
    Refuse,
    Reset,
    Restart,
    Stall,
    Status,
    tokens_of,
)
from tests.faults.server import FaultServer

QUESTION = [{"role": "user", "content": "What is the mean?"}]
PATIENCE_S = 1
"""For what is to come, on a machine that may stand still for a moment, before what does not come is given up."""


def said(
    server: FaultServer, messages: list[dict[str, str]] | None = None, model: str = "tinychat", timeout_s: float = 10
) -> Iterator[str]:
    """Ask, and yield what is said, token by token."""
    with closing(ollama.Client(server.url, timeout=timeout_s)) as client:
        for part in client.chat(model, messages or QUESTION, stream=True):
            yield part.message.content or ""


def heard_until(error: type[Exception], server: FaultServer, timeout_s: float = 10) -> tuple[list[str], Exception]:
    """Ask, and return what was said until the error came, and the error."""
    heard: list[str] = []
    with pytest.raises(error) as caught:
        heard.extend(said(server, timeout_s=timeout_s))  # what came before the error stays
    return heard, caught.value


def test_an_answer_comes_token_by_token_and_ends_with_its_counts() -> None:
    with FaultServer() as server, closing(ollama.Client(server.url)) as client:
        parts = list(client.chat("tinychat", QUESTION, stream=True))

    assert [part.message.content for part in parts[:-1]] == tokens_of(TEXT)
    assert parts[-1].done
    assert parts[-1].eval_count == 40


def test_an_answer_can_be_asked_for_in_one_piece() -> None:
    with FaultServer() as server, closing(ollama.Client(server.url)) as client:
        answer = client.chat("tinychat", QUESTION)

    assert answer.message.content == TEXT


def test_thinking_and_tool_calls_come_in_their_own_fields() -> None:
    call = {"function": {"name": "add", "arguments": {"a": 1, "b": 2}}}
    with (
        FaultServer([Answer(thinking="I add.", text="Wait.", tool_calls=[call])]) as server,
        closing(ollama.Client(server.url)) as client,
    ):
        parts = list(client.chat("tinychat", QUESTION, stream=True))

    assert "".join(part.message.thinking or "" for part in parts) == "I add."
    calls = [call for part in parts for call in part.message.tool_calls or ()]
    assert [(call.function.name, call.function.arguments) for call in calls] == [("add", {"a": 1, "b": 2})]


@pytest.mark.parametrize("after", [0, 1, 17, 40])
def test_a_reset_comes_after_so_many_tokens(after: int) -> None:
    with FaultServer([Answer(Reset(after))]) as server:
        heard, error = heard_until(httpx.ReadError, server)

    assert heard == tokens_of(TEXT)[:after]
    assert "reset" in str(error)


def test_a_cut_off_answer_is_an_incomplete_body() -> None:
    with FaultServer([Answer(CutOff(5))]) as server:
        heard, error = heard_until(httpx.RemoteProtocolError, server)

    assert heard == tokens_of(TEXT)[:5]
    assert "incomplete" in str(error)


def test_a_stream_can_end_without_its_last_line() -> None:
    with FaultServer([Answer(EndOfStream(5))]) as server:
        heard = list(said(server))

    assert heard == tokens_of(TEXT)[:5]


def test_an_error_line_comes_in_mid_stream() -> None:
    with FaultServer([Answer(ErrorLine(5, "out of luck"))]) as server:
        heard, error = heard_until(ollama.ResponseError, server)

    assert heard == tokens_of(TEXT)[:5]
    assert "out of luck" in str(error)


def test_a_malformed_line_comes_in_mid_stream() -> None:
    with FaultServer([Answer(Malformed(5))]) as server:
        heard, _ = heard_until(ValueError, server)

    assert heard == tokens_of(TEXT)[:5]


@pytest.mark.parametrize("piece_bytes", [1, 7])
def test_lines_and_characters_are_split_anywhere(piece_bytes: int) -> None:
    with FaultServer([Answer(piece_bytes=piece_bytes)]) as server:
        pieces: list[bytes] = []
        with httpx.stream("POST", f"{server.url}/api/chat", json={"model": "tinychat", "messages": QUESTION}) as reply:
            pieces.extend(reply.iter_raw())
        heard = "".join(said(server))

    assert max(map(len, pieces)) <= piece_bytes
    assert heard == TEXT


def test_a_status_comes_with_its_sentence() -> None:
    with FaultServer([OUT_OF_MEMORY, Status(404)]) as server:
        _, memory = heard_until(ollama.ResponseError, server)
        _, missing = heard_until(ollama.ResponseError, server)

    assert "requires more system memory" in str(memory)
    assert isinstance(missing, ollama.ResponseError)
    assert missing.status_code == 404


def test_retry_after_comes_in_seconds_or_as_a_date() -> None:
    with FaultServer([Status(429, retry_after=1.5), Status(429, retry_after=60, as_date=True)]) as server:
        body = {"model": "tinychat", "messages": QUESTION}
        seconds, date = (httpx.post(f"{server.url}/api/chat", json=body).headers["retry-after"] for _ in range(2))

    assert seconds == "1.5"
    assert 55 < (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds() <= 60


def test_no_reply_at_all() -> None:
    with FaultServer([NoReply()]) as server:
        heard, _ = heard_until(httpx.RemoteProtocolError, server)

    assert heard == []


def test_a_stall_before_the_head_and_before_the_first_token() -> None:
    body = {"model": "tinychat", "messages": QUESTION}
    with FaultServer([Answer(head_after_s=60), Answer(token_after_s=60)]) as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/api/chat", json=body, timeout=httpx.Timeout(10, read=0.2))
        with httpx.stream(
            "POST", f"{server.url}/api/chat", json=body, timeout=httpx.Timeout(10, read=PATIENCE_S)
        ) as reply:
            assert reply.status_code == 200
            with pytest.raises(httpx.ReadTimeout):
                reply.read()


def test_a_stall_in_mid_stream_goes_on_or_lasts() -> None:
    with FaultServer([Answer(Stall(5, seconds=0.1)), Answer(Stall(5))]) as server:
        whole = "".join(said(server))
        heard, _ = heard_until(httpx.ReadTimeout, server, timeout_s=PATIENCE_S)

    assert whole == TEXT
    assert heard == tokens_of(TEXT)[:5]


def test_a_closed_port_refuses_and_opens_again() -> None:
    with FaultServer([Answer(), Refuse(seconds=2), Answer()]) as server:
        list(said(server))
        with pytest.raises(httpx.ConnectError):
            list(said(server))
        heard = "".join(said(server)) if _answers_within(server, 20) else ""

    assert heard == TEXT


def test_a_port_can_be_closed_from_the_beginning() -> None:
    with FaultServer([Refuse(), Answer()]) as server:
        with pytest.raises(httpx.ConnectError):
            list(said(server))
        server.open()
        heard = "".join(said(server))

    assert heard == TEXT


def test_a_restart_breaks_the_answer_and_comes_back() -> None:
    with FaultServer([Answer(Restart(5, seconds=PATIENCE_S)), Answer()]) as server:
        heard, _ = heard_until(httpx.ReadError, server)
        with pytest.raises(httpx.ConnectError):
            list(said(server))
        again = "".join(said(server)) if _answers_within(server, 20) else ""

    assert heard == tokens_of(TEXT)[:5]
    assert again == TEXT


@pytest.mark.parametrize(
    ("partial", "expected"),
    [("continue", " is not."), ("restart", "The mean is not."), ("overlap", " mean is not.")],
)
def test_a_partial_reply_is_continued_begun_again_or_overlapped(partial: str, expected: str) -> None:
    with FaultServer(text="The mean is not.", partial=partial, overlap=5) as server:  # type: ignore[arg-type]
        heard = "".join(said(server, [*QUESTION, {"role": "assistant", "content": "The mean"}]))

    assert heard == expected


def test_a_continued_answer_may_begin_inside_a_token() -> None:
    with FaultServer(text="The mean is not.") as server:
        heard = list(said(server, [*QUESTION, {"role": "assistant", "content": "The me"}]))

    assert heard[0] == "an"


def test_each_model_can_have_its_own_script() -> None:
    with FaultServer({"first": [Status(503)], "second": [Answer(text="Here.")]}) as server:
        with pytest.raises(ollama.ResponseError) as busy:
            list(said(server, model="first"))
        heard = "".join(said(server, model="second"))
        with pytest.raises(ollama.ResponseError) as missing:
            list(said(server, model="third"))

    assert (busy.value.status_code, heard, missing.value.status_code) == (503, "Here.", 404)


def test_requests_are_kept_and_a_client_that_leaves_is_noticed() -> None:
    with FaultServer(rate=100) as server:
        answer = said(server)
        heard = [next(answer) for _ in range(3)]
        asked_to_close_at = time.monotonic()
        answer.close()  # type: ignore[attr-defined]
        left_at = server.chats[0].wait_until_client_left()

    assert heard == tokens_of(TEXT)[:3]
    assert server.chats[0].messages == QUESTION
    assert left_at >= asked_to_close_at
    assert server.chats[0].tokens_sent < 40


async def test_an_async_client_is_served_from_the_same_process() -> None:
    body = {"model": "tinychat", "messages": QUESTION, "stream": False}
    with FaultServer() as server:
        async with httpx.AsyncClient() as client:
            replies = await asyncio.gather(*(client.post(f"{server.url}/api/chat", json=body) for _ in range(5)))

    assert {reply.json()["message"]["content"] for reply in replies} == {TEXT}


def test_the_rest_of_the_api_is_there() -> None:
    with FaultServer() as server, closing(ollama.Client(server.url)) as client:
        names = [model.model for model in client.list().models]
        running = [model.model for model in client.ps().models]
        shown = client.show("tinychat")
        steps = list(client.pull("tinychat", stream=True))
        with pytest.raises(ollama.ResponseError, match="not found"):
            client.show("unknown")

    assert names == running == ["tinychat:latest"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 4096
    assert steps[-1].status == "success"
    assert steps[1].total == steps[-4].completed


def test_a_pull_can_fail_half_way() -> None:
    with (
        FaultServer(pull_error="no space left on device") as server,
        closing(ollama.Client(server.url)) as client,
        pytest.raises(ollama.ResponseError, match="no space left"),
    ):
        list(client.pull("tinychat", stream=True))


def test_a_chat_without_messages_only_loads_the_model() -> None:
    with FaultServer([Status(500)]) as server, closing(ollama.Client(server.url)) as client:
        answer = client.chat("tinychat", [])

    assert answer.done_reason == "load"


def test_it_runs_as_a_process_of_its_own_at_its_rate() -> None:
    with served(tokens=100, rate=500) as server, closing(ollama.Client(server.url)) as client:
        parts = list(client.chat("tinychat", QUESTION, stream=True))
        (exchange,) = [each for each in server.exchanges() if each["path"] == "/api/chat"]

    assert parts[-1].eval_count == 100
    # Not from the first token on: that one may be late, and those after it are not for that.
    assert exchange["last_token_at"] - exchange["asked_at"] >= 99 / 500 - 0.002


def _answers_within(server: FaultServer, seconds: float) -> bool:
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at:
        try:
            httpx.get(f"{server.url}/api/version", trust_env=False)
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return True
    return False
