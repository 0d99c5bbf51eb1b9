"""The WebSocket in a real Jupyter Server: who gets in, what comes over it, and what survives."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, BinaryIO

import pytest

from chatnb.chat import Chat
from chatnb.feed.session import SHOWN
from chatnb.models.scripted import ScriptedModel
from chatnb.server.rooms import MOST_GUESTS
from chatnb.settings import Settings
from chatnb.stores.tinydb import TinyStore
from tests.faults.script import TEXT, Answer, Stall
from tests.faults.server import FaultServer
from tests.seen import Json, text_of
from tests.server.serving import Client, JupyterServer, changes, connected, jupyter_server, token_of

COUNTED = "".join(f"w{number} " for number in range(200))
BROAD = [f"{number:04d} ".ljust(1_000, "x") for number in range(1_000)]

SCRIPTS = {
    "words": [Answer(text=TEXT, rate=400)],
    "counted": [Answer(text=COUNTED, rate=100)],
    "thinker": [Answer(text=TEXT, thinking="Well, what is a mean? It depends.", rate=100)],
    "broad": [Answer(text=BROAD)],
    "endless": [Answer(Stall(after=3, seconds=math.inf), text="Well now it goes on and on.")],
}


@pytest.fixture(scope="module")
def model() -> Iterator[FaultServer]:
    with FaultServer(SCRIPTS) as model:
        yield model


@pytest.fixture(scope="module")
def server(model: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    environment = {"OLLAMA_HOST": model.url, "CHATNB_MODEL": "words", "CHATNB_RULES": "false"}
    with jupyter_server(tmp_path_factory.mktemp("server"), **environment) as server:
        yield server


@asynccontextmanager
async def asked(server: JupyterServer, model: str, **query: str) -> AsyncIterator[Client]:
    """Connect with a new session, and ask a model in it."""
    async with connected(server, **query) as client:
        await client.call("ask", text="Why?", model=model)
        yield client


def said(client: Client) -> list[str]:
    return [text_of(entry) for entry in client.state["entries"]]


def words(messages: list[Json]) -> str:
    """Return what the events of deltas say, in the order in which they came."""
    told = [change["event"] for message in messages for change in changes(message, "event")]
    return "".join(event["text"] for event in told if event["type"] == "TextDelta")


def has_said(client: Client, count: int, _: Json) -> bool:
    return len(said(client)) == count


def session_of(client: Client) -> str:
    return str(client.state["session"]["id"])


def status_of(server: JupyterServer, session: str, headers: Mapping[str, str]) -> int:
    """Return how an attempt to connect is answered: 101 where it succeeds."""
    connection, status = shaken(server, session, headers)
    connection.close()
    return status


def shaken(server: JupyterServer, session: str, headers: Mapping[str, str]) -> tuple[socket.socket, int]:
    """Return a connection that asked for a WebSocket, whose system takes little, and with which status it was answered."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", server.port))
    lines = [
        f"GET /chatnb/ws/{session}?as=events HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    return connection, int(head.split()[1])


@pytest.mark.parametrize("form", ["html", "events"])
async def test_a_question_is_answered_in_both_forms(server: JupyterServer, form: str) -> None:
    async with asked(server, "thinker", **{"as": form}) as client:
        await client.finished()

        assert said(client)[0] == "Why?"
        assert "median is the middle value" in said(client)[1]
        assert client.state["live"] is None
        assert "what is a mean?" in json.dumps(client.state["entries"][1]["parts"])


def test_without_a_token_nobody_gets_in(server: JupyterServer) -> None:
    assert status_of(server, "new", {}) == 403
    assert status_of(server, "new", {"Authorization": "token nonsense"}) == 403
    assert [server.get(f"/chatnb/{what}", user="").status_code for what in ("sessions", "models")] == [403, 403]


def test_only_a_page_of_this_server_may_connect_with_its_cookie(server: JupyterServer) -> None:
    cookies = server.get("/chatnb/sessions").cookies
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    assert status_of(server, "new", {**cookie, "Origin": "http://evil.example"}) == 403
    assert status_of(server, "new", {**cookie, "Origin": server.url}) == 101


async def test_another_users_session_is_not_there(server: JupyterServer) -> None:
    async with asked(server, "words", **{"as": "events"}) as client:
        await client.finished()
        session = session_of(client)

        assert status_of(server, session, token_of("bob")) == 404
        assert status_of(server, session, token_of("ada")) == 101
        assert status_of(server, "20200101T000000000000-00000000", token_of("ada")) == 404

        async with connected(server, user="bob", **{"as": "events"}) as other:
            answers = [
                await other.call("delete", session=session),
                await other.call("ask", text="What?", attachments=[{"ref": f"session:{session}"}]),
            ]
            listed, found = await other.call("sessions"), await other.call("search", query="median")
    assert [answer["kind"] for answer in answers] == ["failed", "failed"]
    assert all("No chat session is called" in answer["error"] for answer in answers)
    assert listed["sessions"] == found["hits"] == []
    assert session in [each["id"] for each in server.get("/chatnb/sessions").json()["sessions"]]
    assert server.get("/chatnb/sessions", "bob").json() == {"sessions": []}
    assert TinyStore(server.sessions).load(session).user_id == "ada"


async def test_an_authorizer_says_who_may_do_what(server: JupyterServer) -> None:
    assert status_of(server, "new", token_of("eve")) == 403
    assert server.get("/chatnb/models", "eve").status_code == 403

    async with connected(server, user="rita") as reader:
        asked, renamed = await reader.call("ask", text="Why?"), await reader.call("rename", title="Mine")
        models = await reader.call("models")

    assert "the right to execute" in asked["error"]
    assert "the right to write" in renamed["error"]
    assert [each["name"] for each in models["models"]] == [f"{name}:latest" for name in SCRIPTS]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("no JSON", "This is no command"),
        ("[]", "This is no command"),
        ("[" * 100_000, "This is no command"),
        ('{"v": 1, "do": "configure", "options": {"temperature": NaN}}', "This is no command"),
        ({"v": 2, "do": "models"}, "speaks version 1"),
        ({"v": 1, "do": "tools"}, "It needs a kernel"),
        ({"v": 1, "do": "pin", "ref": "df"}, "It needs a kernel"),
        ({"v": 1, "do": "open", "session": "x"}, "ws/new"),
        ({"v": 1, "do": "dance"}, "The commands are ask"),
        ({"v": 1, "do": ["ask"]}, "needs do"),
        ({"v": 1, "do": "ask", "text": "Why?", "tools": ["python"]}, "Tools cannot be chosen here"),
        ({"v": 1, "do": "ask", "text": "Why?", "attachments": [{"ref": "df"}]}, "'df' cannot be read here"),
        ({"v": 1, "do": "ask", "text": "Why?", "attachments": [{"ref": "file:/etc/passwd"}]}, "cannot be read here"),
        (
            {"v": 1, "do": "ask", "text": "Why?", "attachments": [{"ref": "session:x,file:/etc/passwd"}]},
            "No chat session",
        ),
        ({"v": 1, "do": "preview", "ref": "error"}, "cannot be read here"),
        ({"v": 1, "do": "ask", "text": "Why?", "model": "ollama:m@10.0.0.1:80"}, "cannot be named here"),
        ({"v": 1, "do": "configure", "model": "cloud:@cf/m,m@10.0.0.1"}, "cannot be named here"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_reason(server: JupyterServer, message: Any, why: str) -> None:
    async with connected(server) as client:
        await client.socket.write_message(message if isinstance(message, str) else json.dumps(message))
        answer = await client.until(lambda message: message["kind"] == "failed")

        assert why in answer["error"]
        assert (await client.call("models"))["kind"] == "done"  # the connection goes on


def test_a_message_that_is_too_large_is_not_read(server: JupyterServer) -> None:
    connection = stalled(server, "new")
    with connection, connection.makefile("rb") as stream:
        connection.sendall(bytes([TEXT_FRAME, 0xFF]) + (17 * 1024 * 1024).to_bytes(8) + bytes(4))
        kind, reason = frame(stream)
        while kind != CLOSE:
            kind, reason = frame(stream)

        assert int.from_bytes(reason[:2]) == 1009


async def test_a_user_with_very_many_connections_gets_no_more_until_one_ends(server: JupyterServer) -> None:
    async with asked(server, "words", user="bob", **{"as": "events"}) as client:
        others = [shaken(server, session_of(client), token_of("bob")) for _ in range(MOST_GUESTS)]
        statuses = [status for _, status in others]
        for connection, _ in others:
            connection.close()

    assert statuses == [101] * (MOST_GUESTS - 1) + [429]


async def test_more_commands_than_may_come_are_answered_later_and_all(server: JupyterServer) -> None:
    async with connected(server) as client:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        sent = [await client.send("complete", text="") for _ in range(80)]
        answers = [await client.until(lambda message: message["kind"] != "snapshot") for _ in sent]

    assert {answer["id"] for answer in answers} == set(sent)
    assert loop.time() - began_s > 0.9  # sixty at once, the rest at twenty a second: it cannot be faster


async def test_fifty_clients_at_once_miss_and_mix_up_nothing(server: JupyterServer) -> None:
    async def read(client: Client) -> None:
        await client.finished()

    async with AsyncExitStack() as stack:
        asking = await stack.enter_async_context(connected(server, **{"as": "events"}))
        await asking.call("rename", title="Together")
        shared = [asking]
        for number in range(24):
            form = "html" if number % 4 == 0 else "events"
            client = await stack.enter_async_context(connected(server, session_of(asking), **{"as": form}))
            await client.read()
            shared.append(client)
        alone = [await stack.enter_async_context(connected(server, **{"as": "events"})) for _ in range(25)]
        for client in (asking, *alone):
            await client.send("ask", text="Count.", model="counted")
        await asyncio.gather(*map(read, (*shared, *alone)))

    everybody = [*shared, *alone]
    assert len(everybody) == 50
    assert [said(client) for client in everybody] == [["Count.", COUNTED.strip()]] * 50
    plain = [client for client in everybody if words(client.messages)]
    assert len(plain) == 44
    assert {words(client.messages) for client in plain} == {COUNTED}
    for client in everybody:
        revisions = [message["rev"] for message in client.messages if message["kind"] == "delta"]
        assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))


