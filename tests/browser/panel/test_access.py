"""Everybody can use the panel: in each state, in each theme, in a narrow place, and by keyboard alone."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests import node
from tests.browser.panel.harness import PanelPage, fixture, opened_panel
from tests.browser.panel.states import STATES, TURN, answering, approving, blocks, show, streaming

pytestmark = pytest.mark.browser

AXE = node.CACHE / "axe"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module", autouse=True)
def _axe() -> None:
    node.install(AXE, ("axe-core@4.14.1",))


def violations(panel: PanelPage) -> list[Any]:
    """Return what axe-core has against the page, each with the elements that it is about."""
    panel.page.add_script_tag(path=AXE / "node_modules" / "axe-core" / "axe.min.js")
    # What fades in has no contrast yet.
    panel.page.add_style_tag(
        content="*, *::after, *::before { animation: none !important; transition: none !important; }"
    )
    found: list[Any] = panel.page.evaluate(
        """async rules => (await axe.run(document.body, {runOnly: rules})).violations
          .map(one => [one.id, one.nodes.map(node => [node.html.slice(0, 120), node.any[0]?.message])])""",
        RULES,
    )
    return found


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_no_violation(panel: PanelPage, state: str) -> None:
    STATES[state](panel)

    assert violations(panel) == []
    panel.screenshot(state)


@pytest.mark.parametrize("theme", ["dark", "dark-high-contrast", "none"])
@pytest.mark.parametrize("state", ["unfolded", "approving", "failed", "attached", "settings"])
def test_axe_finds_no_violation_in_other_themes(browser: Browser, theme: str, state: str) -> None:
    with opened_panel(browser, theme) as panel:
        STATES[state](panel)

        assert violations(panel) == []
        panel.screenshot(f"{state}-{theme}")


@pytest.mark.parametrize("state", ["unfolded", "approving", "failed", "attached", "settings"])
def test_a_width_of_320_pixels_is_enough(browser: Browser, state: str) -> None:
    with opened_panel(browser, width=344) as panel:  # with the page's own margin
        STATES[state](panel)

        assert violations(panel) == []
        assert panel.find("").first.evaluate("() => document.documentElement.scrollWidth") == 344
        panel.screenshot(f"{state}-narrow")


def test_forced_colours_show_what_is_chosen(browser: Browser) -> None:
    with opened_panel(browser, forced_colors="active") as panel:
        STATES["models"](panel)

        assert violations(panel) == []
        panel.screenshot("models-forced-colours")


def test_nothing_moves_for_whoever_wants_it_still(browser: Browser) -> None:
    with opened_panel(browser, reduced_motion="reduce") as panel:
        streaming(panel)

        running = "() => document.getAnimations().filter(one => one.playState === 'running').length"
        assert panel.page.evaluate(running) == 0


def test_a_whole_conversation_by_keyboard_alone(panel: PanelPage) -> None:
    show(panel)
    keys = panel.page.keyboard
    focused = "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"

    # to the question: one stop for the bar, then messages, then what is attached
    stops = []
    for _ in range(40):
        keys.press("Tab")
        stops.append(panel.page.evaluate(focused))
        if stops[-1] == "Your question":
            break
    assert stops[0] == "Session: Prices that are negative"
    assert stops[-1] == "Your question"
    keys.type("And the median?")
    keys.press("Enter")
    panel.wait_sent("ask")
    panel.change({"is": "began", "live": fixture("live")}, blocks("<p>The median is</p>"))
    keys.press("Escape")
    panel.wait_sent("cancel")
    panel.change({"is": "approvals", "proposals": [fixture("proposal")]})
    assert panel.page.evaluate(focused) == "May edit_file run?"
    while panel.page.evaluate(focused) != "Allow once":
        keys.press("Tab")
    keys.press("ArrowRight")
    assert panel.page.evaluate(focused) == "Allow in this session"
    keys.press("Space")

    assert panel.wait_sent("approve")["verdict"] == "session"
    panel.change({"is": "approvals", "proposals": []})
    assert panel.page.evaluate(focused) == "Your question"
    keys.press("Shift+Tab")
    keys.press("PageUp")
    assert panel.sent("ask")[0]["text"] == "And the median?"


def test_sheets_give_the_focus_back(panel: PanelPage) -> None:
    show(panel)
    panel.button("Model: qwen3:8b").focus()

    panel.page.keyboard.press("Enter")
    expect(panel.page.get_by_role("button", name="qwen3:8b 5.2 GB")).to_be_focused()
    panel.page.keyboard.press("ArrowDown")
    expect(panel.page.get_by_role("button", name="llama3.2-vision:11b")).to_be_focused()
    panel.page.keyboard.press("Escape")

    expect(panel.button("Model: qwen3:8b")).to_be_focused()
    expect(panel.find(".chatnb-sheet")).to_be_hidden()


def test_an_approval_does_not_take_the_keys_of_who_is_typing(panel: PanelPage) -> None:
    streaming(panel)
    panel.question.click()
    panel.page.keyboard.type("And th")

    panel.change({"is": "approvals", "proposals": [fixture("proposal")]})
    panel.page.keyboard.type("is")

    expect(panel.question).to_have_value("And this")
    assert panel.sent("approve") == []


def test_pages_go_between_messages(panel: PanelPage) -> None:
    show(panel)
    panel.find(".chatnb-log").focus()

    panel.page.keyboard.press("PageUp")
    expect(panel.find("article").last).to_be_focused()
    panel.page.keyboard.press("PageUp")
    expect(panel.find("article").first).to_be_focused()


def test_an_answer_is_heard_by_sentences_not_by_tokens(panel: PanelPage) -> None:
    answering(panel)
    heard = "() => [...document.querySelectorAll('[aria-live=polite] p')].map(one => one.textContent)"

    panel.change(blocks("<p>The med</p>"))
    panel.change(blocks("ian is 3.5. It st</p>", keep=len("<p>The med")))
    assert panel.page.evaluate(heard) == ["The median is 3.5."]
    panel.change(blocks("ays</p>", fixture("code"), keep=len("<p>The median is 3.5. It st")))
    panel.change(
        {"is": "finished", **TURN, "entries": [{"id": "q2.1", **TURN, "role": "assistant", "parts": [{"same": 0}]}]}
    )

    assert panel.page.evaluate(heard) == [
        "The median is 3.5.",
        "It stays",
        "A block of code.",
        "The answer is complete.",
    ]


def test_an_approval_is_heard(panel: PanelPage) -> None:
    approving(panel)

    expect(panel.find("[aria-live=polite]")).to_contain_text("May edit_file run? Nothing runs before you answer.")


def test_text_from_right_to_left_is_right(panel: PanelPage) -> None:
    answering(panel, blocks("<p>مرحبا بالعالم</p>", "<p>Hello</p>"))

    directions = panel.find(".chatnb-live .chatnb-block").evaluate_all(
        "all => all.map(one => getComputedStyle(one).direction)"
    )
    assert directions == ["rtl", "ltr"]
    panel.question.fill("مرحبا")
    assert panel.question.evaluate("one => getComputedStyle(one).direction") == "rtl"
