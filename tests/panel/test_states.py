"""What a panel knows after what the kernel sent: its reducer alone, run by node."""

import json
from pathlib import Path
from typing import Any

import pytest

from chatnb.scripts import FOLDER
from tests import node
from tests.browser.panel.harness import fixture

SCRIPT = Path(__file__).with_name("states.mjs")
TURN = {"turn": "t2"}


def known(*messages: dict[str, Any], view: str = "me") -> dict[str, Any]:
    """Return what a view knows after these messages."""
    ran = node.run(SCRIPT, FOLDER / "states.js", text=json.dumps({"view": view, "messages": messages}) + "\n")
    assert ran.returncode == 0, ran.stderr
    folded: dict[str, Any] = json.loads(ran.stdout)
    return folded


def snapshot(rev: int = 4, view: str | None = "me", **state: Any) -> dict[str, Any]:
    return {"v": 1, "kind": "snapshot", "view": view, "rev": rev, "state": {**fixture("state"), **state}}


def delta(rev: int, *changes: dict[str, Any]) -> dict[str, Any]:
    return {"v": 1, "kind": "delta", "rev": rev, "changes": list(changes)}


def answering(*changes: dict[str, Any]) -> dict[str, Any]:
    """Return the turn in flight after these changes of it."""
    state = known(snapshot(live=fixture("live")), delta(5, *[TURN | change for change in changes]))["state"]
    live: dict[str, Any] = state["live"]
    return live


def blocks(*html: str, start: int = 0, keep: int = 0, part: int = 0) -> dict[str, Any]:
    return {"is": "blocks", "part": part, "type": "text", "from": start, "keep": keep, "html": list(html)}


def test_a_view_begins_with_its_own_snapshot() -> None:
    for_another = known(snapshot(view="another"))
    for_me = known(snapshot())
    for_all = known(snapshot(view=None))

    assert for_another["state"] is None
    assert for_me["state"] == fixture("state")
    assert (for_all["rev"], for_all["isLost"]) == (4, False)


def test_a_delta_before_the_snapshot_counts_for_nothing() -> None:
    before = known(delta(1, {"is": "notice", "text": "x"}))

    assert before["state"] is None


def test_what_came_already_is_not_taken_twice() -> None:
    again = known(snapshot(rev=4), delta(4, {"is": "notice", "text": "x"}), delta(3, {"is": "notice", "text": "y"}))

    assert again["state"]["notices"] == []


def test_after_a_gap_nothing_counts_until_the_next_snapshot() -> None:
    said = {"is": "notice", "text": "x"}

    lost = known(snapshot(rev=4), delta(6, said), delta(7, said))
    found = known(snapshot(rev=4), delta(6, said), snapshot(rev=7), delta(8, said))

    assert (lost["isLost"], lost["rev"], lost["state"]["notices"]) == (True, 4, [])
    assert (found["isLost"], found["rev"], found["state"]["notices"]) == (False, 8, ["x"])


def test_a_change_that_nobody_knows_is_ignored() -> None:
    state = known(snapshot(), delta(5, {"is": "weather", "turn": "t9"}, {"is": "notice", "text": "x"}))["state"]

    assert state == fixture("state") | {"notices": ["x"]}


def test_a_block_grows_from_where_it_is_kept() -> None:
    live = answering(blocks("<p>One.</p>", "<p>Tw</p>"), blocks("o.</p>", "<p>Th</p>", start=1, keep=5))

    assert live["parts"][0]["blocks"] == ["<p>One.</p>", "<p>Two.</p>", "<p>Th</p>"]


def test_kept_units_are_those_of_utf_16() -> None:
    live = answering(blocks("<p>🙂</p>"), blocks("🙃</p>", keep=5))

    assert live["parts"][0]["blocks"] == ["<p>🙂🙃</p>"]


@pytest.mark.parametrize("start", [0, 1])
def test_blocks_without_html_only_drop_what_is_behind(start: int) -> None:
    live = answering(blocks("<p>a</p>", "<p>b</p>"), blocks(start=start))

    assert live["parts"][0]["blocks"] == ["<p>a</p>"][:start]


