"""The sessions that somebody is connected to, each in a room: one chat for all who are in it, whatever tab they sit at.

Everything lives on the loop of Jupyter Server. The store is that of the kernels, at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from ..bench import Bench
from ..chat import Chat
from ..config import ChatConfig
from ..context.base import Confirm
from ..context.gather import Gatherer
from ..context.past import PastSource
from ..errors import SessionError, SessionNotFound, SettingsError, TooManyConnections
from ..feed.forms import Drawn, Form, Plain
from ..folders import sessions_folder
from ..messages import ARCHIVED, TRASHED, Json, SessionInfo
from ..models.catalog import Catalog
from ..portal import Portal
from ..questions import settings_in
from ..stores.owned import OwnedStore
from ..stores.tinydb import TinyStore
from ..wire import VERSION
from .channel import Channel
from .commands import Action
from .guest import GONE, Guest, Line
from .users import user_ids_of

NEW = "new"
"""In the place of a session's id: a new one, which the store gets with its first question."""

FORMS: dict[str, Callable[[], Form]] = {"html": Drawn, "events": Plain}
"""What a client may want to be told as."""

MOST_GUESTS = 100
"""Connections and rooms of one user, at most."""

LOOK_S = 2.0
"""How often it is looked whether something was said elsewhere, as in a kernel."""

SWEEP_S = 30.0
"""How often rooms are closed in which nobody is and nothing happens, and connections over which nothing goes."""


