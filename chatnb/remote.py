"""Commands of a front end as JSON, and what they are answered.

What a command does is done by the chat, its sessions, the gatherer and the bench, as it is for the magics. Each is answered
once: with `done`, or with `failed` and a sentence that says what to do, whatever happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

from .bench import Bench
from .chat import Chat
from .config import ChatConfig
from .context.base import Reading
from .context.gather import Gatherer
from .context.mentions import mentions
from .errors import ChatError, SettingsError
from .feed import Feed
from .messages import Json, Message
from .planner import Ask
from .questions import again, settings_in
from .tools.approval import Verdict
from .wire import VERSION

T = TypeVar("T")

Command = Mapping[str, Json]
Result = dict[str, Json]


class Place(Protocol):
    """Where the chat is: what a kernel has, or whoever else runs one."""

    @property
    def chat(self) -> Chat:
        """The chat of all surfaces."""
        ...

    @property
    def config(self) -> ChatConfig:
        """What the user has set."""
        ...

    @property
    def bench(self) -> Bench:
        """The tools."""
        ...

    def gatherer(self) -> Gatherer:
        """Return what reads references; used on the thread that `on_kernel` is for."""
        ...


OnKernel = Callable[[Callable[[], Any], Callable[[str], object]], Awaitable[Any]]
"""Runs a function where the kernel's things may be touched; is told how to say why that takes long."""


