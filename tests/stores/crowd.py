"""Processes that write to one store at once, and are killed: a program of its own, `python -m tests.stores.crowd`.

It imports everything once and forks its writers, so that hundreds of them cost no more than their writing. Each writer
reports an id only after the store's call for it has returned; what is reported must never be lost. The program prints
what was reported as JSON, and judges nothing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import IO

from tinydb import TinyDB

from chatnb.stores.tinydb import TinyStore

from .examples import asked, said


def main(command: str, *args: str) -> None:
    """Run one of the functions below."""
    commands: dict[str, Callable[..., object]] = {"kill": kill, "together": together, "plain": plain}
    sys.stdout.write(json.dumps(commands[command](*args)))


def kill(folder: str, writers: str, rounds: str, *sessions: str) -> list[list[str]]:
    """In each round let writers write until each is killed at a moment of its own; return what they reported."""
    chance = random.Random(2)  # noqa: S311 - moments, not secrets
    reports = []
    for _ in range(int(rounds)):
        running = [fork(write_for_ever, folder, sessions) for _ in range(int(writers))]
        for pid, pipe in running:
            # After a few reports, since a busy machine needs its time to come so far, and then somewhere in between.
            report = [pipe.readline() for _ in range(chance.randrange(6))]
            time.sleep(chance.uniform(0, 0.004))
            os.kill(pid, signal.SIGKILL)
            if os.waitpid(pid, 0)[1] != signal.SIGKILL:
                msg = "a writer ended before it was killed"
                raise RuntimeError(msg)
            reports.append(whole(report + pipe.readlines()))
            pipe.close()
    return reports


def together(folder: str, writers: str, times: str, *sessions: str) -> list[list[str]]:
    """Let writers write to the sessions at once, so many times each, and return what they reported."""
    return all_at_once([(write, folder, sessions, int(times)) for _ in range(int(writers))])


def plain(path: str, writers: str, times: str) -> list[list[str]]:
    """Do what `together` does, with TinyDB's own storage."""
    return all_at_once([(write_plainly, path, int(times)) for _ in range(int(writers))])


def write_for_ever(report: Callable[[str], None], folder: str, sessions: Iterable[str]) -> None:
    while True:
        write(report, folder, sessions, 1)


def write(report: Callable[[str], None], folder: str, sessions: Iterable[str], times: int) -> None:
    """Do as a chat does, in each session by turns: a question, a checkpoint of its answer, the answer."""
    store = TinyStore(folder)
    for _ in range(times):
        for session in sessions:
            question, answer = asked(session), said(session)
            store.append(session, question)
            report(question.id)
            store.checkpoint(session, answer)
            report(answer.id)
            store.append(session, answer)
            report(answer.id)
    store.close()


def write_plainly(report: Callable[[str], None], path: str, times: int) -> None:
    # A writer that meets what another one has half written ends there.
    with suppress(ValueError), TinyDB(path) as database:
        for _ in range(times):
            message = asked("plain")
            database.table("messages").insert({"id": message.id, "text": message.text})
            report(message.id)


def all_at_once(tasks: Iterable[tuple[object, ...]]) -> list[list[str]]:
    """Fork a writer for each task and start them in the same moment; return what they reported."""
    gate, starter = os.pipe()
    running = [fork(after, gate, starter, *task) for task in tasks]
    os.close(starter)
    reports = [whole(pipe.readlines()) for _, pipe in running]
    for pid, pipe in running:
        pipe.close()
        os.waitpid(pid, 0)
    return reports


def after(report: Callable[[str], None], gate: int, starter: int, task: Callable[..., None], *args: object) -> None:
    os.close(starter)
    os.read(gate, 1)  # until the parent closes its end
    task(report, *args)


def fork(task: Callable[..., None], *args: object) -> tuple[int, IO[str]]:
    """Run a task in a new process, which ends with it; return its number and the pipe with what it reports."""
    end, begin = os.pipe()
    if pid := os.fork():
        os.close(begin)
        return pid, open(end, encoding="ascii")  # noqa: PTH123 - a descriptor; the caller closes it
    try:
        task(lambda text: os.write(begin, f"{text}\n".encode()), *args)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent's code may not run on in this process
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    os._exit(0)


def whole(lines: Iterable[str]) -> list[str]:
    """Return the lines that have their end: a writer killed in its report has not reported."""
    return [line.rstrip("\n") for line in lines if line.endswith("\n")]


if __name__ == "__main__":
    main(*sys.argv[1:])
