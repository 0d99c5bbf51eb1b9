"""Cells that show a scripted turn, through the view that `%%chat` uses."""

SETUP = """
from chatnb.chat import Chat
from chatnb.events import *
from chatnb.messages import *
from chatnb.models.scripted import ScriptedModel
from chatnb.stores.memory import MemoryStore
from chatnb.views.follow import follow
from chatnb.views.notebook import NotebookView

def tell(*script, rate=None, footer=True):
    model = ScriptedModel(script, rate=rate, name="qwen3:8b")
    chat = Chat(model, store=MemoryStore())
    try:
        follow(chat.portal, lambda: chat.ask("Why?"), NotebookView(get_ipython(), is_live=True, footer=footer))
    finally:
        chat.close()
"""
"""To be run first; then `tell("some", "words", rate=20)` shows an answer."""

PROSE = "A paragraph of some words that goes on for a while, as answers do, and then it ends. " * 3

DOCUMENT = (
    "\n\n".join(
        f"## Part {number}\n\n{PROSE}\n\n```python\nfor n in range({number}):\n    print(n)\n```\n\n"
        f"| a | b |\n|---|---|\n| {number} | `x` |\n\n- one\n- two with $x_{number}$"
        for number in range(1, 9)
    )
    + "\n\nThe last word: finis"
)
"""Some screens of Markdown of every kind."""


def words(text: str) -> list[str]:
    """Return a text in the pieces that a model would say it in."""
    return [word if at == 0 else f" {word}" for at, word in enumerate(text.split(" "))]
