"""Code that is not ours is waited for, and given up on in time."""

from __future__ import annotations

import contextvars
import signal
import threading

import pytest

from chatnb.context.summaries.patience import Patience

LONG_S = 30.0


def test_a_result_comes_back() -> None:
    assert Patience(LONG_S).call(lambda: 3) == 3


def test_an_error_comes_back_and_what_would_end_the_program_as_an_error() -> None:
    patience = Patience(LONG_S)

    with pytest.raises(ZeroDivisionError):
        patience.call(lambda: 1 // 0)
    with pytest.raises(RuntimeError, match="SystemExit"):
        patience.call(exit)


def test_a_loop_is_given_up_and_dies() -> None:
    threads: list[threading.Thread] = []

    def loop() -> None:
        threads.append(threading.current_thread())
        while True:
            pass

    with pytest.raises(TimeoutError):
        Patience(0.02).call(loop)

    threads[0].join(LONG_S)
    assert not threads[0].is_alive()


def test_a_wait_is_given_up() -> None:
    end = threading.Event()

    try:
        with pytest.raises(TimeoutError):
            Patience(0.02).call(end.wait)
    finally:
        end.set()


def test_where_no_time_is_left_nothing_is_called() -> None:
    calls: list[int] = []

    with pytest.raises(TimeoutError):
        Patience(0).call(lambda: calls.append(1))

    assert calls == []


def test_a_call_within_a_call_is_on_the_same_thread() -> None:
    patience = Patience(LONG_S)

    inner, outer = patience.call(lambda: (patience.call(threading.get_ident), threading.get_ident()))

    assert inner == outer != threading.get_ident()


def test_the_context_of_the_caller_is_seen() -> None:
    name = contextvars.ContextVar("name", default="")
    name.set("ours")

    assert Patience(LONG_S).call(name.get) == "ours"


def test_it_works_away_from_the_main_thread_and_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[1]
    results: list[int] = []

    thread = threading.Thread(target=lambda: results.append(Patience(LONG_S).call(lambda: 3)))
    thread.start()
    thread.join(LONG_S)

    assert results == [3]
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[1]) == before