class Rooms:
    """Opens rooms and closes them.

    Parameters
    ----------
    config
        Jupyter Server's, with what it says of `ChatConfig`.

    Raises
    ------
    SettingsError
        If a setting cannot be.
    """

    def __init__(self, config: Any = None) -> None:
        self._config = config
        own = self._settings_for("")
        self._own = own.user_id
        self._store = TinyStore(sessions_folder(own.settings()))
        self._catalog = Catalog()
        self._portal = Portal()  # which no room needs by now: what it serves are kernels
        self._rooms: dict[tuple[str, str], Room] = {}
        self._opening = asyncio.Lock()
        self._tasks = [asyncio.create_task(_again(SWEEP_S, self.tidy)), asyncio.create_task(_again(LOOK_S, self.look))]

    @property
    def are_busy(self) -> bool:
        """Whether somebody is in one of them, or something is being answered."""
        return not all(room.is_idle for room in self._rooms.values())

    def ids_of(self, username: str, *, is_named: bool) -> tuple[str, ...]:
        """Return whose sessions a user sees; see `user_ids_of`."""
        return user_ids_of(username, is_named=is_named, own=self._own, environment=os.environ)

    async def admit(
        self,
        ids: Sequence[str],
        session_id: str,
        form: str,
        line: Line,
        may: Callable[[Action], Awaitable[bool]],
    ) -> Guest:
        """Return a new guest in the room of a session, or in that of a new one.

        Raises
        ------
        SessionNotFound
            If this user has no such session.
        SettingsError
            If there is no such form.
        TooManyConnections
            If this user has as many as one may have.
        """
        if form not in FORMS:
            raise SettingsError(f"{form!r} is no form. `as` is one of {', '.join(FORMS)}.")
        async with self._opening:
            await self._make_way(ids[0])
            room = self._rooms.get((ids[0], session_id))
            if room is None or room.is_left:
                room = Room(*await asyncio.to_thread(self._made, ids, session_id))
                self._rooms[ids[0], room.session_id] = room
            guest = Guest(room.channel(form), line, may, room.guests.discard)
            room.guests.add(guest)
            return guest

    async def call(self, ids: Sequence[str], command: str) -> dict[str, Json]:
        """Return what a command is answered outside of any session."""
        room = Room(*await asyncio.to_thread(self._made, ids, NEW))
        try:
            remote = room.channel("events").remote
            return await remote.handle({"v": VERSION, "do": command, "id": "", "view": ""}) or {}
        finally:
            await room.close("")

    async def close(self) -> None:
        """Stop what is being answered, keep what was said, and release everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(room.close("The server stops.") for room in self._rooms.values()))
        self._rooms.clear()
        await self._catalog.aclose()
        self._store.close()

    async def _make_way(self, user_id: str) -> None:
        """Raise TooManyConnections if a user has so many, once what nobody needs any more is closed."""

        def taken() -> int:
            return sum(max(1, len(room.guests)) for key, room in self._rooms.items() if key[0] == user_id)

        if taken() >= MOST_GUESTS:
            await self.tidy()
        if taken() >= MOST_GUESTS:
            raise TooManyConnections(f"There are {MOST_GUESTS} connections of yours. Close one, then connect again.")

    def _settings_for(self, user_id: str) -> ChatConfig:
        config = ChatConfig(config=self._config)
        config.user_id = user_id or config.user_id
        config.tools = []  # they belong to a kernel
        return config

    def _made(self, ids: Sequence[str], session_id: str) -> tuple[ChatConfig, Chat, frozenset[str]]:
        config = self._settings_for(ids[0])
        store = OwnedStore(self._store, ids)
        chat = Chat(settings=config.settings(), store=store, catalog=self._catalog, portal=self._portal)
        sessions = chat.sessions
        if session_id == NEW:
            sessions.new()
            return config, chat, frozenset()
        if all(info.id != session_id for info in sessions.all("", ARCHIVED)):
            raise SessionNotFound("There is no such chat session. GET chatnb/sessions lists those that are.")
        sessions.open(session_id)
        return config, chat, frozenset(message.id for message in sessions.whole(session_id).messages)

    async def look(self) -> None:
        """Show what was said or changed elsewhere in the sessions that somebody is connected to."""
        rooms = [room for room in self._rooms.values() if room.guests]
        if not rooms:
            return
        try:
            infos = {info.id: info for info in await asyncio.to_thread(self._store.sessions)}
        except SessionError:  # whoever asks next is told
            return
        for room in rooms:
            with suppress(SessionError):  # of one that is damaged; the others are looked at
                await room.look(infos.get(room.session_id))

    async def tidy(self) -> None:
        """Close rooms in which nobody is and nothing happens, and connections over which nothing goes."""
        now_s = asyncio.get_running_loop().time()
        for notice in self._store.notices():
            _log.warning("%s", notice)
        for key, room in tuple(self._rooms.items()):
            for guest in tuple(room.guests):
                guest.look(now_s)
            if room.is_idle and self._rooms.get(key) is room:
                del self._rooms[key]
                await room.close("")


_log = logging.getLogger(__name__)


async def _again(interval_s: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except Exception:  # noqa: BLE001 - the next round may fare better
            _log.exception("What the chat's server does now and then failed.")


class Room:
    """One session of one user, while somebody is connected to it or it is being answered in; a `Place` without a kernel.

    Parameters
    ----------
    said
        Ids of the messages in it.
    """

    def __init__(self, config: ChatConfig, chat: Chat, said: frozenset[str]) -> None:
        self.config, self.chat = config, chat
        self._elsewhere = said  # what was not said here
        self._is_kept = bool(said)  # the store was seen to have it
        self._stamp: tuple[object, ...] = ()
        self._own: set[str] = set()  # turns that were asked here
        self.session_id = chat.sessions.current.id
        self._loop = asyncio.get_running_loop()
        self.bench = Bench(config, chat, lambda: False)
        self.guests: set[Guest] = set()
        self._channels: dict[str, Channel] = {}
        chat.watchers.append(lambda turn: self._own.add(turn.question.turn_id))
        chat.sessions.watchers.append(self._check)

    def gatherer(self, *, confirm: Confirm) -> Gatherer:  # noqa: ARG002 - as in Place: nothing here needs a yes
        """Return what reads earlier sessions; a kernel's things and the server's files are out of reach."""
        return Gatherer([PastSource(self.chat.sessions)])

    def channel(self, form: str) -> Channel:
        """Return what tells in a form, one of `FORMS`."""
        if form not in self._channels:
            self._channels[form] = Channel(self, self._model, FORMS[form]())
        return self._channels[form]

    @property
    def is_idle(self) -> bool:
        """Whether nobody is here and nothing is being answered."""
        return not self.guests and not self.chat.turns

    @property
    def is_left(self) -> bool:
        """Whether the session is not the current one any more: it is in the trash, or deleted."""
        return self.chat.sessions.current.id != self.session_id

    async def look(self, info: SessionInfo | None) -> None:
        """Show what was changed elsewhere, and all anew if something was said there.

        Parameters
        ----------
        info
            What the store says of the session now; None where it has none such.
        """
        sessions = self.chat.sessions
        if info is None or info.state == TRASHED:
            if self._is_kept:
                sessions.new()
            return
        self._is_kept = True
        stamp = info.message_count, info.updated_at
        if self.is_left or stamp == self._stamp:
            return
        self._stamp = stamp
        said = (await asyncio.to_thread(sessions.reread)).messages
        before, self._elsewhere = self._elsewhere, frozenset(m.id for m in said if m.turn_id not in self._own)
        if before != self._elsewhere:
            for channel in self._channels.values():
                channel.feed.refresh()

    async def close(self, why: str) -> None:
        """Stop what is being answered, keep what was said, and let everybody go."""
        turns = self.chat.turns
        for turn in turns:
            turn.cancel()
        for turn in turns:
            await turn.wait()
        for channel in self._channels.values():
            channel.close()
        for guest in tuple(self.guests):
            guest.dismiss(why)

    def _model(self) -> str:
        return (settings_in(self.config, self.chat.sessions.current).models or ("",))[0]

    def _check(self) -> None:
        """Let everybody go who would be in another session now; from any thread."""
        if self.is_left:
            self._loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        for guest in tuple(self.guests):
            guest.dismiss("This session is in the trash, or deleted.", GONE)
