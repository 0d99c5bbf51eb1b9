"""Every fault of a server with OpenAI's protocol, and the one thing that happens then.

Each test drives a real HTTP server through the provider, all wrappers, the turn and the store, as test_faults.py does for
Ollama. What differs:

=================================== =================================================================================
fault                               behaviour
=================================== =================================================================================
connection refused                  asked again; then ModelUnreachable: the endpoint's name and address
401, 403                            ModelRefused at once: where the key belongs
404                                 ModelNotFound at once: the models that are there, the nearest
404 of another program              ModelRefused at once: /v1
400 for a prompt that is too long   ModelRefused at once: carry along less
400 for `stream_options`            asked again at once without, and from then on
408, 409                            asked again: a gateway waited too long for the model
413                                 ModelRefused at once: carry along less
429 with Retry-After                waits as long as it says; a quota that is used up is not waited for
"out of memory"                     ModelTooLarge at once: the window is the server's
error as an event in mid-stream     goes on from what was shown where the server can, else dropped and asked anew
reset, cut-off, end without a       likewise
reason, malformed event
[DONE] missing after a reason,      nothing happens
counts missing, comments
a break after a reason              nothing happens
=================================== =================================================================================
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from chatnb.events import Continued, FellBack, Retrying
from chatnb.settings import RetryPolicy
from tests.faults.answering import QUICK, SHORT_S, Answered, ask, failed
from tests.faults.script import (
    OUT_OF_MEMORY,
    TEXT,
    Answer,
    CutOff,
    EndOfStream,
    ErrorLine,
    Fault,
    Instruction,
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
from tests.models.serving import endpoint_of

FAULTS = [
    ErrorLine(20),
    Reset(20),
    CutOff(20),
    EndOfStream(20),
    Malformed(20),
    Malformed(20, b"[]"),
    Malformed(20, b'{"choices": 3}'),
    Malformed(20, b"\xff\xfe"),
]
NAMES = ["error event", "reset", "cut off", "no reason", "malformed", "no object", "another form", "no utf-8"]
PARTIAL = "".join(tokens_of(TEXT)[:20])


@pytest.fixture(params=["here", "elsewhere"])
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the server as one on this machine, and as one on another, which has another transport."""
    if request.param == "elsewhere":
        monkeypatch.setattr("chatnb.models.connecting.is_loopback", lambda _: False)


async def ask_lab(
    server: FaultServer | str,
    model: str = "lab:tinychat",
    *,
    continues: bool | None = None,
    retry: RetryPolicy = QUICK,
    timeout_s: float = 20,
    stall_s: float = 20,
    retrying: Callable[[], None] = lambda: None,
) -> Answered:
    """Ask a server as the endpoint `lab`."""
    endpoint = endpoint_of(server, continues=continues)
    return await ask("", model, retry=retry, timeout_s=timeout_s, stall_s=stall_s, endpoint=endpoint, retrying=retrying)


@pytest.mark.usefixtures("anywhere")
async def test_a_refused_connection_is_tried_again_and_then_says_where() -> None:
    with FaultServer([Refuse()]) as server:
        answered = await ask_lab(server)

    failed(answered, "ModelUnreachable", f"lab at {server.url}/v1", "did not answer (3 attempts, ", "Start it")


async def test_a_server_that_comes_up_meanwhile_is_found() -> None:
    with FaultServer([Refuse(), Answer()]) as server:
        answered = await ask_lab(server, retrying=server.open)

    assert answered.shown_and_saved == TEXT
    assert answered.of(Retrying)


