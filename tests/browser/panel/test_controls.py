"""What can be done beside talking: models, tools, context, copies and cells."""

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.panel.harness import PanelPage, fixture
from tests.browser.panel.states import answering, approving, completing, empty, show

pytestmark = pytest.mark.browser

CLIPBOARD = "() => navigator.clipboard.readText()"
NOTEBOOK = """(() => {
  const cell = (id, source, count) => ({id, execution_count: count, source, getSource() { return this.source; }});
  const cells = [cell('a', 'x = 1', 5), cell('b', '%chat panel', 6), cell('c', '', null)];
  const sharedModel = {
    cells,
    insertCells(at, made) { cells.splice(at, 0, ...made.map((one, i) => cell(`new-${cells.length}-${i}`, one.source, null))); },
    deleteCellRange(from, to) { cells.splice(from, to - from); },
  };
  const output = document.querySelector('.jp-OutputArea');
  output.classList.add('jp-Cell');
  output.dataset.windowedListIndex = '1';
  window.sources = () => cells.map(one => one.source);
  return {model: {sharedModel, cells: {length: 0}}};
})()"""


def show_notebook(panel: PanelPage) -> None:
    """Show a panel in the second of three cells."""
    panel.show(fixture("state"), fixture("answers"), NOTEBOOK)


@pytest.mark.parametrize(
    ("opener", "row", "command", "sent"),
    [
        ("Model: qwen3:8b", "llama3.2-vision:11b", "configure", {"model": "llama3.2-vision:11b"}),
        ("Session: Prices that are negative", "A plan for the import", "open", {"session": "s2"}),
        ("Session: Prices that are negative", "New session", "new", {}),
    ],
)
def test_a_choice_is_sent_and_the_sheet_closes(
    panel: PanelPage, opener: str, row: str, command: str, sent: dict[str, Any]
) -> None:
    show(panel)
    panel.button(opener).click()

    panel.find(".chatnb-sheet").get_by_role("button", name=re.compile(f"^{row}")).click()

    assert sent.items() <= panel.wait_sent(command).items()
    expect(panel.find(".chatnb-sheet")).to_be_hidden()


def test_models_tell_their_size_what_they_can_and_whether_they_are_loaded(panel: PanelPage) -> None:
    show(panel)
    panel.button("Model: qwen3:8b").click()

    expect(panel.find(".chatnb-row").first).to_contain_text("5.2 GB · completion · tools · thinking · loaded")
    expect(panel.find(".chatnb-row").first).to_have_attribute("aria-current", "true")


def test_the_model_is_marked_that_the_server_calls_latest(panel: PanelPage) -> None:
    models = [{"name": "tiny:latest", "size_bytes": 45_300_000, "capabilities": ["embedding"], "is_loaded": False}]
    panel.show(fixture("state"), fixture("answers") | {"models": {"models": models, "current": "tiny"}})
    panel.button("Model: qwen3:8b").click()

    expect(panel.find(".chatnb-row")).to_contain_text("46 MB · embedding")
    expect(panel.find(".chatnb-row")).to_have_attribute("aria-current", "true")


def test_settings_are_sent_as_they_were_written(panel: PanelPage) -> None:
    show(panel)
    panel.button("Settings").click()

    panel.page.get_by_label("System prompt").fill("Be brief.")
    panel.page.get_by_label("Think before answering").select_option("No")
    panel.page.get_by_label("Seed").fill("7")
    panel.page.get_by_label("Other options").fill("{not json")
    panel.button("Save").click()
    expect(panel.page.get_by_role("alert")).to_contain_text("have to be JSON")
    panel.page.get_by_label("Other options").fill('{"top_p": 0.5}')
    panel.button("Save").click()

    sent = panel.wait_sent("configure")
    assert (sent["system"], sent["think"]) == ("Be brief.", False)
    assert sent["options"] == {"temperature": 0.2, "seed": 7, "top_p": 0.5}


def test_what_opens_over_an_empty_panel_has_its_place_within_it(panel: PanelPage) -> None:
    empty(panel)
    low = panel.find("").first.bounding_box()
    panel.button("Settings").click()
    expect(panel.button("Save")).to_be_attached()

    outer, inner = panel.find("").first.bounding_box(), panel.find(".chatnb-sheet").bounding_box()
    assert outer is not None
    assert inner is not None
    assert inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    panel.button("Save").click()
    expect(panel.find(".chatnb-sheet")).to_be_hidden()
    assert panel.find("").first.bounding_box() == low