@pytest.mark.parametrize("form", ["html", "events"])
async def test_a_connection_that_is_cut_at_every_event_goes_on_where_it_was(server: JupyterServer, form: str) -> None:
    async with connected(server, **{"as": form}) as whole:
        await whole.read()
        cut = Client(whole.socket)
        connections = 0
        while not (cut.messages and changes(cut.messages[-1], "finished")):
            since = {"since": cut.since} if cut.messages else {}
            async with connected(server, session_of(whole), **{"as": form}, **since) as once:
                cut.socket = once.socket
                await cut.read()
            if not connections:
                await whole.send("ask", text="Why?", model="thinker")
            connections += 1
        await whole.finished()

        told = [message for message in whole.messages if message["kind"] == "delta"]
        assert len(told) > 5
        assert cut.messages[1:] == told
        assert cut.state == whole.state
        assert said(cut)[1].endswith("they count, too.")
        assert form == "html" or words(cut.messages) == TEXT


async def test_a_question_is_asked_though_its_client_left_at_once(server: JupyterServer) -> None:
    async with connected(server, **{"as": "events"}) as client:
        await client.read()
        await client.send("ask", text="Why?", model="words")
    async with connected(server, session_of(client), **{"as": "events"}) as back:
        await back.until(lambda message: has_said(back, 2, message))

        assert said(back) == ["Why?", TEXT.strip()]


