"""A conversation in the panel: asking, reading while it comes, stopping."""

import pytest
from playwright.sync_api import expect

from chatnb.markdown.html import blocks as html_of
from tests.browser.panel.harness import PanelPage, fixture
from tests.browser.panel.states import TURN, answering, blocks

pytestmark = pytest.mark.browser


def test_enter_sends_and_shift_enter_breaks_the_line(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers"))

    panel.question.click()
    panel.page.keyboard.type("One")
    panel.page.keyboard.press("Shift+Enter")
    panel.page.keyboard.type("two")
    panel.page.keyboard.press("Enter")

    assert panel.wait_sent("ask")["text"] == "One\ntwo"
    expect(panel.question).to_have_value("")


def test_up_recalls_the_questions_and_down_goes_back(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers"))

    panel.question.press("ArrowUp")
    expect(panel.question).to_have_value("Why is the mean of @df.price negative?")
    panel.question.press("ArrowUp")
    expect(panel.question).to_have_value("Why is the mean of @df.price negative?")
    panel.question.press("ArrowDown")

    expect(panel.question).to_have_value("")


def test_an_answer_is_read_while_it_comes(panel: PanelPage) -> None:
    answering(panel)

    expect(panel.find(".chatnb-live .chatnb-status")).to_have_text("waiting for the model")
    panel.change({"is": "live", **TURN, "status": "loading qwen3:8b into memory (9 GB), 12 s"})
    expect(panel.find(".chatnb-live .chatnb-status")).to_have_text("loading qwen3:8b into memory (9 GB), 12 s")
    panel.change({"is": "live", **TURN, "status": ""}, blocks("<p>The median is <em>ro</em></p>"))
    panel.change(blocks("bust</em>.</p>", "<p>It st</p>", keep=len("<p>The median is <em>ro")))

    expect(panel.find(".chatnb-live .chatnb-text")).to_have_text("The median is robust.It st")
    expect(panel.find(".chatnb-live .chatnb-status")).to_have_text("")


def test_code_is_coloured_and_tables_and_formulas_are_drawn(panel: PanelPage) -> None:
    text = "```python\nfor x in y: pass\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$$\\frac{a}{b}$$\n"
    answering(panel, blocks(*html_of(text)))
    answer = panel.find(".chatnb-live .chatnb-text")

    colour = "one => getComputedStyle(one).color"
    assert answer.locator(".chatnb-keyword").first.evaluate(colour) != answer.locator("pre").evaluate(colour)
    expect(answer.locator("table td")).to_have_text(["1", "2"])
    # The parts of a fraction lie above each other where MathML is drawn.
    numerator, denominator = (answer.locator("mfrac > *").nth(part).bounding_box() for part in (0, 1))
    assert numerator is not None
    assert denominator is not None
    assert numerator["y"] + numerator["height"] <= denominator["y"] + 1


def test_what_happens_on_the_way_is_told_in_words_and_hides_no_text(panel: PanelPage) -> None:
    answering(panel, blocks("<p>The median is</p>"))
    live = panel.find(".chatnb-live")
    retry, mended = (
        "asked again in 0.5 s (attempt 2 of 3): the server is busy",
        "qwen3:8b broke off (gone); tiny went on.",
    )
    warning = "The server did not read the whole prompt: it dropped the rest."

    panel.change({"is": "live", **TURN, "status": retry})
    expect(live.locator(".chatnb-status")).to_have_text(retry)
    expect(live.locator(".chatnb-text")).to_have_text("The median is")
    panel.change({"is": "live", **TURN, "status": "", "model": "tiny", "notes": [mended]})
    expect(live).to_contain_text(mended)
    expect(live.locator(".chatnb-who")).to_have_text("tiny")
    ends = {"id": "q2.001", **TURN, "role": "assistant", "parts": [{"same": 0}], "notes": [mended], "warning": warning}
    panel.change({"is": "finished", **TURN, "entries": [fixture("live")["question"], ends]})

    for words in ("The median is", mended, warning):
        expect(panel.find("article").last).to_contain_text(words)


def test_thoughts_and_tools_are_one_line_each_and_open_at_a_click(panel: PanelPage) -> None:
    tool = {"type": "tool", "call": "c1", "name": "python", "arguments": {"code": "1 + 1"}, "result": None}
    answering(panel, blocks("<p>Hm.</p>", kind="thinking"))
    thought, called = panel.find(".chatnb-live .chatnb-thinking"), panel.find(".chatnb-live .chatnb-tool")

    expect(thought.locator("summary")).to_have_text("Thinking…")
    panel.change(
        {"is": "thought", **TURN, "part": 0, "duration_s": 3.2}, {"is": "part", **TURN, "part": 1, "value": tool}
    )
    expect(thought.locator("summary")).to_have_text("Thought for 3.2 s")
    expect(called.locator("summary")).to_have_text('python{"code":"1 + 1"}running…')
    called.locator("summary").click()
    panel.change({"is": "part", **TURN, "part": 1, "value": tool | {"result": "2", "duration_s": 0.2}})

    expect(called.locator("summary")).to_have_text('python{"code":"1 + 1"}0.2 s')
    expect(called.get_by_label("Result")).to_be_visible()
    expect(called.get_by_label("Result")).to_have_text("2")
    expect(thought.locator("p")).to_be_hidden()


@pytest.mark.parametrize("how", ["click", "Escape"])
def test_stop_by_a_click_or_escape(panel: PanelPage, how: str) -> None:
    answering(panel, blocks("<p>So far</p>"))

    if how == "click":
        panel.button("Stop").click()
    else:
        panel.question.press("Escape")
    assert panel.wait_sent("cancel")["turn"] == "t2"
    stopped = (
        {**fixture("live")["question"]},
        {"id": "q2.001", **TURN, "role": "assistant", "mark": "stopped", "parts": [{"same": 0}]},
    )
    panel.change({"is": "finished", **TURN, "entries": list(stopped)})

    expect(panel.find("article").last).to_contain_text("So far")
    expect(panel.find("article").last).to_contain_text("stopped")
    expect(panel.button("Stop")).to_be_hidden()


def test_what_is_finished_is_never_made_anew(panel: PanelPage) -> None:
    answering(panel, blocks("<p>One.</p>"))
    panel.page.evaluate(
        """() => {
          window.seen = {removed: 0, added: 0};
          new MutationObserver(all => { for (const one of all) {
            if (!one.target.closest?.('.chatnb-parts')) continue;
            seen.removed += one.removedNodes.length; seen.added += one.addedNodes.length;
          } }).observe(document.querySelector('.chatnb-entries'), {childList: true, subtree: true});
        }"""
    )

    for number in range(1, 21):
        panel.change(blocks(f"<p>Sentence {number} and", start=number))
        panel.change(blocks(" <b>more</b>.</p>", start=number, keep=len(f"<p>Sentence {number} and")))
    ends = {"id": "q2.001", **TURN, "role": "assistant", "parts": [{"same": 0}]}
    panel.change({"is": "finished", **TURN, "entries": [fixture("live")["question"], ends]})

    seen = panel.page.evaluate("() => seen")
    # a block, its paragraph, and what is appended to that later: an element and a text
    assert seen == {"removed": 0, "added": 20 * 4}
    assert panel.find("article").last.locator(".chatnb-block").count() == 21


def test_a_growing_answer_touches_nothing_but_itself(panel: PanelPage) -> None:
    answering(panel, blocks("<p>The median"))
    panel.page.evaluate(
        """() => {
          window.touched = [];
          const all = {childList: true, subtree: true, attributeOldValue: true, characterData: true};
          const isNew = one => one.type !== 'attributes' || one.target.getAttribute(one.attributeName) !== one.oldValue;
          const within = node => (node.nodeType === 1 ? node : node.parentElement)?.closest('.chatnb-live, .chatnb-entry, [aria-live]');
          new MutationObserver(seen => touched.push(...seen.filter(isNew).map(({target}) => (within(target) ?? target).className)))
            .observe(document.querySelector('.chatnb-panel'), all);
        }"""
    )

    panel.change(blocks(" is robust. It", keep=len("<p>The median")))
    panel.change(blocks(" stays</p>", keep=len("<p>The median is robust. It")))

    answer = panel.find(".chatnb-live").get_attribute("class")
    assert set(panel.page.evaluate("() => touched")) == {answer, "chatnb-unseen"}  # and what is heard


def test_the_view_follows_the_end_until_the_reader_goes_up(panel: PanelPage) -> None:
    answering(panel, blocks(*["<p>Text.</p>"] * 40))
    top = "() => document.querySelector('.chatnb-log').scrollTop"
    left = "() => { const log = document.querySelector('.chatnb-log'); return log.scrollHeight - log.clientHeight - log.scrollTop; }"

    assert panel.page.evaluate(left) < 2
    expect(panel.button("Back to the end")).to_be_hidden()
    panel.find(".chatnb-log").hover()
    panel.page.mouse.wheel(0, -300)
    expect(panel.button("Back to the end")).to_be_visible()
    before = panel.page.evaluate(top)
    panel.change(blocks(*["<p>More.</p>"] * 20, start=40))

    assert panel.page.evaluate(top) == before
    panel.button("Back to the end").click()
    panel.change(blocks(*["<p>And more.</p>"] * 20, start=60))
    assert panel.page.evaluate(left) < 2


def below_the_window(panel: PanelPage) -> float:
    """Return how many pixels of the place where one writes lie below the window."""
    below: float = panel.find(".chatnb-composer").evaluate("one => one.getBoundingClientRect().bottom - innerHeight")
    return below


def test_whoever_writes_still_sees_it_when_the_panel_grows(panel: PanelPage) -> None:
    panel.show({**fixture("state"), "entries": []}, fixture("answers"))
    panel.page.evaluate("() => { document.querySelector('main').style.padding = '480px 0'; }")
    panel.question.click()

    panel.change({"is": "began", "live": fixture("live")}, blocks(*["<p>Text.</p>"] * 40))
    panel.drawn()
    assert below_the_window(panel) <= 1

    # Whoever has gone to another place of the notebook is not taken back.
    panel.page.evaluate("() => scrollTo(0, 0)")
    panel.drawn()
    panel.page.evaluate("() => { document.querySelector('.chatnb-panel').style.maxHeight = 'none'; }")
    panel.drawn()
    assert panel.page.evaluate("() => scrollY") == 0


def test_a_view_of_its_own_is_filled(panel: PanelPage) -> None:
    place = "document.querySelector('main')"
    view = f"void ({place}.className = 'jp-LinkedOutputView', {place}.style.height = '420px')"
    panel.show(fixture("state"), fixture("answers"), view)

    ends = panel.find(".chatnb-composer").evaluate(f"one => [one, {place}].map(x => x.getBoundingClientRect().bottom)")
    assert 0 <= ends[1] - ends[0] < 10
    assert panel.find(".chatnb-log").evaluate("one => one.clientHeight") > 100


def test_what_was_said_goes_when_one_writes_on(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers"))
    panel.button("The selection").click()
    expect(panel.page.get_by_role("status")).to_contain_text("Nothing is selected")

    panel.question.press_sequentially("W")

    expect(panel.page.get_by_role("status")).to_be_empty()


def test_a_question_waits_for_a_kernel_that_is_busy(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers") | {"ask": None})

    panel.question.fill("Later?")
    panel.question.press("Enter")

    expect(panel.find("article").last).to_contain_text("Later?")
    expect(panel.find("article").last).to_contain_text("the kernel is busy; this waits")
    sent = panel.sent("ask")[0]
    panel.page.evaluate("([view, id]) => kernel.emit({kind: 'done', view, id, turn: 't2'})", [sent["view"], sent["id"]])
    expect(panel.find("article")).to_have_count(2)


def test_a_question_that_waits_can_only_be_taken_back(panel: PanelPage) -> None:
    waiting = {"id": "q3", "turn": "t3", "role": "user", "text": "And the mode?"}
    answering(panel, {"is": "waiting", "entries": [waiting]})

    actions = panel.find("article").last.get_by_role("button")
    expect(actions).to_have_count(1)
    panel.button("Take this question back").click()

    assert panel.wait_sent("cancel")["turn"] == "t3"
    expect(panel.question).to_have_value("And the mode?")
    expect(panel.question).to_be_focused()
    taken = (
        {**waiting, "html": "<p>And the mode?</p>"},
        {"id": "q3.1", "turn": "t3", "role": "assistant", "mark": "stopped"},
    )
    panel.change({"is": "finished", "turn": "t3", "entries": list(taken)}, {"is": "waiting", "entries": []})
    turns = panel.find(".chatnb-user > .chatnb-parts")
    expect(turns.last).to_have_text("And the mode?")
    expect(turns.nth(1)).to_have_text("And the median?")


def test_a_question_is_not_lost_when_the_kernel_has_gone(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers"))
    panel.page.evaluate("() => { kernel.isGone = true; }")

    panel.question.fill("Are you there?")
    panel.question.press("Enter")

    expect(panel.page.get_by_role("status")).to_contain_text("Run the cell again")
    expect(panel.question).to_have_value("Are you there?")


def test_a_question_comes_back_when_it_could_not_be_asked(panel: PanelPage) -> None:
    refused = "There is no model qwen9. Get it with `%chat pull qwen9`."
    panel.show(fixture("state"), fixture("answers") | {"ask": {"error": refused}})

    panel.question.fill("Why?")
    panel.question.press("Enter")

    expect(panel.page.get_by_role("status")).to_contain_text(refused)
    expect(panel.question).to_have_value("Why?")


def test_a_gap_makes_the_view_ask_for_everything_again(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers"))

    panel.page.evaluate("() => { kernel.state.notices = ['All is here.']; kernel.rev += 5; kernel.change(); }")

    panel.wait_sent("hello", 2)
    expect(panel.find(".chatnb-notices")).to_contain_text("All is here.")


def test_the_transcript_beside_is_hidden_while_the_panel_lives(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers"))
    transcript = panel.page.locator("#transcript")

    expect(transcript).to_be_hidden()
    panel.page.evaluate("() => { window.away(); document.getElementById('output').replaceChildren(); }")

    expect(transcript).to_be_visible()
    assert panel.sent("bye") != []
