"""Every fault of a server, and the one thing that happens then.

Each test drives a real HTTP server through the `ollama` client, all wrappers, the turn and the store.

=================================== =================================================================================
fault                               behaviour
=================================== =================================================================================
connection refused                  asked again; then ModelUnreachable: the address, `ollama serve`
name not found (DNS)                asked again; then ModelUnreachable: the machine's name
400                                 ModelRefused at once, with the server's sentence
401                                 ModelRefused at once: OLLAMA_API_KEY
404                                 ModelNotFound at once: the models that are there, the nearest, the pull
429 or 503 with Retry-After         waits as long as it says, then asks again; longer than a minute: ModelBusy
429 or 503 without it               waits as the policy says, then asks again
500, or no reply at all             asked again; then ModelBroken with the server's sentence
"requires more system memory"       asked again with half the window; then ModelTooLarge
error line in mid-stream            goes on from what was shown
reset, cut-off, end without `done`  goes on from what was shown, wherever it was; too little to go on from: asked anew
malformed line                      goes on from what was shown
line split inside a character       nothing happens
stall before the first token        ModelStalled after `timeout_s`, not asked again
stall in mid-stream                 goes on from what was shown after `stall_s`
server restarted in mid-answer      goes on from what was shown, when it is back
any of them, with a second model    what is left goes to the second model, with what was shown
=================================== =================================================================================
"""

import pytest

from chatnb.events import Continued, FellBack, Retrying
from chatnb.settings import RetryPolicy
from tests.faults.answering import SHORT_S, ask, failed
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
from tests.faults.server import FaultServer, Partial


