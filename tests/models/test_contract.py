"""What every model does, whether it is a provider's or wraps another one; see chatnb/models/base.py."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chatnb.errors import ModelBroken, ModelError, ModelRefused
from chatnb.events import ModelEvent, TextDelta, TokensCounted
from chatnb.masking import Mask
from chatnb.messages import ToolSpec
from chatnb.models.base import Model, Request
from chatnb.models.deadline import DeadlineModel
from chatnb.models.demo import DemoModel
from chatnb.models.enveloped import EnvelopedModel
from chatnb.models.fallback import FallbackModel
from chatnb.models.host import Host
from chatnb.models.hosts import HostsModel
from chatnb.models.line import Line
from chatnb.models.masked import MaskedModel
from chatnb.models.ollama import OllamaProvider
from chatnb.models.retrying import RetryingModel
from chatnb.models.scripted import ScriptedModel, Step
from chatnb.settings import RetryPolicy
from tests.faults.script import Answer, ErrorLine, Instruction, Stall, Status
from tests.faults.server import FaultServer
from tests.models.asking import asking, folded, heard, heard_until_error
from tests.models.serving import lab

ONCE = RetryPolicy(attempts=1)
WORDS = ("The capital ", "of ", "France ", "is ", "Paris.")
TEXT = "".join(WORDS)


@dataclass(frozen=True)
class Case:
    """One thing that happens below a model: as a script, and as what a server does."""

    steps: Sequence[Step]
    instruction: Instruction


WELL = Case(WORDS, Answer(text=WORDS))
ENDLESS = Case([*WORDS[:2], 3600.0], Answer(Stall(2), text=WORDS))
BROKEN = Case([WORDS[0], ModelBroken("gone")], Answer(ErrorLine(1), text=WORDS))
REFUSED = Case([ModelRefused("no")], Status(400))
GOES_ON = Case(WORDS[2:], Answer(text=WORDS[2:]))


class Made:
    """A model, and a look at what it holds open."""

    def __init__(self, model: Model, open_below: Callable[[], int], aclose: Callable[[], Any] | None = None) -> None:
        self.model, self.open_below, self._aclose = model, open_below, aclose

    async def aclose(self) -> None:
        if self._aclose is not None:
            await self._aclose()


Make = Callable[[Case, ExitStack], Made]


def scripted(wrap: Callable[[Model], Model]) -> Make:
    def make(case: Case, _: ExitStack) -> Made:
        below = ScriptedModel(case.steps)
        return Made(wrap(below), lambda: below.open_streams)

    return make


def served(wrap: Callable[[Model], Model]) -> Make:
    def make(case: Case, stack: ExitStack) -> Made:
        server = stack.enter_context(FaultServer([case.instruction]))
        provider = OllamaProvider(server.url)
        return Made(wrap(provider.model("tinychat")), lambda: server.open_connections, provider.aclose)

    return make


def served_as_openai(wrap: Callable[[Model], Model]) -> Make:
    """Make it as for a server with OpenAI's protocol that lets its models go on."""

    def make(case: Case, stack: ExitStack) -> Made:
        server = stack.enter_context(FaultServer([case.instruction]))
        provider = lab(server, continues=True)
        return Made(wrap(provider.model("tinychat")), lambda: server.open_connections, provider.aclose)

    return make


def elsewhere(make_here: Make) -> Make:
    """Make it as for a server on another machine, which is asked over httpx's own transport."""

    def make(case: Case, stack: ExitStack) -> Made:
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(
            "chatnb.models.connecting.is_loopback", lambda _: False
        )
        return make_here(case, stack)

    return make


def on_two_hosts(wrap: Callable[[Model], Model]) -> Make:
    """Make it as for two servers, to which the same happens."""

    def make(case: Case, stack: ExitStack) -> Made:
        servers = [stack.enter_context(FaultServer([case.instruction])) for _ in range(2)]
        hosts = [Host(name, OllamaProvider(each.url)) for name, each in zip(("one", "two"), servers, strict=True)]
        models = {host: DeadlineModel(host.provider.model("tinychat"), 60, 60) for host in hosts}

        async def aclose() -> None:
            for host in hosts:
                await host.provider.aclose()

        model = wrap(HostsModel("tinychat", models, Line()))
        return Made(model, lambda: sum(each.open_connections for each in servers), aclose)

    return make


