"""The life of a fork in which code is tried out: cut off from everything, it runs the code, reports, and dies.

What is done to the process here is for good, since it ends with it. Nothing that is not this thread's works in it: the
kernel's sockets belong to threads that are not there, and are closed first of all.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from ..context.summaries import summarize
from ..context.summaries.texts import clip
from .landlock import forbid_writing
from .running import run_code
from .touching import names_in
from .undo import Undo

_LINE = 200  # characters that say what a variable is
_MOST = 100  # variables, and things that were refused

_WRITES = {
    "os.remove": "remove",
    "os.rename": "rename",
    "os.rmdir": "remove the folder",
    "os.mkdir": "make the folder",
    "os.link": "link",
    "os.symlink": "link",
    "os.truncate": "cut",
    "os.chmod": "change the rights of",
    "os.chown": "change the owner of",
    "os.utime": "change the time of",
    "os.setxattr": "change",
    "sqlite3.connect": "open the database",
}
_OTHERS = {  # with the argument that says what
    "subprocess.Popen": ("run", 1),
    "os.system": ("run", 0),
    "os.exec": ("run", 0),
    "os.posix_spawn": ("run", 0),
    "os.fork": ("fork the process", None),
    "os.forkpty": ("fork the process", None),
    "os.kill": ("signal the process", 0),
    "os.killpg": ("signal the processes", 0),
    "socket.connect": ("connect to", 1),
    "socket.bind": ("listen at", 1),
    "socket.sendto": ("send to", 1),
    "socket.sendmsg": ("send to", 1),
    "socket.getaddrinfo": ("look up", 0),
    "socket.gethostbyname": ("look up", 0),
}
_MEMORY = {":memory:", ""}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the code may take: seconds, and bytes on top of what the process has."""

    time_s: float
    memory_bytes: int


def live_and_die(code: str, shell: Any, writer: int, limits: Limits) -> NoReturn:
    """Run code, write a report as JSON to `writer`, and end the process, without any of its tidying up."""
    status = 1
    try:
        refused: list[str] = []
        _cut_off(shell, writer)
        _limit(limits)
        is_certain = forbid_writing()
        sys.addaudithook(_refusing(refused))
        report = json.dumps({**_run(code, shell, is_certain=is_certain), "refused": refused[:_MOST]}).encode()
        while report:
            report = report[os.write(writer, report) :]
        status = 0
    finally:
        os._exit(status)  # whatever comes: nothing of the parent's is to be unwound or flushed here


def _cut_off(shell: Any, writer: int) -> None:
    """Leave the parent's group, its signals and everything that it has open."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    gc.freeze()  # what the parent left is never collected: it may close sockets, or remove folders
    sys.dont_write_bytecode = True
    with suppress(ImportError, AttributeError):  # IPython's own loop shares its descriptor with the parent's
        from IPython.core import async_helpers  # noqa: PLC0415 - may move; then a new one is made anyway

        async_helpers._asyncio_event_loop = None  # noqa: SLF001
    if kernel := getattr(shell, "kernel", None):
        kernel.session.send = lambda *_, **__: None  # every message of a kernel goes this way
        kernel._allow_stdin = False  # noqa: SLF001 - as for a front end that has nobody to answer
    shell.system = shell.getoutput = lambda command, *_, **__: sys.audit("os.system", command)  # `!` opens a terminal
    shell.InteractiveTB.set_mode(mode="Minimal")  # where the trial itself refused it, is of no interest
    for stream in {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__} - {None}:
        for name in ("write", "flush"):  # what is printed is noted before it comes here
            setattr(stream, name, lambda *texts: sum(map(len, texts)))
    # A folder can be neither read nor written: what a file or a connection of the parent's does fails, and moves nothing.
    nothing = os.open(os.sep, os.O_RDONLY)
    for descriptor in _descriptors():
        if descriptor not in (0, 1, 2, writer, nothing):
            with suppress(OSError):
                os.dup2(nothing, descriptor)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _descriptors() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 - names alone
    except OSError:
        return list(range(3, 1_024))


def _limit(limits: Limits) -> None:
    import resource  # noqa: PLC0415 - POSIX has it alone

    with suppress(OSError, ValueError):  # no /proc
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            taken = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + limits.memory_bytes,) * 2)
    seconds = int(limits.time_s) + 1
    for which, limit in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        with suppress(OSError, ValueError):
            resource.setrlimit(which, (limit, limit))


def _refusing(refused: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that refuses, and notes, what leaves traces outside of the process.

    The events: https://docs.python.org/3/library/audit_events.html
    """

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if tried := _tried(event, arguments):
            if len(refused) < _MOST and tried not in refused:
                refused.append(tried)
            raise PermissionError(f"This is a trial, so it may not {tried}.")

    return hook


def _tried(event: str, arguments: tuple[Any, ...]) -> str:
    """Return in words what is to be refused of an event; empty if it may be."""
    if event == "open":
        path, mode, flags = arguments
        # With os.open there is no mode, and `flags` says all; some versions give the flags alone.
        is_writing = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
        if not (is_writing or set(mode or "") & set("wax+")) or path == os.devnull or isinstance(path, int):
            return ""
        return f"write {_named(path)}"
    if event in _WRITES:
        if event == "sqlite3.connect" and arguments[0] in _MEMORY:
            return ""
        return f"{_WRITES[event]} {_named(arguments[0])}"
    if event in _OTHERS:
        verb, which = _OTHERS[event]
        return verb if which is None else f"{verb} {_named(arguments[which])}"
    if event == "mmap.__new__" and arguments[0] != -1:
        return "map a file"
    return ""


def _named(value: object) -> str:
    if isinstance(value, bytes):
        value = os.fsdecode(value)
    if isinstance(value, tuple | list):
        value = ":".join(map(str, value)) if isinstance(value, tuple) else " ".join(map(str, value))
    return clip(str(value), _LINE)


def _run(code: str, shell: Any, *, is_certain: bool) -> dict[str, Any]:
    namespace = shell.user_ns
    undo = Undo(namespace)
    mentioned = names_in(code)
    old = dict(namespace)
    said = {name: summarize(old[name]) for name in old if name in mentioned}
    before = {name: _first(text) for name, text in said.items()}
    with undo.watching(mentioned):
        ran = run_code(shell, code)
    changes = undo.changes
    others = [name for name, text in said.items() if name in namespace and summarize(namespace[name]) != text]
    after = {name: _line(namespace[name]) for name in [*changes.added, *changes.replaced, *changes.changed, *others]}
    for name in {*changes.replaced, *changes.deleted, *changes.changed} - before.keys():
        before[name] = _line(old[name])
    names = dict.fromkeys([*changes.deleted, *after])
    unseen = [name for name in changes.unseen if name not in names]
    notes = [f"Whether {', '.join(unseen)} would change within cannot be seen."] if unseen else []
    if not is_certain:
        notes.append("This system cannot keep libraries in C from writing files; compare the folder.")
    return {
        "variables": [(name, before.get(name, ""), after.get(name, "")) for name in list(names)[:_MOST]],
        "text": ran.text,
        "is_error": ran.error is not None,
        "notes": notes,
    }


def _line(value: object) -> str:
    return _first(summarize(value))


def _first(summary: str) -> str:
    return clip(summary.partition("\n")[0], _LINE) or "?"
