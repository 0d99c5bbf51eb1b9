"""Two threads meet, and an interrupt at any moment leaves everything in its place."""

import asyncio
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import CancelledError
from functools import partial

import pytest

from chatnb.portal import Portal


def interrupt() -> None:
    """Press Ctrl-C, as far as this process can tell."""
    os.kill(os.getpid(), signal.SIGINT)


def once(event: threading.Event, do: Callable[[], object]) -> threading.Thread:
    """Return a thread that does something when the event comes; it runs."""

    def wait() -> None:
        event.wait()
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.fixture
def portal() -> Iterator[Portal]:
    before = set(threading.enumerate())
    handler = signal.getsignal(signal.SIGINT)
    portal = Portal()
    yield portal
    portal.close()
    assert set(threading.enumerate()) <= before
    assert signal.getsignal(signal.SIGINT) is handler


def name_of_thread() -> str:
    return threading.current_thread().name


class Stream:
    """Yields numbers until it is told to stop, and notes how it was left."""

    def __init__(self, count: int = 1_000_000) -> None:
        self.count = count
        self.seen: list[int] = []
        self.threads: set[str] = set()
        self.is_closed = False
        self.is_cancelled = False
        self._stop = False

    async def source(self) -> AsyncGenerator[int]:
        self.threads.add(name_of_thread())
        try:
            for number in range(self.count):
                if self._stop:
                    yield -1
                    return
                yield number
                await asyncio.sleep(0.001)
        finally:
            self.is_closed = True

    def stop(self) -> None:
        self.threads.add(name_of_thread())
        self.is_cancelled = self._stop = True

    def note(self, number: int) -> None:
        self.seen.append(number)


async def current_thread_name() -> str:
    return name_of_thread()


