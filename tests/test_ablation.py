"""Each thing that a question carried along is left out in turn, and nothing else."""

from chatnb.ablation import MOST, ablate
from chatnb.chat import Chat
from chatnb.context.base import Reading
from chatnb.messages import Context
from chatnb.models.scripted import ScriptedModel
from chatnb.settings import Settings
from chatnb.stores.memory import MemoryStore


async def test_each_item_is_left_out_in_turn_at_temperature_zero() -> None:
    model = ScriptedModel(["First."], ["The sum is 42."], ["The sum is 42."], ["I cannot say."], ["The sum is 42."])
    chat = Chat(model, store=MemoryStore(), settings=Settings(system="Be brief.", options={"temperature": 0.8}))
    await chat.ask("Hello")
    ask = chat.prepare("Sum?", Reading((Context.of("variable a", "40"), Context.of("variable b", "2"))))
    plan = await chat.plan(ask)

    effects = [effect async for effect in ablate(plan)]

    assert [effect.label for effect in effects] == ["", "variable a", "variable b", "system prompt", "question: Hello"]
    assert effects[1].likeness == 1.0
    assert effects[2].likeness == 0.0
    asked = model.requests[1:]
    assert {request.options["temperature"] for request in asked} == {0}
    sizes = [(len(request.messages), len(request.messages[-1].parts)) for request in asked]
    assert sizes == [(4, 3), (4, 2), (4, 2), (3, 3), (2, 3)]


async def test_not_more_things_are_left_out_than_one_would_wait_for() -> None:
    model = ScriptedModel(["Yes."])
    chat = Chat(model, store=MemoryStore())
    parts = tuple(Context.of(f"cell {n}", str(n)) for n in range(MOST + 5))

    effects = [effect async for effect in ablate(await chat.plan(chat.prepare("Why?", Reading(parts))))]

    assert len(effects) == MOST + 1
    assert len(chat.sessions.all()) == 0
