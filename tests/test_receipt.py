"""What would be sent is shown word by word, and what is shown cannot do anything."""

import re

from chatnb.chat import Chat
from chatnb.context.base import Reading
from chatnb.messages import Context
from chatnb.models.scripted import ScriptedModel
from chatnb.receipt import Receipt
from chatnb.settings import Settings
from chatnb.stores.memory import MemoryStore
from chatnb.tools.toolbox import Toolbox


def double(x: int) -> int:
    """Double a number."""
    return 2 * x


async def receipt() -> Receipt:
    chat = Chat(ScriptedModel(["Yes."]), store=MemoryStore(), settings=Settings(system="Be brief."))
    reading = Reading((Context.of("variable df", "<script>alert(1)</script>"),), ("One is cut.",))
    ask = chat.prepare("Why <b>?", reading, schema={"type": "integer"}, tools=Toolbox([double]))
    return Receipt(await chat.plan(ask), is_sent=False)


async def test_the_text_shows_every_item_and_every_word() -> None:
    text = repr(await receipt())

    assert "would be sent to scripted, in a window of 16,384.\nOne is cut.\n" in text
    assert "variable df" in text
    assert "Be brief." in text
    assert "<script>alert(1)</script>" in text
    assert "Why <b>?" in text
    assert "--- tool double\nDouble a number." in text
    assert '{"type": "integer"}' in text


async def test_the_items_add_up_to_what_is_sent() -> None:
    shown = await receipt()

    assert sum(item.tokens for item in shown.items) == shown.plan.prompt.tokens


async def test_what_is_shortened_or_left_out_is_told_with_its_size() -> None:
    chat = Chat(ScriptedModel(["Yes."]), store=MemoryStore(), settings=Settings(options={"num_ctx": 512}))
    long = "some words\n" * 2_000
    await chat.ask(long)

    plan = await chat.plan(chat.prepare("Why?", Reading((Context.of("file a", long),), ())))
    lines = repr(Receipt(plan, is_sent=False)).splitlines()

    assert any(re.fullmatch(r"context: file a +\d+  shortened  from \d+,\d+ tokens", line) for line in lines)
    assert any(re.search(r" 0  left out   older than what fits \(\d+,\d+ tokens\)", line) for line in lines)


async def test_nothing_in_the_html_is_html_of_others() -> None:
    html = (await receipt())._repr_html_()

    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
