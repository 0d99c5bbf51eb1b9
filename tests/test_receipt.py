"""What would be sent is shown word by word, and what is shown cannot do anything."""

from chatnb.chat import Chat
from chatnb.messages import Context
from chatnb.models.scripted import ScriptedModel
from chatnb.receipt import Receipt
from chatnb.settings import Settings
from chatnb.stores.memory import MemoryStore


async def receipt() -> Receipt:
    chat = Chat(ScriptedModel(["Yes."]), store=MemoryStore(), settings=Settings(system="Be brief."))
    ask = chat.prepare("Why <b>?", Context.of("variable df", "<script>alert(1)</script>"), notes=["One is cut."])
    return Receipt(await chat.plan(ask), is_sent=False)


async def test_the_text_shows_every_item_and_every_word() -> None:
    text = repr(await receipt())

    assert "would be sent to scripted, in a window of 4,096. One is cut." in text
    assert "variable df" in text
    assert "Be brief." in text
    assert "<script>alert(1)</script>" in text
    assert "Why <b>?" in text


async def test_the_items_add_up_to_what_is_sent() -> None:
    shown = await receipt()

    assert sum(item.tokens for item in shown.items) == shown.plan.prompt.tokens


async def test_nothing_in_the_html_is_html_of_others() -> None:
    html = (await receipt())._repr_html_()

    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
