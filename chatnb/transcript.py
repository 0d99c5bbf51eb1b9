"""A conversation as Markdown that may be published: what is left of a panel where no kernel runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from .markdown.safe import safe_markdown
from .messages import Message
from .retelling import retold
from .views.pages import Layout

LONGEST = 32_000
"""Characters: a notebook is not to grow without an end, and JupyterLab's Markdown takes time that grows with the square of
its parts. The session's file has all of it."""


def transcript(history: Sequence[Message], title: str = "") -> str:
    """Return what was said, folded under its title; the newest turns where it is too much.

    The one fold of it has the class `chatnb-static`: a panel that lives hides it.
    """
    turns = list(_turns(history))
    kept: list[str] = []
    size = 0
    for turn in reversed(turns):
        size += len(turn)
        if size > LONGEST and kept:
            break
        kept.append(turn)
    if left := len(turns) - len(kept):
        kept.append(f"*{left:,} earlier {'turn is' if left == 1 else 'turns are'} not shown here.*")
    body = "\n\n".join(reversed(kept)) or "*Nothing was said yet.*"
    head = escape(" ".join(title.split()), quote=True) or "Chat"
    return f'<details class="chatnb-static" open><summary>{head}</summary>\n\n{body}\n\n</details>'


def _turns(history: Sequence[Message]) -> Iterator[str]:
    for _, grouped in groupby(history, lambda message: message.turn_id):
        messages = list(grouped)
        if messages[0].role != "user":
            continue
        said = ["**You**", safe_markdown(messages[0].text)]
        reply = retold(messages)
        if reply.finished is not None:
            said += [f"**{escape(reply.model)}**" if reply.model else "**Answer**"]
            said += [page.markdown for page in Layout(None, has_figures=False).pages(reply, is_over=True)]
        yield "\n\n".join(said)