class Remote:
    """Does what front ends ask for; lives on the loop.

    Parameters
    ----------
    on_kernel
        See `OnKernel`.
    """

    def __init__(self, feed: Feed, place: Place, on_kernel: OnKernel) -> None:
        self._feed, self._place, self._on_kernel = feed, place, on_kernel
        self._chat = place.chat
        self._asking = asyncio.Lock()  # questions stay in their order, though some have to wait for what they carry
        self._unanswered: dict[tuple[str, str], asyncio.Task[Any]] = {}

    async def handle(self, command: Command) -> dict[str, Json] | None:
        """Do what a command says, and return the message that answers it, if one does."""
        view, command_id = str(command.get("view", "")), str(command.get("id", ""))
        self._feed.heard()
        try:
            result = await self._do(command, (view, command_id))
        except ChatError as error:
            return _message("failed", view, id=command_id, error=str(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _message("failed", view, id=command_id, error="Stopped before it was asked.")
        except Exception as error:  # noqa: BLE001 - nobody else would tell
            text = f"chatnb itself failed ({type(error).__name__}: {error}). This is a bug: please report it."
            return _message("failed", view, id=command_id, error=text)
        if command["do"] == "hello":
            return {**result, "view": view}
        return _message("done", view, id=command_id, **result) if command["do"] not in _UNANSWERED else None

    async def _do(self, command: Command, key: tuple[str, str]) -> Result:
        name = str(command.get("do"))
        if command.get("v") != VERSION:
            raise SettingsError("This page and the kernel are of different versions of chatnb. Run the cell again.")
        if name not in COMMANDS:
            raise SettingsError(f"The kernel knows no command {name!r}. A newer chatnb may: pip install -U chatnb")
        task = asyncio.ensure_future(COMMANDS[name](self, command))
        self._unanswered[key] = task
        try:
            return await task
        finally:
            del self._unanswered[key]

    async def hello(self, _: Command) -> Result:
        """Return the whole state."""
        return await self._feed.snapshot()

    async def here(self, _: Command) -> Result:
        """Be a sign of life."""
        return {}

    async def ask(self, command: Command) -> Result:
        """Ask a question."""
        text = _text(command, "text")
        if not text.strip():
            raise SettingsError("There is no question. Write one first.")
        async with self._asking:
            turn_id = await self._begin(partial(self._prepared, command, text))
        return {"turn": turn_id}

    async def again(self, command: Command) -> Result:
        """Ask a question again, as it was."""
        session = self._chat.sessions.current
        history = await asyncio.to_thread(self._chat.sessions.history, session)
        question = _question(history, _text(command, "turn"))
        settings = settings_in(self._place.config, session)
        settings = replace(settings, model=command.get("model") or settings.model)

        async def prepared(visit: _Visit) -> Ask:
            tools = await asyncio.to_thread(self._place.bench.toolbox, ask=self._feed.approve, on_kernel=visit.run)
            return again(self._chat, question, history, session=session, settings=settings, tools=tools)

        async with self._asking:
            return {"turn": await self._begin(prepared)}

    async def cancel(self, command: Command) -> Result:
        """Stop a turn, or a question of the same view that is not asked yet."""
        name = _text(command, "turn")
        if task := self._unanswered.get((str(command.get("view", "")), name)):
            task.cancel()
        elif turn := self._feed.find(name):
            turn.cancel()
        return {}

    async def approve(self, command: Command) -> Result:
        """Answer a call that waits for a yes."""
        verdict = command.get("verdict")
        if verdict not in _VERDICTS:
            raise SettingsError(f"{verdict!r} is no answer. It is one of {', '.join(_VERDICTS)}.")
        if not self._feed.decide(_text(command, "call"), verdict):
            raise SettingsError("This call does not wait any more: it was answered, stopped, or nobody was here.")
        return {}

    async def _begin(self, prepare: Callable[[_Visit], Awaitable[Ask]]) -> str:
        visit = _Visit(self._on_kernel, self._feed)
        ask = await prepare(visit)
        visit.turn_id = ask.question.turn_id
        self._chat.begin(ask)
        return visit.turn_id

    async def _prepared(self, command: Command, text: str, visit: _Visit) -> Ask:
        session = self._chat.sessions.current
        settings = settings_in(self._place.config, session)
        settings = replace(settings, model=command.get("model") or settings.model)
        reading = await self._read(command, text, session.pins)
        names = [str(name) for name in command.get("tools") or ()]
        tools = await asyncio.to_thread(
            self._place.bench.toolbox, names, session, ask=self._feed.approve, on_kernel=visit.run
        )
        return self._chat.prepare(text, reading, settings=settings, session=session, tools=tools)

    async def _read(self, command: Command, text: str, pins: Sequence[str]) -> Reading:
        """Return what a question carries along: what is attached, mentioned and pinned."""
        attached = command.get("attachments") or ()
        refs = [str(each["ref"]) for each in attached if "ref" in each]
        if not (refs or pins or any(mentions(text))):
            return Reading()
        reading: Reading = await self._on_kernel(lambda: self._place.gatherer().gather(refs, text, pins), _nothing)
        return reading


class _Visit:
    """Runs the kernel's tools of one turn."""

    def __init__(self, on_kernel: OnKernel, feed: Feed) -> None:
        self._on_kernel, self._feed = on_kernel, feed
        self.turn_id = ""

    async def run(self, function: Callable[[], str]) -> str:
        text: str = await self._on_kernel(function, lambda words: self._feed.say(words, self.turn_id))
        return text


def _nothing(_: str) -> None:
    """Say nothing: the front end itself tells that the kernel is busy."""


def _message(kind: str, view: str, **fields: Json) -> dict[str, Json]:
    return {"v": VERSION, "kind": kind, "view": view, **fields}


def _text(command: Command, name: str) -> str:
    value = command.get(name)
    if not isinstance(value, str):
        raise SettingsError(f"{command.get('do')} needs {name}, and that is a text.")
    return value


def _question(history: Sequence[Message], turn_id: str) -> Message:
    found = next((message for message in history if message.role == "user" and message.turn_id == turn_id), None)
    if found is None:
        raise SettingsError("This question is not in the session any more.")
    return found


_VERDICTS: tuple[Verdict, ...] = ("once", "session", "folder", "no", "never")
_UNANSWERED = {"here", "bye"}

COMMANDS: Mapping[str, Callable[[Remote, Command], Awaitable[Result]]] = {
    "hello": Remote.hello,
    "here": Remote.here,
    "bye": Remote.here,
    "ask": Remote.ask,
    "again": Remote.again,
    "cancel": Remote.cancel,
    "approve": Remote.approve,
}
"""What front ends may ask for; `State.can`."""