async def test_who_comes_back_after_too_long_or_from_elsewhere_gets_all_anew(server: JupyterServer) -> None:
    async with asked(server, "words", **{"as": "events"}) as client:
        await client.finished()
        for since in (
            f"{client.feed}.99999",
            f"elsewhere.{client.seen.rev}",
            "nonsense",
            f"{client.feed}.-1",
            f"{client.feed}.{'9' * 5000}",
        ):
            async with connected(server, session_of(client), since=since, **{"as": "events"}) as back:
                message = await back.read()
                assert message is not None
                assert message["kind"] == "snapshot"
                assert said(back) == said(client)


async def test_a_stop_from_another_tab_stops_the_answer(server: JupyterServer, model: FaultServer) -> None:
    async with asked(server, "endless", **{"as": "events"}) as client, connected(server, session_of(client)) as other:
        await client.until(lambda message: "now" in words([message]))
        await other.read()
        await other.call("cancel", turn=other.state["live"]["turn"])
        finished = await client.finished()

        assert finished["entries"][1]["outcome"] == "cancelled"
        assert said(client) == ["Why?", "Well now it"]


async def test_a_question_behind_another_one_waits_and_a_branch_is_gone_back_to(server: JupyterServer) -> None:
    async with asked(server, "counted", **{"as": "events"}) as client:
        await client.call("ask", text="And then?", model="words")
        waiting = [text_of(entry) for entry in client.state["waiting"]]
        first = await client.finished()
        await client.finished()
        await client.call("edit", turn=first["turn"], text="Why not?", model="words")
        await client.finished()
        await client.hello()
        edited = said(client)
        copy = await client.call("fork", title="A copy")
        async with connected(server, copy["session"], **{"as": "events"}) as other:
            await other.read()
            copied = said(other)

        assert waiting == ["And then?"]
        assert edited[0] == "Why not?"
        assert copied == edited
        assert other.state["session"]["title"] == "A copy"
        assert session_of(client) != copy["session"]


async def test_a_session_that_is_put_into_the_trash_lets_everybody_go(server: JupyterServer) -> None:
    async with asked(server, "words", **{"as": "events"}) as client:
        await client.finished()
        session = session_of(client)
        await client.send("delete", session=session)
        with pytest.raises(ConnectionError, match=r"4410.*in the trash"):
            await client.until(lambda _: False)

        assert status_of(server, session, token_of("ada")) == 404


