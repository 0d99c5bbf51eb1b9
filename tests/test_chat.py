"""Asking, from the question on disk to the answer that is kept, whatever happens in between."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import tinydb

from chatnb import saving
from chatnb.chat import Chat
from chatnb.context.base import Reading
from chatnb.errors import (
    ContextNotFound,
    ModelBroken,
    ModelRefused,
    ModelTooLarge,
    ModelUnreachable,
    SettingsError,
    StoreError,
)
from chatnb.events import Asked, Event, Finished, ModelEvent, TextDelta, ThinkingDelta, TokensCounted, ToolStarted
from chatnb.messages import Context, Image, Message, Session, Summary, Text, ToolCall, ToolResult, Usage
from chatnb.models.base import Model, ModelInfo, Request
from chatnb.models.catalog import Catalog
from chatnb.models.fallback import FallbackModel
from chatnb.models.scripted import ScriptedModel, Step
from chatnb.settings import Settings
from chatnb.stores.base import Store
from chatnb.stores.memory import MemoryStore
from chatnb.stores.tinydb import TinyStore
from chatnb.tools.tool import Tool
from chatnb.tools.toolbox import Toolbox
from chatnb.turn import Turn

CONTEXT = Context.of("variable x", "x = 1")
PAUSE = 0.02
ENDLESS: list[Step] = ["Once upon", 3_600.0]

New = Callable[..., Chat]


@pytest.fixture
def new(tmp_path: Path) -> Iterator[New]:
    """Make chats that are closed in the end, with sessions under `tmp_path`."""
    before = set(threading.enumerate())
    chats: list[Chat] = []

    def make(model: Model | str, store: Store | None = None, **options: object) -> Chat:
        options.setdefault("settings", Settings())
        chats.append(Chat(model, store=store or TinyStore(tmp_path), **options))  # type: ignore[arg-type]  # passed on
        return chats[-1]

    yield make
    for each in chats:
        each.close()
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert [name for name in left if not name.startswith("asyncio_")] == []  # those are the test's own loop's


def saved(folder: Path) -> list[Message]:
    """Return the messages of the only session, read by somebody else."""
    store = TinyStore(folder)
    [info] = store.sessions()
    return list(store.load(info.id).messages)


def told(messages: Sequence[Message]) -> list[tuple[str, str, str | None]]:
    return [(message.role, message.text, message.outcome) for message in messages]


def files(folder: Path, pattern: str = "*") -> list[Path]:
    return [path for path in folder.rglob(pattern) if path.is_file()]


async def until(turn: Turn, kind: type[Event], count: int = 1) -> None:
    """Wait until that many events of a kind were told."""
    async for event in turn.watch():
        count -= isinstance(event, kind)
        if not count:
            return


def test_a_script_asks_and_gets_the_whole_reply(new: New) -> None:
    chat = new(ScriptedModel(["Hello ", "there"]))

    reply = chat.ask_now("Hi")

    assert (reply.text, reply.outcome) == ("Hello there", "done")


async def test_a_running_loop_may_ask_and_wait_too(new: New) -> None:
    chat = new(ScriptedModel(["Hello"]))

    reply = chat.ask_now("Hi")

    assert reply.text == "Hello"


async def test_awaiting_gives_the_reply(new: New) -> None:
    chat = new(ScriptedModel(["Hello"]))

    reply = await chat.ask("Hi")

    assert reply.text == "Hello"


async def test_iterating_gives_the_events(new: New) -> None:
    chat = new(ScriptedModel(["Hel", "lo"]))

    events = [event async for event in chat.ask("Hi")]

    assert isinstance(events[0], Asked)
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hel", "lo"]
    assert isinstance(events[-1], Finished)


async def test_one_chat_may_be_used_on_several_loops(new: New) -> None:
    model = ScriptedModel(["One"], ["Two"], ["Three"])
    chat = new(model)

    said = [chat.ask_now("1").text, (await chat.ask("2")).text, chat.ask_now("3").text]

    assert said == ["One", "Two", "Three"]
    assert [message.text for message in model.requests[2].messages] == ["1", "One", "2", "Two", "3"]


def test_a_failure_is_raised_and_kept(new: New, tmp_path: Path) -> None:
    chat = new(ScriptedModel(["Hal", ModelUnreachable("Gone.")]))

    with pytest.raises(ModelUnreachable, match="Gone"):
        chat.ask_now("Hi")

    question, answer = saved(tmp_path)
    assert told([question, answer]) == [("user", "Hi", None), ("assistant", "Hal", "failed")]
    assert answer.error == "Gone."


def test_what_was_typed_is_sent_and_kept_as_typed(new: New, tmp_path: Path) -> None:
    text = "  {x} %s $y @cells \\n {{}} \u2028 🙂\n\ttab  "
    model = ScriptedModel(["Yes"])

    new(model).ask_now(text)

    assert model.requests[0].messages[-1].text == text
    assert saved(tmp_path)[0].text == text


def test_parts_come_before_the_text_of_the_question(new: New) -> None:
    model, context = ScriptedModel(["Yes"]), Context.of("cell 1", "x = 1")

    new(model).ask_now("Why?", context)

    assert model.requests[0].messages[-1].parts == (context, Text("Why?"))


def test_settings_reach_the_model(new: New) -> None:
    model = ScriptedModel(["{}"])
    settings = Settings(system="Be brief.", options={"seed": 7, "num_ctx": 5_000}, think=True, keep_alive="5m")
    chat = new(model, settings=settings)

    chat.ask_now("Hi", schema={"type": "object"})

    [asked] = model.requests
    assert [message.role for message in asked.messages] == ["system", "user"]
    assert asked.messages[0].text == "Be brief."
    assert asked.options == {"seed": 7, "num_ctx": 5_000}
    assert (asked.think, asked.keep_alive, asked.schema) == (True, "5m", {"type": "object"})


async def test_one_question_may_have_settings_of_its_own(new: New) -> None:
    model = ScriptedModel(["Yes"])
    chat = new(model)

    await chat.ask("Hi", settings=Settings(options={"seed": 1}))
    await chat.ask("Hi again")

    assert model.requests[0].options["seed"] == 1
    assert "seed" not in model.requests[1].options


def test_an_option_that_cannot_be_fails_the_turn_and_says_so(new: New, tmp_path: Path) -> None:
    chat = new(ScriptedModel(["Yes"]), settings=Settings(options={"num_ctx": "large"}))

    with pytest.raises(SettingsError, match="num_ctx"):
        chat.ask_now("Hi")

    assert told(saved(tmp_path)) == [("user", "Hi", None), ("assistant", "", "failed")]
    assert chat.last is not None
    assert isinstance(chat.last.log[0], Asked)


async def test_the_question_is_on_disk_before_the_first_token_is_told(new: New, tmp_path: Path) -> None:
    chat = new(ScriptedModel(["Hello"]))

    on_disk = [told(saved(tmp_path)) async for event in chat.ask("Hi") if isinstance(event, TextDelta)]

    assert on_disk == [[("user", "Hi", None)]]


def test_an_answer_is_kept_with_all_that_is_known_of_it(new: New, tmp_path: Path) -> None:
    chat = new(ScriptedModel(["Hello", " there"], name="m"), settings=Settings(user_id="ada", options={"seed": 1}))

    chat.ask_now("Hi")

    question, answer = saved(tmp_path)
    assert told([question, answer]) == [("user", "Hi", None), ("assistant", "Hello there", "done")]
    assert (answer.model, answer.user_id, answer.turn_id) == ("m", "ada", question.id)
    assert answer.options["seed"] == 1
    assert answer.usage is not None
    assert answer.usage.reply_tokens == 2
    assert answer.duration_s is not None


def test_a_session_is_a_file_that_plain_tinydb_reads(new: New, tmp_path: Path) -> None:
    new(ScriptedModel(["Hello"])).ask_now("Hi")

    [path] = tmp_path.glob("*.json")
    with tinydb.TinyDB(path) as db:
        texts = [document["parts"][0]["text"] for document in db.table("messages")]

    assert texts == ["Hi", "Hello"]


async def test_a_cancelled_answer_is_kept_and_marked(new: New, tmp_path: Path) -> None:
    model = ScriptedModel(ENDLESS)
    turn = new(model).ask("Tell me a story")
    await until(turn, TextDelta)

    turn.cancel()
    reply = await turn

    assert reply.outcome == "cancelled"
    assert told(saved(tmp_path)) == [("user", "Tell me a story", None), ("assistant", "Once upon", "cancelled")]
    assert model.open_streams == 0


async def test_a_question_that_is_cancelled_at_once_is_kept_all_the_same(new: New, tmp_path: Path) -> None:
    turn = new(ScriptedModel(["Hello"])).ask("Hi")

    turn.cancel()
    await turn

    assert told(saved(tmp_path)) == [("user", "Hi", None), ("assistant", "", "cancelled")]


async def test_the_next_question_reads_what_was_said_before(new: New) -> None:
    model = ScriptedModel(["Ada."], ["Lovelace."])
    chat = new(model)
    await chat.ask("Her first name?")

    await chat.ask("And her last?")

    assert [message.text for message in model.requests[1].messages] == ["Her first name?", "Ada.", "And her last?"]


async def test_a_turn_in_whose_place_a_question_is_asked_is_not_read(new: New) -> None:
    model = ScriptedModel(["Bad."], ["Good."])
    chat = new(model)
    first = chat.ask("Why?")
    await first

    await chat.begin(chat.prepare("Why?", instead_of=first.question.turn_id))

    assert [message.text for message in model.requests[1].messages] == ["Why?"]


async def test_another_chat_goes_on_where_this_one_was(new: New) -> None:
    await new(ScriptedModel(["Ada."])).ask("Her name?")
    model = ScriptedModel(["Yes."])

    await new(model, session="Her name?").ask("Really?")

    assert [message.text for message in model.requests[0].messages] == ["Her name?", "Ada.", "Really?"]


class Jealous(ScriptedModel):
    """Wants to answer one question at a time."""

    def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        assert self.open_streams == 0
        return super().stream(request)


async def test_a_session_has_one_turn_at_a_time(new: New) -> None:
    model = Jealous([PAUSE, "One"], [PAUSE, "Two"], ["Three"])
    chat = new(model)

    turns = [chat.ask(text) for text in ("1", "2", "3")]
    replies = [await turn for turn in turns]

    assert [reply.text for reply in replies] == ["One", "Two", "Three"]
    assert [message.text for message in model.requests[2].messages] == ["1", "One", "2", "Two", "3"]


async def test_a_question_that_stops_waiting_lets_nobody_overtake(new: New) -> None:
    model = ScriptedModel([PAUSE, "One"], ["Three"])
    chat = new(model)
    first, second, third = (chat.ask(text) for text in ("1", "2", "3"))

    second.cancel()
    await third

    assert first.is_finished
    assert [message.text for message in model.requests[1].messages] == ["1", "One", "3"]


async def test_two_sessions_do_not_wait_for_each_other(new: New) -> None:
    chat = new(ScriptedModel(ENDLESS, ["Hello"]))
    endless = chat.ask("Tell me a story")
    await until(endless, TextDelta)

    reply = await chat.ask("Hi", session=chat.sessions.fresh("Aside"))

    assert reply.text == "Hello"
    assert not endless.is_finished
    endless.cancel()
    await endless


async def test_a_question_from_another_loop_waits_its_turn_too(new: New) -> None:
    model = ScriptedModel([PAUSE, "One"], ["Two"])
    chat = new(model)
    first = chat.ask("1")
    await until(first, Asked)

    reply = await asyncio.to_thread(chat.ask_now, "2")

    assert first.is_finished
    assert reply.text == "Two"
    assert [message.text for message in model.requests[1].messages] == ["1", "One", "2"]


async def test_what_is_not_to_be_saved_leaves_no_file_but_is_remembered(new: New, tmp_path: Path) -> None:
    model = ScriptedModel(["Ada."], ["Lovelace."])
    chat = new(model, settings=Settings(save=False))
    await chat.ask("Her first name?")

    await chat.ask("And her last?")

    assert files(tmp_path) == []
    assert [message.text for message in model.requests[1].messages] == ["Her first name?", "Ada.", "And her last?"]


async def test_a_long_answer_is_kept_while_it_comes_and_nothing_of_that_is_left(
    new: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "CHECKPOINT_S", 0.01)
    turn = new(ScriptedModel(ENDLESS)).ask("Tell me a story")
    while not (parts := files(tmp_path, "*.part")):  # noqa: ASYNC110 - a file tells nobody that it is there
        await asyncio.sleep(0.005)
    while_it_comes = parts[0].read_text()

    turn.cancel()
    await turn

    assert "Once upon" in while_it_comes
    assert files(tmp_path, "*.part") == []
    assert files(tmp_path, "*.live") == []


class CountingStore(MemoryStore):
    """Counts what is kept while an answer comes."""

    checkpoints = 0

    def checkpoint(self, session_id: str, *messages: Message) -> None:
        self.checkpoints += 1
        super().checkpoint(session_id, *messages)


async def test_an_answer_that_stands_still_is_not_kept_again(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "CHECKPOINT_S", 0.005)
    store = CountingStore()
    turn = new(ScriptedModel(ENDLESS), store).ask("Tell me a story")
    while not store.checkpoints:  # noqa: ASYNC110 - who counts tells nobody
        await asyncio.sleep(0.005)

    await asyncio.sleep(0.1)
    turn.cancel()
    await turn

    assert store.checkpoints == 1


async def test_a_short_answer_is_kept_once(new: New) -> None:
    store = CountingStore()

    await new(ScriptedModel(["Hello"]), store).ask("Hi")

    assert store.checkpoints == 0


async def test_an_answer_that_is_not_to_be_saved_is_not_kept_meanwhile(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "CHECKPOINT_S", 0.005)
    store = CountingStore()
    turn = new(ScriptedModel(ENDLESS), store, settings=Settings(save=False)).ask("Tell me a story")
    await until(turn, TextDelta)

    await asyncio.sleep(0.05)
    turn.cancel()
    await turn

    assert store.checkpoints == 0


class FullStore(MemoryStore):
    """A disk that is full, for as long as it is."""

    is_full = True

    def create(self, session: Session) -> None:
        self._check()
        super().create(session)

    def append(self, session_id: str, *messages: Message) -> None:
        self._check()
        super().append(session_id, *messages)

    def _check(self) -> None:
        if self.is_full:
            raise StoreError("The disk is full.")


def test_an_answer_stays_when_it_cannot_be_kept(new: New) -> None:
    chat = new(ScriptedModel(["Hel", "lo"]), FullStore())

    with pytest.raises(StoreError, match="disk is full"):
        chat.ask_now("Hi")

    assert chat.last is not None
    assert chat.last.reply.text == "Hello"
    assert [event.text for event in chat.last.log if isinstance(event, TextDelta)] == ["Hel", "lo"]


async def test_a_question_that_could_not_be_kept_is_kept_with_its_answer(new: New) -> None:
    store = FullStore()
    chat = new(ScriptedModel([PAUSE, "Hello"]), store)

    async for event in chat.ask("Hi"):
        if isinstance(event, TextDelta):
            store.is_full = False

    [info] = store.sessions()
    assert told(store.load(info.id).messages) == [("user", "Hi", None), ("assistant", "Hello", "done")]
    assert info.title == "Hi"


async def test_the_window_grows_but_does_not_shrink_again(new: New) -> None:
    model = ScriptedModel(["Yes"])
    chat = new(model, settings=Settings(history=0))

    for text in ("short", "x" * 20_000, "short"):
        await chat.ask(text)

    assert [request.options["num_ctx"] for request in model.requests] == [4_096, 16_384, 16_384]


async def test_a_window_for_which_there_is_no_memory_is_halved_and_stays_so(new: New) -> None:
    model = ScriptedModel([ModelTooLarge("No memory.")], [ModelTooLarge("No memory.")], ["Yes"])
    chat = new(model, settings=Settings(history=0))

    reply = await chat.ask("x" * 30_000)
    await chat.ask("x" * 30_000)

    assert [request.options["num_ctx"] for request in model.requests] == [16_384, 8_192, 4_096, 4_096]
    assert reply.asked is not None
    assert reply.asked.num_ctx == 4_096
    assert reply.text == "Yes"


async def test_a_model_that_fits_with_no_window_fails_as_it_says(new: New) -> None:
    model = ScriptedModel([ModelTooLarge("No memory.")])
    chat = new(model)

    with pytest.raises(ModelTooLarge, match="No memory"):
        await chat.ask("Hi")

    assert [request.options["num_ctx"] for request in model.requests] == [4_096, 2_048]


async def test_a_window_is_made_smaller_before_the_next_model_is_asked_but_not_too_small(new: New) -> None:
    no_memory = [ModelTooLarge("No memory.")]
    big = ScriptedModel(no_memory, ["Yes"], no_memory, name="big")
    small = ScriptedModel(["No"], name="small")
    chat = new(FallbackModel([big, small]), settings=Settings(history=0))

    first = await chat.ask("x" * 30_000)
    second = await chat.ask("x" * 30_000)

    assert (first.model, second.model) == ("big", "small")
    assert [request.options["num_ctx"] for request in big.requests] == [16_384, 8_192, 8_192]
    assert [request.options["num_ctx"] for request in small.requests] == [8_192]


async def test_the_next_model_is_asked_where_there_is_no_memory_for_a_window_that_the_user_chose(new: New) -> None:
    big, small = ScriptedModel([ModelTooLarge("No memory.")], name="big"), ScriptedModel(["Yes"], name="small")
    chat = new(FallbackModel([big, small]), settings=Settings(options={"num_ctx": 16_384}))

    reply = await chat.ask("Hi")

    assert reply.model == "small"
    assert len(big.requests) == 1


async def test_a_window_that_the_user_chose_is_not_changed(new: New) -> None:
    model = ScriptedModel([ModelTooLarge("No memory.")])
    chat = new(model, settings=Settings(options={"num_ctx": 8_192}))

    with pytest.raises(ModelTooLarge):
        await chat.ask("Hi")

    assert len(model.requests) == 1


async def test_what_no_longer_fits_is_summarised_where_that_is_wanted(new: New) -> None:
    model = ScriptedModel(["y, " * 3_000], ["It was asked."], ["It was about y."], ["Yes"])
    chat = new(model, settings=Settings(max_context=4_096, compact=True))
    await chat.ask("Something long")

    reply = await chat.ask("Again")

    assert reply.text == "Yes"
    assert reply.asked is not None
    assert reply.asked.left_out == 0
    summary, question = model.requests[3].messages
    assert summary.parts == (Summary("It was about y.", f"{chat.sessions.history(chat.sessions.current)[0].id}.001"),)
    assert question.text == "Again"


async def test_what_cannot_be_summarised_is_left_out_and_told(new: New) -> None:
    model = ScriptedModel(["y, " * 3_000], [ModelBroken("No.")], ["Yes"])
    chat = new(model, settings=Settings(max_context=4_096, compact=True))
    await chat.ask("Something long")

    reply = await chat.ask("Again")

    assert reply.text == "Yes"
    assert reply.asked is not None
    assert reply.asked.left_out == 2


async def test_a_picture_is_not_sent_to_a_model_that_cannot_see(new: New) -> None:
    model = ScriptedModel(["Yes"], name="m")
    chat = new("m", catalog=OneModel(model, ModelInfo("m", capabilities=("completion",))))

    reply = await chat.ask("See?", Image(b"png", "image/png"))

    assert reply.asked is not None
    assert "cannot see" in reply.asked.notes[0]
    assert model.requests[0].messages[-1].parts == (Text("See?"),)


async def test_context_can_be_named_from_python(new: New, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Alpha")
    model = ScriptedModel(["Yes"])

    await new(model).ask("What is in it, @nobody?", context=[f"file:{tmp_path / 'a.md'}"])

    context, text = model.requests[0].messages[-1].parts
    assert isinstance(context, Context)
    assert context.text.strip() == "Alpha"
    assert text == Text("What is in it, @nobody?")


async def test_a_reference_that_names_nothing_is_an_error_from_python(new: New) -> None:
    chat = new(ScriptedModel(["Yes"]))

    with pytest.raises(ContextNotFound):
        chat.ask("Why?", context=["file:nowhere.md"])


async def test_what_does_not_fit_is_told(new: New) -> None:
    chat = new(ScriptedModel(["y" * 9_000]), settings=Settings(max_context=4_096))
    await chat.ask("Something long")

    asked = [event async for event in chat.ask("Again") if isinstance(event, Asked)]

    assert asked[0].left_out == 2


async def test_another_model_that_answers_is_told_kept_and_asked_first_from_then_on(new: New, tmp_path: Path) -> None:
    gone, there = ScriptedModel([ModelUnreachable("Gone.")], name="big"), ScriptedModel(["Hello"], name="small")
    chat = new(FallbackModel([gone, there]))

    first = await chat.ask("Hi")
    await chat.ask("Hi again")

    assert [(change.model, change.to) for change in first.fallbacks] == [("big", "small")]
    assert [message.model for message in saved(tmp_path) if message.role == "assistant"] == ["small", "small"]
    assert len(gone.requests) == 1


def where_am_i() -> str:
    """Say which thread this is."""
    return threading.current_thread().name


def calling(name: str) -> list[Step]:
    return [ToolStarted(ToolCall("c1", name, {}))]


def test_a_tool_of_the_kernel_runs_on_the_thread_that_asks(new: New, tmp_path: Path) -> None:
    chat = new(ScriptedModel(calling("where_am_i"), ["There."]))
    chat.tools = Toolbox([Tool.of(where_am_i, where="kernel")], chat.portal.on_kernel)

    reply = chat.ask_now("Where?")

    assert [part.text for part in reply.parts if isinstance(part, ToolResult)] == [threading.main_thread().name]
    assert [message.role for message in saved(tmp_path)] == ["user", "assistant", "tool", "assistant"]


def test_tools_get_room_in_the_window(new: New) -> None:
    model = ScriptedModel(["Yes"])
    chat = new(model, tools=Toolbox([Tool.of(where_am_i)]))

    chat.ask_now("Hi")

    assert model.requests[0].options["num_ctx"] == 16_384


async def test_results_of_tools_that_the_server_dropped_are_told(new: New) -> None:
    counted = [TokensCounted(Usage(prompt_tokens=tokens)) for tokens in (300, 512)]
    model = ScriptedModel([*calling("tell"), counted[0]], ["Yes", counted[1]])

    def tell() -> str:
        return "word " * 1_500

    chat = new(model, tools=Toolbox([tell]), settings=Settings(options={"num_ctx": 512}))

    reply = await chat.ask("Hi")

    assert reply.usage.unread_tokens is not None
    assert reply.usage.unread_tokens > 1_000


def test_the_limit_of_tools_ends_the_turn_and_says_so(new: New, tmp_path: Path) -> None:
    chat = new(
        ScriptedModel(calling("where_am_i")), tools=Toolbox([Tool.of(where_am_i)]), settings=Settings(tool_rounds=2)
    )

    reply = chat.ask_now("Where?")

    assert reply.outcome == "tool_limit"
    assert [message.outcome for message in saved(tmp_path) if message.role == "assistant"][-1] == "tool_limit"


class OneModel(Catalog):
    """A catalog of one model, of which something is known."""

    def __init__(self, only: Model, info: ModelInfo | None) -> None:
        super().__init__()
        self.only, self.known = only, info

    async def model(self, settings: Settings) -> Model:  # noqa: ARG002 - it has but one
        return self.only

    async def info(self, name: str, settings: Settings) -> ModelInfo | None:  # noqa: ARG002 - likewise
        return self.known


async def test_a_model_is_not_given_a_larger_window_than_it_was_made_for(new: New) -> None:
    model = ScriptedModel(["Yes"], name="m")
    chat = new("m", catalog=OneModel(model, ModelInfo("m", context_length=2_048)))

    await chat.ask("Hi")

    assert model.requests[0].options["num_ctx"] == 2_048


async def test_a_model_that_cannot_be_found_fails_the_turn_like_any_other(new: New, tmp_path: Path) -> None:
    class Nothing(OneModel):
        """No model at all."""

        async def model(self, settings: Settings) -> Model:  # noqa: ARG002 - whatever they say
            raise ModelRefused("There is none.")

    chat = new("m", catalog=Nothing(ScriptedModel(), None))

    with pytest.raises(ModelRefused):
        await chat.ask("Hi")

    assert told(saved(tmp_path)) == [("user", "Hi", None), ("assistant", "", "failed")]


def test_an_interrupted_script_keeps_what_was_said_before_it_goes_on(new: New, tmp_path: Path) -> None:
    chat = new(ScriptedModel(ENDLESS))

    def press() -> None:
        while chat.last is None or not any(isinstance(event, TextDelta) for event in chat.last.log):
            threading.Event().wait(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()

    with pytest.raises(KeyboardInterrupt):
        chat.ask_now("Tell me a story")

    assert told(saved(tmp_path)) == [("user", "Tell me a story", None), ("assistant", "Once upon", "cancelled")]
    presser.join()


def test_closing_stops_what_runs_and_keeps_what_was_said(new: New, tmp_path: Path) -> None:
    model = ScriptedModel(ENDLESS)
    chat = new(model)

    async def ask() -> Turn:
        turn = chat.ask("Tell me a story")
        await until(turn, TextDelta)
        return turn

    turn = chat.portal.call(ask())

    chat.close()

    assert turn.reply.outcome == "cancelled"
    assert told(saved(tmp_path)) == [("user", "Tell me a story", None), ("assistant", "Once upon", "cancelled")]
    assert model.open_streams == 0


async def test_closing_on_another_loop_than_the_turns_does_not_wait_for_it_for_ever(new: New) -> None:
    chat = new(ScriptedModel(ENDLESS), MemoryStore())
    turn = chat.ask("Tell me a story")
    await until(turn, TextDelta)

    chat.close()
    reply = await turn

    assert reply.outcome == "cancelled"


async def test_a_stop_while_the_question_is_being_saved_is_no_failure() -> None:
    is_saving, may_save = threading.Event(), threading.Event()

    class SlowStore(MemoryStore):
        def create(self, session: Session) -> None:
            is_saving.set()
            may_save.wait(10)
            super().create(session)

    store = SlowStore()
    chat = Chat(ScriptedModel(["One ", "two"]), store=store, settings=Settings())
    turn = chat.ask("1")
    await asyncio.to_thread(is_saving.wait, 10)

    turn.cancel()
    for _ in range(10):  # until the answer, which waits for that, is told of it
        await asyncio.sleep(0)
    may_save.set()
    reply = await turn

    assert reply.outcome == "cancelled"
    assert [message.text for message in store.load(turn.question.session_id).messages][:1] == ["1"]


def open_files(process: psutil.Process) -> set[tuple[str, int]]:
    """Return what is open, without the places up to which it is written: pytest's own log may be among it."""
    return {(file.path, file.fd) for file in process.open_files()}


