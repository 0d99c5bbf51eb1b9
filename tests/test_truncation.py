"""What a server dropped is found, at the cost of one short request, and nothing is claimed that it did not do."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.errors import ModelBroken
from chatnb.events import ModelEvent, Retrying, TokensCounted
from chatnb.messages import Message, Usage
from chatnb.models.base import Request
from chatnb.models.scripted import ScriptedModel
from chatnb.tokens import UNCALIBRATED, Calibration
from chatnb.truncation import unread
from tests.talk import question, turns

WORDS = "The quick brown fox jumps over the lazy dog and then goes home again. "
SYSTEM = Message("system", "s", "system", question(WORDS * 4).parts, question().created_at)
KNOWN = UNCALIBRATED
for _ in range(8):
    KNOWN = KNOWN.learn(turns(4, WORDS * 5), round(KNOWN.count_request(turns(4, WORDS * 5))))


@dataclass
class Server:
    """Counts as Ollama does: drops whole messages that do not fit, and cuts what is too long on its own.

    Attributes
    ----------
    ratio
        Its tokens for each that is estimated after calibration.
    own
        The model's own context; longer prompts are cut to it, but messages are dropped by the window that was asked for.
    """

    ratio: float = 1.0
    own: int = 131_072
    name: str = "m"
    can_continue: bool = True
    asked: list[Request] = field(default_factory=list)

    def count(self, request: Request) -> int:
        window: int = request.options["num_ctx"]
        for rest in _what_is_left(request.messages):
            tokens = self._tokens(rest)
            if tokens <= window:
                break
        return min(tokens, window, self.own)

    def _tokens(self, messages: tuple[Message, ...]) -> int:
        return round(self.ratio * KNOWN.count_request(messages))

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        self.asked.append(request)
        yield TokensCounted(Usage(prompt_tokens=self.count(request), reply_tokens=1), "length")

    async def explain_wait(self) -> str:
        return ""


def _what_is_left(messages: tuple[Message, ...]) -> Iterator[tuple[Message, ...]]:
    yield messages
    for first in range(1, len(messages)):
        system = tuple(each for each in messages[:first] if each.role == "system" and len(messages) - first > 1)
        if system + messages[first:] != messages:
            yield system + messages[first:]


def request(*messages: Message, window: int = 4_096) -> Request:
    return Request(messages, options={"num_ctx": window, "temperature": 0}, keep_alive="5m")


async def found(server: Server, asked: Request, known: Calibration = KNOWN) -> int | None:
    return await unread(server, asked, server.count(asked), known)


@pytest.mark.parametrize("known", [KNOWN, UNCALIBRATED])
async def test_whole_messages_that_were_dropped_are_found_with_one_short_request(known: Calibration) -> None:
    server, asked = Server(), request(SYSTEM, *turns(60, WORDS * 5), question("And now?", 99))

    dropped = await found(server, asked, known)

    lost = server._tokens(asked.messages) - server.count(asked)
    assert dropped == pytest.approx(lost, rel=0.3)
    [probe] = server.asked
    assert probe.messages == (SYSTEM, *asked.messages[2:])
    assert (probe.options["num_predict"], probe.options["num_ctx"], probe.keep_alive) == (1, 4_096, "5m")


async def test_a_cut_question_is_found_without_asking() -> None:
    server, asked = Server(), request(question(WORDS * 400), window=4_000)

    dropped = await found(server, asked)

    assert dropped == pytest.approx(server._tokens(asked.messages) - 4_000, rel=0.1)
    assert server.asked == []


async def test_a_model_whose_own_context_is_smaller_is_found_without_asking() -> None:
    server, asked = Server(own=2_048), request(*turns(20, WORDS * 8), question(number=99))

    dropped = await found(server, asked)

    assert dropped is not None
    assert server.asked == []


async def test_a_dropped_system_prompt_is_found() -> None:
    server, asked = Server(), request(SYSTEM, question(WORDS * 25), window=400)

    dropped = await found(server, asked)

    assert dropped == pytest.approx(KNOWN.count(SYSTEM), rel=0.2)


async def test_a_short_system_prompt_alone_does_not_explain_a_low_count() -> None:
    dense = question("0.5," * 2_000)
    server, asked = Server(), request(replace(SYSTEM, parts=question("Be brief.").parts), dense, window=32_768)

    dropped = await unread(server, asked, UNCALIBRATED.count_request(asked.messages, ()) // 4, UNCALIBRATED)

    assert dropped is None
    assert server.asked == []


@pytest.mark.parametrize("known", [KNOWN, UNCALIBRATED])
async def test_messages_dropped_by_a_server_with_a_window_of_its_own_are_found(known: Calibration) -> None:
    server, asked = Server(), request(*turns(60, WORDS * 5), question(number=99), window=2_000)
    count = server.count(asked)

    class Deaf(Server):
        def count(self, request: Request) -> int:
            return Server.count(self, Request(request.messages, options={"num_ctx": 2_000}))

    dropped = await unread(Deaf(), request(*asked.messages, window=32_768), count, known)

    assert dropped is not None


@given(st.integers(0, 40), st.integers(0, 12), st.floats(0.5, 2.5), st.booleans(), st.integers(1, 5_000))
def test_a_prompt_that_fits_is_never_called_truncated(
    count: int, size: int, ratio: float, is_known: bool, spare: int
) -> None:
    server, messages = Server(ratio), (SYSTEM, *turns(count, WORDS * size), question(WORDS * size, 99))
    asked = request(*messages, window=server._tokens(messages) + spare)

    dropped = asyncio.run(found(server, asked, KNOWN if is_known else UNCALIBRATED))

    assert dropped is None
    assert len(server.asked) <= 1


async def test_nothing_is_asked_where_the_estimate_and_the_count_agree() -> None:
    server, asked = Server(), request(*turns(20, WORDS * 5), question(number=99), window=8_192)

    dropped = await found(server, asked)

    assert dropped is None
    assert server.asked == []


@pytest.mark.parametrize("count", [None, 0])
async def test_without_a_count_nothing_is_claimed(count: int | None) -> None:
    server = Server()

    dropped = await unread(server, request(*turns(60, WORDS * 5), question()), count, KNOWN)

    assert (dropped, server.asked) == (None, [])


async def test_a_count_that_leaves_out_what_was_cached_proves_nothing() -> None:
    asked = request(*turns(20, WORDS * 5), question(number=99), window=8_192)

    dropped = await unread(Server(), asked, 40, KNOWN)

    assert dropped is None


async def test_a_server_that_fails_or_tries_again_proves_nothing() -> None:
    class Trying(Server):
        async def stream(self, _: Request) -> AsyncGenerator[ModelEvent]:
            yield Retrying("m", 2, 3, 0.0, "gone")
            raise AssertionError("it is closed before")

    asked = request(*turns(60, WORDS * 5), question(number=99))
    count, failing = Server().count(asked), ScriptedModel([ModelBroken("gone")])

    dropped = [await unread(model, asked, count, KNOWN) for model in (failing, Trying())]

    assert dropped == [None, None]


async def test_whoever_cancels_it_is_obeyed() -> None:
    class Slow(Server):
        async def stream(self, _: Request) -> AsyncGenerator[ModelEvent]:
            started.set()
            await asyncio.Event().wait()
            yield TokensCounted(Usage())

    started = asyncio.Event()
    task = asyncio.create_task(found(Slow(), request(*turns(60, WORDS * 5), question(number=99))))
    await started.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