async def test_a_name_that_nobody_has_is_tried_again_and_then_named() -> None:
    answered = await ask_lab("http://nobody.invalid:8000")

    failed(answered, "ModelUnreachable", "nobody.invalid", "3 attempts")


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize(
    ("instruction", "kind", "says"),
    [
        (Status(400), "ModelRefused", '"tinychat" does not support chat'),
        (Status(401), "ModelRefused", '"api_key_env": "LAB_KEY"'),
        (Status(403), "ModelRefused", "does not accept the key"),
        (Status(413), "ModelRefused", "Carry along less"),
        (Status(404, "404 page not found"), "ModelRefused", "/v1"),
        (Status(400, "This model's maximum context length is 4096 tokens"), "ModelRefused", "Carry along less"),
        (Status(400, '"auto" tool choice requires --enable-auto-tool-choice'), "ModelRefused", "cannot use tools"),
        (Status(402, "Insufficient credits"), "ModelRefused", "Insufficient credits"),
        (Status(429, "insufficient_quota: check your plan"), "ModelRefused", "quota"),
        (Status(429, retry_after=3600), "ModelBusy", "come back in 3600 s"),
        (OUT_OF_MEMORY, "ModelTooLarge", "requires more system memory (9.3 GiB)"),
    ],
    ids=["400", "401", "403", "413", "404", "too long", "no tools", "402", "quota", "429 for an hour", "memory"],
)
async def test_what_will_not_pass_fails_at_once(instruction: Instruction, kind: str, says: str) -> None:
    with FaultServer([instruction, Answer()]) as server:
        answered = await ask_lab(server)

    failed(answered, kind, says)
    assert len(server.chats) == 1


async def test_a_model_that_is_not_there_names_those_that_are() -> None:
    with FaultServer({"tinychat": [Answer()], "tinythink": [Answer()]}) as server:
        answered = await ask_lab(server, "lab:tinychta")

    failed(
        answered, "ModelNotFound", 'no model "tinychta"', "Did you mean lab:tinychat? It has: lab:tinychat, lab:tiny"
    )
    assert len(server.chats) == 1


@pytest.mark.parametrize("code", [400, 422])
async def test_a_server_that_does_not_know_how_to_count_is_asked_without(code: int) -> None:
    with FaultServer([Status(code, "Unrecognized request argument: stream_options"), Answer()]) as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == TEXT
    assert ["stream_options" in chat.body for chat in server.chats] == [True, False]
    assert not answered.of(Retrying)


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("code", [429, 503])
async def test_a_busy_server_that_names_a_time_gets_it(code: int) -> None:
    with FaultServer([Status(code, retry_after=0.05), Answer()]) as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == TEXT
    assert [event.delay_s for event in answered.events if isinstance(event, Retrying)] == [0.05]


@pytest.mark.parametrize(
    "instruction", [Status(408), Status(409), Status(429), Status(503), Status(500), NoReply()], ids=str
)
async def test_what_may_pass_is_asked_again_as_the_policy_says(instruction: Instruction) -> None:
    with FaultServer([instruction, instruction, Answer()]) as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == TEXT
    delays = [event.delay_s for event in answered.events if isinstance(event, Retrying)]
    assert delays == [pytest.approx(0.001, rel=0.11), pytest.approx(0.002, rel=0.11)]


@pytest.mark.parametrize(
    ("instruction", "kind", "says"),
    [
        (Status(429), "ModelBusy", "429: too many requests) (3 attempts, "),
        (Status(503), "ModelBusy", "maximum pending requests exceeded"),
        (Status(500), "ModelBroken", "llama runner process has terminated"),
        (NoReply(), "ModelBroken", "(3 attempts, "),
    ],
    ids=["429", "503", "500", "no reply"],
)
async def test_what_does_not_pass_is_given_up_with_the_servers_sentence(
    instruction: Instruction, kind: str, says: str
) -> None:
    with FaultServer([instruction]) as server:
        answered = await ask_lab(server)

    failed(answered, kind, says)
    assert len(server.chats) == 3


@pytest.mark.parametrize("after", range(41))
@pytest.mark.parametrize("owner", ["vllm", "somebody"])
async def test_a_reset_after_any_token_shows_and_saves_the_unbroken_text(owner: str, after: int) -> None:
    with FaultServer([Answer(Reset(after)), Answer()], owner=owner) as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == TEXT
    assert answered.finished.outcome == "done"
    assert len(server.chats) == 2


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_stream_that_breaks_is_gone_on_from_where_the_server_can(fault: Fault) -> None:
    with FaultServer([Answer(fault), Answer()], owner="vllm") as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == TEXT
    assert server.chats[1].messages[-1] == {"role": "assistant", "content": PARTIAL}
    assert server.chats[1].body["continue_final_message"] is True
    assert server.chats[1].body["add_generation_prompt"] is False
    (seam,) = answered.saved[-1].seams
    assert (seam.offset, seam.model) == (len(PARTIAL), "lab:tinychat")
    assert len(answered.of(Continued)) == 1


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_stream_that_breaks_is_dropped_and_asked_anew_where_it_cannot(fault: Fault) -> None:
    with FaultServer([Answer(fault), Answer()], owner="somebody") as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == TEXT
    assert [message["role"] for message in server.chats[1].messages] == ["user"]
    assert len(answered.of(Retrying)) == 1
    assert answered.saved[-1].seams == ()