def test_loading_asking_and_closing_leave_nothing_behind(tmp_path: Path) -> None:
    process = psutil.Process()
    threads, handler = set(threading.enumerate()), signal.getsignal(signal.SIGINT)
    opened, sockets = open_files(process), process.net_connections(kind="all")
    chat = Chat(ScriptedModel(["Hello"]), store=TinyStore(tmp_path), settings=Settings())
    chat.ask_now("Hi")

    chat.close()

    assert set(threading.enumerate()) == threads
    assert signal.getsignal(signal.SIGINT) is handler
    assert open_files(process) == opened
    assert process.net_connections(kind="all") == sockets
    assert files(tmp_path, "*.live") == []


def test_a_chat_that_was_closed_can_be_asked_again(new: New) -> None:
    chat = new(ScriptedModel(["One"], ["Two"]))
    chat.ask_now("1")
    chat.close()

    reply = chat.ask_now("2")

    assert reply.text == "Two"


SCRIPT = """
import logging
logging.getLogger("asyncio").setLevel("ERROR")  # its warnings say only how long a step took
from chatnb import Chat
from chatnb.models.scripted import ScriptedModel
print(Chat(ScriptedModel(["Hello"])).ask_now("Hi").text)
"""


def test_a_script_that_closes_nothing_ends_without_a_word(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", SCRIPT],
        env={**os.environ, "CHATNB_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello\n", "")


async def test_an_unchanged_question_is_not_asked_again_where_an_earlier_answer_will_do(new: New) -> None:
    model = ScriptedModel([ThinkingDelta("Hm."), "One"], ["Two"])
    chat = new(model)

    first = await chat.begin(chat.prepare("Why?", Reading((CONTEXT,)), is_cached=True))
    again = await chat.begin(chat.prepare("Why?", Reading((CONTEXT,)), is_cached=True))

    assert (first.text, again.text, again.outcome) == ("One", "One", "done")
    assert again.parts == first.parts
    assert again.asked is not None
    assert "--cache" in again.asked.notes[0]
    assert len(model.requests) == 1
    assert [message.text for message in chat.sessions.history(chat.sessions.current)] == ["Why?", "One"]


def print_it(text: str) -> str:
    """Give a text back."""
    return text


@pytest.mark.parametrize("change", ["text", "context", "options", "schema", "tools", "system"])
async def test_what_has_changed_is_asked_again(new: New, change: str) -> None:
    model = ScriptedModel(["1"])
    chat = new(model)
    await chat.begin(chat.prepare("Why?", Reading((CONTEXT,)), is_cached=True))
    settings = replace(
        chat.settings,
        options={"seed": 1} if change == "options" else {},
        system="Be brief." if change == "system" else "",
    )

    await chat.begin(
        chat.prepare(
            "What?" if change == "text" else "Why?",
            Reading((Context.of("variable x", "x = 2") if change == "context" else CONTEXT,)),
            settings=settings,
            schema={"type": "integer"} if change == "schema" else None,
            tools=Toolbox([Tool.of(print_it)]) if change == "tools" else None,
            is_cached=True,
        )
    )

    assert len(model.requests) == 2


async def test_an_answer_that_failed_or_was_stopped_is_asked_for_again(new: New) -> None:
    model = ScriptedModel([ModelBroken("Oh.")], ["One"])
    chat = new(model)

    with pytest.raises(ModelBroken):
        await chat.begin(chat.prepare("Why?", is_cached=True))
    reply = await chat.begin(chat.prepare("Why?", is_cached=True))

    assert reply.text == "One"


def calls_of(messages: Sequence[Message]) -> list[tuple[str, list[str]]]:
    """Return the role of each message, with the names of what it calls or gives back."""
    return [
        (each.role, [part.name for part in each.parts if isinstance(part, ToolCall | ToolResult)]) for each in messages
    ]


async def test_a_printed_call_is_made_first_and_saved_with_its_result(new: New, tmp_path: Path) -> None:
    model = ScriptedModel(["where_am_i()"], ["Here."])
    chat = new(model, tools=Toolbox([Tool.of(where_am_i)]))
    first = await chat.ask("Where?")

    reply = await chat.begin(chat.prepare("Make it.", calls=first.offered))

    assert [call.name for call in first.offered] == ["where_am_i"]
    assert reply.text == "Here."
    assert calls_of(saved(tmp_path)) == [
        ("user", []),
        ("assistant", []),
        ("user", []),
        ("assistant", ["where_am_i"]),
        ("tool", ["where_am_i"]),
        ("assistant", []),
    ]
    assert [message.role for message in model.requests[-1].messages] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
    ]


