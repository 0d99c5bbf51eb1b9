"""A session as front ends see it: whenever one comes, and however the words are split, all see the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from chatnb.chat import Chat
from chatnb.errors import ModelBroken
from chatnb.events import FellBack, Retrying, TextDelta, ThinkingDelta, TokensCounted, ToolStarted, Waiting
from chatnb.feed import shown as shown_module
from chatnb.feed.forms import Drawn
from chatnb.feed.session import Feed
from chatnb.messages import Context, Image, ToolCall, Usage
from chatnb.models.scripted import ScriptedModel, Step
from chatnb.settings import Settings
from chatnb.stores.memory import MemoryStore
from chatnb.tools.approval import Proposal
from chatnb.tools.toolbox import Toolbox
from tests.seen import Json, Seen, text_of


class Front:
    """A front end: a feed's messages, and what it sees of them."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.messages: list[Json] = []
        self.seen = Seen()
        feed.listen(self.take)

    def take(self, message: Json) -> None:
        self.messages.append(message)
        self.seen.take(message)

    async def hello(self) -> None:
        """Ask for a snapshot; what comes before it does not count."""
        self.seen = Seen()
        self.seen.take(await self.feed.snapshot())

    @property
    def state(self) -> Json:
        assert self.seen.state is not None
        assert not self.seen.has_gap
        return self.seen.state

    @property
    def said(self) -> list[str]:
        return [text_of(entry) for entry in self.state["entries"]]

    def changes(self, kind: str) -> list[Json]:
        told = (change for message in self.messages for change in message.get("changes", ()))
        return [change for change in told if change["is"] == kind]