def test_tools_say_what_they_may_do_and_are_chosen(panel: PanelPage) -> None:
    show(panel)
    panel.button("Tools").click()

    expect(panel.find(".chatnb-tools")).to_contain_text("may: runs code, changes variables · asks first")
    panel.page.get_by_role("checkbox", name="shell").check()

    assert panel.wait_sent("choose")["tools"] == ["read_file", "python", "shell"]


def test_a_call_is_approved_with_its_exact_arguments_in_view(panel: PanelPage) -> None:
    approving(panel)
    card = panel.page.get_by_role("group", name="May edit_file run?")

    expect(card).to_contain_text("+frame = frame[frame.price.isna()]")
    card.get_by_text("Exact arguments").click()
    expect(card.locator("details pre")).to_contain_text('"new": "price.isna()"')
    card.get_by_role("button", name="Never").click()

    assert panel.wait_sent("approve") | {"call": "c9", "verdict": "never"} == panel.sent("approve")[0]


def test_what_hides_in_arguments_is_spelled_out(panel: PanelPage) -> None:
    answering(panel)
    hidden = {
        **fixture("proposal"),
        "name": "run\u202eexe",
        "arguments": {"x": "a\u200bb\u2066"},
        "preview": "if x:\u2028rm",
    }
    panel.change({"is": "approvals", "proposals": [hidden]})

    card = panel.find(".chatnb-approval")
    expect(card).to_contain_text("run⟨U+202E⟩exe")
    expect(card).to_contain_text("a⟨U+200B⟩b⟨U+2066⟩")
    expect(card).to_contain_text("if x:⟨U+2028⟩rm")


def test_a_mention_is_completed_previewed_and_attached(panel: PanelPage) -> None:
    completing(panel)

    expect(panel.find(".chatnb-items [aria-selected=true]")).to_have_text("dfvariable")
    panel.page.keyboard.press("ArrowDown")
    panel.page.keyboard.press("Tab")

    expect(panel.question).to_have_value("Why is @df.price ")
    expect(panel.find(".chatnb-composer .chatnb-chip").last).to_contain_text("412")
    panel.page.keyboard.type("low?")
    panel.page.keyboard.press("Enter")
    assert panel.wait_sent("ask")["text"] == "Why is @df.price low?"
    assert panel.sent("ask")[0]["attachments"] == []  # the text names it


def test_a_mention_that_is_deleted_carries_nothing_along(panel: PanelPage) -> None:
    completing(panel)
    panel.page.keyboard.press("Enter")
    expect(panel.find(".chatnb-composer .chatnb-chip")).to_have_count(2)

    panel.question.fill("Why?")

    expect(panel.find(".chatnb-composer .chatnb-chip")).to_have_count(1)  # what is pinned


def test_the_last_error_is_attached_and_removed_by_a_key(panel: PanelPage) -> None:
    show(panel)
    panel.button("The last error").click()
    chip = panel.page.get_by_role("button", name="Show what is sent of variable df")
    expect(chip).to_be_visible()

    chip.press("Delete")

    expect(chip).to_have_count(0)
    expect(panel.question).to_be_focused()


def test_a_dropped_file_and_a_pasted_picture_are_sent_along(panel: PanelPage) -> None:
    show(panel)
    panel.question.evaluate(
        """area => {
          const data = new DataTransfer();
          data.items.add(new File(['a,b\\n1,2'], 'data.csv', {type: 'text/csv'}));
          data.items.add(new File([new Uint8Array([1, 2])], 'program.exe', {type: 'application/x-msdownload'}));
          area.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
          const pasted = new DataTransfer();
          pasted.items.add(new File([new Uint8Array([137, 80])], 'plot.png', {type: 'image/png'}));
          area.dispatchEvent(new ClipboardEvent('paste', {clipboardData: pasted, bubbles: true, cancelable: true}));
        }"""
    )
    panel.wait_sent("preview", 2)
    expect(panel.page.get_by_role("status")).to_contain_text("program.exe is neither text nor a picture")

    panel.question.fill("See?")
    panel.question.press("Enter")

    sent = {one["name"]: one for one in panel.wait_sent("ask")["attachments"]}
    assert set(sent) == {"data.csv", "plot.png"}
    assert (sent["data.csv"]["mime"], base64.b64decode(sent["data.csv"]["data"])) == ("text/csv", b"a,b\n1,2")
    assert (sent["plot.png"]["mime"], base64.b64decode(sent["plot.png"]["data"])) == ("image/png", b"\x89P")


