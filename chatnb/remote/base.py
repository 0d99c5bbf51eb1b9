"""What every command of a front end has to work with, and how it reads what it was sent."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from ..bench import Bench
from ..chat import Chat
from ..config import ChatConfig
from ..context.base import Confirm, Reading
from ..context.dropped import read_dropped
from ..context.gather import Gatherer
from ..context.mentions import mentions
from ..errors import SettingsError
from ..feed.session import Feed
from ..messages import Json, Message, Session
from ..questions import settings_in
from ..settings import Settings

T = TypeVar("T")

Fields = Mapping[str, Json]
"""What a front end sends with a command."""

Result = dict[str, Json]
"""What it is answered."""

Say = Callable[[str], object]
"""Takes words on why nothing happens at the moment."""


class OnKernel(Protocol):
    """Runs a function where the kernel's things may be touched: on the thread that runs cells, while it runs none.

    Where there is no kernel, any thread will do.
    """

    async def __call__(self, function: Callable[[], T], say: Say) -> T:
        """Return what the function returns; `say` is told if it has to wait."""
        ...


class Place(Protocol):
    """Where a chat is: a kernel's desk, or whatever else runs one."""

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

    def gatherer(self, *, confirm: Confirm) -> Gatherer:
        """Return what reads references; it reads where `OnKernel` runs functions, but names may be asked for anywhere.

        Parameters
        ----------
        confirm
            Asks before a file of secrets or a page of the web is read; returns at once, or raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """What commands work with.

    Attributes
    ----------
    on_kernel
        See `OnKernel`.
    """

    feed: Feed
    place: Place
    on_kernel: OnKernel
    _agreed: set[str] = field(default_factory=set)  # questions that the user has said yes to

    @property
    def chat(self) -> Chat:
        """The chat of all surfaces."""
        return self.place.chat

    @property
    def session(self) -> Session:
        """The current session, without its messages."""
        return self.chat.sessions.current

    def settings(self, model: str = "") -> Settings:
        """Return what is set now, with another model if one is named."""
        settings = settings_in(self.place.config, self.session)
        return replace(settings, model=model or settings.model)

    async def history(self) -> tuple[Message, ...]:
        """Return what was said in the current session."""
        return await asyncio.to_thread(self.chat.sessions.history, self.session)

    def gatherer(self) -> Gatherer:
        """Return what reads references; it asks nobody, and only what was agreed to before is read."""
        return self.place.gatherer(confirm=self._agreed.__contains__)

    async def read(self, fields: Fields, text: str = "", pins: Sequence[str] = (), *, may_ask: bool = False) -> Reading:
        """Return what is attached to a command, mentioned in its text, and pinned.

        Only where something is named the kernel's thread is waited for: a question that carries nothing along is asked
        while a cell runs.

        Parameters
        ----------
        may_ask
            Whether front ends are asked before a file of secrets or a page of the web is read; else it is not read.
        """
        attached = _attachments(fields)
        refs = [each["ref"] for each in attached if "ref" in each]
        reading = Reading()
        if refs or pins or mentions(text):
            reading += await self._gathered(refs, text, pins, may_ask=may_ask)
        for each in attached:
            if "ref" not in each:
                reading += await asyncio.to_thread(_dropped, each)
        return reading

    async def _gathered(self, refs: Sequence[str], text: str, pins: Sequence[str], *, may_ask: bool) -> Reading:
        refused: set[str] = set()

        def confirm(question: str) -> bool:
            if may_ask and question not in self._agreed | refused:
                raise _NeedsYesError(question)
            return question in self._agreed

        while True:
            try:
                return await self.kernel(lambda: self.place.gatherer(confirm=confirm).gather(refs, text, pins))
            except _NeedsYesError as needs:
                # The thread of the cells is not held up until the user has made up their mind: it reads again then.
                (self._agreed if await self.feed.confirm(needs.question) else refused).add(needs.question)

    async def kernel(self, function: Callable[[], T]) -> T:
        """Run a function where the kernel's things may be touched."""
        return await self.on_kernel(function, _nothing)


class _NeedsYesError(Exception):
    """Something is read only if the user says yes."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


Command = Callable[[Office, Fields], Awaitable[Result]]
"""Does what a front end asks for; raises ChatError where it cannot."""


def text_in(fields: Fields, name: str, default: str | None = None) -> str:
    """Return a field that has to be a text.

    Raises
    ------
    SettingsError
        If it is none, or is not there and has no default.
    """
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise SettingsError(f"{fields.get('do')} needs {name}, and that is a text.")
    return value


def texts_in(fields: Fields, name: str) -> list[str]:
    """Return a field that is a list of texts, or is not there; raises SettingsError if it is something else."""
    values = fields.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SettingsError(f"{fields.get('do')} takes {name} as a list of texts.")
    return values


def bytes_in(file: Mapping[str, Json]) -> bytes:
    """Return what a file holds, which came as `name` and `data`; raises SettingsError if it did not come whole."""
    try:
        return base64.b64decode(file.get("data", ""), validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise SettingsError(f"{file.get('name') or 'A file'} did not come whole ({error}). Drop it again.") from error


def question_of(history: Sequence[Message], turn_id: str) -> Message:
    """Return the question of a turn; raises SettingsError if it is not there any more."""
    found = next((message for message in history if message.role == "user" and message.turn_id == turn_id), None)
    if found is None:
        raise SettingsError("This question is not in the session any more.")
    return found


def turn_of(history: Sequence[Message], message_id: str) -> list[Message]:
    """Return the messages of the turn that a message belongs to; raises SettingsError if there is none."""
    message = next((message for message in history if message.id == message_id), None)
    if message is None:
        raise SettingsError("This message is not in the session any more.")
    return [each for each in history if each is message or (message.turn_id and each.turn_id == message.turn_id)]


def _attachments(fields: Fields) -> list[dict[str, Any]]:
    attached = fields.get("attachments") or []
    if not isinstance(attached, list) or not all(
        isinstance(each, dict) and all(isinstance(value, str) for value in each.values()) for each in attached
    ):
        raise SettingsError("Attachments are references, or files with name, mime and data.")
    return attached


def _dropped(attachment: Mapping[str, str]) -> Reading:
    return read_dropped(attachment.get("name", ""), attachment.get("mime", ""), bytes_in(attachment))


def _nothing(_: str) -> None:
    """Say nothing: a front end tells by itself that the kernel is busy."""