def placed(front: Front) -> list[Json | None]:
    return [entry.get("branches") for entry in front.state["entries"]]


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between two deltas."""
    monkeypatch.setattr(Drawn, "least_s", 0.0)
    monkeypatch.setattr(shown_module, "PACE_S", 0.0)


@asynccontextmanager
async def told(*scripts: Sequence[Step], **options: Any) -> AsyncIterator[tuple[Chat, Front]]:
    """Make a chat whose model follows a script, and a front end that has said hello."""
    chat = Chat(ScriptedModel(*scripts), store=MemoryStore(), settings=Settings(rules=False), tools=Toolbox([add]))
    feed = Feed(chat, **options)
    front = Front(feed)
    await front.hello()
    try:
        yield chat, front
    finally:
        feed.close()
        for turn in chat.turns:
            turn.cancel()
            await turn.wait()
        await asyncio.to_thread(chat.close)


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0.005)


def is_over(front: Front, count: int = 1) -> Callable[[], bool]:
    return lambda: len(front.changes("finished")) == count


words = st.text("ab *`#\n|-1.<&é😀", min_size=1, max_size=12)
steps = st.one_of(
    words,
    words.map(TextDelta),
    words.map(ThinkingDelta),
    st.just(0.0),
    st.builds(Waiting, words, st.just(1.0)),
    st.builds(Retrying, st.just("m"), st.just(2), st.just(3), st.just(0.0), words),
    st.builds(FellBack, st.just("m"), st.just("n"), words, st.booleans()),
)
rounds = st.lists(st.lists(steps, max_size=12), min_size=1, max_size=3)


@pytest.mark.usefixtures("unhurried")
@bounds(max_examples=60, deadline=None)
@given(rounds, st.lists(st.integers(0, 60), max_size=3), st.booleans())
def test_whenever_a_front_end_comes_it_sees_the_same(
    told_rounds: list[list[Step]], moments: list[int], is_broken: bool
) -> None:
    # Every round but the last one calls a tool.
    calls = [
        ToolStarted(ToolCall(f"c{number}", "add", {"a": number, "b": 2})) for number in range(len(told_rounds) - 1)
    ]
    scripts = [[*said, call] for said, call in zip(told_rounds, calls, strict=False)]
    scripts.append([*told_rounds[-1], *([ModelBroken("It is gone.")] if is_broken else [])])

    async def tell() -> None:
        async with told(*scripts) as (chat, front):
            turn = chat.ask("Why?\n\n`x`", Context.of("variable df", "a b", "df"), Image(b"png", "image/png"))
            late = []
            for moment in moments:
                for _ in range(moment):
                    await asyncio.sleep(0)
                late.append(Front(front.feed))
                await late[-1].hello()
            await turn.wait()
            await until(is_over(front))
            now = Front(front.feed)
            await now.hello()

            assert [each.state for each in (front, *late)] == [now.state] * (1 + len(late))

    asyncio.run(tell())


async def test_a_question_is_seen_at_once_and_its_answer_as_it_comes() -> None:
    async with told(["Be", 0.2, "cause", 3_600.0]) as (chat, front):
        turn = chat.ask("Why?")

        assert front.state["live"]["question"]["text"] == "Why?"
        await until(lambda: "Because" in str(front.state["live"]["parts"]))
        assert front.state["entries"] == []
        assert len(front.changes("blocks")) <= 2  # one, where the machine stood still meanwhile
        turn.cancel()
        await until(is_over(front))
        assert front.said == ["Why?", "Because"]
        assert front.state["entries"][1]["outcome"] == "cancelled"
        assert front.state["entries"][1]["mark"] == "stopped"


async def test_questions_wait_for_the_turn_in_flight_and_can_be_taken_back() -> None:
    async with told(["One", 3_600.0], ["Two"]) as (chat, front):
        first, second, third = (chat.ask(text) for text in ("1?", "2?", "3?"))
        assert [entry["text"] for entry in front.state["waiting"]] == ["2?", "3?"]

        second.cancel()
        await until(is_over(front))
        assert [entry["text"] for entry in front.state["waiting"]] == ["3?"]
        await until(lambda: "One" in str(front.state["live"]))  # else the third gets what the first would have got
        first.cancel()
        await third.wait()
        await until(is_over(front, 3))

        assert front.state["waiting"] == []
        assert [entry["text"] for entry in front.state["entries"] if entry["role"] == "user"] == ["1?", "2?", "3?"]
        state = front.state
        await front.hello()
        assert front.state == state


async def test_twelve_thousand_words_in_a_blink_are_a_few_deltas_and_none_is_lost() -> None:
    said = [f"w{number} " if number % 100 else f"w{number}\n\n" for number in range(12_000)]
    async with told(said) as (chat, front):
        await chat.ask("Flood?")
        await until(is_over(front))

        assert [message["rev"] for message in front.messages] == list(range(1, front.seen.rev + 1))
        assert len(front.messages) < 100
        assert front.said[1].split() == "".join(said).split()


async def test_kinds_that_change_with_each_word_are_no_flood_either() -> None:
    said: list[Step] = [kind(f"{number} ") for number in range(2_000) for kind in (TextDelta, ThinkingDelta)]
    async with told(said) as (chat, front):
        await chat.ask("Flood?")
        await until(is_over(front))

        assert len(front.messages) < 200
        assert len(front.state["entries"][1]["parts"]) == 4_000


async def test_another_session_is_shown_to_everybody() -> None:
    async with told(["One"], ["Two"]) as (chat, front):
        other = Front(front.feed)
        await other.hello()
        await chat.ask("1?")
        await until(is_over(front))

        chat.sessions.new("Second")
        await until(lambda: front.state["session"]["title"] == "Second" == other.state["session"]["title"])
        assert front.said == other.said == []
        await chat.ask("2?")
        await until(lambda: len(other.said) == 2)

        assert front.said == other.said == ["2?", "Two"]


async def test_a_session_that_is_opened_while_it_is_answered_shows_the_answer() -> None:
    async with told(["One", 3_600.0]) as (chat, front):
        session = chat.sessions.current
        chat.ask("1?")
        await until(lambda: bool(front.changes("blocks")))
        chat.sessions.new()
        await until(lambda: front.state["live"] is None)

        await asyncio.to_thread(chat.sessions.open, session.id)

        await until(lambda: front.state["live"] is not None and "One" in str(front.state["live"]["parts"]))


async def test_what_is_asked_in_another_session_is_not_shown_here() -> None:
    async with told(["One"]) as (chat, front):
        await chat.ask("1?", session=chat.sessions.fresh("Elsewhere"))

        await front.hello()
        assert front.said == []
        assert front.messages == []


async def test_hidden_messages_are_shown_as_hidden() -> None:
    async with told(["One"]) as (chat, front):
        await chat.ask("1?")
        await until(is_over(front))

        chat.sessions.update(hidden=(front.state["entries"][0]["id"],))

        await until(lambda: all(entry["is_hidden"] for entry in front.state["entries"]))


async def test_a_summary_is_shown_once_it_is_made() -> None:
    async with told(["One"]) as (chat, front):
        await chat.ask("1?")
        await until(is_over(front))

        await asyncio.to_thread(chat.sessions.summarise, "In short: one.", chat.sessions.current)

        await until(lambda: front.said == ["1?", "One", "In short: one."])
        assert front.state["entries"][2]["notes"] == ["A summary of what was said before."]


async def test_a_session_gets_its_title_from_its_first_question() -> None:
    async with told(["One"]) as (chat, front):
        await chat.ask("What is the mean?")

        await until(lambda: front.state["session"]["title"] == "What is the mean?")


async def test_only_the_newest_entries_come_at_first_and_the_others_when_asked_for() -> None:
    async with told(["One"]) as (chat, front):
        for number in range(30):
            await chat.ask(f"{number}?")
        await until(is_over(front, 30))
        await front.hello()
        assert (len(front.state["entries"]), front.state["has_more"]) == (50, True)

        earlier, has_more = await front.feed.earlier(front.state["entries"][0]["id"], 4)
        first, has_no_more = await front.feed.earlier(earlier[0]["id"], 50)

        assert [text_of(entry) for entry in earlier] == ["3?", "One", "4?", "One"]
        assert (has_more, has_no_more) == (True, False)
        assert len(first) == 6


def proposal(call_id: str = "c1") -> Proposal:
    return Proposal(ToolCall(call_id, "add", {"a": 1}), ("runs",), "1 + 1")


async def test_a_call_waits_until_a_front_end_answers() -> None:
    async with told() as (_, front):
        asking = asyncio.ensure_future(front.feed.approve(proposal()))
        await until(lambda: bool(front.state["approvals"]))
        assert front.state["approvals"][0]["preview"] == "1 + 1"

        assert front.feed.approvals.decide("c1", "session")

        assert await asking == "session"
        assert front.state["approvals"] == []
        assert not front.feed.approvals.decide("c1", "once")


async def test_a_call_is_refused_when_no_front_end_gives_a_sign() -> None:
    async with told(patience_s=0.05) as (_, front):
        assert await front.feed.approve(proposal()) == "no"

        assert front.state["approvals"] == []


async def test_a_turn_that_is_stopped_takes_its_calls_along() -> None:
    async with told() as (_, front):
        asking = asyncio.ensure_future(front.feed.approve(proposal()))
        await until(lambda: bool(front.state["approvals"]))

        asking.cancel()

        await until(lambda: not front.state["approvals"])


async def test_a_question_in_the_place_of_another_shows_the_way_that_it_is_on() -> None:
    async with told(["One"], ["More"], ["Two", 3_600.0]) as (chat, front):
        first = chat.ask("First?")
        await first
        await chat.ask("And then?")
        await until(is_over(front, 2))

        turn = chat.begin(chat.prepare("Instead?", instead_of=first.question.turn_id))
        await until(lambda: "Two" in str(front.state["live"]) and front.state["entries"] == [])
        during = [front.state["live"]["question"]["text"], front.state["entries"]]
        turn.cancel()
        await until(lambda: placed(front) == 2 * [{"at": 2, "of": 2}])
        there = Front(front.feed)
        await there.hello()

        assert during == ["Instead?", []]
        assert front.said == ["Instead?", "Two"]
        assert there.state == front.state


async def test_what_is_taken_back_by_a_cell_is_out_of_sight() -> None:
    async with told(["One"], ["Two"]) as (chat, front):
        await chat.ask("First?")
        await chat.ask("Second?")
        await until(is_over(front, 2))

        await asyncio.to_thread(chat.sessions.undo)
        await until(lambda: front.said == ["First?", "One"])
        await asyncio.to_thread(chat.sessions.undo)
        await until(lambda: front.said == [])

        assert front.messages[-1]["view"] is None


async def test_an_answer_that_no_model_was_asked_for_is_marked_now_and_later() -> None:
    played: list[Step] = ["Because.", TokensCounted(Usage(), origin="recording")]
    async with told(played) as (chat, front):
        await chat.begin(chat.prepare("Why?", is_cached=True))
        await chat.begin(chat.prepare("Why?", is_cached=True))
        await until(is_over(front, 2))

        marks = [change["entries"][-1]["mark"] for change in front.changes("finished")]
        await front.hello()

        assert marks == ["played from a recording", "an earlier answer, told again"]
        assert front.state["entries"][-1]["mark"] == "played from a recording"
