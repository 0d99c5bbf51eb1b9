"""One model on several hosts: which one is asked, who waits, what becomes of those that fail."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, aclosing
from random import Random

import pytest

from chatnb.errors import ModelBroken, ModelBusy, ModelError, ModelNotFound, ModelRefused, ModelUnreachable
from chatnb.events import Continued, Retrying, TokensCounted, Waiting
from chatnb.messages import Usage
from chatnb.models.base import LoadedModel
from chatnb.models.breaker import COOL_S, MOST_S, Breaker
from chatnb.models.catalog import Catalog
from chatnb.models.demo import ScriptedProvider
from chatnb.models.host import Host, choose
from chatnb.models.hosts import HostsModel
from chatnb.models.line import Line
from chatnb.models.masked import is_masked
from chatnb.models.ollama import OllamaProvider
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import RetryPolicy, Settings
from chatnb.views.words import footer
from tests.faults.answering import QUICK, ask
from tests.faults.script import TEXT, Answer, Instruction, Reset, Status, tokens_of
from tests.faults.server import FaultServer
from tests.models.asking import asking, folded, heard, heard_until_error
from tests.models.clock import in_no_time
from tests.models.serving import endpoint_of


class Memory(ScriptedProvider):
    """A server that has some models in memory, or none to ask."""

    def __init__(self, *names: str, error: ModelError | None = None) -> None:
        super().__init__()
        self._names, self._error = names, error
        self.looks = 0

    async def loaded(self) -> Sequence[LoadedModel]:
        self.looks += 1
        if self._error:
            raise self._error
        return [LoadedModel(name) for name in self._names]


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """Close servers at the end."""
    with ExitStack() as stack:
        yield stack


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same in every run


def named(*servers: FaultServer) -> str:
    """Return the model on these servers."""
    return f"tinychat@{','.join(server.url.removeprefix('http://') for server in servers)}"


def host_of(server: FaultServer) -> str:
    return server.url.removeprefix("http://")


def two(stack: ExitStack, first: Sequence[Instruction], second: Sequence[Instruction]) -> tuple[FaultServer, ...]:
    """Start two servers, of which only the first has the model in memory, so that it is asked first."""
    return (
        stack.enter_context(FaultServer(first)),
        stack.enter_context(FaultServer(second, models=["another"])),
    )


@pytest.mark.parametrize(
    ("loaded", "in_flight", "dead", "expected"),
    [
        ("ab", (2, 1), "", "b"),  # fewer asks
        ("a", (3, 0), "", "a"),  # in memory, though it has more asks
        ("a", (4, 0), "", "b"),  # in memory, but full
        ("", (1, 0), "", "b"),
        ("ab", (0, 3), "a", "b"),  # left alone
        ("ab", (1, 0), "ab", "b"),  # all are left alone
        ("ab", (0, 4), "a", None),  # better to wait than to ask one that is dead
        ("ab", (4, 4), "", None),
    ],
)
async def test_an_ask_goes_where_the_model_is_in_memory_and_the_fewest_are(
    loaded: str, in_flight: Sequence[int], dead: str, expected: str | None
) -> None:
    hosts = [Host(name, Memory("tinychat:latest" if name in loaded else "another")) for name in "ab"]
    for host, count in zip(hosts, in_flight, strict=True):
        await host.look()
        host.in_flight = count
        if host.name in dead:
            host.failed(ModelUnreachable("gone"))

    chosen = {host and host.name for host in (choose("tinychat", hosts, chance(seed)) for seed in range(10))}

    assert chosen == {expected}


def test_of_many_hosts_two_are_taken_by_chance_and_the_one_with_fewer_asks_is_asked() -> None:
    hosts = [Host(str(number), Memory(), limit=1_000) for number in range(8)]
    for seed in range(800):
        host = choose("tinychat", hosts, chance(seed))
        assert host is not None
        host.in_flight += 1

    asks = [host.in_flight for host in hosts]

    assert max(asks) - min(asks) <= 8  # by chance alone it would be some fifty


async def test_a_server_is_looked_at_once_for_many_asks_and_one_that_is_dead_is_not_asked() -> None:
    alive, dead = Memory("tinychat"), Memory(error=ModelUnreachable("gone"))
    hosts = [Host("alive", alive), Host("dead", dead)]

    await asyncio.gather(*(host.look() for host in hosts for _ in range(20)))

    assert (alive.looks, dead.looks) == (1, 1)
    assert [host.breaker.state for host in hosts] == ["closed", "open"]
    with pytest.raises(ModelUnreachable, match="dead is left alone for 2 s more: gone"):
        await hosts[1].tell(dead.loaded)
    assert dead.looks == 1


def test_a_breaker_lets_one_ask_find_out_and_waits_twice_as_long_after_each_failure() -> None:
    now_s = 0.0
    breaker = Breaker(lambda: now_s)
    waits = []
    for _ in range(8):
        breaker.fail()
        waits.append(breaker.wait_s)
        assert not breaker.allows
        now_s += breaker.wait_s
        assert breaker.state == "half-open"
        breaker.begin()
        assert not breaker.allows  # the next one does not try as well
    breaker.let_go()  # stopped before it told anything

    assert waits == [min(MOST_S, COOL_S * 2**n) for n in range(8)]
    assert breaker.allows
    for _ in range(2_000):  # a server that is dead for a day and a half
        breaker.fail()
        now_s += breaker.wait_s
    breaker.fail()
    assert breaker.wait_s == MOST_S
    breaker.succeed()
    breaker.fail()
    assert breaker.wait_s == COOL_S


def test_asks_that_fail_together_are_one_failure() -> None:
    now_s = 0.0
    breaker = Breaker(lambda: now_s)
    for _ in range(4):
        breaker.fail()
    waits = [breaker.wait_s]
    breaker.fail(7.0)
    waits.append(breaker.wait_s)
    now_s = 7.0
    breaker.fail()
    waits.append(breaker.wait_s)

    assert waits == [COOL_S, 7.0, 2 * COOL_S]


@pytest.mark.parametrize("error", [ModelRefused("no"), ModelNotFound("none")])
def test_what_is_wrong_with_the_ask_does_not_make_a_server_dead(error: ModelError) -> None:
    host = Host("a", Memory())

    host.failed(error)

    assert host.breaker.state == "closed"


async def test_sessions_take_turns() -> None:
    line, host = Line(), Host("a", Memory(), limit=1)
    places = [line.join(session, "tinychat", [host]) for session in ("long", "long", "long", "short", "other")]
    served = []
    while waiting := [place for place in places if place.given.done()]:
        (place,) = waiting
        served.append(place.session)
        places.remove(place)
        line.leave(place)

    assert served == ["long", "long", "short", "other", "long"]  # the second was the next before the others came
    assert host.in_flight == 0


async def test_who_waits_for_a_busy_host_does_not_keep_others_from_one_that_is_free() -> None:
    line, busy, free = Line(), Host("busy", Memory(), limit=1), Host("free", Memory(), limit=1)
    first, second = line.join("s", "tinychat", [busy]), line.join("s", "tinychat", [busy])

    third = line.join("s", "tinychat", [busy, free])

    assert (first.host, third.host) == (busy, free)
    assert not second.given.done()


def test_who_waits_is_told_so_and_who_gives_up_leaves_the_line() -> None:
    async def wait() -> tuple[list[Waiting], int, str]:
        host = Host("gpu1", Memory(), limit=1)
        slow = ScriptedModel(["slow ", 14.0, "answer"], ["next"])
        model = HostsModel("tinychat", {host: slow}, Line())
        first = asyncio.create_task(heard(model))
        await asyncio.sleep(1)
        gives_up = asyncio.create_task(heard(model))
        await asyncio.sleep(1)
        gives_up.cancel()
        await asyncio.wait([gives_up])
        events = await heard(model)
        await first
        return [event for event in events if isinstance(event, Waiting)], host.in_flight, folded(events).text

    waits, in_flight, text = in_no_time(wait())

    assert [wait.reason for wait in waits] == ["waiting for other answers of gpu1"] * 3
    assert [round(wait.waited_s) for wait in waits] == [0, 5, 10]
    assert (in_flight, text) == (0, "next")


async def test_the_host_that_answered_is_told_and_the_name_has_all() -> None:
    hosts = [Host(name, Memory()) for name in ("gpu1", "gpu2")]
    model = HostsModel("tinychat", {host: ScriptedModel(["Hi"]) for host in hosts}, Line(chance(1)))

    events = await heard(model)

    assert model.name == "tinychat@gpu1,gpu2"
    assert isinstance(events[-1], TokensCounted)
    assert events[-1] == TokensCounted(Usage(reply_tokens=1), host=events[-1].host)
    assert events[-1].host in ("gpu1", "gpu2")


async def test_asks_at_once_are_spread_and_none_has_more_than_its_limit(servers: ExitStack) -> None:
    both = [servers.enter_context(FaultServer([Answer(rate=400)])) for _ in range(2)]
    catalog = Catalog()
    model = await catalog.model(Settings(model=named(*both), parallel=3))

    answers = await asyncio.gather(*(heard(model) for _ in range(20)))
    await catalog.aclose()

    assert {folded(events).text for events in answers} == {TEXT}
    for server in both:
        assert len(server.chats) >= 6
        spans = [(chat.asked_at, chat.last_token_at or 0) for chat in server.chats]
        assert max(sum(began <= at < ended for began, ended in spans) for at, _ in spans) <= 3


async def test_a_broken_stream_goes_on_on_another_host(servers: ExitStack) -> None:
    first, second = two(servers, [Answer(Reset(after=20))], [Answer()])

    answered = await ask("", named(first, second))

    assert answered.shown_and_saved == TEXT
    assert len(answered.of(Continued)) == 1
    assert (len(first.chats), len(second.chats)) == (1, 1)
    assert second.chats[0].messages[-1]["content"] == "".join(tokens_of(TEXT)[:20])
    assert answered.saved[-1].host == answered.reply.host == host_of(second)
    assert footer(answered.reply).startswith(f"tinychat@{host_of(second)} · ")


async def test_a_host_that_is_not_there_is_left_alone_and_asked_again_later(servers: ExitStack) -> None:
    both = [servers.enter_context(FaultServer()) for _ in range(2)]
    now_s = 0.0
    hosts = [Host(host_of(each), OllamaProvider(each.url), clock=lambda: now_s) for each in both]
    model = HostsModel("tinychat", {host: host.provider.model("tinychat") for host in hosts}, Line())
    alive, dead = both
    dead.refuse()

    while_dead = [await heard(model) for _ in range(5)]
    dead.open()
    left_alone = [await heard(model) for _ in range(5)]
    asks = len(dead.chats)
    now_s = COOL_S
    later = [await heard(model) for _ in range(20)]
    for host in hosts:
        await host.provider.aclose()

    assert {folded(events).text for events in while_dead + left_alone + later} == {TEXT}
    assert not [event for events in while_dead for event in events if isinstance(event, Retrying)]
    assert asks == 0
    assert len(alive.chats) + len(dead.chats) == 30
    assert dead.chats


async def test_an_error_names_each_host_and_what_it_said(servers: ExitStack) -> None:
    busy, gone = two(servers, [Status(503)], [Answer()])
    gone.refuse()

    answered = await ask("", named(busy, gone))

    error = answered.finished.error
    assert answered.finished.outcome == "failed"
    assert error.startswith("None of the 2 hosts could answer (3 attempts, ")
    assert f"- {host_of(busy)}: Ollama at {busy.url} is busy (503" in error
    assert f"- {host_of(gone)}: Ollama at {gone.url} did not answer." in error
    assert 'or name another host after the "@"' in error
    assert "ChatConfig.host" not in error
    assert len(busy.chats) == 3  # where all are dead, they are asked all the same


async def test_busy_hosts_are_asked_again_when_the_first_of_them_wants_to_be(servers: ExitStack) -> None:
    first, second = two(servers, [Status(429, retry_after=7)], [Status(429, retry_after=5)])
    catalog = Catalog()
    model = await catalog.model(Settings(model=named(first, second), retry=RetryPolicy(attempts=1)))

    _, error = await heard_until_error(model)
    await catalog.aclose()

    assert isinstance(error, ModelBusy)
    assert error.retry_after_s == 5


def test_a_busy_host_is_left_alone_for_as_long_as_it_wants() -> None:
    host = Host("a", Memory(), clock=lambda: 0.0)

    host.failed(ModelBusy("later", 7.0))

    assert host.breaker.wait_s == 7.0


async def test_a_host_without_the_model_passes_the_ask_on(servers: ExitStack) -> None:
    without, having = two(servers, [Status(404)], [Answer()])

    answered = await ask("", named(without, having))

    assert answered.shown_and_saved == TEXT
    assert answered.reply.host == host_of(having)


async def test_a_host_may_be_an_endpoint_of_the_settings(servers: ExitStack) -> None:
    lab, other = two(servers, [Status(500)], [Answer()])
    settings = Settings(model=f"tinychat@lab,{host_of(other)}", endpoints={"lab": endpoint_of(lab)}, retry=QUICK)
    catalog = Catalog()

    events = await heard(await catalog.model(settings))
    infos = await catalog.provider(settings, f"ollama@lab,{host_of(other)}").models()
    await catalog.aclose()

    assert folded(events).text == TEXT
    assert [(chat.path, chat.body["model"]) for chat in (*lab.chats, *other.chats)] == [
        ("/v1/chat/completions", "tinychat"),
        ("/api/chat", "tinychat"),
    ]
    assert {info.name for info in infos} == {"lab:tinychat", "another:latest"}


async def test_the_hosts_are_shared_by_all_models_that_name_them(servers: ExitStack) -> None:
    server = servers.enter_context(FaultServer([Answer(rate=400)]))
    catalog = Catalog()
    settings = [Settings(model=f"{name}@{host_of(server)}", parallel=1) for name in ("one", "two")]
    models = [await catalog.model(each) for each in settings]

    await asyncio.gather(*(heard(model) for model in models))
    await catalog.aclose()

    first, second = server.chats
    assert first.last_token_at is not None
    assert second.asked_at >= first.last_token_at


async def test_one_remote_host_among_several_hides_secrets() -> None:
    catalog = Catalog()

    own = Settings(model="tinychat@127.0.0.1:9,127.0.0.1:8")
    remote = Settings(model="tinychat@127.0.0.1:9,llm.example.com")

    assert not await is_masked(own.models, own, catalog)
    assert await is_masked(remote.models, remote, catalog)


async def test_an_answer_that_breaks_on_the_only_host_says_what_that_one_said() -> None:
    host = Host("gpu1", Memory())
    model = HostsModel("tinychat", {host: ScriptedModel(["Hel", ModelBroken("gone")])}, Line())

    events, error = await heard_until_error(model)

    assert (folded(events).text, str(error), host.in_flight) == ("Hel", "gone", 0)
    assert host.breaker.state == "open"


async def test_a_place_is_given_back_before_whoever_reads_is_told_of_the_end() -> None:
    host = Host("gpu1", Memory(), limit=1)
    model = HostsModel("tinychat", {host: ScriptedModel(["Hi"], ["Hi"])}, Line())

    async with aclosing(model.stream(asking())) as stream:
        async for event in stream:
            if isinstance(event, TokensCounted):
                again = await heard(model)  # as a probe of what the server has read does

    assert folded(again).text == "Hi"
    assert host.in_flight == 0


async def test_closing_an_answer_gives_its_place_back() -> None:
    host = Host("gpu1", Memory(), limit=1)
    model = HostsModel("tinychat", {host: ScriptedModel(["Hel", 3600.0])}, Line())

    async with aclosing(model.stream(asking())) as stream:
        await anext(stream)
        assert host.in_flight == 1

    assert host.in_flight == 0


async def test_several_hosts_are_one_server_to_whoever_asks_about_it(servers: ExitStack) -> None:
    first, second = two(servers, [Answer()], [Answer()])
    catalog, settings = Catalog(), Settings(model=named(first, second))
    provider, short = catalog.find(settings.model, settings)

    version = await provider.version()
    steps = {step.status.partition(": ")[0] async for step in provider.pull(short)}
    first.refuse()
    models, loaded, info = await provider.models(), await provider.loaded(), await provider.show("another")
    second.refuse()
    with pytest.raises(ModelUnreachable) as caught:
        await provider.models()
    await catalog.aclose()

    assert (short, provider.address) == ("tinychat", f"{first.url}, {second.url}")
    assert version == f"0.9.3 ({host_of(first)}), 0.9.3 ({host_of(second)})"
    assert steps == {host_of(first), host_of(second)}
    assert [models[0].name, loaded[0].name, info.name] == ["another:latest", "another:latest", "another"]
    assert "None of the 2 hosts could answer." in str(caught.value)
    assert all(f"- {host_of(each)}: " in str(caught.value) for each in (first, second))