async def rounds() -> None:
    """Let the loop do all that was handed over to it before, and what follows from that."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_nothing_is_started_before_it_is_needed() -> None:
    before = threading.active_count()

    portal = Portal()

    assert threading.active_count() == before
    portal.close()


def test_a_call_runs_on_the_loops_thread_and_gives_its_result(portal: Portal) -> None:
    name = portal.call(current_thread_name())

    assert name == "chatnb"


def test_a_calls_error_comes_back(portal: Portal) -> None:
    async def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        portal.call(fail())


def test_what_is_submitted_runs_while_the_caller_goes_on(portal: Portal) -> None:
    future = portal.submit(asyncio.sleep(0, "done"))

    assert future.result(60) == "done"


def test_everything_followed_comes_in_order_on_the_callers_thread(portal: Portal) -> None:
    stream = Stream(20)
    threads: set[str] = set()

    def each(number: int) -> None:
        stream.note(number)
        threads.add(name_of_thread())

    portal.follow(stream.source, each, stream.stop)

    assert stream.seen == list(range(20))
    assert threads == {threading.main_thread().name}
    assert stream.threads == {"chatnb"}
    assert stream.is_closed
    assert not stream.is_cancelled


def test_an_error_of_the_source_comes_back_after_all_that_came_before(portal: Portal) -> None:
    seen: list[int] = []

    async def source() -> AsyncGenerator[int]:
        yield 1
        yield 2
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        portal.follow(source, seen.append)

    assert seen == [1, 2]


def test_a_source_that_cannot_even_begin_says_so(portal: Portal) -> None:
    def source() -> AsyncGenerator[int]:
        raise LookupError("no source")

    with pytest.raises(LookupError, match="no source"):
        portal.follow(source, print)


def test_an_error_while_showing_cancels_the_source(portal: Portal) -> None:
    stream = Stream()

    def each(_: int) -> None:
        raise LookupError("no screen")

    with pytest.raises(LookupError, match="no screen"):
        portal.follow(stream.source, each, stream.stop)

    portal.close()
    assert stream.is_cancelled
    assert stream.is_closed


def test_the_first_interrupt_cancels_softly(portal: Portal) -> None:
    stream = Stream()

    def each(number: int) -> None:
        stream.note(number)
        if number == 3:
            interrupt()

    portal.follow(stream.source, each, stream.stop)

    assert stream.is_cancelled
    assert stream.seen[-1] == -1  # the source ended by itself, and its end was followed
    assert stream.threads == {"chatnb"}


def test_an_interrupt_while_nothing_comes_cancels_too(portal: Portal) -> None:
    is_waiting = threading.Event()
    stop = asyncio.Event()

    async def source() -> AsyncGenerator[str]:
        is_waiting.set()
        await stop.wait()
        yield "the end"

    seen: list[str] = []
    presser = once(is_waiting, interrupt)

    portal.follow(source, seen.append, stop.set)

    presser.join()
    assert seen == ["the end"]


def test_the_second_interrupt_raises_and_nothing_is_shown_any_more(portal: Portal) -> None:
    stream = Stream()

    def each(number: int) -> None:
        stream.note(number)
        if number == 3:
            interrupt()
            interrupt()

    with pytest.raises(KeyboardInterrupt):
        portal.follow(stream.source, each, lambda: None)

    portal.close()
    assert stream.seen == [0, 1, 2, 3]
    assert stream.is_closed


def test_without_a_cancel_an_interrupt_closes_the_source_and_raises(portal: Portal) -> None:
    stream = Stream()

    def each(number: int) -> None:
        if number == 3:
            interrupt()

    with pytest.raises(KeyboardInterrupt):
        portal.follow(stream.source, each)

    assert stream.is_closed  # before it was raised


def test_an_interrupt_before_the_source_is_called_cancels_what_it_starts(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    stop = asyncio.Event()
    portal.call(asyncio.sleep(0))
    loop = portal._running_loop()
    call_soon_threadsafe = loop.call_soon_threadsafe

    def interrupted_first(callback: Callable[..., object], *args: object) -> object:
        monkeypatch.undo()
        interrupt()  # nothing has been handed over to the loop yet
        return call_soon_threadsafe(callback, *args)

    async def source() -> AsyncGenerator[str]:
        order.append("source")
        await stop.wait()
        yield "end"

    def cancel() -> None:
        order.append("cancel")
        stop.set()

    monkeypatch.setattr(loop, "call_soon_threadsafe", interrupted_first)

    portal.follow(source, order.append, cancel)

    assert order == ["source", "cancel", "end"]


def test_an_interrupted_call_is_cancelled_and_waited_for(portal: Portal) -> None:
    is_waiting = threading.Event()
    ended: list[str] = []

    async def endless() -> None:
        is_waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append("tidied")

    presser = once(is_waiting, interrupt)

    with pytest.raises(KeyboardInterrupt):
        portal.call(endless())

    presser.join()
    assert ended == ["tidied"]


def test_a_call_that_will_not_end_is_left_at_the_second_interrupt(portal: Portal) -> None:
    is_waiting, is_stubborn, may_end = threading.Event(), threading.Event(), threading.Event()

    async def stubborn() -> None:
        is_waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            is_stubborn.set()
            await asyncio.to_thread(may_end.wait)

    def press() -> None:
        is_waiting.wait()
        interrupt()
        is_stubborn.wait()
        interrupt()

    presser = threading.Thread(target=press)
    presser.start()

    with pytest.raises(KeyboardInterrupt):
        portal.call(stubborn())

    presser.join()
    may_end.set()


def test_a_call_that_another_thread_cancels_is_no_interrupt(portal: Portal) -> None:
    is_waiting = threading.Event()

    async def endless() -> None:
        is_waiting.set()
        await asyncio.Event().wait()

    closer = once(is_waiting, portal.close)

    with pytest.raises(CancelledError):
        portal.call(endless())

    closer.join()


def test_a_job_runs_on_the_kernel_thread_while_its_cell_waits(portal: Portal) -> None:
    name = portal.call(portal.on_kernel(name_of_thread))

    assert name == threading.main_thread().name


def test_a_job_of_before_the_wait_runs_when_somebody_waits(portal: Portal) -> None:
    future = portal.submit(portal.on_kernel(name_of_thread))
    portal.submit(rounds()).result(60)  # nobody works on the inbox meanwhile

    portal.call(asyncio.sleep(0))

    assert future.result(60) == threading.main_thread().name


def test_a_job_runs_between_what_is_followed(portal: Portal) -> None:
    seen: list[str] = []

    async def source() -> AsyncGenerator[str]:
        yield "before"
        yield await portal.on_kernel(lambda: "made by the job")
        yield "after"

    portal.follow(source, seen.append)

    assert seen == ["before", "made by the job", "after"]


def test_a_jobs_arguments_reach_it(portal: Portal) -> None:
    result = portal.call(portal.on_kernel(int, "ff", base=16))

    assert result == 255


def test_what_needs_no_cell_is_done_when_the_kernel_thread_is_idle(portal: Portal) -> None:
    handed: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    begun: list[str] = []
    portal.tend(handed.put)

    future = portal.submit(portal.on_idle_kernel(name_of_thread, lambda: begun.append(name_of_thread())))
    handed.get(timeout=60)()

    assert future.result(60) == "MainThread"
    assert begun == ["chatnb"]


def test_a_cell_that_waits_does_what_needs_none(portal: Portal) -> None:
    handed: list[Callable[[], object]] = []
    portal.tend(handed.append)

    name = portal.call(portal.on_idle_kernel(name_of_thread, lambda: None))
    handed[0]()  # there is nothing left to do

    assert name == "MainThread"


def test_what_needs_a_cell_is_left_to_the_next_one(portal: Portal) -> None:
    handed: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    done: list[str] = []
    portal.tend(handed.put)
    in_cell = portal.submit(portal.on_kernel(done.append, "in a cell"))
    between = portal.submit(portal.on_idle_kernel(partial(done.append, "between cells"), lambda: None))
    handed.get(timeout=60)()
    between.result(60)
    assert done == ["between cells"]

    portal.call(portal.on_kernel(done.append, "in the next"))

    in_cell.result(60)
    assert done == ["between cells", "in a cell", "in the next"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LookupError("gone"), LookupError),
        (StopIteration("gone"), RuntimeError),
        (SystemExit("gone"), RuntimeError),
        (asyncio.CancelledError("gone"), RuntimeError),
        (GeneratorExit("gone"), RuntimeError),
        (KeyboardInterrupt("gone"), RuntimeError),
    ],
)
def test_a_jobs_error_comes_back_and_the_loop_lives_on(
    portal: Portal, error: BaseException, kind: type[Exception]
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(kind, match="gone"):
        portal.call(portal.on_kernel(fail))

    assert portal.call(asyncio.sleep(0, "alive")) == "alive"


def test_an_interrupt_in_a_job_interrupts_the_users_code_and_cancels(portal: Portal) -> None:
    stop = asyncio.Event()
    reached: list[str] = []

    def users_code() -> None:
        interrupt()
        time.sleep(60)
        reached.append("the end of it")

    async def source() -> AsyncGenerator[str]:
        try:
            await portal.on_kernel(users_code)
        except RuntimeError as error:
            yield str(error)
        await stop.wait()
        yield "cancelled"

    seen: list[str] = []

    portal.follow(source, seen.append, stop.set)

    assert reached == []
    assert seen[0].startswith("KeyboardInterrupt")
    assert seen[-1] == "cancelled"


def test_a_job_may_itself_wait_for_the_portal(portal: Portal) -> None:
    def nested() -> str:
        return portal.call(asyncio.sleep(0, "inner"))

    result = portal.call(portal.on_kernel(nested))

    assert result == "inner"


def test_an_interrupt_in_a_wait_within_a_job_is_soft(portal: Portal) -> None:
    inner = Stream()

    def each(number: int) -> None:
        inner.note(number)
        if number == 3:
            interrupt()

    def nested() -> str:
        portal.follow(inner.source, each, inner.stop)
        return "ended by itself"

    result = portal.call(portal.on_kernel(nested))

    assert result == "ended by itself"
    assert inner.seen[-1] == -1


def test_a_job_that_nobody_wants_any_more_is_not_run(portal: Portal) -> None:
    ran: list[int] = []
    future = portal.submit(portal.on_kernel(partial(ran.append, 1)))
    portal.submit(rounds()).result(60)  # nobody works on the inbox meanwhile

    future.cancel()
    portal.submit(rounds()).result(60)
    portal.call(asyncio.sleep(0))

    assert ran == []


def test_another_thread_follows_too_and_draws_what_is_its_own(portal: Portal) -> None:
    mine, theirs = Stream(30), Stream(30)
    threads: dict[str, set[str]] = {"mine": set(), "theirs": set()}

    def show(whose: str, stream: Stream, number: int) -> None:
        threads[whose].add(name_of_thread())
        stream.note(number)

    other = threading.Thread(target=lambda: portal.follow(theirs.source, partial(show, "theirs", theirs)), name="other")
    other.start()
    portal.follow(mine.source, partial(show, "mine", mine))
    other.join()

    assert threads == {"mine": {threading.main_thread().name}, "theirs": {"other"}}
    assert mine.seen == theirs.seen == list(range(30))


def test_another_thread_leaves_the_interrupts_alone(portal: Portal) -> None:
    handler = signal.getsignal(signal.SIGINT)
    handlers: list[object] = []

    other = threading.Thread(
        target=lambda: portal.follow(Stream(3).source, lambda _: handlers.append(signal.getsignal(signal.SIGINT)))
    )
    other.start()
    other.join()

    assert handlers == [handler] * 3


def test_a_job_of_a_cell_runs_on_the_kernel_thread_even_if_another_waits(portal: Portal) -> None:
    name: list[str] = []
    other = threading.Thread(target=lambda: name.append(portal.call(portal.on_kernel(name_of_thread))))
    other.start()

    while other.is_alive():
        portal.call(asyncio.sleep(0.01))

    other.join()
    assert name == [threading.main_thread().name]


def test_who_ignores_interrupts_goes_on_ignoring_them(portal: Portal) -> None:
    stream = Stream(10)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)

    try:
        portal.follow(stream.source, lambda _: interrupt(), stream.stop)
    finally:
        signal.signal(signal.SIGINT, before)

    assert not stream.is_cancelled


def test_waiting_on_the_loops_own_thread_is_refused(portal: Portal) -> None:
    async def wrong() -> None:
        portal.call(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match=r"await chat\.ask"):
        portal.call(wrong())


def test_closing_cancels_what_runs_and_waits_until_it_has_tidied_up() -> None:
    portal = Portal()
    is_waiting = threading.Event()
    ended: list[str] = []

    async def endless() -> None:
        is_waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append("tidied")

    portal.submit(endless())
    is_waiting.wait()

    portal.close()

    assert ended == ["tidied"]
    assert "chatnb" not in {thread.name for thread in threading.enumerate()}


def test_closing_runs_a_job_that_tidying_up_needs() -> None:
    portal = Portal()
    is_waiting = threading.Event()
    ran: list[str] = []

    async def needs_the_kernel() -> None:
        is_waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            await portal.on_kernel(lambda: ran.append(name_of_thread()))

    portal.submit(needs_the_kernel())
    is_waiting.wait()

    portal.close()

    assert ran == [threading.main_thread().name]


def test_a_closed_portal_can_be_used_again() -> None:
    portal = Portal()
    portal.call(asyncio.sleep(0))
    portal.close()

    name = portal.call(current_thread_name())

    assert name == "chatnb"
    portal.close()


def test_closing_twice_is_closing_once() -> None:
    portal = Portal()
    portal.call(asyncio.sleep(0))

    portal.close()
    portal.close()

    assert "chatnb" not in {thread.name for thread in threading.enumerate()}


STORM = """
import asyncio, random, signal, sys, threading, time
from chatnb.portal import Portal