async def test_the_settings_can_say_that_a_server_lets_a_model_go_on() -> None:
    with FaultServer([Answer(Reset(20)), Answer()], owner="somebody") as server:
        answered = await ask_lab(server, continues=True)

    assert answered.shown_and_saved == TEXT
    assert len(answered.of(Continued)) == 1


SPLIT = 'é平😀"\n'
EVENT_BYTES = 190  # more than an event has


@pytest.mark.parametrize("piece_bytes", range(1, EVENT_BYTES + 1, 3))
async def test_an_event_may_be_split_at_any_byte(piece_bytes: int) -> None:
    with FaultServer([Answer(text=[SPLIT, SPLIT], piece_bytes=piece_bytes)]) as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == SPLIT * 2
    assert len(server.chats) == 1


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x1c", "\x0b", "\r"], ids=ascii)
async def test_what_other_programs_take_for_a_line_break_is_text(character: str) -> None:
    text = f"before{character}after"
    with FaultServer([Answer(text=[text])]) as server:
        answered = await ask_lab(server)

    assert answered.shown_and_saved == text
    assert len(server.chats) == 1


async def test_a_model_that_does_not_begin_has_stalled_and_is_not_asked_again() -> None:
    with FaultServer([Answer(token_after_s=3600), Answer()]) as server:
        answered = await ask_lab(server, timeout_s=0.05)

        for chat in server.chats:  # none if the machine stood still for so long before it was asked
            chat.wait_until_client_left()

    failed(answered, "ModelStalled", "lab:tinychat did not begin to answer within 0.05 s")
    assert len(server.chats) <= 1


async def test_a_stall_in_mid_stream_is_gone_on_from() -> None:
    with FaultServer([Answer(Stall(20)), Answer()]) as server:
        answered = await ask_lab(server, stall_s=SHORT_S)

    assert answered.shown_and_saved == TEXT
    assert len(answered.of(Continued)) == 1


@pytest.mark.parametrize("after", [0, 20])
async def test_a_server_that_is_restarted_in_mid_answer_is_gone_on_with_when_it_is_back(after: int) -> None:
    patient = RetryPolicy(attempts=50, initial_delay_s=0.02, max_delay_s=0.02)
    with FaultServer([Answer(Restart(after, seconds=0.1)), Answer()]) as server:
        answered = await ask_lab(server, retry=patient)

    assert answered.shown_and_saved == TEXT


@pytest.mark.parametrize(
    "instruction",
    [
        Status(400),
        Status(401),
        Status(404),
        Status(429),
        Status(500),
        OUT_OF_MEMORY,
        NoReply(),
        Answer(token_after_s=60),
    ],
    ids=["400", "401", "404", "429", "500", "memory", "no reply", "stall"],
)
async def test_the_second_model_answers_when_the_first_cannot(instruction: Instruction) -> None:
    with FaultServer({"large": [instruction], "small": [Answer()]}) as server:
        answered = await ask_lab(server, "lab:large,lab:small", timeout_s=SHORT_S)

    assert answered.shown_and_saved == TEXT
    assert answered.saved[-1].model == "lab:small"
    assert [event.to for event in answered.events if isinstance(event, FellBack)] == ["lab:small"]


async def test_a_model_of_ollamas_goes_on_from_what_one_of_an_endpoint_had_said() -> None:
    with FaultServer({"large": [Answer(Reset(20)), Status(404)], "small": [Answer()]}) as server:
        answered = await ask(server.url, "lab:large,small", endpoint=endpoint_of(server))

    assert answered.shown_and_saved == TEXT
    assert server.chats[-1].path == "/api/chat"
    assert server.chats[-1].messages[-1]["content"] == PARTIAL


@asynccontextmanager
async def streaming(*pieces: bytes, kind: str = "text/event-stream", close: bool = True) -> AsyncIterator[str]:
    """Answer every POST with these bytes, and every GET with nothing; give the address."""
    over = asyncio.Event()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if not close:
                await over.wait()
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


