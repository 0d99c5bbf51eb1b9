"""The page's reducer and the wire's definition in Python come to the same, message by message of a real conversation."""

from __future__ import annotations

from chatnb.errors import ModelBroken
from chatnb.events import Retrying, ThinkingDelta, ToolStarted, Waiting
from chatnb.messages import Context, Image, ToolCall
from chatnb.models.scripted import Step
from tests.panel.test_states import known
from tests.seen import Seen
from tests.test_feed import Front, is_over, told, until

SCRIPTS: list[list[Step]] = [
    [
        Waiting("loading", 1.0),
        ThinkingDelta("Hm. *Let* me"),
        Retrying("m", 2, 3, 0.0, "busy"),
        ThinkingDelta("Add them. 😀"),
        "I call ",
        0.1,
        "a tool.",
        ToolStarted(ToolCall("c1", "add", {"a": 1, "b": 2})),
    ],
    ["# Sum\n\nIt is `3`", 0.1, " and\n\n```python\nprint(", 0.1, "3)\n```\n\n| a |", 0.1, "\n|---|\n| 3 |\n"],
    ["Half an ans", ModelBroken("It is gone.")],
]


async def test_the_page_sees_what_was_told() -> None:
    async with told(*SCRIPTS) as (chat, front):
        hello = {**await front.feed.snapshot(), "view": "me"}
        chat.ask("Sum?", Context.of("variable df", "a b", "df"), Image(b"png", "image/png"))
        last = chat.ask("Next?")
        await last.wait()
        await until(is_over(front, 2))
        chat.sessions.update(hidden=(front.state["entries"][0]["id"],))
        late = Front(front.feed)
        await until(lambda: bool(late.messages))

        seen = Seen()
        for message in [hello, *front.messages]:
            seen.take(message)

        page = known(hello, *front.messages)
        assert page["state"] == seen.state
        assert (page["rev"], page["isLost"]) == (seen.rev, False)