@pytest.fixture(params=["here", "elsewhere"])
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the server as one on this machine, and as one on another, which has another transport."""
    if request.param == "elsewhere":
        monkeypatch.setattr("chatnb.models.connecting.is_loopback", lambda _: False)


@pytest.mark.usefixtures("anywhere")
async def test_a_refused_connection_is_tried_again_and_then_says_where_and_what_to_do() -> None:
    with FaultServer([Refuse()]) as server:
        answered = await ask(server.url)

    failed(answered, "ModelUnreachable", server.url, "did not answer (3 attempts, ", "`ollama serve`")
    assert [event.attempt for event in answered.events if isinstance(event, Retrying)] == [2, 3]


async def test_a_server_that_comes_up_meanwhile_is_found() -> None:
    with FaultServer([Refuse(), Answer()]) as server:
        answered = await ask(server.url, retrying=server.open)

    assert answered.shown_and_saved == TEXT
    assert answered.of(Retrying)


async def test_a_name_that_nobody_has_is_tried_again_and_then_named() -> None:
    answered = await ask("http://nobody.invalid:11434")

    failed(answered, "ModelUnreachable", "nobody.invalid", "3 attempts")


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize(
    ("instruction", "kind", "says"),
    [
        (Status(400), "ModelRefused", '"tinychat" does not support chat'),
        (Status(401), "ModelRefused", "OLLAMA_API_KEY"),
        (Status(429, retry_after=3600), "ModelBusy", "come back in 3600 s"),
    ],
    ids=["400", "401", "429 for an hour"],
)
async def test_what_will_not_pass_fails_at_once(instruction: Instruction, kind: str, says: str) -> None:
    with FaultServer([instruction, Answer()]) as server:
        answered = await ask(server.url)

    failed(answered, kind, says)
    assert len(server.chats) == 1


async def test_a_model_that_fits_into_memory_with_a_smaller_window_answers_with_that() -> None:
    with FaultServer([OUT_OF_MEMORY, Answer()]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == TEXT
    assert [chat.body["options"]["num_ctx"] for chat in server.chats] == [4_096, 2_048]


async def test_a_model_that_fits_into_memory_with_no_window_fails_with_the_servers_sentence() -> None:
    with FaultServer([OUT_OF_MEMORY]) as server:
        answered = await ask(server.url)

    failed(answered, "ModelTooLarge", "requires more system memory (9.3 GiB) than is available (2.1 GiB)")
    assert len(server.chats) == 2


async def test_a_model_that_is_not_there_names_those_that_are() -> None:
    with FaultServer({"tinychat": [Answer()], "tinythink": [Answer()]}) as server:
        answered = await ask(server.url, model="tinychta")

    failed(
        answered,
        "ModelNotFound",
        'no model "tinychta"',
        "Did you mean tinychat? It has: tinychat, tinythink.",
        "%chat pull tinychta",
    )
    assert len(server.chats) == 1


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("code", [429, 503])
async def test_a_busy_server_that_names_a_time_gets_it(code: int) -> None:
    with FaultServer([Status(code, retry_after=0.05), Answer()]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == TEXT
    assert [event.delay_s for event in answered.events if isinstance(event, Retrying)] == [0.05]


async def test_a_busy_server_may_name_the_time_as_a_date() -> None:
    with FaultServer([Status(429, retry_after=1, as_date=True), Answer()]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == TEXT
    (retrying,) = answered.of(Retrying)
    assert isinstance(retrying, Retrying)
    assert 0 <= retrying.delay_s <= 1


@pytest.mark.parametrize("instruction", [Status(429), Status(503), Status(500), NoReply()], ids=str)
async def test_what_may_pass_is_asked_again_as_the_policy_says(instruction: Instruction) -> None:
    with FaultServer([instruction, instruction, Answer()]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == TEXT
    delays = [event.delay_s for event in answered.events if isinstance(event, Retrying)]
    assert delays == [pytest.approx(0.001, rel=0.11), pytest.approx(0.002, rel=0.11)]


@pytest.mark.usefixtures("anywhere")
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
        answered = await ask(server.url)

    failed(answered, kind, says)
    assert len(server.chats) == 3


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("after", range(41))
@pytest.mark.parametrize("partial", ["continue", "restart", "overlap"])
async def test_a_reset_after_any_token_shows_and_saves_the_unbroken_text(partial: Partial, after: int) -> None:
    with FaultServer([Answer(Reset(after)), Answer()], partial=partial) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == TEXT
    assert answered.finished.outcome == "done"
    assert len(server.chats) == 2


@pytest.mark.parametrize("after", range(40))
async def test_a_server_that_says_something_else_after_a_reset_is_shown_alone(after: int) -> None:
    other = "The **mean** is no measure of the middle."
    with FaultServer([Answer(Reset(after)), Answer(text=other)]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == other


@pytest.mark.parametrize("every", [1, 3, 5])
async def test_an_answer_that_breaks_again_and_again_is_mended_as_long_as_it_grows(every: int) -> None:
    text = " ".join(f"word{number}" for number in range(40, 70))
    with FaultServer([Answer(Reset(3)), *[Answer(Reset(every))] * 25, Answer()], text=text) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == text
    assert not answered.of(Retrying)[1:]


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize(
    "fault",
    [ErrorLine(20), CutOff(20), EndOfStream(20), Malformed(20), Malformed(20, b"[]\n"), Malformed(20, b"\xff\xfe\n")],
    ids=["error line", "cut off", "no done", "malformed", "no object", "no utf-8"],
)
async def test_a_stream_that_breaks_is_gone_on_from_and_the_seam_recorded(fault: Fault) -> None:
    with FaultServer([Answer(fault), Answer()]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == TEXT
    partial = "".join(tokens_of(TEXT)[:20])
    assert server.chats[1].messages[-1] == {"role": "assistant", "content": partial}
    (seam,) = answered.saved[-1].seams
    assert (seam.offset, seam.model) == (len(partial), "tinychat")
    assert len(answered.of(Continued)) == 1


async def test_a_stream_that_stays_broken_fails_and_keeps_what_was_said() -> None:
    with FaultServer([Answer(EndOfStream(20)), Answer(EndOfStream(0))]) as server:
        answered = await ask(server.url)

    failed(answered, "ModelBroken", "the stream ended before the answer did (4 attempts, ")
    assert answered.shown_and_saved == "".join(tokens_of(TEXT)[:20])


SPLIT = 'é平😀"\n'
LINE_BYTES = 140  # more than a line has, whatever the date is


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("piece_bytes", range(1, LINE_BYTES + 1))
async def test_a_line_may_be_split_at_any_byte(piece_bytes: int) -> None:
    with FaultServer([Answer(text=[SPLIT, SPLIT], piece_bytes=piece_bytes)]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == SPLIT * 2
    assert len(server.chats) == 1


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x1c", "\x0b", "\r"], ids=ascii)
async def test_what_other_programs_take_for_a_line_break_is_text(character: str) -> None:
    text = f"before{character}after"
    with FaultServer([Answer(text=[text])]) as server:
        answered = await ask(server.url)

    assert answered.shown_and_saved == text
    assert len(server.chats) == 1


@pytest.mark.usefixtures("anywhere")
async def test_a_model_that_does_not_begin_has_stalled_and_is_not_asked_again() -> None:
    with FaultServer([Answer(token_after_s=3600), Answer()]) as server:
        answered = await ask(server.url, timeout_s=0.05)

        for chat in server.chats:  # none if the machine stood still for so long before it was asked
            chat.wait_until_client_left()

    failed(answered, "ModelStalled", "tinychat did not begin to answer within 0.05 s", "--timeout")
    assert len(server.chats) <= 1


async def test_a_server_that_does_not_even_reply_has_stalled() -> None:
    with FaultServer([Answer(head_after_s=3600), Answer()]) as server:
        answered = await ask(server.url, timeout_s=0.05)

    failed(answered, "ModelStalled", "did not begin to answer")


@pytest.mark.usefixtures("anywhere")
async def test_a_stall_in_mid_stream_is_gone_on_from_on_a_new_connection() -> None:
    with FaultServer([Answer(Stall(20)), Answer()]) as server:
        answered = await ask(server.url, stall_s=SHORT_S)

        server.chats[0].wait_until_client_left()

    assert answered.shown_and_saved == TEXT
    assert len(answered.of(Continued)) == 1


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("after", [0, 20])
async def test_a_server_that_is_restarted_in_mid_answer_is_gone_on_with_when_it_is_back(after: int) -> None:
    patient = RetryPolicy(attempts=50, initial_delay_s=0.02, max_delay_s=0.02)
    with FaultServer([Answer(Restart(after, seconds=0.1)), Answer()]) as server:
        answered = await ask(server.url, retry=patient)

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
        answered = await ask(server.url, model="large,small", timeout_s=SHORT_S)

    assert answered.shown_and_saved == TEXT
    assert answered.saved[-1].model == "small"
    assert [(event.model, event.to) for event in answered.events if isinstance(event, FellBack)] == [("large", "small")]


async def test_the_second_model_goes_on_from_what_the_first_had_said() -> None:
    with FaultServer({"large": [Answer(Reset(20)), Status(404)], "small": [Answer()]}) as server:
        answered = await ask(server.url, model="large,small")

    assert answered.shown_and_saved == TEXT
    partial = "".join(tokens_of(TEXT)[:20])
    assert server.chats[-1].body["model"] == "small"
    assert server.chats[-1].messages[-1]["content"] == partial
    assert [(seam.offset, seam.model) for seam in answered.saved[-1].seams] == [(len(partial), "small")]
