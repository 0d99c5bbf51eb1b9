"""Rooms without a server: who is in which, and when they are closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from chatnb.chat import Chat
from chatnb.errors import SessionNotFound, SettingsError
from chatnb.models.scripted import ScriptedModel
from chatnb.server import guest as guest_module
from chatnb.server.guest import Guest
from chatnb.server.rooms import NEW, Rooms
from chatnb.settings import Settings
from chatnb.stores.tinydb import TinyStore
from tests.seen import Json, text_of
from tests.test_feed import until


class Line:
    """The way to a client, which takes what it is told or does not; knows why it was closed."""

    def __init__(self, *, takes: bool = True) -> None:
        self.closed = ""
        self.told: list[Json] = []
        self._takes = takes

    async def send(self, text: str) -> None:
        self.told.append(json.loads(text))
        if not self._takes:
            await asyncio.Event().wait()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closed = f"{code} {reason}"


async def anything(_: str) -> bool:
    return True


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[Rooms]:
    rooms = Rooms(Config({"ChatConfig": {"home": str(folder), "model": "scripted:demo", **settings}}))
    try:
        yield rooms
    finally:
        await rooms.close()


async def feed_of(guest: Guest) -> str:
    return str((await guest.channel.snapshot())["feed"])


async def session_of(guest: Guest) -> str:
    return str((await guest.channel.snapshot())["state"]["session"]["id"])


async def test_a_room_is_the_same_until_nobody_is_in_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        first = await rooms.admit(("ada",), NEW, "html", Line(), anything)
        session = await session_of(first)
        second = await rooms.admit(("ada",), session, "html", Line(), anything)
        first.leave()
        await rooms.tidy()
        third = await rooms.admit(("ada",), session, "html", Line(), anything)
        feeds = {await feed_of(guest) for guest in (first, second, third)}
        second.leave()
        third.leave()
        await rooms.tidy()

        assert len(feeds) == 1
        with pytest.raises(SessionNotFound):  # nothing was asked, so nothing was kept
            await rooms.admit(("ada",), session, "html", Line(), anything)


async def test_a_room_of_another_user_is_not_there_even_while_it_is_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        session = await session_of(await rooms.admit(("ada", ""), NEW, "html", Line(), anything))

        with pytest.raises(SessionNotFound):
            await rooms.admit(("bob",), session, "html", Line(), anything)


async def test_a_connection_over_which_nothing_is_said_for_long_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as rooms:
        line = Line()
        guest = await rooms.admit(("ada",), NEW, "events", line, anything)
        await rooms.tidy()
        before = line.closed
        monkeypatch.setattr(guest_module, "IDLE_S", -1.0)
        await rooms.tidy()

        assert before == ""
        assert line.closed == f"1001 Nothing was said for long. To go on: since={await feed_of(guest)}.-1"


async def test_what_is_said_in_a_kernel_is_seen_and_what_is_said_here_not_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        line = Line()
        guest = await rooms.admit(("ada", ""), NEW, "events", line, anything)
        guest.enter("")
        await guest.take(json.dumps({"v": 1, "do": "ask", "text": "Hello?"}))
        await until(lambda: any(change["is"] == "finished" for each in line.told for change in each.get("changes", ())))
        await rooms.look()
        before = [each["kind"] for each in line.told].count("snapshot")
        store = TinyStore(tmp_path / "sessions")
        kernel = Chat(
            ScriptedModel(["From the kernel."]), store=store, settings=Settings(), session=await session_of(guest)
        )
        await kernel.ask("And in the cell?")
        await rooms.look()
        await until(lambda: [each["kind"] for each in line.told].count("snapshot") == before + 1)
        await rooms.look()

        assert before == 1
        assert text_of(line.told[-1]["state"]["entries"][-1]) == "From the kernel."


async def test_a_client_that_takes_nothing_for_long_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_module, "STALL_S", -1.0)
    async with opened(tmp_path) as rooms:
        lines = [Line(takes=True), Line(takes=False)]
        for line in lines:
            guest = await rooms.admit(("ada",), NEW, "events", line, anything)
            guest.enter("")
        await until(lambda: all(line.told for line in lines))
        await rooms.tidy()

        assert [line.closed[:14] for line in lines] == ["", "1013 Too slow."]


async def test_settings_are_those_of_the_servers_configuration(tmp_path: Path) -> None:
    async with opened(tmp_path, tools=["python"], user_id="ada") as rooms:
        answer = await rooms.call(rooms.ids_of("8d3c", is_named=False), "models")

        assert answer["current"] == "scripted:demo"
        assert rooms.ids_of("8d3c", is_named=False) == ("ada", "")
        assert rooms.ids_of("bob", is_named=True) == ("bob",)
        with pytest.raises(SettingsError, match="no form"):
            await rooms.admit(("ada",), NEW, "morse", Line(), anything)


async def test_whom_jupyterhub_runs_the_server_for_sees_what_their_kernels_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    async with opened(tmp_path) as rooms:
        assert rooms.ids_of("ada", is_named=True) == ("ada", "")
        assert rooms.ids_of("bob", is_named=True) == ("bob",)