def test_the_window_is_measured_before_sending(panel: PanelPage) -> None:
    show(panel)

    panel.question.fill("Why?")

    expect(panel.page.get_by_role("meter")).to_have_accessible_name("The window is filled to 3.1k of 8.2k tokens")
    expect(panel.find(".chatnb-composer")).to_contain_text("Left out: 2 oldest messages (no room in the window).")
    panel.question.fill("")
    expect(panel.page.get_by_role("meter")).to_be_hidden()


def test_a_window_measured_late_is_not_that_of_the_next_question(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers") | {"plan": None})
    panel.question.fill("Why?")
    sent = panel.wait_sent("plan")
    panel.question.press("Enter")
    panel.wait_sent("ask")
    # Longer than it waits to measure what is written: nothing.
    panel.page.evaluate("() => new Promise(done => setTimeout(done, 450))")

    panel.page.evaluate(
        "([view, id, plan]) => { kernel.answers.plan = plan; kernel.emit({kind: 'done', view, id, ...plan}); }",
        [sent["view"], sent["id"], fixture("answers")["plan"]],
    )
    panel.drawn()

    assert not panel.page.get_by_role("meter").is_visible()


def test_what_has_changed_since_is_marked(panel: PanelPage) -> None:
    panel.show(
        fixture("state"), fixture("answers") | {"stale": {"stale": [{"message": "q1", "changed": ["variable df"]}]}}
    )

    expect(panel.find(".chatnb-user .chatnb-chip").first).to_contain_text("changed since")


def test_whoever_comes_back_from_the_notebook_sees_what_has_changed(panel: PanelPage) -> None:
    show(panel)
    expect(panel.find(".chatnb-user .chatnb-chip").first).not_to_contain_text("changed since")
    panel.wait_sent("stale")
    panel.page.evaluate("() => { kernel.answers.stale = {stale: [{message: 'q1', changed: ['variable df']}]}; }")

    panel.question.focus()

    expect(panel.find(".chatnb-user .chatnb-chip").first).to_contain_text("changed since")


def test_a_session_that_is_begun_offers_questions(panel: PanelPage) -> None:
    show(panel)

    panel.page.evaluate("() => { kernel.state = {...kernel.state, entries: []}; kernel.snapshot(null); }")

    expect(panel.find(".chatnb-starters button")).to_have_count(3)


def test_a_file_may_be_dropped_anywhere_on_the_panel(panel: PanelPage) -> None:
    show(panel)
    panel.find(".chatnb-log").evaluate(
        """log => {
          const data = new DataTransfer();
          data.items.add(new File(['a,b'], 'data.csv', {type: 'text/csv'}));
          log.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
        }"""
    )

    assert panel.wait_sent("preview")["attachment"]["name"] == "data.csv"


def test_starters_fit_the_notebook_and_wait_to_be_sent(panel: PanelPage) -> None:
    empty(panel)

    # The focus comes with the press, and the questions are looked up again before the pointer is released.
    begin = panel.button("What went wrong in cell 7?")
    begin.hover()
    panel.page.mouse.down()
    panel.wait_sent("suggest", 2)
    panel.drawn()
    panel.page.mouse.up()

    expect(panel.question).to_have_value("What went wrong in cell 7?")
    panel.wait_sent("preview", 2)
    assert panel.sent("ask") == []


def test_a_message_a_code_block_and_the_conversation_are_copied(panel: PanelPage) -> None:
    show(panel)
    answer = panel.find("article").last

    answer.hover()
    answer.get_by_role("button", name="Copy as Markdown").click()
    expect(panel.page.get_by_role("status")).to_contain_text("on the clipboard")
    assert panel.page.evaluate(CLIPBOARD) == "Three rows hold **-1**."
    answer.get_by_role("button", name="Copy the code").last.click()
    panel.page.wait_for_function(
        "async () => (await navigator.clipboard.readText()) === 'assert clean.price.min() >= 0\\n'"
    )
    panel.button("Export").click()
    panel.find(".chatnb-sheet").get_by_role("button", name="Copy as Markdown").click()

    panel.page.wait_for_function("async () => (await navigator.clipboard.readText()) === '# Prices 🙂\\n\\n'")


def test_code_becomes_a_cell_below_and_goes_again(panel: PanelPage) -> None:
    show_notebook(panel)
    put = panel.page.get_by_role("button", name="Put into a new cell below")

    put.last.click()
    put.first.click()

    first, second = "assert clean.price.min() >= 0\n", "clean = frame.dropna"
    sources = panel.page.evaluate("() => sources()")
    assert sources[:3] == ["x = 1", "%chat panel", first]
    assert sources[3].startswith(second)
    panel.button("Undo").click()
    assert panel.page.evaluate("() => sources()") == ["x = 1", "%chat panel", first, ""]


def test_all_code_of_an_answer_becomes_cells(panel: PanelPage) -> None:
    show_notebook(panel)
    panel.find("article").last.hover()

    panel.page.get_by_role("button", name="Put all 2 code blocks into new cells below").click()

    assert len(panel.page.evaluate("() => sources()")) == 5
    expect(panel.page.get_by_role("status")).to_contain_text("2 new cells are below.")


def test_where_no_cell_can_be_added_the_clipboard_has_the_code_and_it_is_said(panel: PanelPage) -> None:
    show(panel)

    panel.page.get_by_role("button", name="Put into a new cell below").last.click()

    expect(panel.page.get_by_role("status")).to_contain_text(
        "offers no way to add a cell, so the code is on the clipboard"
    )
    assert panel.page.evaluate(CLIPBOARD) == "assert clean.price.min() >= 0\n"


def test_the_cell_above_goes_by_its_number(panel: PanelPage) -> None:
    show_notebook(panel)

    panel.button("The cell above").click()

    assert panel.wait_sent("preview")["ref"] == "cell:5"


def test_what_is_done_with_an_answer_stands_at_its_end(panel: PanelPage) -> None:
    show(panel)
    first, last = panel.find("article").first, panel.find("article").last

    for article, edge in ((first, "y"), (last, "bottom")):
        at = "(one, edge) => one.querySelector('.chatnb-actions').getBoundingClientRect()[edge]"
        near = article.evaluate("(one, edge) => one.getBoundingClientRect()[edge]", edge)
        assert abs(article.evaluate(at, edge) - near) < 16
    opacity = "one => getComputedStyle(one).opacity"
    copies = panel.page.get_by_role("button", name="Copy as Markdown")
    assert [copies.nth(number).evaluate(opacity) for number in (0, 1)] == ["0", "1"]


def test_a_button_that_was_pressed_keeps_the_focus(panel: PanelPage) -> None:
    show(panel)
    panel.find("article").last.get_by_role("button", name="Hide from the model").press("Enter")

    panel.change({"is": "entry", "entry": {**fixture("state")["entries"][1], "is_hidden": True}})

    expect(panel.find("article").last.get_by_role("button", name="Show to the model again")).to_be_focused()


def test_the_keyboard_is_not_lost_with_the_message_that_it_was_at(panel: PanelPage) -> None:
    show(panel)
    panel.find("article").last.get_by_role("button", name="Ask again", exact=True).focus()

    panel.page.evaluate("() => { kernel.state.entries = kernel.state.entries.slice(0, 1); kernel.snapshot(null); }")

    expect(panel.find("article")).to_have_count(1)
    expect(panel.question).to_be_focused()


def test_again_hide_and_pin(panel: PanelPage) -> None:
    show(panel)
    answer = panel.find("article").last
    answer.hover()

    answer.get_by_role("button", name="Ask again", exact=True).click()
    assert panel.wait_sent("again")["turn"] == "t1"
    answer.get_by_role("button", name="Ask again with another model").click()
    panel.page.get_by_role("button", name="qwen2.5-coder:1.5b").click()
    assert panel.wait_sent("again", 2)["model"] == "qwen2.5-coder:1.5b"
    answer.get_by_role("button", name="Hide from the model").click()
    assert panel.wait_sent("hide")["is_hidden"] is True
    panel.page.get_by_role("button", name="Send cell 7 with every question").click()

    assert panel.wait_sent("pin").items() >= {"ref": "cell:7", "is_pinned": True}.items()


def test_what_the_kernel_cannot_do_is_not_offered(panel: PanelPage) -> None:
    panel.show({**fixture("state"), "can": ["ask", "cancel"]}, fixture("answers"))

    names = panel.page.get_by_role("button").evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.ariaLabel || one.textContent)"
    )

    for command in (
        "Tools",
        "Settings",
        "Export",
        "New session",
        "Copy as Markdown",
        "Ask again",
        "Hide from the model",
        "Undo the last turn",
        "Edit and ask anew",
        "Fork: go on from here in a new session",
    ):
        assert command not in names
    expect(panel.button("Model: qwen3:8b")).to_be_disabled()


def test_a_file_too_large_for_a_message_is_not_sent(panel: PanelPage) -> None:
    show(panel)

    panel.question.evaluate(
        """area => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(7e6 + 1)], 'data.csv', {type: 'text/csv'}));
          area.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
        }"""
    )

    expect(panel.page.get_by_role("status")).to_contain_text(
        "data.csv is larger than 7 MB; name it as @file:… instead."
    )
    assert panel.sent("preview") == []
