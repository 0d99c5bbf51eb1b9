"""The conversation as text, for whoever has no kernel."""

from __future__ import annotations

from chatnb.messages import Thinking, ToolCall, ToolResult
from chatnb.transcript import LONGEST, transcript
from tests.talk import question, reply_to, results_for, turns


def test_it_holds_what_was_said_in_one_fold_that_a_panel_can_find() -> None:
    told = transcript([*turns(2)], "My *plans*")

    assert told.startswith('<details class="chatnb-static" open><summary>My *plans*</summary>\n\n')
    assert told.endswith("\n\n</details>")
    assert [told.index(f"Question {number}") for number in (1, 2)] == sorted(
        told.index(f"Question {number}") for number in (1, 2)
    )
    assert told.count("Because.") == 2


def test_nothing_of_it_can_run() -> None:
    hostile = "</details><img src=x onerror=alert(1)>"
    asked = question(hostile)

    told = transcript([asked, reply_to(asked, hostile)], "<script>")

    assert "<img" not in told
    assert "<script" not in told
    assert told.count("</details>") == 1


def test_thoughts_and_tools_are_told_as_in_a_cell() -> None:
    asked = question("Why?")
    call = ToolCall("c1", "price_of", {"sku": "a"})
    history = [
        asked,
        reply_to(asked, "", Thinking("Hm."), call),
        results_for(asked, ToolResult("c1", "price_of", "42")),
        reply_to(asked, "It is 42.", number=3),
    ]

    told = transcript(history)

    assert "Thoughts (1 word)" in told
    assert "42" in told.partition("It is 42.")[0]


def test_of_a_long_one_the_newest_turns_are_left() -> None:
    told = transcript(turns(30, "word " * 2_000))

    assert len(told) < LONGEST + 20_000
    assert "earlier turns are not shown here" in told
    assert "Question 30" in told
    assert "Question 1\n" not in told