portal = Portal()
portal.call(asyncio.sleep(0))
random.seed(int(sys.argv[1]))
outcomes = {"ended": 0, "raised": 0}
cancelled = 0
is_armed = False

def default(*_):
    # As Python's own, but only around the wait: anywhere else it may land between two lines of this script.
    global is_armed
    if is_armed:
        is_armed = False
        raise KeyboardInterrupt

signal.signal(signal.SIGINT, default)

class Source:
    def __init__(self):
        self.is_stopped = False
    async def items(self):
        for number in range(5):
            if self.is_stopped:
                return
            yield number
            await asyncio.sleep(0.0003)
            if number == 2:
                await portal.on_kernel(lambda: sum(range(200)))
    def stop(self):
        global cancelled
        cancelled += 1
        self.is_stopped = True

async def left():
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

def press(go, done, delays):
    go.wait()
    for delay in delays:
        time.sleep(delay)
        # To this very thread: one to the process may be handed over long after.
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    done.set()

for trial in range(int(sys.argv[2])):
    delays = [random.uniform(0, 0.003) for _ in range(random.choice([1, 1, 2]))]
    go, done = threading.Event(), threading.Event()
    threading.Thread(target=press, args=(go, done, delays)).start()
    source = Source()
    try:
        is_armed = True
        go.set()
        portal.follow(source.items, lambda _: None, source.stop)
        is_armed = False
        outcomes["ended"] += 1
    except KeyboardInterrupt:
        is_armed = False  # the portal's own was it, and the second press is still to come
        outcomes["raised"] += 1
    while not done.is_set():
        time.sleep(0.0005)
    assert signal.getsignal(signal.SIGINT) is default, trial

# Tasks of waits that were left tidy up by themselves.
for _ in range(100):
    tasks = portal.call(left())
    if not tasks:
        break
    time.sleep(0.01)
assert not tasks, tasks
seen = []
async def last():
    yield "still works"
portal.follow(last, seen.append)
assert seen == ["still works"]
portal.close()
assert [thread.name for thread in threading.enumerate()] == ["MainThread"], threading.enumerate()
print(outcomes["ended"], outcomes["raised"], cancelled)
"""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_interrupts_at_random_moments_leave_everything_in_its_place(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STORM, str(seed), "400"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.stderr == ""
    ended, raised, cancelled = map(int, done.stdout.split())
    assert ended > 0
    assert raised > 0
    assert cancelled > 0
