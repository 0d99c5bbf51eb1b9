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
from chatnb.errors import SessionNotFound, SettingsError, TooManyConnections
from chatnb.messages import TRASHED
from chatnb.models.scripted import ScriptedModel
from chatnb.server import guest as guest_module
from chatnb.server import rooms as rooms_module
from chatnb.server.extension import ChatExtension
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


@asynccontextmanager
async def connected(rooms: Rooms) -> AsyncIterator[tuple[Guest, Line]]:
    line = Line()
    guest = await rooms.admit(("ada", ""), NEW, "events", line, anything)
    guest.enter("")
    yield guest, line


def changed(line: Line) -> list[Json]:
    return [change for each in line.told for change in each.get("changes", ())]


async def asked(guest: Guest, line: Line) -> None:
    """Ask something, and wait for the end of the answer."""
    await guest.take(json.dumps({"v": 1, "do": "ask", "text": "Hello?"}))
    await until(lambda: any(change["is"] == "finished" for change in changed(line)))


async def kernel_in(folder: Path, guest: Guest) -> Chat:
    """Return the chat of a kernel that is in the same session."""
    store = TinyStore(folder / "sessions")
    return Chat(ScriptedModel(["From the kernel."]), store=store, settings=Settings(), session=await session_of(guest))


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
    async with opened(tmp_path) as rooms, connected(rooms) as (guest, line):
        await asked(guest, line)
        await rooms.look()
        before = [each["kind"] for each in line.told].count("snapshot")
        await (await kernel_in(tmp_path, guest)).ask("And in the cell?")
        await rooms.look()
        await until(lambda: [each["kind"] for each in line.told].count("snapshot") == before + 1)
        await rooms.look()

        assert before == 1
        assert text_of(line.told[-1]["state"]["entries"][-1]) == "From the kernel."


@pytest.mark.parametrize("change", ["rename", "hide"])
async def test_what_a_kernel_changes_of_the_session_itself_is_seen(tmp_path: Path, change: str) -> None:
    async with opened(tmp_path) as rooms, connected(rooms) as (guest, line):
        await asked(guest, line)
        kernel = await kernel_in(tmp_path, guest)
        question = kernel.sessions.history(kernel.sessions.current)[0]
        kernel.sessions.update(**({"title": "Renamed"} if change == "rename" else {"hidden": (question.id,)}))
        await rooms.look()
        if change == "rename":
            await until(lambda: any(each.get("session", {}).get("title") == "Renamed" for each in changed(line)))
            return
        await until(lambda: line.told[-1]["kind"] == "snapshot")

        assert line.told[-1]["state"]["entries"][0]["is_hidden"]


async def test_a_question_of_a_kernel_that_had_tools_is_not_asked_again_here(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms, connected(rooms) as (guest, line):
        await asked(guest, line)
        kernel = await kernel_in(tmp_path, guest)
        turn = kernel.begin(kernel.prepare("What is in data.csv?", chosen={"tools": ["files"]}))
        await turn.wait()
        own_turn = next(change["turn"] for change in changed(line) if change["is"] == "finished")
        for each in (turn.question.turn_id, own_turn):
            await guest.take(json.dumps({"v": 1, "do": "again", "id": each, "turn": each}))
        await until(lambda: sum(bool(each.get("id")) for each in line.told) == 2)
        answers = {each["id"]: each for each in line.told if each.get("id")}
        kernels, own = answers[turn.question.turn_id], answers[own_turn]

        assert kernels["error"].startswith("This question was asked with tools. It needs a kernel")
        assert own["kind"] == "done"


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_session_that_a_kernel_takes_away_lets_everybody_go(tmp_path: Path, *, is_deleted: bool) -> None:
    async with opened(tmp_path) as rooms, connected(rooms) as (guest, line):
        await rooms.look()  # nothing was asked yet, so nothing is gone
        await asked(guest, line)
        kernel = await kernel_in(tmp_path, guest)
        await rooms.look()
        info = kernel.sessions.find(kernel.sessions.current.id)
        kernel.sessions.delete(info) if is_deleted else kernel.sessions.set_state(info, TRASHED)
        await rooms.look()
        await until(lambda: bool(line.closed))

        assert line.closed == "4410 This session is in the trash, or deleted."
        with pytest.raises(SessionNotFound):
            await rooms.admit(("ada", ""), info.id, "events", Line(), anything)


async def test_one_user_has_so_many_connections_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_module, "MOST_GUESTS", 3)
    async with opened(tmp_path) as rooms:

        async def enter(user: str, session: str = NEW) -> Guest:
            return await rooms.admit((user,), session, "html", Line(), anything)

        (await enter("ada")).leave()  # a room in which nobody is makes way
        first = await enter("ada")
        guests = [await enter("ada", await session_of(first)), await enter("ada")]
        with pytest.raises(TooManyConnections, match="3 connections of yours"):
            await enter("ada")
        await enter("bob")
        guests[0].leave()
        await enter("ada")


@pytest.mark.parametrize(
    ("model", "host"),
    [
        ("m@gpu1,gpu2:80", ""),
        ("ollama:m@lab", ""),
        ("lab:m@2024", ""),
        ("m@gpu1,lab,ollama:other@gpu2:80", ""),
        ("m@gpu1,gpu3", "gpu3"),
        ("qwen3,ollama:m@10.0.0.1:80", "10.0.0.1:80"),
        ("m@127.0.0.1", "127.0.0.1"),
        ("m@scripted", "scripted"),
    ],
)
async def test_hosts_are_named_only_as_far_as_the_servers_settings_do(tmp_path: Path, model: str, host: str) -> None:
    settings = {"model": "m@gpu1,gpu2:80", "endpoints": {"lab": {"base_url": "http://gpu:8000/v1"}}}
    async with opened(tmp_path, **settings) as rooms, connected(rooms) as (guest, line):
        await guest.take(json.dumps({"v": 1, "do": "configure", "id": "c1", "model": model}))
        await until(lambda: any("id" in each for each in line.told))
        (answer,) = [each for each in line.told if "id" in each]

        assert answer["kind"] == ("failed" if host else "done")
        assert not host or answer["error"].startswith(f"The host '{host}' cannot be named here")


async def test_a_server_is_not_idle_while_somebody_is_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATNB_HOME", str(tmp_path))
    extension = ChatExtension()
    activity = [extension.current_activity()]
    rooms = await extension.rooms()
    activity.append(extension.current_activity())
    guest = await rooms.admit(("",), NEW, "html", Line(), anything)
    activity.append(extension.current_activity())
    guest.leave()
    activity.append(extension.current_activity())
    await extension.stop_extension()

    assert activity == [False, False, True, False]


async def test_work_that_is_done_now_and_then_goes_on_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    rounds: list[int] = []

    async def work() -> None:
        rounds.append(len(rounds))
        raise ZeroDivisionError

    task = asyncio.create_task(rooms_module._again(0, work))
    await until(lambda: len(rounds) > 1)
    task.cancel()

    assert "ZeroDivisionError" in caplog.text


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
