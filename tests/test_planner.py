"""What a question sends is planned for the model that is asked, and what that model counts is learned for it alone."""

import sys
from dataclasses import replace
from importlib.machinery import BuiltinImporter

import pytest

from chatnb.calibrations import Calibrations
from chatnb.chat import Chat
from chatnb.errors import ModelUnreachable, SettingsError
from chatnb.messages import Context, Image, Message, ToolCall, ToolResult, Usage
from chatnb.models.base import Model, ModelInfo
from chatnb.models.catalog import Catalog
from chatnb.models.envelope import spelled_out
from chatnb.models.fallback import FallbackModel
from chatnb.models.fenced import spoken
from chatnb.models.scripted import ScriptedModel
from chatnb.planner import CEILING_S, Ask, Planner, fitting_window
from chatnb.settings import Settings
from chatnb.stores.memory import MemoryStore
from chatnb.tokens import Calibration
from chatnb.tools.outcome import Outcome
from chatnb.tools.tool import Tool
from chatnb.tools.toolbox import Toolbox
from tests.talk import question, reply_to, results_for, turns


class OneModel(Catalog):
    """A catalog of one model, of which something is known."""

    def __init__(self, *capabilities: str, context_length: int | None = None, has_fixed_window: bool = False) -> None:
        super().__init__()
        self._info = ModelInfo(
            "m", context_length=context_length, capabilities=capabilities, has_fixed_window=has_fixed_window
        )

    async def model(self, settings: Settings) -> Model:  # noqa: ARG002 - it has but one
        return ScriptedModel(["Yes."], name="m")

    async def info(self, name: str, settings: Settings) -> ModelInfo | None:  # noqa: ARG002 - likewise
        return self._info


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TOOLS = Toolbox([Tool.of(add)])


def asking(*parts: Context | Image, tools: Toolbox | None = None, **options: int) -> Ask:
    chat = Chat(ScriptedModel(), store=MemoryStore(), settings=Settings(options=options))
    return Ask(question("Why?", 1, *parts), chat.sessions.current, chat.settings, tools=tools)


async def test_tools_are_a_line_of_the_receipt_and_what_is_sent_adds_up() -> None:
    planner = Planner(Catalog(), ScriptedModel())

    plain = await planner.plan(asking(), [])
    plan = await planner.plan(asking(tools=TOOLS), [])

    assert [item.label for item in plan.prompt.items] == ["tools: add", "question"]
    assert plan.prompt.tokens == sum(item.tokens for item in plan.prompt.items)
    assert plan.prompt.tokens == pytest.approx(
        plan.calibration.count_request(plan.request.messages, TOOLS.specs), abs=3
    )
    assert plan.request.tools == TOOLS.specs
    assert plan.prompt.num_ctx > plain.prompt.num_ctx


async def test_tools_take_room_that_history_gives_way_to() -> None:
    history = turns(9, "word " * 40)
    planner = Planner(Catalog(), ScriptedModel())
    [tool] = TOOLS.tools
    many = Toolbox([replace(tool, spec=replace(tool.spec, description="Add. " * 100))])

    without = await planner.plan(asking(num_ctx=1_024), history)
    within = await planner.plan(asking(tools=many, num_ctx=1_024), history)

    assert within.prompt.tokens <= 1_024
    assert within.prompt.left_out > without.prompt.left_out


async def test_what_a_model_cannot_see_is_named_among_the_items() -> None:
    plan = await Planner(OneModel("completion")).plan(asking(Image(b"png", "image/png")), [])

    assert [(item.label, item.fate, item.reason) for item in plan.prompt.items] == [
        ("image", "left out", "m cannot see"),
        ("question", "kept", ""),
    ]


EARLIER = question("Add 17 and 25.", 0)
CALLED = (
    EARLIER,
    reply_to(EARLIER, "", ToolCall("1", "add", {"a": 17, "b": 25})),
    results_for(EARLIER, ToolResult("1", "add", "42")),
    reply_to(EARLIER, "It is 42.", number=3),
)