async def test_a_kernel_and_the_server_say_things_in_one_session_at_once(server: JupyterServer) -> None:
    async with asked(server, "counted", **{"as": "events"}) as client:
        session = session_of(client)
        await client.until(lambda message: bool(words([message])))
        kernel = Chat(
            ScriptedModel(["From the kernel."]),
            store=TinyStore(server.sessions),
            settings=Settings(rules=False),
            session=session,
        )
        await kernel.ask("And in the cell?")
        kernel.sessions.store.close()
        await client.finished()
        await client.call("ask", text="What was said?", model="words")
        await client.finished()
        await client.hello()

        kept = [text_of(entry) for entry in client.state["entries"]]
        assert set(kept) == {
            "Why?",
            COUNTED.strip(),
            "And in the cell?",
            "From the kernel.",
            "What was said?",
            TEXT.strip(),
        }


async def test_slow_readers_hold_up_nobody_and_get_a_snapshot_when_they_read_again(server: JupyterServer) -> None:
    async with asked(server, "broad", **{"as": "events"}) as client:
        await client.until(partial(has_said, client, 2))
        slow = [stalled(server, session_of(client)) for _ in range(5)]
        for count in range(4, 16, 2):  # more than the system takes for one that does not read
            await client.call("ask", text="Again.", model="broad")
            await client.until(partial(has_said, client, count))
        late = Client(client.socket)
        with slow[0].makefile("rb") as stream:
            while not (late.messages and len(said(late)) == len(said(client))):
                message = await asyncio.to_thread(next_message, stream)
                late.messages.append(message)
                late.seen.take(message)
        for connection in slow:
            connection.close()

    assert said(client)[-1] == "".join(BROAD).strip()
    assert late.state == client.state
    assert [message["kind"] for message in late.messages].count("snapshot") == 2


async def test_a_connection_is_pinged(server: JupyterServer) -> None:
    quiet = stalled(server, "new")
    with quiet, quiet.makefile("rb") as stream:
        kind = 0
        while kind != PING:
            kind, _ = frame(stream)

        assert kind == PING


def stalled(server: JupyterServer, session: str) -> socket.socket:
    """Return a connection of a client that reads nothing by itself."""
    connection, status = shaken(server, session, token_of("ada"))
    assert status == 101
    return connection


TEXT_FRAME, CLOSE, PING = 0x81, 0x88, 0x89


def frame(stream: BinaryIO) -> tuple[int, bytes]:
    """Return the kind and the content of the next frame of a server, whose frames are neither masked nor in pieces."""
    kind, size = stream.read(2)
    if size > 125:
        size = int.from_bytes(stream.read(2 if size == 126 else 8))
    return kind, stream.read(size)


def next_message(stream: BinaryIO) -> Json:
    """Return the next message, pings left out."""
    while True:
        kind, data = frame(stream)
        if kind == TEXT_FRAME:
            message: Json = json.loads(data)
            return message


async def test_a_long_session_comes_in_pieces(server: JupyterServer) -> None:
    kernel = Chat(
        ScriptedModel(["Yes."]), store=TinyStore(server.sessions), settings=Settings(rules=False, user_id="ada")
    )
    for number in range(SHOWN):
        await kernel.ask(f"Question {number}?")
    session = kernel.sessions.current.id
    kernel.sessions.store.close()

    async with connected(server, session, **{"as": "events"}) as client:
        await client.read()
        earlier = await client.call("earlier", before=client.state["entries"][0]["id"], count=10)

    assert len(client.state["entries"]) == SHOWN
    assert client.state["has_more"]
    assert len(earlier["entries"]) == 10
    assert text_of(earlier["entries"][-1]) == "Yes."
    assert text_of(earlier["entries"][-2]) == f"Question {SHOWN // 2 - 1}?"


async def test_a_server_that_stops_in_mid_answer_keeps_what_was_said(server: JupyterServer) -> None:
    async with asked(server, "endless", **{"as": "events"}) as client:
        await client.until(lambda message: "now" in words([message]))
        await asyncio.to_thread(server.stop)
        with pytest.raises(ConnectionError, match=rf"1001.*since={client.feed}\."):
            await client.until(lambda _: False)
        kept = TinyStore(server.sessions).load(session_of(client)).messages
        server.start()

        assert [message.text.strip() for message in kept] == ["Why?", "Well now it"]
        assert kept[-1].outcome == "cancelled"
        async with connected(server, session_of(client), since=client.since, **{"as": "events"}) as back:
            await back.read()
            assert said(back) == ["Why?", "Well now it"]


def test_nothing_goes_wrong_without_a_word(server: JupyterServer) -> None:
    assert "Traceback" not in server.log