async def test_a_call_that_was_made_is_not_made_again_in_a_smaller_window(new: New) -> None:
    count: list[int] = []

    def note() -> str:
        """Note."""
        count.append(1)
        return "noted"

    chat = new(ScriptedModel([ModelTooLarge("No memory.")], ["Done."]), tools=Toolbox([note]))

    with pytest.raises(ModelTooLarge):
        await chat.begin(chat.prepare("Make it.", calls=[ToolCall("c1", "note", {})]))

    assert count == [1]


async def test_a_printed_call_that_is_stopped_leaves_no_call_without_its_result(new: New, tmp_path: Path) -> None:
    async def hang() -> None:
        """Hang."""
        await asyncio.sleep(3_600)

    model = ScriptedModel(["Yes."])
    chat = new(model, tools=Toolbox([hang]))
    turn = chat.begin(chat.prepare("Make it.", calls=[ToolCall("c1", "hang", {})]))
    await until(turn, ToolStarted)

    turn.cancel()
    await turn.wait()
    await chat.ask("Still there?")

    assert turn.reply.outcome == "cancelled"
    assert all(not names for _, names in calls_of(model.requests[-1].messages))


async def test_the_built_in_script_answers_where_there_are_tools_too(new: New) -> None:
    plain, equipped = new("scripted:demo"), new("scripted:demo", tools=Toolbox([Tool.of(where_am_i)]))

    assert (await equipped.ask("What can you do?")).text == (await plain.ask("What can you do?")).text