@pytest.mark.parametrize("history", [(), CALLED], ids=["at first", "after a call"])
@pytest.mark.parametrize("system", ["", "Be brief."])
async def test_a_model_that_calls_no_tools_reads_of_them_in_words_and_all_is_counted_so(
    history: tuple[Message, ...], system: str
) -> None:
    ask = asking(tools=TOOLS)
    ask = replace(ask, settings=replace(ask.settings, system=system))

    plan = await Planner(OneModel("completion")).plan(ask, history)

    assert plan.request.tools == TOOLS.specs
    assert plan.tools is not None
    assert plan.tools.specs == TOOLS.specs
    assert plan.read.tools == ()
    assert "Add two numbers." in spoken(plan.read.messages[0])
    assert not any(isinstance(part, ToolCall | ToolResult) for each in plan.read.messages for part in each.parts)
    assert plan.prompt.tokens == sum(item.tokens for item in plan.prompt.items)
    assert plan.prompt.tokens == pytest.approx(plan.calibration.count_request(plan.read.messages), abs=12)


async def test_without_tools_what_was_called_before_is_counted_in_words() -> None:
    plan = await Planner(OneModel("completion")).plan(asking(), CALLED)

    assert [message.role for message in plan.read.messages] == ["user", "assistant", "user", "assistant", "user"]
    assert plan.prompt.tokens == pytest.approx(plan.calibration.count_request(plan.read.messages), abs=6)


SHOWN = replace(CALLED[2], parts=(ToolResult("1", "add", "42", images=(Image(b"png", "image/png"),)),))


@pytest.mark.parametrize(
    ("capabilities", "is_seen"),
    [(("completion", "tools", "vision"), True), (("completion", "tools"), False), ((), True)],
    ids=["sees", "blind", "unknown"],
)
async def test_what_a_tool_showed_goes_to_models_that_see_and_is_counted(
    capabilities: tuple[str, ...], *, is_seen: bool
) -> None:
    def plot() -> Outcome:
        """Plot."""
        return Outcome("A plot.", (Image(b"png", "image/png"),))

    planner = Planner(OneModel(*capabilities))
    plain = await planner.plan(asking(tools=TOOLS), CALLED)
    plan = await planner.plan(asking(tools=Toolbox([plot])), (*CALLED[:2], SHOWN, CALLED[3]))

    assert plan.tools is not None
    [result] = [result async for result in plan.tools.run([ToolCall("2", "plot", {})])]
    sent = [part for each in plan.request.messages for part in each.parts if isinstance(part, ToolResult)]
    assert bool(sent[0].images) == bool(result.images) == is_seen
    assert (plan.prompt.tokens > plain.prompt.tokens + 1_000) == is_seen
    assert plan.prompt.tokens == sum(item.tokens for item in plan.prompt.items)


@pytest.mark.parametrize("capabilities", [("completion", "tools"), ()], ids=["able", "unknown"])
async def test_a_model_that_calls_tools_or_of_which_nobody_says_is_sent_them(capabilities: tuple[str, ...]) -> None:
    plan = await Planner(OneModel(*capabilities)).plan(asking(tools=TOOLS), CALLED)

    assert plan.read is plan.request
    assert plan.read.tools == TOOLS.specs


async def test_what_a_model_counts_is_learned_of_the_words_that_it_read() -> None:
    calibrations = Calibrations()
    planner = Planner(OneModel("completion"), calibrations=calibrations)
    plan = await planner.plan(asking(tools=TOOLS), [])
    said = CALLED[1:3]

    read = spelled_out(replace(plan.request, messages=(*plan.request.messages, *said)))
    await planner.check(plan, Usage(prompt_tokens=plan.calibration.count_request(read.messages)), said)

    learned = Calibration().learn(read.messages, plan.calibration.count_request(read.messages))
    assert calibrations.get("m") == learned


async def test_a_count_is_learned_for_the_model_that_counted() -> None:
    calibrations = Calibrations()
    model = FallbackModel(
        [ScriptedModel([ModelUnreachable("Gone.")], name="big"), ScriptedModel(["Yes"], name="small")]
    )
    planner = Planner(Catalog(), model, calibrations=calibrations)
    plan = await planner.plan(asking(), [])
    async for _ in model.stream(plan.request):
        pass

    await planner.check(plan, Usage(prompt_tokens=plan.prompt.tokens))

    assert calibrations.get("small").is_calibrated
    assert not calibrations.get("big").is_calibrated


