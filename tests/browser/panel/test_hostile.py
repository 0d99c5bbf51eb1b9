"""Hostile texts in every place of the panel: nothing runs, nothing is asked for, and text stays text."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from chatnb.markdown.html import blocks as html_of
from tests.browser.panel.harness import ADDRESS, PanelPage, fixture
from tests.browser.panel.states import answering, blocks, show
from tests.hostile import answers

pytestmark = pytest.mark.browser

CANARY = "https://canary.test"
MOST, DEEPEST, LONGEST = 500, 20, 10_000
"""Elements of one answer, how deep they lie in each other, and characters of one block: a page with no more is never held up
for long. There are a megabyte in one line, and ten thousand lists in each other, among the answers."""
IMG = f'<img src="{CANARY}/x.png" onerror="window.__pwned = 1"><script>window.__pwned = 1</script>'


def expect_unharmed(panel: PanelPage) -> None:
    """Expect that nothing ran and that nobody was asked."""
    panel.drawn()
    assert panel.page.evaluate("() => window.__pwned") is None
    assert panel.requests == []


def test_hostile_answers_do_nothing(panel: PanelPage) -> None:
    entries: list[dict[str, Any]] = [
        {"id": f"h{number:04}", "turn": f"h{number:04}", "role": "assistant", "model": name,
         "parts": [{"type": "text", "blocks": json.loads(json.dumps(html_of(text)).encode("utf-16", "replace").decode("utf-16"))}]}
        for number, (name, text) in enumerate(answers(CANARY))
    ]  # fmt: skip

    show(panel, entries=entries)

    expect(panel.find("article")).to_have_count(len(entries))
    sizes = panel.page.evaluate(
        """() => [...document.querySelectorAll('article')].map(one => {
          const blocks = [...one.querySelectorAll('.chatnb-block')];
          const depth = node => 1 + Math.max(0, ...[...node.children].map(depth));
          return [one.querySelectorAll('*').length, depth(one), Math.max(...blocks.map(block => block.textContent.length))];
        })"""
    )
    counts, depths, lengths = zip(*sizes, strict=True)
    assert (max(counts) <= MOST, max(depths) <= DEEPEST, max(lengths) <= LONGEST) == (True, True, True)
    panel.question.fill("Still here")
    expect(panel.question).to_have_value("Still here")
    panel.page.evaluate(
        "() => document.querySelectorAll('article').forEach(one => { one.style.contentVisibility = 'visible'; })"
    )
    allowed = "script, iframe, object, embed, form, style, link, meta, base, svg:not(.chatnb-button svg)"
    assert panel.find(f".chatnb-block :is({allowed})").count() == 0
    assert panel.find(".chatnb-block [onerror], .chatnb-block [onclick], .chatnb-block [style*=url]").count() == 0
    expect_unharmed(panel)


def test_hostile_text_stays_text_in_every_place(panel: PanelPage) -> None:
    tool = {"type": "tool", "call": "c", "name": IMG, "arguments": {IMG: IMG}, "result": IMG, "is_error": True}
    question = {
        "id": "q1",
        "turn": "t1",
        "role": "user",
        "text": IMG,
        "context": [{"label": IMG, "ref": IMG, "tokens": 3}],
    }
    answer = {"id": "q1.1", "turn": "t1", "role": "assistant", "model": IMG, "parts": [tool], "mark": IMG, "error": IMG,
              "warning": IMG, "footer": IMG, "notes": [IMG]}  # fmt: skip
    session = {
        **fixture("state")["session"],
        "title": IMG,
        "model": IMG,
        "system": IMG,
        "pins": [IMG],
        "options": {IMG: IMG},
    }
    hostile = {
        "models": {"models": [{"name": IMG, "capabilities": [IMG]}], "current": IMG},
        "sessions": {"sessions": [{"id": "1", "title": IMG, "model": IMG}]},
        "tools": {"tools": [{"name": IMG, "description": IMG, "may": [IMG], "rule": IMG}]},
        "complete": {"items": [{"ref": IMG, "label": IMG, "kind": IMG}]},
        "preview": {"label": IMG, "text": IMG, "tokens": 1, "image": {"mime": f'x" onerror="{IMG}', "data": IMG}},
        "plan": {"tokens": 1, "num_ctx": 2, "notes": [IMG], "left_out": [{"label": IMG, "reason": IMG}]},
        "suggest": {"starters": [{"text": IMG, "refs": []}]},
    }
    state = {**fixture("state"), "session": session, "model": IMG, "entries": [question, answer], "notices": [IMG]}
    panel.show(state, fixture("answers") | hostile)

    for opener in ("Session: ", "Model: ", "Tools", "Settings"):
        panel.find(".chatnb-bar").get_by_role("button", name=opener).first.click()
        expect(panel.find(".chatnb-sheet")).not_to_contain_text("Asking the kernel")
        panel.page.keyboard.press("Escape")
    panel.question.fill("Why @x")
    panel.question.press("End")
    expect(panel.find(".chatnb-items li")).to_have_count(1)
    panel.page.wait_for_function("() => !document.querySelector('.chatnb-peek').hidden")
    panel.page.keyboard.press("Enter")
    proposal = {
        "call": "c",
        "turn": "t1",
        "name": IMG,
        "arguments": {IMG: IMG},
        "preview": IMG,
        "effects": [IMG],
        "scope": IMG,
    }
    panel.change({"is": "approvals", "proposals": [proposal | {"reason": IMG}]})

    expect(panel.find(".chatnb-approval")).to_contain_text(IMG)
    assert panel.find("script, :is(.chatnb-panel) img[onerror]").count() == 0
    expect_unharmed(panel)


def test_a_remote_picture_is_asked_for_only_when_it_is_clicked(panel: PanelPage) -> None:
    answering(panel, blocks(*html_of(f"![A plot]({CANARY}/plot.png)\n\nText.")))
    remote = panel.find("button.chatnb-remote")
    expect(remote).to_be_visible()
    expect_unharmed(panel)

    # The console tells that nobody is there after the request has failed.
    with (
        panel.page.expect_request(f"{CANARY}/plot.png"),
        panel.page.expect_console_message(lambda message: message.type == "error"),
    ):
        remote.click()

    assert panel.requests == [f"{CANARY}/plot.png"]
    assert panel.page.url.startswith(ADDRESS)
    panel.errors.clear()  # nobody is there


def test_a_line_of_a_megabyte_does_not_stop_the_page(panel: PanelPage) -> None:
    answering(panel, blocks(f"<p>{'x' * 1_000_000}</p>", "<p>end</p>"))

    expect(panel.find(".chatnb-live .chatnb-block").last).to_have_text("end", timeout=60_000)
    panel.question.fill("Still here")
    expect(panel.question).to_have_value("Still here")