def test_parts_come_in_their_order_and_a_retry_cuts_them() -> None:
    tool: dict[str, Any] = {
        "type": "tool",
        "call": "c",
        "name": "f",
        "arguments": {},
        "result": None,
        "is_error": False,
    }
    done = tool | {"result": "3", "duration_s": 0.5}

    live = answering(
        blocks("<p>a</p>"),
        {"is": "part", "part": 1, "value": tool},
        {"is": "part", "part": 1, "value": done},
        blocks("<p>b</p>", part=2),
    )
    cut = answering(blocks("<p>a</p>"), {"is": "part", "part": 1, "value": done}, {"is": "cut", "parts": 1})

    assert [part["type"] for part in live["parts"]] == ["text", "tool", "text"]
    assert live["parts"][1] == done
    assert [part["type"] for part in cut["parts"]] == ["text"]


def test_status_model_and_notes_change_where_they_are_named() -> None:
    live = answering({"is": "live", "status": "loading"}, {"is": "live", "notes": ["n"], "model": "m2"})

    assert (live["status"], live["notes"], live["model"]) == ("loading", ["n"], "m2")


def test_a_thought_gets_its_duration() -> None:
    live = answering(blocks("<p>Hm.</p>") | {"type": "thinking"}, {"is": "thought", "part": 0, "duration_s": 3.2})

    assert live["parts"][0] == {"type": "thinking", "blocks": ["<p>Hm.</p>"], "duration_s": 3.2}


def test_what_is_of_another_turn_does_not_touch_this_one() -> None:
    state = known(snapshot(live=fixture("live")), delta(5, blocks("<p>a</p>") | {"turn": "t1"}))["state"]

    assert state["live"] == fixture("live")


def test_the_end_replaces_the_turn_and_takes_over_its_parts() -> None:
    entries = [
        {
            "id": "q2.001",
            "turn": "t2",
            "role": "assistant",
            "parts": [{"same": 0}, {"type": "text", "blocks": ["<p>!</p>"]}],
        },
        {"id": "q2", "turn": "t2", "role": "user", "text": "?"},
    ]

    state = known(
        snapshot(live=fixture("live")),
        delta(5, blocks("<p>a</p>") | TURN, {"is": "finished", "turn": "t2", "entries": entries}),
    )["state"]

    assert state["live"] is None
    assert [entry["id"] for entry in state["entries"]] == ["q1", "q1.001", "q2", "q2.001"]
    assert state["entries"][-1]["parts"] == [
        {"type": "text", "blocks": ["<p>a</p>"]}, {"type": "text", "blocks": ["<p>!</p>"]}
    ]  # fmt: skip


def test_earlier_messages_stay_when_the_same_session_comes_again() -> None:
    newest = fixture("state")["entries"]
    older = [{"id": "a1", "turn": "a", "role": "user", "text": "?"}]
    more = {"kind": "earlier", "session": "s1", "entries": older, "has_more": False}
    other = {**fixture("state")["session"], "id": "s2"}

    same = known(snapshot(has_more=True), more, snapshot(rev=9, has_more=True))["state"]
    another = known(snapshot(has_more=True), more, snapshot(rev=9, session=other))["state"]

    assert (same["entries"], same["has_more"]) == ([*older, *newest], False)
    assert another["entries"] == newest


def test_what_has_changed_since_is_marked_and_nothing_else() -> None:
    state = known(snapshot(), {"kind": "stale", "stale": [{"message": "q1", "changed": ["variable df"]}]})["state"]

    question, answer = fixture("state")["entries"]
    assert [(one["label"], one["is_stale"]) for one in state["entries"][0]["context"]] == [
        ("variable df", True),
        ("cell 7", False),
    ]
    assert state["entries"][0] | {"context": 0} == question | {"context": 0}
    assert state["entries"][1] == answer


def test_what_is_as_it_was_again_is_no_longer_marked() -> None:
    stale = {"kind": "stale", "stale": [{"message": "q1", "changed": ["variable df"]}]}

    state = known(snapshot(), stale, {"kind": "stale", "stale": []})["state"]

    assert [one["is_stale"] for one in state["entries"][0]["context"]] == [False, False]


def test_other_changes_replace_what_they_name() -> None:
    proposal = fixture("proposal")
    entry = fixture("state")["entries"][0] | {"is_hidden": True}
    session = fixture("state")["session"] | {"title": "Renamed"}

    state = known(
        snapshot(),
        delta(5, {"is": "approvals", "proposals": [proposal]}, {"is": "entry", "entry": entry}),
        delta(6, {"is": "session", "session": session, "model": "m2"}, {"is": "waiting", "entries": [entry]}),
        delta(7, {"is": "began", "live": fixture("live")}),
    )["state"]

    assert (state["approvals"], state["waiting"], state["entries"][0]) == ([proposal], [entry], entry)
    assert (state["session"]["title"], state["model"], state["live"]) == ("Renamed", "m2", fixture("live"))