async def test_the_window_of_the_model_that_answered_is_kept_too() -> None:
    model = FallbackModel(
        [ScriptedModel([ModelUnreachable("Gone.")], name="big"), ScriptedModel(["Yes"], name="small")]
    )
    planner = Planner(Catalog(), model)
    plan = await planner.plan(asking(Context.of("a", "word " * 5_000)), [])
    planner.accept(plan)
    async for _ in model.stream(plan.request):
        pass
    await planner.check(plan, Usage(prompt_tokens=plan.prompt.tokens))

    later = await planner.plan(asking(), [])

    assert later.model.name == "small"
    assert later.prompt.num_ctx == plan.prompt.num_ctx > 4_096


def counted(unread: int | None) -> Message:
    return replace(reply_to(question()), options={"num_ctx": 4_096}, usage=Usage(4_096, 9, unread_tokens=unread))


@pytest.mark.parametrize(
    ("turn", "window"),
    [
        ([], 0),
        ([question(), counted(None)], 0),
        ([question(), counted(300)], 8_192),
        ([question(), counted(9_000), counted(None)], 4_096 + 9_000 + 2_048),
    ],
)
def test_the_window_that_fits_holds_what_any_round_of_the_turn_did_not_read(turn: list[Message], window: int) -> None:
    assert fitting_window(turn) == window


async def test_what_finds_secrets_is_needed_only_where_they_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = asking()
    await Planner(Catalog(), ScriptedModel()).plan(ask, [])  # so that all other modules are loaded
    monkeypatch.setattr(sys, "meta_path", [BuiltinImporter])
    monkeypatch.delitem(sys.modules, "detect_secrets", raising=False)
    planner = Planner(Catalog(), ScriptedModel())

    plan = await planner.plan(ask, [])

    assert plan.read.messages
    with pytest.raises(SettingsError, match=r"chatnb\[secrets\]"):
        await planner.plan(replace(ask, settings=replace(ask.settings, secrets="always")), [])


async def test_a_window_without_memory_is_asked_for_again_after_a_while() -> None:
    clock = [0.0]
    planner = Planner(Catalog(), ScriptedModel(), clock=lambda: clock[0])
    ask = asking(Context.of("file a", "word " * 9_000))
    whole = await planner.plan(ask, [])
    planner.shrink(whole)

    soon = await planner.plan(ask, [])
    clock[0] = CEILING_S + 1
    later = await planner.plan(ask, [])

    assert [plan.prompt.num_ctx for plan in (whole, soon, later)] == [16_384, 8_192, 16_384]


async def test_calls_to_begin_with_hold_no_secrets_where_these_are_hidden() -> None:
    ask = replace(asking(tools=TOOLS), calls=(ToolCall("1", "add", {"a": 1, "password": "f81d4fae7dec4"}),))
    ask = replace(ask, question=question("Why?", 1))
    planner = Planner(Catalog(), ScriptedModel())

    open_ = await planner.plan(ask, [])
    hidden = await planner.plan(replace(ask, settings=replace(ask.settings, secrets="always")), [])

    assert open_.calls == ask.calls
    assert "f81d4fae7dec4" not in repr(hidden.calls)


@pytest.mark.parametrize(
    ("context_length", "chosen", "window", "told"),
    [(2_048, None, 2_048, 2_048), (None, None, 32_768, None), (None, 8_192, 8_192, 8_192)],
    ids=["known", "unknown", "unknown but chosen"],
)
async def test_a_window_that_the_server_has_chosen_is_filled_but_not_asked_for(
    context_length: int | None, chosen: int | None, window: int, told: int | None
) -> None:
    planner = Planner(OneModel(context_length=context_length, has_fixed_window=True))

    plan = await planner.plan(asking(num_ctx=chosen) if chosen else asking(), [])

    assert "num_ctx" not in plan.request.options
    assert (plan.prompt.num_ctx, plan.asked.num_ctx) == (window, told)
    assert not planner.shrink(plan)


async def test_a_count_proves_nothing_where_no_window_was_asked_for() -> None:
    planner = Planner(OneModel(has_fixed_window=True))

    plan = await planner.plan(asking(), [])

    assert await planner.check(plan, Usage(prompt_tokens=32_768)) is None


async def test_the_limit_of_an_answer_keeps_its_room_by_any_name() -> None:
    history = turns(9, "word " * 100)
    planner = Planner(OneModel(context_length=1_200, has_fixed_window=True))

    short = await planner.plan(asking(max_tokens=50), history)
    long = await planner.plan(asking(max_completion_tokens=1_000), history)

    assert short.prompt.left_out < long.prompt.left_out
