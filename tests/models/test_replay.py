"""What was recorded is answered again, exactly, without anybody who answers; and nothing else is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from chatnb import recordings
from chatnb.errors import ModelBroken, ModelError, ModelNotFound, SettingsError
from chatnb.events import ModelEvent, TextDelta, ThinkingDelta, TokensCounted, ToolStarted
from chatnb.messages import Context, Image, Text, ToolCall, ToolResult, ToolSpec, Usage
from chatnb.models.base import ModelInfo, Request
from chatnb.models.cassette import Cassette, Moment
from chatnb.models.catalog import Catalog
from chatnb.models.replay import RecordingModel, ReplayModel, ReplayProvider
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import Settings
from tests.models.asking import asking, folded, heard, heard_until_error, message

COUNTED = TokensCounted(Usage(prompt_tokens=7, reply_tokens=2, load_s=0.5))


async def recorded(*answers: list[ModelEvent | ModelError | str], question: str = "Why?") -> Cassette:
    """Return a cassette of a model that was asked once for each answer."""
    cassette = Cassette(name="tape.json")
    model = RecordingModel(ScriptedModel(*answers, name="m"), cassette)
    for _ in answers:
        try:
            await heard(model, asking(question))
        except ModelError:
            continue
    return cassette


def again(cassette: Cassette) -> ReplayModel:
    """Return the model that answers from a file of the cassette."""
    return ReplayModel("m", Cassette.of_text(cassette.to_text(), name=cassette.name))


async def test_an_answer_comes_back_as_it_was_and_says_that_it_was_recorded() -> None:
    call = ToolStarted(ToolCall("1", "add", {"a": [1, None]}))
    cassette = await recorded(
        [ThinkingDelta("Hm. "), ThinkingDelta("So."), TextDelta("Be"), TextDelta("cause."), call, COUNTED]
    )

    events = await heard(again(cassette))

    told = replace(COUNTED, origin="recording")
    assert events == [ThinkingDelta("Hm. So."), TextDelta("Because."), call, told]


async def test_an_error_comes_back_after_what_was_said_before_it() -> None:
    cassette = await recorded(["Hel", ModelBroken("The stream broke.")])

    events, error = await heard_until_error(again(cassette))

    assert events == [TextDelta("Hel")]
    assert (type(error), str(error)) == (ModelBroken, "The stream broke.")


async def test_asked_again_the_next_answer_comes_and_at_last_always_the_last() -> None:
    model = again(await recorded(["one"], ["two"]))

    assert [folded(await heard(model)).text for _ in range(3)] == ["one", "two", "two"]


async def test_what_is_recorded_anew_takes_the_place_of_what_was_there() -> None:
    old = Cassette.of_text((await recorded(["old"], ["older"])).to_text())

    await heard(RecordingModel(ScriptedModel(["new"], name="m"), old))

    assert [folded(await heard(again(old))).text for _ in range(2)] == ["new", "new"]


async def test_what_was_stopped_is_no_answer() -> None:
    cassette = Cassette()
    stream = RecordingModel(ScriptedModel(["Hel", "lo"], name="m"), cassette).stream(asking())

    await anext(stream)
    await stream.aclose()

    with pytest.raises(ModelError, match="It is empty"):
        cassette.take("m", asking())


async def test_another_question_fails_with_what_differs_from_the_nearest() -> None:
    cassette = await recorded(["Yes."], question="Is the mean negative?")
    other = RecordingModel(ScriptedModel(["No."], name="m"), cassette)
    await heard(other, asking("Something that is not near at all, whatever one thinks of it."))

    _, error = await heard_until_error(again(cassette), asking("Is the mean positive?"))

    assert "The recording tape.json holds no answer" in str(error)
    assert '-      "Is the mean negative?"' in str(error)
    assert '+      "Is the mean positive?"' in str(error)
    assert not error.is_retryable


def request(**changes: object) -> Request:
    whole = Request(
        (
            message("system", "Be brief."),
            message("user", Context.of("cell 5", "x = 1"), Image(b"png", "image/png"), "Why?"),
            message("assistant", ToolCall("a", "add", {"a": 1})),
            message("tool", ToolResult("a", "add", "1", duration_s=0.5)),
        ),
        (ToolSpec("add", "Add.", {"type": "object"}),),
        {"temperature": 0, "num_ctx": 4_096},
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # fields of a request


SAME = [
    request(options={"num_ctx": 8_192, "temperature": 0}),
    request(keep_alive="5m", may_shrink=True),
    request(
        messages=(
            *request().messages[:2],
            message("assistant", ToolCall("b", "add", {"a": 1})),
            message("tool", ToolResult("b", "add", "1", duration_s=0.7)),
        )
    ),
]
OTHER = [
    request(options={"temperature": 1}),
    request(tools=()),
    request(think=True),
    request(schema={"type": "integer"}),
    request(messages=request().messages[1:]),
    request(messages=(*request().messages[:1], message("user", Image(b"jpg", "image/png"), "Why?"))),
]


@pytest.mark.parametrize("asked", SAME, ids=["window", "memory", "ids and times"])
def test_what_changes_no_answer_is_the_same_question(asked: Request) -> None:
    cassette = Cassette()
    cassette.put("m", request(), [Moment(0.0, COUNTED)])

    assert cassette.take("m", asked) == (Moment(0.0, COUNTED),)


@pytest.mark.parametrize("asked", OTHER, ids=["options", "tools", "think", "schema", "system", "picture"])
def test_what_may_change_the_answer_is_another_question(asked: Request) -> None:
    cassette = Cassette()
    cassette.put("m", request(), [Moment(0.0, COUNTED)])

    with pytest.raises(ModelError):
        cassette.take("m", asked)
    with pytest.raises(ModelError):
        cassette.take("another", request())


async def test_an_answer_may_come_at_its_pace() -> None:
    cassette = Cassette()
    cassette.put("m", asking(), [Moment(0.0, TextDelta("Be")), Moment(0.3, TextDelta("cause.")), Moment(0.3, COUNTED)])
    began_at = asyncio.get_running_loop().time()

    await heard(ReplayModel("m", cassette, keeps_pace=True))

    assert asyncio.get_running_loop().time() - began_at >= 0.3  # a wait is never shorter


async def test_a_recording_tells_of_its_models_what_was_known() -> None:
    cassette = Cassette()
    info = ModelInfo("tiny", 2_900_000, capabilities=("completion", "tools"), context_length=4_096)
    cassette.know(info, "tiny")

    provider = ReplayProvider(Cassette.of_text(cassette.to_text(), name="tape.json"))

    assert await provider.show("tiny") == info
    assert await provider.models() == (info,)
    with pytest.raises(ModelNotFound, match="It has: tiny"):
        await provider.show("big")
    assert [progress.status async for progress in provider.pull("tiny")] == ["success"]
    with pytest.raises(ModelNotFound):
        await anext(provider.pull("big"))


async def test_texts_stand_line_by_line_so_that_versions_can_be_compared() -> None:
    cassette = Cassette()
    cassette.put("m", Request((message("user", Text("one\ntwo")),)), [Moment(0.0, COUNTED)])

    lines = [line.strip() for line in cassette.to_text().splitlines()]

    assert '"one",' in lines
    assert '"two"' in lines


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "models": {}, "answers": {"a": {}}}', "\x00"])
def test_what_is_no_recording_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tape.json"
    path.write_text(text)

    with pytest.raises(SettingsError, match=r"tape\.json is no recording"):
        recordings.replay(Catalog(), path)


def test_a_recording_of_a_newer_version_is_told() -> None:
    with pytest.raises(SettingsError, match="newer chatnb"):
        Cassette.of_text('{"version": 99}')


async def test_where_there_is_no_recording_it_is_said_what_to_do(tmp_path: Path) -> None:
    catalog = Catalog()
    recordings.replay(catalog, tmp_path / "gone.json")

    with pytest.raises(ModelNotFound, match=r"gone\.json is empty, or there is no such file"):
        await catalog.model(Settings())
    model = await catalog.model(Settings(model="tiny"))
    _, error = await heard_until_error(model)

    assert "It is empty" in str(error)


async def test_a_file_is_recorded_to_and_answers_later(tmp_path: Path) -> None:
    path, settings = tmp_path / "tape.json", Settings(model="scripted:demo")
    catalog = Catalog()
    recordings.record(catalog, path)
    said = folded(await heard(await catalog.model(settings), asking("Hello?"))).text

    other = Catalog()
    recordings.replay(other, path)
    model = await other.model(settings)

    assert folded(await heard(model, asking("Hello?"))).text == said != ""
    await catalog.aclose()


async def test_two_chats_of_a_notebook_record_into_one_file(tmp_path: Path) -> None:
    path, settings = tmp_path / "tape.json", Settings(model="scripted:demo", replay="record")
    settings = replace(settings, recording=str(path))
    catalogs = [Catalog(), Catalog()]
    for catalog in catalogs:
        recordings.use(catalog, settings)

    for question, catalog in zip(("One?", "Two?", "Three?"), (*catalogs, catalogs[0]), strict=True):
        await heard(await catalog.model(settings), asking(question))

    kept = Cassette.of_text(path.read_text("utf-8"))
    assert [bool(kept.take("scripted:demo", asking(question))) for question in ("One?", "Two?", "Three?")] == [True] * 3
