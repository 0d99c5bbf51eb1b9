"""What front ends ask for, and what they are answered, without a kernel."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from chatnb.bench import Bench
from chatnb.chat import Chat
from chatnb.config import ChatConfig
from chatnb.context.base import Confirm, Reading, Reference, Source
from chatnb.context.gather import Gatherer
from chatnb.context.variables import VariablesSource
from chatnb.events import ThinkingDelta, ToolStarted
from chatnb.exports.catalog import FORMATS
from chatnb.feed.session import Feed
from chatnb.messages import TRASHED, Context, Image, ToolCall
from chatnb.models.scripted import ScriptedModel, Step
from chatnb.remote import COMMANDS, Remote
from chatnb.remote import server as server_commands
from chatnb.settings import Settings
from chatnb.sources import outside
from chatnb.stores.memory import MemoryStore
from chatnb.transfer import export_sessions
from tests.seen import Json, Seen, text_of
from tests.test_feed import until

T = TypeVar("T")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


class Failures:
    """Where some cells have failed."""

    kinds = ("error",)

    def __init__(self, *cells: int) -> None:
        self._cells = cells

    def read(self, reference: Reference) -> Reading:
        return Reading((Context.of("error", "ZeroDivisionError", str(reference)),))

    def names(self) -> Iterable[str]:
        return [f"error:{cell}" for cell in self._cells]


class Room:
    """Where a chat is, with a few variables and a folder, but no kernel."""

    def __init__(self, model: ScriptedModel, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.variables: dict[str, object] = {"price": 42}
        self.sources: list[Source] = [VariablesSource(self.variables)]
        self.config = ChatConfig(environment={})
        self.chat = Chat(model, store=MemoryStore(), settings=Settings(rules=False))
        self.bench = Bench(self.config, self.chat, lambda: True)
        self.is_busy = asyncio.Event()
        self.is_free = asyncio.Event()
        self.is_free.set()
        self.seen = Seen()
        feed = Feed(self.chat, list(COMMANDS))
        feed.listen(self.seen.take)
        self.feed = feed
        self.remote = Remote(feed, self, self.on_kernel)
        self._count = 0

    def gatherer(self, *, confirm: Confirm) -> Gatherer:
        return Gatherer([*self.sources, *outside(self.folder, self.chat.sessions, confirm=confirm)])

    async def on_kernel(self, function: Callable[[], T], say: Callable[[str], object]) -> T:
        """Run a function, once the room is free."""
        if not self.is_free.is_set():
            say("waits until the running cell has ended")
            self.is_busy.set()
            await self.is_free.wait()
        return function()

    async def call(self, do: str, **fields: Any) -> Json:
        """Give a command and return its answer, which has to be there."""
        self._count += 1
        number = f"c{self._count}"
        answer = await self.remote.handle({"v": 1, "do": do, "id": number, "view": "v", **fields})
        assert answer is not None
        if answer["kind"] == "snapshot":
            self.seen.take(answer)
        else:
            assert answer["id"] == number
        assert answer["view"] == "v"
        return answer

    async def said(self, count: int) -> list[str]:
        """Return what was said, once there are so many entries."""
        await until(lambda: len(self.state["entries"]) == count)
        return [text_of(entry) for entry in self.state["entries"]]

    @property
    def branches(self) -> list[str]:
        """Which of how many each entry is, where there are several."""
        placed = (entry.get("branches") for entry in self.state["entries"])
        return [f"{place['at']}/{place['of']}" if place else "" for place in placed]

    @property
    def state(self) -> Json:
        assert self.seen.state is not None
        return self.seen.state


@asynccontextmanager
async def room(folder: Path, *scripts: Sequence[Step]) -> AsyncIterator[Room]:
    """Make a room whose model follows a script, and say hello in it."""
    made = Room(ScriptedModel(*scripts), folder)
    await made.call("hello")
    try:
        yield made
    finally:
        made.feed.close()
        for turn in made.chat.turns:
            turn.cancel()
            await turn.wait()
        await asyncio.to_thread(made.chat.close)


async def test_a_question_is_asked_with_what_it_mentions_and_what_is_attached(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Buy milk.")
    async with room(tmp_path, ["It is 42."]) as here:
        picture = {"name": "plot.png", "mime": "image/png", "data": base64.b64encode(PNG).decode()}
        text = {"name": "a.txt", "mime": "text/plain", "data": base64.b64encode(b"Dropped.").decode()}

        done = await here.call("ask", text="What is @price?", attachments=[{"ref": "file:notes.md"}, picture, text])
        said = await here.said(2)

        assert done["kind"] == "done"
        assert said == ["What is @price?", "It is 42."]
        parts = here.model.requests[0].messages[-1].parts
        assert [part.label for part in parts if isinstance(part, Context)] == [
            "file notes.md",
            "variable price",
            "file a.txt",
        ]
        assert [part.mime for part in parts if isinstance(part, Image)] == ["image/png"]
        assert here.state["entries"][0]["context"][0]["label"] == "file notes.md"
        assert here.state["entries"][0]["turn"] == done["turn"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ({"do": "ask", "text": " "}, "There is no question"),
        ({"do": "ask"}, "needs text"),
        ({"do": "ask", "text": "Hi", "attachments": "df"}, "Attachments are references"),
        ({"do": "ask", "text": "Hi", "attachments": [{"ref": "nope"}]}, "Nothing is called 'nope'"),
        ({"do": "ask", "text": "Hi", "attachments": [{"name": "a", "mime": "x", "data": "*"}]}, "Drop it again"),
        ({"do": "ask", "text": "Hi", "tools": ["nope"]}, "No tool is called 'nope'"),
        ({"do": "ask", "text": "Hi", "v": 2}, "of another version"),
        ({"do": "dance"}, "no command 'dance'"),
        ({}, "no command 'None'"),
        ({"do": "approve", "call": "c", "verdict": "perhaps"}, "is no answer"),
        ({"do": "approve", "call": "c", "verdict": "once"}, "does not wait any more"),
        ({"do": "again", "turn": "t"}, "not in the session any more"),
        ({"do": "edit", "turn": "t", "text": "Hi"}, "not in the session any more"),
        ({"do": "edit", "turn": "t", "text": " "}, "There is no question"),
        ({"do": "undo"}, "There are 0 questions"),
        ({"do": "fork"}, "nothing to fork"),
        ({"do": "fork", "message": "m"}, "not in the session any more"),
        ({"do": "branch", "turn": "t", "to": 1}, "is not there any more"),
        ({"do": "delete", "session": "nope"}, "No chat session is called 'nope'"),
        ({"do": "export", "format": "pdf"}, "There is no format 'pdf'"),
        ({"do": "export", "format": "md"}, "Nothing was said"),
        ({"do": "copy", "message": "m"}, "not in the session any more"),
        ({"do": "earlier", "before": "m", "count": -1}, "takes a count"),
        ({"do": "open", "session": "nope"}, "No chat session is called 'nope'"),
        ({"do": "configure", "options": []}, "Options are names"),
        ({"do": "choose", "tools": ["nope"]}, "No tool is called 'nope'"),
        ({"do": "rename", "title": " "}, "needs a title"),
        ({"do": "rename", "title": "x" * 1_234}, "at most 500 characters, and this has 1,234"),
        ({"do": "preview", "ref": "nope"}, "Nothing is called 'nope'"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_what_to_do(tmp_path: Path, command: Json, why: str) -> None:
    async with room(tmp_path) as here:
        answer = await here.remote.handle({"v": 1, "id": "c1", "view": "v", **command})

        assert answer is not None
        assert (answer["kind"], answer["view"], answer["id"]) == ("failed", "v", "c1")
        assert why in answer["error"]


async def test_a_bug_is_answered_as_one(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.variables["odd"] = None
        here.gatherer = None  # type: ignore[assignment,method-assign]  # what a bug would look like

        answer = await here.call("complete", text="o")

        assert answer["kind"] == "failed"
        assert "This is a bug" in answer["error"]


async def test_a_sign_of_life_is_not_answered(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        assert await here.remote.handle({"v": 1, "do": "here", "id": "c1", "view": "v"}) is None
        assert await here.remote.handle({"v": 1, "do": "bye", "id": "c2", "view": "v"}) is None


async def test_a_turn_is_stopped_and_what_was_said_stays(tmp_path: Path) -> None:
    async with room(tmp_path, ["Well", 3_600.0]) as here:
        done = await here.call("ask", text="Why?")
        await until(lambda: "Well" in str(here.state["live"]))

        await here.call("cancel", turn=done["turn"])

        await here.said(2)
        assert here.state["entries"][1]["outcome"] == "cancelled"


async def test_a_question_that_waits_for_the_kernel_can_be_taken_back(tmp_path: Path) -> None:
    async with room(tmp_path, ["Yes"]) as here:
        here.is_free.clear()
        asking = asyncio.ensure_future(here.call("ask", text="@price?"))
        await here.is_busy.wait()

        await here.call("cancel", turn="c2")

        assert (await asking)["kind"] == "failed"
        assert here.model.requests == []


async def test_a_question_that_carries_nothing_along_does_not_wait_for_the_kernel(tmp_path: Path) -> None:
    async with room(tmp_path, ["Yes"]) as here:
        here.is_free.clear()

        await here.call("ask", text="Is it?")

        assert len(await here.said(2)) == 2


@pytest.mark.parametrize(("verdict", "outcome"), [("once", "done"), ("no", "failed")])
async def test_a_file_of_secrets_is_read_only_after_a_yes_of_the_front_end(
    tmp_path: Path, verdict: str, outcome: str
) -> None:
    (tmp_path / ".env").write_text("KEY=1")
    async with room(tmp_path, ["Yes"]) as here:
        asking = asyncio.ensure_future(here.call("ask", text="@file:.env?", attachments=[{"ref": "file:.env"}]))
        await until(lambda: bool(here.state["approvals"]))
        [proposal] = here.state["approvals"]
        assert "looks like a file of keys" in proposal["preview"]

        await here.call("approve", call=proposal["call"], verdict=verdict)

        assert (await asking)["kind"] == outcome
        assert here.state["approvals"] == []
        if verdict == "once":
            assert "Yes" in await here.said(2)
        assert len(here.model.requests) == (verdict == "once")


async def test_nobody_is_asked_about_what_is_only_typed_as_yet(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=1")
    async with room(tmp_path) as here:
        answer = await here.call("plan", text="", attachments=[{"ref": "file:.env"}])

        assert (answer["kind"], "nobody agreed" in answer["error"]) == ("failed", True)
        assert here.state["approvals"] == []


async def test_questions_keep_their_order_though_the_first_one_has_to_wait(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"], ["Two"]) as here:
        here.is_free.clear()
        first = asyncio.ensure_future(here.call("ask", text="@price?"))
        await here.is_busy.wait()
        second = asyncio.ensure_future(here.call("ask", text="Second?"))

        here.is_free.set()
        await first
        await second

        assert [text for text in await here.said(4) if "?" in text] == ["@price?", "Second?"]


async def test_a_question_is_asked_again_as_it_was(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"], ["Two"]) as here:
        done = await here.call("ask", text="What is @price?")
        await here.said(2)
        here.variables["price"] = 43

        await here.call("again", turn=done["turn"])

        await until(lambda: here.branches == ["2/2", "2/2"])
        assert await here.said(2) == ["What is @price?", "Two"]
        assert [m.text for m in here.model.requests[1].messages if m.role == "assistant"] == []
        assert here.model.requests[1].messages[-1].parts == here.model.requests[0].messages[-1].parts


async def test_a_question_is_asked_again_with_the_tools_that_were_chosen_for_it(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"], ["Two"]) as here:
        done = await here.call("ask", text="Read.", tools=["read_file"])
        await here.said(2)

        await here.call("again", turn=done["turn"])
        await until(lambda: here.branches == ["2/2", "2/2"])

        assert [[tool.name for tool in request.tools] for request in here.model.requests] == [["read_file"]] * 2


async def test_an_earlier_answer_is_gone_back_to_and_goes_on_with_what_followed_it(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"], ["More"], ["Two"]) as here:
        first = await here.call("ask", text="First?")
        await here.said(2)
        await here.call("ask", text="And then?")
        await here.said(4)
        await here.call("again", turn=first["turn"])
        await until(lambda: here.branches == ["2/2", "2/2"])

        done = await here.call("branch", turn=here.state["entries"][0]["turn"], to=1)

        assert done["kind"] == "done"
        assert await here.said(4) == ["First?", "One", "And then?", "More"]
        assert here.branches == ["1/2", "1/2", "", ""]
        assert here.chat.sessions.history(here.chat.sessions.current)[-1].text == "More"


async def test_a_question_is_asked_in_the_place_of_one_with_what_that_one_carried_along(tmp_path: Path) -> None:
    here_is = {"name": "a.txt", "mime": "text/plain", "data": base64.b64encode(b"Dropped.").decode()}
    async with room(tmp_path, ["One"], ["More"], ["Two"]) as here:
        here.variables["size"] = 7
        first = await here.call("ask", text="What is @price?", attachments=[here_is])
        await here.said(2)
        await here.call("ask", text="And then?")
        await here.said(4)

        done = await here.call("edit", turn=first["turn"], text="How large is @size?")

        await until(lambda: here.branches == ["2/2", "2/2"])
        assert await here.said(2) == ["How large is @size?", "Two"]
        assert here.state["entries"][0]["turn"] == done["turn"]
        said = [message for message in here.model.requests[2].messages if message.role != "system"]
        labels = [part.label for message in said for part in message.parts if isinstance(part, Context)]
        assert sorted(labels) == ["file a.txt", "variable size"]


async def test_the_last_question_is_taken_back_and_the_next_one_follows_the_one_before(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"], ["Two"], ["Three"]) as here:
        await here.call("ask", text="First?")
        await here.said(2)
        await here.call("ask", text="Second?")
        await here.said(4)

        done = await here.call("undo")
        gone = await here.said(2)
        await here.call("ask", text="Third?")
        await until(lambda: here.branches == ["", "", "2/2", "2/2"])

        assert done["text"] == "Second?"
        assert gone == ["First?", "One"]
        assert await here.said(4) == ["First?", "One", "Third?", "Three"]


@pytest.mark.parametrize("command", [{"do": "undo"}, {"do": "fork"}, {"do": "branch", "turn": "t", "to": 1}])
async def test_nobody_goes_back_while_an_answer_is_being_written(tmp_path: Path, command: Json) -> None:
    async with room(tmp_path, ["Well", 3_600.0]) as here:
        await here.call("ask", text="Why?")
        await until(lambda: "Well" in str(here.state["live"]))

        answer = await here.call(**command)

        assert "Stop it, or wait for its end" in answer["error"]


async def test_a_fork_ends_with_the_turn_of_its_message_and_leaves_the_session_alone(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"], ["Two"]) as here:
        await here.call("ask", text="First?")
        await here.said(2)
        await here.call("ask", text="Second?")
        await here.said(4)
        before = here.state["session"]["id"]

        done = await here.call("fork", message=here.state["entries"][0]["id"], title="Another way")

        assert await here.said(2) == ["First?", "One"]
        assert (here.state["session"]["id"], here.state["session"]["title"]) == (done["session"], "Another way")
        assert len(here.chat.sessions.load(before).messages) == 4


async def test_a_deleted_session_is_in_the_trash_and_a_new_one_begins(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"]) as here:
        await here.call("ask", text="First?")
        await here.said(2)
        session = here.state["session"]["id"]

        await here.call("delete", session=session)

        await until(lambda: here.state["entries"] == [])
        assert here.state["session"]["id"] != session
        assert [info.id for info in here.chat.sessions.all(TRASHED)] == [session]
        assert (await here.call("sessions"))["sessions"] == []


async def test_a_session_that_is_being_answered_in_is_not_deleted(tmp_path: Path) -> None:
    async with room(tmp_path, ["Well", 3_600.0]) as here:
        await here.call("ask", text="Why?")
        await until(lambda: "Well" in str(here.state["live"]))
        await until(lambda: len(here.chat.sessions.all()) == 1)

        answer = await here.call("delete", session=here.state["session"]["id"])

        assert "Stop it first" in answer["error"]


async def test_words_are_found_with_the_place_where_they_stand(tmp_path: Path) -> None:
    async with room(tmp_path, ["The median is robust."]) as here:
        await here.call("ask", text="Which mean?")
        await here.said(2)

        [hit] = (await here.call("search", query="robust med"))["hits"]
        nothing = (await here.call("search", query=" "))["hits"]

        assert (hit["session"], hit["title"], hit["role"]) == (here.state["session"]["id"], "Which mean?", "assistant")
        assert [hit["text"][begin:end] for begin, end in hit["spans"]] == ["median", "robust"]
        assert nothing == []


async def test_a_place_in_another_session_and_branch_is_opened(tmp_path: Path) -> None:
    async with room(tmp_path, ["A pear."], ["A plum."], ["A fig."]) as here:
        await here.call("ask", text="Which fruit?")
        await here.said(2)
        await here.call("again", turn=here.state["entries"][0]["turn"])
        await until(lambda: here.branches == ["2/2", "2/2"])
        there = here.state["session"]["id"]
        await here.call("new")
        await here.call("ask", text="And now?")
        await here.said(2)

        [hit] = (await here.call("search", query="pear"))["hits"]
        done = await here.call("open", session=hit["session"], message=hit["message"])
        await here.call("hello")

        assert here.state["session"]["id"] == there
        assert [text_of(entry) for entry in here.state["entries"]] == ["Which fruit?", "A pear."]
        assert here.branches == ["1/2", "1/2"]
        assert done["turn"] == here.state["entries"][1]["turn"]
        gone = await here.call("open", session=there, message="nothing")
        assert "not in the session any more" in gone["error"]


@pytest.mark.parametrize("name", ["json", "jsonl", "ipynb"])
async def test_a_file_of_a_session_is_taken_in_and_opened(tmp_path: Path, name: str) -> None:
    async with room(tmp_path / "a", ["It is **42**."]) as here:
        await here.call("ask", text="What is it?")
        await here.said(2)
        file = (await here.call("export", format=name))["data"]
    async with room(tmp_path / "b") as here:
        done = await here.call("import", name=f"../{'x' * 300}.{name}", data=file)
        again = await here.call("import", name="a", data=file)

        assert await here.said(2) == ["What is it?", "It is 42."]
        assert [each["title"] for each in done["sessions"]] == ["What is it?"]
        assert (done["message_count"], again["message_count"]) == (2, 0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("no base64!", "did not come whole"),
        (None, "did not come whole"),
        (base64.b64encode(b"Dear diary").decode(), "^diary.txt is neither JSON"),
        (base64.b64encode(b"[]").decode(), "diary.txt"),
    ],
)
async def test_a_file_of_no_session_is_refused_by_its_name(tmp_path: Path, data: Json, why: str) -> None:
    async with room(tmp_path) as here:
        answer = await here.call("import", name="diary.txt", data=data)

        assert re.search(why, answer["error"])


@pytest.mark.parametrize("name", FORMATS)
async def test_a_session_is_exported_in_each_format(tmp_path: Path, name: str) -> None:
    async with room(tmp_path, ["It is **42**."]) as here:
        await here.call("ask", text="What is it?")
        await here.said(2)

        done = await here.call("export", format=name)

        path = tmp_path / done["name"]
        export_sessions(here.chat.sessions, path)
        assert done["name"] == f"What-is-it.{name}"
        assert "/" in done["mime"]
        assert base64.b64decode(done["data"]) == path.read_bytes()


async def test_the_formats_of_export_are_told(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        formats = (await here.call("export"))["formats"]

        assert [each["name"] for each in formats] == list(FORMATS)


async def test_a_tool_that_runs_on_the_kernel_is_approved_here_and_waits_in_words(tmp_path: Path) -> None:
    call = ToolStarted(ToolCall("t1", "write_file", {"path": "a.md", "text": "Hello\n"}))
    async with room(tmp_path, [call], ["Done"]) as here, _inside(tmp_path):
        await here.call("ask", text="Write.", tools=["write_file"])
        await until(lambda: bool(here.state["approvals"]))
        [proposal] = here.state["approvals"]
        assert (proposal["name"], proposal["turn"]) == ("write_file", here.state["live"]["turn"])
        assert "+Hello" in proposal["preview"]

        await here.call("approve", call=proposal["call"], verdict="once")

        assert "Done" in (await here.said(2))[1]
        assert (tmp_path / "a.md").read_text() == "Hello\n"
        [tool, _] = here.state["entries"][1]["parts"]
        assert (tool["name"], tool["is_error"]) == ("write_file", False)


@asynccontextmanager
async def _inside(folder: Path) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


async def test_sessions_are_listed_opened_begun_and_renamed(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"]) as here:
        await here.call("ask", text="First question?")
        await here.said(2)
        await here.call("rename", title="Plans")
        await until(lambda: here.state["session"]["title"] == "Plans")
        await here.call("new")
        await until(lambda: here.state["entries"] == [])

        [listed] = (await here.call("sessions", query="pla"))["sessions"]
        none = (await here.call("sessions", query="nope"))["sessions"]
        await here.call("open", session=listed["id"])
        await here.said(2)

        assert (listed["title"], listed["message_count"], listed["is_current"]) == ("Plans", 2, False)
        assert none == []


async def test_what_a_session_is_set_to_counts_for_every_surface(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"]) as here:
        await here.call("configure", system="Be brief.", options={"temperature": 0}, think=False)

        await here.call("ask", text="Why?")
        await here.said(2)

        request = here.model.requests[0]
        assert request.messages[0].text == "Be brief."
        assert (request.options["temperature"], request.think) == (0, False)
        assert here.state["session"]["options"] == {"temperature": 0}
        stored = here.chat.sessions.store.load(here.chat.sessions.current.id)
        assert (stored.system, stored.options, stored.think) == ("Be brief.", {"temperature": 0}, False)


async def test_a_server_that_never_lists_its_models_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_commands, "LIST_S", 0.01)
    async with room(tmp_path) as here:
        with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and that is all
            here.config.host = f"127.0.0.1:{silent.getsockname()[1]}"
            answer = await here.call("models")

    assert "did not list its models within 0.01 s" in answer["error"]


async def test_the_models_of_the_server_are_listed(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.config.model = "scripted:demo"

        answer = await here.call("models")

        assert answer["current"] == "scripted:demo"
        [model] = answer["models"]
        assert (model["name"], model["is_loaded"], model["capabilities"]) == ("demo", True, ["completion", "tools"])


async def test_tools_are_listed_and_chosen(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        await here.call("choose", tools=["read_file"])

        listed = {tool["name"]: tool for tool in (await here.call("tools"))["tools"]}

        assert (listed["read_file"]["set"], listed["read_file"]["is_chosen"]) == ("files", True)
        assert (listed["write_file"]["rule"], listed["write_file"]["is_chosen"]) == ("ask", False)


async def test_names_are_offered_and_shown_before_they_are_sent(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Buy milk.")
    async with room(tmp_path) as here:
        offered = (await here.call("complete", text="@pri"))["items"]
        files = (await here.call("complete", text="file:n"))["items"]
        variable = await here.call("preview", ref="price")
        file = await here.call("preview", ref="file:notes.md")
        data = base64.b64encode(PNG).decode()
        picture = await here.call("preview", attachment={"name": "a.png", "mime": "image/png", "data": data})
        kinds = [(await here.call("complete", text=text))["items"] for text in ("file:", "fil")]

        assert offered == [{"ref": "price", "label": "price", "kind": "variable"}]
        assert files == [{"ref": "file:notes.md", "label": "file:notes.md", "kind": "file"}]
        assert [[(item["ref"], item["kind"]) for item in items] for items in kinds] == [
            [("file:notes.md", "file")],
            [("file:notes.md", "file"), ("file:", "file")],
        ]
        assert "42" in variable["text"]
        assert (file["label"], file["text"]) == ("file notes.md", "Buy milk.")
        assert file["tokens"] > 0
        assert picture["image"] == {"mime": "image/png", "data": data}


async def test_a_preview_says_how_much_it_does_not_show(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("a" * 5_000)
    async with room(tmp_path) as here:
        preview = await here.call("preview", ref="file:long.txt")

        assert preview["text"].endswith("a\n[... 3,000 more characters are sent ...]")


async def test_a_plan_tells_how_full_the_window_would_be(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"]) as here:
        empty = await here.call("plan", text="")
        full = await here.call("plan", text="word " * 1_000, attachments=[{"ref": "price"}])

        assert empty["tokens"] < 100
        assert 1_000 < full["tokens"] < full["num_ctx"]
        assert here.model.requests == []


async def test_what_was_pinned_goes_along_and_can_be_taken_off(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"]) as here:
        await here.call("pin", ref="price")
        await until(lambda: here.state["session"]["pins"] == ["price"])
        await here.call("ask", text="Why?")
        await here.said(2)
        await here.call("pin", ref="price", is_pinned=False)

        assert any(isinstance(part, Context) for part in here.model.requests[0].messages[-1].parts)
        assert here.chat.sessions.current.pins == ()


async def test_what_is_hidden_is_not_read_until_it_is_shown_again(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"], ["Two"], ["Three"]) as here:
        await here.call("ask", text="Secret?")
        await here.said(2)
        answer = here.state["entries"][1]["id"]

        await here.call("hide", message=answer)
        await until(lambda: all(entry["is_hidden"] for entry in here.state["entries"]))
        await here.call("ask", text="Second?")
        await here.said(4)
        await here.call("hide", message=answer, is_hidden=False)
        await here.call("ask", text="Third?")
        await here.said(6)

        read = [[m.text for m in request.messages] for request in here.model.requests]
        assert "Secret?" not in read[1]
        assert "Secret?" in read[2]


async def test_a_message_is_copied_as_it_was_written(tmp_path: Path) -> None:
    async with room(tmp_path, [ThinkingDelta("Hm."), "**Bold** `x`"]) as here:
        await here.call("ask", text="*Why*?")
        await here.said(2)
        question, answer = (entry["id"] for entry in here.state["entries"])

        assert (await here.call("copy", message=question))["markdown"] == "*Why*?"
        assert (await here.call("copy", message=answer))["markdown"] == "**Bold** `x`"


async def test_answers_whose_variables_have_changed_are_stale(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"]) as here:
        await here.call("ask", text="@price?")
        await here.said(2)
        before = (await here.call("stale"))["stale"]
        here.variables["price"] = 43

        [stale] = (await here.call("stale"))["stale"]

        assert before == []
        assert stale == {"message": here.state["entries"][0]["id"], "changed": ["variable price"]}


async def test_first_questions_fit_what_is_there(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.sources.append(Failures(7, 3))
        starters = (await here.call("suggest"))["starters"]

        assert {"text": "What went wrong in cell 7, and how do I mend it?", "refs": ["error"]} in starters
        assert {"text": "What is in price, and what could I ask of it?", "refs": ["price"]} in starters


async def test_where_nothing_has_failed_nobody_is_asked_what_went_wrong(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        here.sources.append(Failures())
        starters = (await here.call("suggest"))["starters"]

        assert [starter["refs"] for starter in starters] == [["price"]]


async def test_earlier_entries_come_when_asked_for(tmp_path: Path) -> None:
    async with room(tmp_path, ["One"]) as here:
        await here.call("ask", text="First?")
        await here.said(2)
        last = here.state["entries"][1]["id"]

        answer = await here.call("earlier", before=last, count=5)

        assert ([text_of(entry) for entry in answer["entries"]], answer["has_more"]) == (["First?"], False)
