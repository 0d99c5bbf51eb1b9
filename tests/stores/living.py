"""Kernels, a console and an import that live on one store at once, and are killed: `python -m tests.stores.living`.

Like crowd.py, but with everything that a user does to sessions. Each process reports as JSON what it is about to do, and
when that has returned what the session is then: what was acknowledged must never be lost. It judges nothing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from chatnb.errors import SessionNotFound
from chatnb.imports.files import read_sessions
from chatnb.messages import ARCHIVED, TRASHED, Json, SessionInfo, new_id
from chatnb.sessions import Sessions
from chatnb.stores.tinydb import TinyStore
from chatnb.transfer import export_sessions, import_sessions

from .crowd import fork, whole
from .examples import asked, said

Report = Callable[[str], None]


def main(folder: str, rounds: str, shared: str, exported: str) -> None:
    """In each round let two kernels, a console and an import live until each is killed; print what they reported."""
    chance = random.Random(3)  # noqa: S311 - moments, not secrets
    reports = []
    for number in range(int(rounds)):
        roles: list[tuple[Any, ...]] = [
            (kernel, number, shared),
            (kernel, ~number, shared),
            (console,),
            (importing, exported),
        ]
        running = [fork(role, folder, *args) for role, *args in roles]
        for pid, pipe in chance.sample(running, len(running)):
            report = [pipe.readline() for _ in range(chance.randrange(12))]
            time.sleep(chance.uniform(0, 0.004))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            reports.append([json.loads(line) for line in whole(report + pipe.readlines())])
            pipe.close()
    sys.stdout.write(json.dumps(reports))


def kernel(report: Report, folder: str, seed: int, shared: str) -> None:
    """Do all that there is, at random, to sessions of its own; and ask in one that all share."""
    chance = random.Random(seed)  # noqa: S311
    sessions = Sessions(TinyStore(folder), place=f"kernel {seed}")
    together = sessions.load(shared)
    while True:
        if not sessions.history(sessions.current):
            acknowledged(report, sessions, sessions.current.id, "ask", lambda: turn(sessions))
        aside = [info for info in sessions.all(ARCHIVED, TRASHED) if info.place == sessions.place]
        is_aside = bool(aside) and chance.random() < 0.4
        name, do = chance.choice(list((ASIDE if is_aside else HERE).items()))
        info = aside[0] if is_aside else sessions.find(sessions.current.id)
        acknowledged(report, sessions, info.id, name, partial(do, sessions, info))
        message = asked(shared)
        sessions.keep(together, message)
        report(json.dumps({"shared": message.id}))


def console(report: Report, folder: str) -> None:
    """List, search and export what is there, and delete sessions for good."""
    sessions = Sessions(TinyStore(folder))
    while True:
        sessions.new("For the console")
        turn(sessions)
        info = sessions.find(sessions.current.id)
        acknowledged(report, sessions, info.id, "trash", partial(sessions.set_state, info, TRASHED))
        acknowledged(report, sessions, info.id, "purge", partial(sessions.delete, info))
        export_sessions(sessions, "-", every=True, format_name="json")
        sessions.search(["mean"])


def importing(report: Report, folder: str, exported: str) -> None:
    """Import a file again and again, and delete for good one of the sessions that it brings."""
    sessions = Sessions(TinyStore(folder))
    while True:
        for each in read_sessions(Path(exported))[1]:
            report(json.dumps({"id": each.id, "does": "import"}))
        imported = import_sessions(sessions, exported)
        for one in imported:
            report(json.dumps({"id": one.session.id, "is": state_of(sessions, one.session.id)}))
        info = sessions.find(imported[0].session.id)
        acknowledged(report, sessions, info.id, "purge", partial(sessions.delete, info))


def acknowledged(report: Report, sessions: Sessions, session_id: str, name: str, do: Callable[[], object]) -> None:
    """Do something to a session, and report it before and what the session is after it."""
    report(json.dumps({"id": session_id, "does": name}))
    do()
    report(json.dumps({"id": session_id, "is": state_of(sessions, session_id)}))
    if name == "fork":
        report(json.dumps({"id": sessions.current.id, "is": state_of(sessions, sessions.current.id)}))


def state_of(sessions: Sessions, session_id: str) -> dict[str, Json] | None:
    """Return all of a session that may not be lost, as JSON; None if there is none."""
    try:
        session = sessions.whole(session_id)
    except SessionNotFound:
        return None
    fields = {"title": session.title, "tags": session.tags, "state": session.state, "tip": session.tip}
    plain: dict[str, Json] = json.loads(json.dumps(fields | {"said": [message.id for message in session.messages]}))
    return plain


def turn(sessions: Sessions, instead_of: str = "") -> None:
    """Ask and answer, as a chat keeps it."""
    session = sessions.current
    question = replace(asked(session.id), after=sessions.follows(session, instead_of=instead_of))
    sessions.keep(session, question)
    answer = replace(said(session.id), turn_id=question.turn_id)
    sessions.store.checkpoint(session.id, answer)
    sessions.keep(session, question, answer)


HERE: dict[str, Callable[[Sessions, SessionInfo], object]] = {
    "ask": lambda sessions, _: turn(sessions),
    "edit": lambda sessions, _: turn(sessions, sessions.question()[1].turn_id),
    "undo": lambda sessions, _: sessions.undo(),
    "fork": lambda sessions, _: sessions.fork(title=f"{len(sessions.history(sessions.current))} messages"),
    "rename": lambda sessions, _: sessions.update(title=new_id()),
    "tag": lambda sessions, _: sessions.update(tags=(*sessions.current.tags, new_id())),
    "archive": lambda sessions, info: sessions.set_state(info, ARCHIVED),
    "trash": lambda sessions, info: sessions.set_state(info, TRASHED),
}
"""What a kernel does to its current session."""

ASIDE: dict[str, Callable[[Sessions, SessionInfo], object]] = {
    "restore": lambda sessions, info: sessions.set_state(info, ""),
    "purge": lambda sessions, info: sessions.delete(info),
}
"""What it does to one that was put aside."""


if __name__ == "__main__":
    main(*sys.argv[1:])
