"""A turn tells its end exactly once, last and always, and everybody who watches sees the same."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import pytest

from chatnb.errors import ModelUnreachable, StoreError, ToolsGoOn
from chatnb.events import (
    Asked,
    Event,
    Finished,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolFinished,
    ToolStarted,
    Waiting,
)
from chatnb.messages import Message, ToolCall, ToolResult, Usage
from chatnb.turn import Turn
from tests.talk import question

ASKED = Asked(question(), "m")
COUNTED = TokensCounted(Usage(1, 1))


class Teller:
    """Events on demand, which notes how it was left.

    Parameters
    ----------
    events
        Told one after the other; then it waits for `more`, where None is the end and an exception is raised.
    """

    def __init__(self, *events: Event) -> None:
        self.first = events
        self.more: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self.is_closed = False
        self.kept: list[tuple[Message, ...]] = []

    async def events(self) -> AsyncGenerator[Event]:
        try:
            for event in self.first:
                yield event
            while (told := await self.more.get()) is not None:
                if isinstance(told, Exception):
                    raise told
                yield told
        finally:
            self.is_closed = True

    async def keep(self, messages: Sequence[Message]) -> None:
        self.kept.append(tuple(messages))

    def turn(self, keep: Callable[[Sequence[Message]], Awaitable[None]] | None = None) -> Turn:
        return Turn(question(), self.events(), keep or self.keep)


async def ended(turn: Turn) -> Finished:
    """Return the end of a turn whose log is well formed."""
    await asyncio.wait_for(turn.wait(), 10)
    assert isinstance(turn.log[0], Asked)
    assert [event for event in turn.log if isinstance(event, Finished)] == turn.log[-1:]
    end = turn.log[-1]
    assert isinstance(end, Finished)
    return end


async def until(turn: Turn, count: int) -> None:
    """Wait until the log has that many events."""
    async with aclosing(turn.watch()) as events:
        for _ in range(count):
            await anext(events)


async def test_a_turn_that_is_done_is_kept_and_then_told() -> None:
    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    teller.more.put_nowait(None)

    turn = teller.turn()
    end = await ended(turn)

    assert (end.outcome, end.error) == ("done", "")
    assert end.duration_s is not None
    assert [message.text for message in teller.kept[0]] == ["Hi"]
    assert teller.kept[0] == turn.reply.messages()


async def test_the_end_is_told_only_after_it_is_kept() -> None:
    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    teller.more.put_nowait(None)
    told_while_keeping: list[bool] = []

    async def keep(_: Sequence[Message]) -> None:
        await asyncio.sleep(0)
        told_while_keeping.append(turn.is_finished)

    turn = teller.turn(keep)
    await ended(turn)

    assert told_while_keeping == [False]


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([TextDelta("Hi"), TokensCounted(Usage(), "length")], "length"),
        ([ToolStarted(ToolCall("1", "f", {})), COUNTED, ToolFinished(ToolResult("1", "f", "no"))], "tool_limit"),
        ([ToolStarted(ToolCall("1", "f", {})), COUNTED, ToolFinished(ToolResult("1", "f", "x")), COUNTED], "done"),
    ],
)
async def test_how_a_turn_ends_follows_from_its_last_events(events: list[Event], outcome: str) -> None:
    teller = Teller(ASKED, *events)
    teller.more.put_nowait(None)

    end = await ended(teller.turn())

    assert end.outcome == outcome


async def test_an_error_ends_the_turn_with_its_text_and_kind() -> None:
    teller = Teller(ASKED, TextDelta("Hal"))
    teller.more.put_nowait(ModelUnreachable("Gone.\nStart it."))

    turn = teller.turn()
    end = await ended(turn)

    assert (end.outcome, end.error, end.error_kind) == ("failed", "Gone.\nStart it.", "ModelUnreachable")
    assert [(message.text, message.outcome) for message in teller.kept[0]] == [("Hal", "failed")]


async def test_a_bug_ends_the_turn_too_and_says_that_it_is_one() -> None:
    teller = Teller(ASKED)
    teller.more.put_nowait(ZeroDivisionError("oops"))

    end = await ended(teller.turn())

    assert end.outcome == "failed"
    assert "ZeroDivisionError: oops" in end.error
    assert "bug" in end.error
    assert len(teller.kept) == 1


async def test_an_event_that_cannot_be_folded_ends_the_turn_too() -> None:
    result_of_nothing = ToolFinished(ToolResult("1", "f", "x"))

    end = await ended(Teller(ASKED, result_of_nothing).turn())

    assert end.outcome == "failed"


async def test_what_fails_before_it_is_asked_still_begins_with_the_question() -> None:
    teller = Teller()
    teller.more.put_nowait(ModelUnreachable("Gone."))

    turn = teller.turn()
    await ended(turn)

    assert turn.log[0] == Asked(question(), "")
    assert [message.outcome for message in teller.kept[0]] == ["failed"]


async def test_cancelling_in_mid_stream_keeps_what_was_said_and_closes_the_events() -> None:
    teller = Teller(ASKED, TextDelta("Once upon"))
    turn = teller.turn()
    await until(turn, 2)

    turn.cancel()
    end = await ended(turn)

    assert end.outcome == "cancelled"
    assert teller.is_closed
    assert [(message.text, message.outcome) for message in teller.kept[0]] == [("Once upon", "cancelled")]


async def test_an_answer_that_was_complete_when_it_was_stopped_is_done() -> None:
    teller = Teller(ASKED, TextDelta("Yes."), TokensCounted(Usage(reply_tokens=2)))
    turn = teller.turn()
    await until(turn, 3)

    turn.cancel()
    end = await ended(turn)

    assert (end.outcome, turn.was_stopped) == ("done", True)


async def test_an_answer_that_was_stopped_before_its_tools_ran_is_cancelled() -> None:
    call = ToolStarted(ToolCall("1", "add", {}))
    teller = Teller(ASKED, TextDelta("Look."), call, TokensCounted(Usage(reply_tokens=2)))
    turn = teller.turn()
    await until(turn, 4)

    turn.cancel()

    assert (await ended(turn)).outcome == "cancelled"


async def test_what_could_not_be_stopped_is_told_at_the_end_and_kept() -> None:
    async def events() -> AsyncGenerator[Event]:
        yield ASKED
        yield ToolStarted(ToolCall("1", "hang", {}))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise ToolsGoOn("This goes on: hang.") from error

    teller = Teller()
    turn = Turn(question(), events(), teller.keep)
    await until(turn, 2)

    turn.cancel()
    end = await ended(turn)

    assert (end.outcome, end.error) == ("cancelled", "This goes on: hang.")
    assert [(message.outcome, message.error) for message in teller.kept[0]] == [("cancelled", "This goes on: hang.")]


async def test_cancelling_before_the_first_step_ends_it_as_any_other() -> None:
    teller = Teller(ASKED, TextDelta("Once upon"))
    turn = teller.turn()

    turn.cancel()
    end = await ended(turn)

    assert end.outcome == "cancelled"
    assert len(teller.kept) == 1


async def test_cancelling_twice_is_cancelling_once() -> None:
    is_keeping, may_go_on = asyncio.Event(), asyncio.Event()
    teller = Teller(ASKED, TextDelta("Once upon"))

    async def keep(messages: Sequence[Message]) -> None:
        is_keeping.set()
        await may_go_on.wait()
        await teller.keep(messages)

    turn = teller.turn(keep)
    await until(turn, 2)

    turn.cancel()
    turn.cancel()
    await is_keeping.wait()
    turn.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    end = await ended(turn)

    assert end.outcome == "cancelled"
    assert len(teller.kept) == 1


async def test_cancelling_a_turn_that_is_over_does_nothing() -> None:
    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn()
    await ended(turn)

    turn.cancel()
    await asyncio.sleep(0)

    assert (await ended(turn)).outcome == "done"


async def test_cancelling_a_turn_that_keeps_its_answer_does_not_undo_it() -> None:
    is_keeping, may_go_on = asyncio.Event(), asyncio.Event()

    async def keep(_: Sequence[Message]) -> None:
        is_keeping.set()
        await may_go_on.wait()

    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn(keep)
    await is_keeping.wait()

    turn.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    end = await ended(turn)

    assert end.outcome == "done"


async def test_a_turn_can_be_cancelled_from_another_thread() -> None:
    turn = Teller(ASKED, TextDelta("Once upon")).turn()
    await until(turn, 2)

    await asyncio.to_thread(turn.cancel)
    end = await ended(turn)

    assert end.outcome == "cancelled"


async def test_another_loop_can_wait_for_the_end() -> None:
    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    turn = teller.turn()
    is_waiting = threading.Event()

    async def wait() -> bool:
        is_waiting.set()
        await turn.wait()
        return turn.is_finished

    def elsewhere() -> bool:
        return asyncio.run(wait())

    waiting = asyncio.create_task(asyncio.to_thread(elsewhere))
    await asyncio.to_thread(is_waiting.wait)
    teller.more.put_nowait(None)

    assert await waiting


async def test_whoever_stops_waiting_stops_nothing() -> None:
    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    turn = teller.turn()
    waiting = asyncio.create_task(turn.wait())
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])
    teller.more.put_nowait(None)
    end = await ended(turn)

    assert end.outcome == "done"


async def test_a_store_that_fails_fails_the_turn_and_the_answer_stays() -> None:
    async def keep(_: Sequence[Message]) -> None:
        raise StoreError("The disk is full.")

    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn(keep)
    end = await ended(turn)

    assert (end.outcome, end.error, end.error_kind) == ("failed", "The disk is full.", "StoreError")
    assert end.duration_s is not None
    assert turn.reply.text == "Hi"


async def test_a_turn_that_fails_twice_tells_both_and_is_of_the_first_kind() -> None:
    async def keep(_: Sequence[Message]) -> None:
        raise StoreError("The disk is full.")

    teller = Teller(ASKED)
    teller.more.put_nowait(ModelUnreachable("Gone."))
    end = await ended(teller.turn(keep))

    assert (end.error, end.error_kind) == ("Gone.\nThe disk is full.", "ModelUnreachable")


def test_a_loop_that_ends_ends_the_turn_and_keeps_it() -> None:
    teller = Teller(ASKED, TextDelta("Once upon"))

    async def leave() -> Turn:
        turn = teller.turn()
        await until(turn, 2)
        return turn

    turn = asyncio.run(leave())

    assert turn.reply.outcome == "cancelled"
    assert isinstance(turn.log[-1], Finished)
    assert [message.text for message in teller.kept[0]] == ["Once upon"]


async def test_a_task_that_something_else_cancels_before_its_first_step_still_tells_its_end() -> None:
    turn = Teller(ASKED).turn()

    for task in asyncio.all_tasks() - {asyncio.current_task()}:  # as a loop does that ends
        task.cancel()
    end = await ended(turn)

    assert end.outcome == "cancelled"
    assert [type(event) for event in turn.log] == [Asked, Finished]


async def test_a_late_watcher_sees_everything_from_the_first_event() -> None:
    teller = Teller(ASKED, TextDelta("H"), TextDelta("i"), COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn()
    early = [event async for event in turn.watch()]

    late = [event async for event in turn.watch()]

    assert late == early == turn.log


async def test_a_watcher_that_leaves_disturbs_nobody() -> None:
    teller = Teller(ASKED, TextDelta("H"))
    turn = teller.turn()
    batches = turn.batches(lambda: 60.0)
    await anext(batches)
    watching = asyncio.ensure_future(anext(batches))
    await until(turn, 2)

    watching.cancel()
    await asyncio.wait([watching])
    teller.more.put_nowait(None)

    assert (await ended(turn)).outcome == "done"
    assert turn._watchers == set()


async def test_iterating_over_a_turn_is_watching_it() -> None:
    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn()

    seen = [event async for event in turn]

    assert seen == turn.log


async def test_awaiting_a_turn_gives_its_reply() -> None:
    teller = Teller(ASKED, TextDelta("Hi"), COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn()

    reply = await turn

    assert reply is turn.reply
    assert (reply.text, reply.outcome) == ("Hi", "done")


async def test_awaiting_a_turn_that_fails_raises_its_error() -> None:
    teller = Teller(ASKED)
    teller.more.put_nowait(ModelUnreachable("Gone."))
    turn = teller.turn()

    with pytest.raises(ModelUnreachable, match="Gone"):
        await turn


async def test_awaiting_a_turn_that_is_cancelled_gives_what_was_said() -> None:
    turn = Teller(ASKED, TextDelta("Once upon")).turn()
    await until(turn, 2)
    turn.cancel()

    reply = await turn

    assert (reply.text, reply.outcome) == ("Once upon", "cancelled")


async def test_whoever_is_stopped_while_awaiting_a_turn_stops_it_and_it_is_kept_before_they_go_on() -> None:
    teller = Teller(ASKED, TextDelta("Once upon"))

    async def keep(messages: Sequence[Message]) -> None:
        await asyncio.sleep(0.01)
        await teller.keep(messages)

    turn = teller.turn(keep)

    async def wait() -> None:
        await turn

    waiting = asyncio.create_task(wait())
    await until(turn, 2)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert turn.is_finished
    assert [message.outcome for message in teller.kept[0]] == ["cancelled"]


async def test_deltas_gather_and_what_a_person_waits_for_comes_at_once() -> None:
    teller = Teller(ASKED)
    turn = teller.turn()
    seen: list[Sequence[Event]] = []

    async with aclosing(turn.batches(lambda: 60.0)) as batches:
        teller.more.put_nowait(TextDelta("a"))
        seen.append(await anext(batches))  # the first words
        for text in "bcd":
            teller.more.put_nowait(TextDelta(text))
        teller.more.put_nowait(Waiting("stalled", 2.0))
        seen.append(await anext(batches))  # gathered until something else came

    assert seen[0] == (ASKED, TextDelta("a"))
    assert seen[1] == (TextDelta("b"), TextDelta("c"), TextDelta("d"), Waiting("stalled", 2.0))
    turn.cancel()
    await ended(turn)


async def test_the_question_alone_is_nothing_to_hurry_for() -> None:
    teller = Teller(ASKED)
    turn = teller.turn()

    async with aclosing(turn.batches(lambda: 60.0)) as batches:
        coming = asyncio.ensure_future(anext(batches))
        await until(turn, 1)
        await asyncio.sleep(0)
        assert not coming.done()
        teller.more.put_nowait(ThinkingDelta("hm"))
        batch = await coming

    assert batch == (ASKED, ThinkingDelta("hm"))
    turn.cancel()
    await ended(turn)


async def test_deltas_alone_come_when_the_interval_has_passed() -> None:
    teller = Teller(ASKED, TextDelta("a"))
    turn = teller.turn()

    async with aclosing(turn.batches(lambda: 0.01)) as batches:
        await anext(batches)
        teller.more.put_nowait(TextDelta("b"))
        batch = await asyncio.wait_for(anext(batches), 10)

    assert batch == (TextDelta("b"),)
    turn.cancel()
    await ended(turn)


async def test_a_delta_that_comes_after_the_interval_does_not_wait_for_another() -> None:
    teller = Teller(ASKED, TextDelta("a"))
    turn = teller.turn()

    async with aclosing(turn.batches(lambda: 0.0)) as batches:
        await anext(batches)
        coming = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0.01)
        teller.more.put_nowait(TextDelta("b"))
        batch = await asyncio.wait_for(coming, 10)

    assert batch == (TextDelta("b"),)
    turn.cancel()
    await ended(turn)


async def test_a_timer_that_comes_before_its_time_shows_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    # As on Windows, where timers have a resolution of 16 ms.
    teller = Teller(ASKED, TextDelta("a"))
    turn = teller.turn()
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    with monkeypatch.context() as patch:
        patch.setattr(loop, "call_at", lambda _, *rest, **options: call_at(loop.time(), *rest, **options))
        async with aclosing(turn.batches(lambda: 3_600.0)) as batches:
            await anext(batches)
            teller.more.put_nowait(TextDelta("b"))
            batch = await anext(batches)

    assert batch == (TextDelta("b"),)
    turn.cancel()
    await ended(turn)


async def test_the_first_words_come_without_the_flood_behind_them() -> None:
    teller = Teller(ASKED, *[TextDelta(str(n)) for n in range(1_000)])
    turn = teller.turn()
    await until(turn, 1_001)

    async with aclosing(turn.batches(lambda: 0.01)) as batches:
        first, rest = await anext(batches), await asyncio.wait_for(anext(batches), 10)

    assert len(first) < 100
    assert (*first, *rest) == tuple(turn.log)
    turn.cancel()
    await ended(turn)


async def test_a_late_watcher_gets_an_answer_that_is_over_at_once() -> None:
    teller = Teller(ASKED, *[TextDelta(str(n)) for n in range(1_000)], COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn()
    await ended(turn)

    batches = [batch async for batch in turn.batches(lambda: 60.0)]

    assert batches == [tuple(turn.log)]


async def test_the_last_words_come_before_the_answer_is_kept() -> None:
    teller = Teller(ASKED, TextDelta("a"))
    turn = teller.turn()

    async with aclosing(turn.batches(lambda: 60.0)) as batches:
        await anext(batches)
        await asyncio.sleep(0.01)  # three events in this time are no rush
        for event in (TextDelta("b"), COUNTED):
            teller.more.put_nowait(event)
        batch = await asyncio.wait_for(anext(batches), 10)

    assert batch == (TextDelta("b"), COUNTED)
    turn.cancel()
    await ended(turn)


async def test_the_last_words_of_an_answer_in_a_rush_come_with_the_end() -> None:
    teller = Teller(ASKED, *[TextDelta(str(n)) for n in range(1_000)])
    turn = teller.turn()

    async with aclosing(turn.batches(lambda: 60.0)) as batches:
        await anext(batches)
        for event in (TextDelta("b"), COUNTED, None):
            teller.more.put_nowait(event)
        batch = await anext(batches)

    assert batch[-2:] == (COUNTED, turn.log[-1])
    await ended(turn)


async def test_the_last_words_do_not_wait_for_an_end_that_takes_its_time() -> None:
    teller = Teller(ASKED, *[TextDelta(str(n)) for n in range(1_000)])
    turn = teller.turn()

    async with aclosing(turn.batches(lambda: 60.0)) as batches:
        await anext(batches)
        for event in (TextDelta("b"), COUNTED):
            teller.more.put_nowait(event)
        batch = await asyncio.wait_for(anext(batches), 10)

    assert batch[-1] == COUNTED
    turn.cancel()
    await ended(turn)


async def test_batches_hold_every_event_once() -> None:
    teller = Teller(ASKED, *[TextDelta(str(n)) for n in range(100)], COUNTED)
    teller.more.put_nowait(None)
    turn = teller.turn()

    batches = [batch async for batch in turn.batches(lambda: 0.001)]

    assert [event for batch in batches for event in batch] == turn.log
    assert all(batches)


async def test_a_turn_leaves_no_task_behind() -> None:
    turn = Teller(ASKED, TextDelta("Once upon")).turn()
    await until(turn, 2)
    turn.cancel()
    await ended(turn)

    assert asyncio.all_tasks() == {asyncio.current_task()}