class Equipped:
    """A model that is asked with a tool, whatever it is asked."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.name, self.can_continue, self.explain_wait = model.name, model.can_continue, model.explain_wait

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        async with aclosing(
            self._model.stream(replace(request, tools=(ToolSpec("now", "Tell the time.", {}),)))
        ) as events:
            async for event in events:
                yield event


def enveloped(model: Model) -> Model:
    return Equipped(RetryingModel(EnvelopedModel(DeadlineModel(model, 60, 60)), ONCE))


def chained(model: Model) -> Model:
    return FallbackModel([RetryingModel(DeadlineModel(model, 60, 60), ONCE)])


MODELS: dict[str, Make] = {
    "scripted": scripted(lambda model: model),
    "deadline": scripted(lambda model: DeadlineModel(model, 60, 60)),
    "retrying": scripted(lambda model: RetryingModel(model, ONCE)),
    "fallback": scripted(lambda model: FallbackModel([model])),
    "masked": scripted(lambda model: MaskedModel(model, Mask({}))),
    "enveloped": scripted(EnvelopedModel),
    "enveloped with tools": scripted(enveloped),
    "all around scripted": scripted(chained),
    "ollama": served(lambda model: model),
    "all around ollama": served(chained),
    "ollama on two hosts": on_two_hosts(lambda model: model),
    "all around two hosts": on_two_hosts(chained),
    "ollama enveloped with tools": served(enveloped),
    "masked around all": served(lambda model: MaskedModel(chained(model), Mask({}))),
    "ollama elsewhere": elsewhere(served(lambda model: model)),
    "all around ollama elsewhere": elsewhere(served(chained)),
    "openai": served_as_openai(lambda model: model),
    "all around openai": served_as_openai(chained),
    "openai enveloped with tools": served_as_openai(enveloped),
    "masked around all of openai": served_as_openai(lambda model: MaskedModel(chained(model), Mask({}))),
    "openai elsewhere": elsewhere(served_as_openai(lambda model: model)),
    "all around openai elsewhere": elsewhere(served_as_openai(chained)),
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close servers at the end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=list(MODELS))
def make(request: pytest.FixtureRequest, stack: ExitStack) -> Callable[[Case], Made]:
    """Make the model under test, for what is to happen below it."""
    return lambda case: MODELS[request.param](case, stack)


async def settled() -> None:
    """Let everything run that needs no waiting, such as the closing of generators that were thrown away."""
    for _ in range(20):
        await asyncio.sleep(0)


async def closed_below(made: Made) -> bool:
    """Return whether everything below is closed, as soon as it is, or not within five seconds."""
    async with asyncio.timeout(5):
        while made.open_below():  # noqa: ASYNC110 - the server notices in a thread of its own
            await asyncio.sleep(0.001)
    return True


def other_tasks() -> set[Any]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_the_last_event_is_the_only_count_of_tokens(make: Callable[[Case], Made]) -> None:
    made = make(WELL)

    events = await heard(made.model)

    assert [event for event in events if isinstance(event, TokensCounted)] == events[-1:]
    assert folded(events).text == TEXT


async def test_every_delta_holds_something(make: Callable[[Case], Made]) -> None:
    made = make(WELL)

    events = await heard(made.model)

    assert all(event.text for event in events if isinstance(event, TextDelta))


async def test_an_answer_that_ended_leaves_nothing_open(make: Callable[[Case], Made]) -> None:
    made = make(WELL)

    await heard(made.model)

    await settled()
    assert other_tasks() == set()
    assert await closed_below(made)


async def test_two_answers_at_once_do_not_mix(make: Callable[[Case], Made]) -> None:
    made = make(WELL)

    both = await asyncio.gather(heard(made.model), heard(made.model))

    assert [folded(events).text for events in both] == [TEXT, TEXT]


async def test_closing_in_mid_answer_closes_what_is_below(make: Callable[[Case], Made]) -> None:
    made = make(ENDLESS)
    stream = made.model.stream(asking())
    first = await anext(stream)

    await stream.aclose()

    assert first == TextDelta(WORDS[0])
    await settled()
    assert other_tasks() == set()
    assert await closed_below(made)


async def test_cancelling_whoever_reads_closes_what_is_below(make: Callable[[Case], Made]) -> None:
    made = make(ENDLESS)
    begun = asyncio.Event()

    async def read() -> None:
        async with aclosing(made.model.stream(asking())) as stream:
            async for _ in stream:
                begun.set()

    reader = asyncio.create_task(read())
    await begun.wait()

    reader.cancel()

    await asyncio.wait([reader])
    await settled()
    assert reader.cancelled()
    assert other_tasks() == set()
    assert await closed_below(made)


async def test_a_stream_that_nobody_began_to_read_opens_nothing(make: Callable[[Case], Made]) -> None:
    made = make(WELL)

    await made.model.stream(asking()).aclose()

    assert made.open_below() == 0
    assert other_tasks() == set()


@pytest.mark.parametrize("case", [BROKEN, REFUSED], ids=["broken", "refused"])
async def test_what_goes_wrong_is_a_model_error_that_leaves_nothing_open(
    make: Callable[[Case], Made], case: Case
) -> None:
    made = make(case)

    events, error = await heard_until_error(made.model)

    assert isinstance(error, ModelError)
    assert str(error)
    assert folded(events).text in ("", WORDS[0])
    await settled()
    assert other_tasks() == set()
    assert await closed_below(made)


async def test_an_answer_that_was_begun_goes_on_with_what_follows(make: Callable[[Case], Made]) -> None:
    made = make(GOES_ON)

    events = await heard(made.model, asking(partial="The capital of "))

    assert made.model.can_continue
    assert folded(events).text == "France is Paris."


@pytest.mark.parametrize("case", [WELL, ENDLESS, REFUSED], ids=["well", "endless", "refused"])
async def test_the_reason_for_a_wait_is_words_and_never_an_error(make: Callable[[Case], Made], case: Case) -> None:
    made = make(case)

    reason = await made.model.explain_wait()

    assert isinstance(reason, str)
    assert await closed_below(made)


async def test_the_reason_for_a_wait_is_empty_when_nobody_is_there() -> None:
    with FaultServer() as server:
        provider = OllamaProvider(server.url)
    model = chained(provider.model("tinychat"))

    reason = await model.explain_wait()

    assert reason == ""


async def test_a_model_has_the_name_that_is_shown(make: Callable[[Case], Made]) -> None:
    made = make(WELL)

    assert made.model.name in ("scripted", "tinychat", "lab:tinychat", "tinychat@one,two")


async def test_the_demonstration_is_a_model_too() -> None:
    model = DemoModel(rate=None)

    events = await heard(model, asking("Hello!"))

    assert [event for event in events if isinstance(event, TokensCounted)] == events[-1:]
    assert "demonstration" in folded(events).text
    assert await model.explain_wait() == ""


def test_a_stream_is_an_async_generator(make: Callable[[Case], Made]) -> None:
    stream = make(WELL).model.stream(asking())

    assert isinstance(stream, AsyncGenerator)