HI = b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n'
STOP = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (HI, STOP),
        (HI, DONE),
        (HI, STOP.rstrip()),
        (HI, STOP, b'data: {"choi'),
        (b": keep-alive\n\n", b": OPENROUTER PROCESSING\n\n", HI, b":\n\n", STOP, DONE),
        (HI.replace(b"\n", b"\r\n"), STOP.replace(b"\n", b"\r\n"), DONE),
        (b"event: message\nid: 7\nretry: 10\n" + HI, STOP, DONE),
        (HI.replace(b"data: ", b"data:"), STOP, DONE),
        (b'data: {"choices": [{"delta":\ndata: {"content": "Hi"}}]}\n\n', STOP, DONE),
        (b'data: {"choices": []}\n\n', HI, b'data: {"choices": [{"delta": null}]}\n\n', STOP, DONE),
    ],
    ids=[
        "no done",
        "done alone",
        "no empty line at the end",
        "broken after the reason",
        "comments",
        "crlf",
        "fields",
        "no blank",
        "two data lines",
        "empty chunks",
    ],
)
async def test_what_servers_leave_out_or_add_does_not_break_an_answer(pieces: tuple[bytes, ...]) -> None:
    async with streaming(*pieces) as url:
        answered = await ask_lab(url)

    assert answered.shown_and_saved == "Hi"
    assert answered.finished.outcome == "done"
    assert not answered.of(Retrying)


async def test_a_server_that_stays_on_the_line_after_the_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatnb.models.openai.LAST_S", 0.01)
    async with streaming(HI, STOP, close=False) as url:
        answered = await ask_lab(url)

    assert answered.shown_and_saved == "Hi"


async def test_a_server_that_does_not_stream_is_read_whole() -> None:
    body = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 1}}'
    async with streaming(body, kind="application/json") as url:
        answered = await ask_lab(url)

    assert answered.shown_and_saved == "Hi"
    assert answered.saved[-1].usage is not None
    assert answered.saved[-1].usage.reply_tokens == 1


async def test_a_page_of_the_web_is_no_answer() -> None:
    async with streaming(b"<html>Hi</html>", kind="text/html; charset=utf-8") as url:
        answered = await ask_lab(url)

    failed(answered, "ModelRefused", "does not speak OpenAI's protocol there", "/v1")


@pytest.mark.parametrize(
    ("sent", "kind", "says"),
    [
        (b'data: {"error": {"message": "Slow down", "code": 429}}\n\n', "ModelBusy", "Slow down"),
        (b'data: {"error": {"message": "Try later", "type": "overloaded_error"}}\n\n', "ModelBusy", "Try later"),
        (b'event: error\ndata: {"error": "it broke"}\n\n', "ModelBroken", "it broke"),
        (b'data: {"object": "error", "message": "it broke", "code": 500}\n\n', "ModelBroken", "it broke"),
        (b'error: {"code": 500, "message": "it broke", "type": "server_error"}\n\n', "ModelBroken", "it broke"),
        (b'data: {"error": {"message": "CUDA out of memory"}}\n\n', "ModelTooLarge", "out of memory"),
        (b'data: {"error": {"message": "the request exceeds the context size"}}\n\n', "ModelRefused", "too long"),
        (b'data: {"choices": [{"delta": {}, "finish_reason": "content_filter"}]}\n\n', "ModelRefused", "a filter"),
        (b'data: {"choices": [{"delta": {}, "finish_reason": "error"}]}\n\n', "ModelBroken", "ended the answer"),
    ],
    ids=["429", "overloaded", "sentence", "object", "field", "memory", "too long", "filter", "reason"],
)
async def test_an_error_in_mid_stream_has_the_servers_words(sent: bytes, kind: str, says: str) -> None:
    async with streaming(HI, sent) as url:
        answered = await ask_lab(url)

    failed(answered, kind, says)


async def test_an_answer_that_reached_its_limit_of_tokens_says_so() -> None:
    with FaultServer([Answer(done_reason="length")]) as server:
        answered = await ask_lab(server)

    assert answered.finished.outcome == "length"
    assert answered.shown_and_saved == TEXT
