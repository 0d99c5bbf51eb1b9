"""Sessions in the panel: the ways through one, finding, importing and exporting them, and earlier messages."""

import base64
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.panel.harness import PanelPage, fixture
from tests.browser.panel.states import show

pytestmark = pytest.mark.browser


def test_sessions_are_searched_and_renamed(panel: PanelPage) -> None:
    show(panel)
    panel.button("Session: Prices that are negative").click()

    panel.page.get_by_role("searchbox").fill("plan")
    panel.page.wait_for_function("() => kernel.sent.some(one => one.do === 'sessions' && one.query === 'plan')")
    panel.page.get_by_role("textbox", name="Title of this session").fill("Prices")
    panel.button("Rename").click()

    assert panel.wait_sent("rename")["title"] == "Prices"


def show_branches(panel: PanelPage) -> None:
    """Show an answer that stands beside two others."""
    entries = fixture("state")["entries"]
    entries[1]["branches"] = {"at": 2, "of": 3}
    show(panel, entries=entries)


def test_which_branch_is_read_is_seen_and_others_are_a_click_away(panel: PanelPage) -> None:
    show_branches(panel)

    expect(panel.find(".chatnb-branches")).to_contain_text("2/3")
    expect(panel.button("The next branch")).to_be_visible()
    panel.button("The branch before").click()
    assert panel.wait_sent("branch").items() >= {"turn": "t1", "to": 1}.items()
    panel.button("The next branch").click()

    assert panel.wait_sent("branch", 2)["to"] == 3


def test_a_question_is_written_anew_where_it_stands(panel: PanelPage) -> None:
    show(panel)
    panel.find("article").first.hover()

    panel.button("Edit and ask anew").click()
    area = panel.page.get_by_role("textbox", name="The question, to be asked anew")
    expect(area).to_be_focused()
    expect(area).to_have_value("Why is the mean of @df.price negative?")
    area.press("Escape")
    expect(area).to_have_count(0)
    expect(panel.find("article .chatnb-parts").first).to_be_visible()
    assert panel.sent("cancel") == []
    panel.button("Edit and ask anew").click()
    area.fill("Why?")
    area.press("Enter")

    assert panel.wait_sent("edit").items() >= {"turn": "t1", "text": "Why?"}.items()
    expect(area).to_have_count(0)


def test_a_question_that_could_not_be_asked_anew_stays_as_it_was_written(panel: PanelPage) -> None:
    panel.show(fixture("state"), fixture("answers") | {"edit": {"error": "This question is not there any more."}})
    panel.find("article").first.hover()
    panel.button("Edit and ask anew").click()
    area = panel.page.get_by_role("textbox", name="The question, to be asked anew")

    area.fill("Why?")
    panel.button("Ask anew").click()

    expect(panel.page.get_by_role("status")).to_contain_text("not there any more")
    expect(area).to_have_value("Why?")


def test_a_question_that_is_taken_back_can_be_written_anew(panel: PanelPage) -> None:
    show(panel)

    panel.button("Undo the last turn").click()

    panel.wait_sent("undo")
    expect(panel.question).to_have_value("Why is the mean of @df.price negative?")
    panel.change({"is": "began", "live": fixture("live")})
    expect(panel.button("Undo the last turn")).to_be_hidden()


def test_an_answer_is_where_a_fork_begins(panel: PanelPage) -> None:
    show(panel)
    panel.find("article").last.hover()

    panel.button("Fork: go on from here in a new session").click()

    assert panel.wait_sent("fork")["message"] == "q1.001"


def test_a_session_is_deleted_only_after_a_question(panel: PanelPage) -> None:
    show(panel)
    panel.button("Session: Prices that are negative").click()

    panel.button("Delete A plan for the import").click()
    expect(panel.button("Keep it")).to_be_focused()
    expect(panel.page.get_by_role("alert")).to_contain_text("with 14 messages? It goes to the trash.")
    panel.button("Keep it").click()
    expect(panel.button("Delete A plan for the import")).to_be_focused()
    assert panel.sent("delete") == []
    panel.button("Delete A plan for the import").click()
    panel.button("Delete").click()

    assert panel.wait_sent("delete")["session"] == "s2"
    panel.wait_sent("sessions", 2)


def test_words_are_found_in_all_sessions_and_marked(panel: PanelPage) -> None:
    show(panel)
    panel.button("Session: Prices that are negative").click()

    panel.page.get_by_role("searchbox").fill("plan")
    places = panel.page.get_by_role("list", name="Places")
    expect(places).to_contain_text("🙂 The plan <b>is</b> this")
    expect(places.locator("mark")).to_have_text("plan")
    assert panel.sent("search")[0]["query"] == "plan"
    places.get_by_role("button").click()

    assert panel.wait_sent("open")["session"] == "s2"


def test_a_conversation_is_saved_in_a_format(panel: PanelPage) -> None:
    show(panel)
    panel.button("Export").click()

    with panel.page.expect_download() as download:
        panel.find(".chatnb-sheet").get_by_role("button", name="Save as .md").click()

    assert panel.sent("export")[-1]["format"] == "md"
    assert download.value.suggested_filename == "prices.md"
    assert download.value.path().read_text(encoding="utf-8") == "# Prices 🙂\n\n"
    expect(panel.find(".chatnb-sheet")).to_contain_text("Save as .ipynb")


def questions(first: int, end: int) -> list[dict[str, Any]]:
    """Return entries of numbered questions."""
    return [
        {"id": f"m{number:04}", "turn": f"m{number:04}", "role": "user", "text": f"Question {number}.\n\n" * 3}
        for number in range(first, end)
    ]


def search(panel: PanelPage, **hit: Any) -> None:
    """Show the newest of many questions, and click on what was found in a place before them."""
    found = fixture("answers")["search"]["hits"][0] | hit
    panel.show(
        {**fixture("state"), "entries": questions(100, 150), "has_more": True},
        fixture("answers")
        | {
            "search": {"hits": [found]},
            "open": {"turn": found["message"]},
            "earlier": {"entries": questions(0, 100), "has_more": False},
        },
    )
    panel.button("Session: Prices that are negative").click()
    panel.page.get_by_role("searchbox").fill("plan")
    panel.page.get_by_role("list", name="Places").get_by_role("button").click()


def test_a_click_on_a_place_goes_to_its_message_and_marks_it_until_one_goes_on(panel: PanelPage) -> None:
    search(panel, message="m0020", role="user")

    found = panel.find(".chatnb-found")
    expect(found).to_contain_text("Question 20.")
    expect(found).to_be_focused()
    panel.drawn()
    assert panel.sent("open")[0].items() >= {"session": "s2", "message": "m0020"}.items()
    at = found.evaluate(
        "one => one.getBoundingClientRect().top - one.closest('.chatnb-log').getBoundingClientRect().top"
    )
    assert abs(at) < 2
    panel.screenshot("found")
    panel.button("Back to the end").click()
    expect(found).to_have_count(0)


def test_a_place_that_is_gone_is_told(panel: PanelPage) -> None:
    search(panel, message="m0999", role="user")

    expect(panel.page.get_by_role("status")).to_contain_text("not in the conversation any more")
    assert len(panel.sent("earlier")) == 1


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_file_with_sessions_is_imported(panel: PanelPage, way: str) -> None:
    took = {"sessions": [{"id": "s7", "title": "Old", "is_new": True}], "message_count": 4}
    panel.show(fixture("state"), fixture("answers") | {"import": took})
    panel.button("Session: Prices that are negative").click()
    file: FilePayload = {"name": "old.jsonl", "mimeType": "application/jsonl", "buffer": b"{}\n"}

    if way == "chosen":
        with panel.page.expect_file_chooser() as chooser:
            panel.button("Import a file with sessions").click()
        chooser.value.set_files([file])
    else:
        panel.find(".chatnb-sheet").evaluate(
            """sheet => {
              const data = new DataTransfer();
              data.items.add(new File(['{}\\n'], 'old.jsonl'));
              sheet.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
            }"""
        )

    sent = panel.wait_sent("import")
    assert (sent["name"], base64.b64decode(sent["data"])) == ("old.jsonl", b"{}\n")
    expect(panel.page.get_by_role("status")).to_contain_text("old.jsonl has 1 session, with 4 messages that are new.")
    expect(panel.find(".chatnb-sheet")).to_be_hidden()


def pages(panel: PanelPage) -> list[list[int]]:
    """Return the numbers of the questions in each box that the browser may leave alone."""
    numbers: list[list[int]] = panel.find(".chatnb-page").evaluate_all(
        "pages => pages.map(page => [...page.children].map(one => Number(one.textContent.match(/Question (\\d+)/)[1])))"
    )
    return numbers


def test_a_long_conversation_lies_in_pages_in_its_order(panel: PanelPage) -> None:
    state = {**fixture("state"), "entries": questions(100, 150), "has_more": True}
    earlier = {"entries": questions(35, 100), "has_more": False}
    panel.show(state, fixture("answers") | {"earlier": earlier})

    assert pages(panel) == [list(range(100, 140)), list(range(140, 150))]
    panel.page.evaluate("() => { document.querySelector('.chatnb-log').scrollTop = 0; }")
    panel.page.wait_for_function("() => document.querySelectorAll('.chatnb-entry').length === 115")
    assert pages(panel) == [list(range(35, 75)), list(range(75, 100)), list(range(100, 140)), list(range(140, 150))]
    # What has just come has to be seen once, so that it keeps its height when it is left alone.
    left_alone = "pages => pages.map(one => getComputedStyle(one).contentVisibility === 'auto')"
    assert panel.find(".chatnb-page").evaluate_all(left_alone) == [False, True, True, False]

    # Another branch: what stays is not moved, what comes has its place, and a page that nothing is left of goes.
    kept = [entry for entry in questions(35, 150) if entry["id"] not in {f"m{n:04}" for n in range(75, 100)}]
    panel.page.evaluate(
        "entries => { kernel.state.entries = entries; kernel.state.has_more = false; kernel.snapshot(null); }",
        [*kept[:1], *questions(200, 201), *kept[1:]],
    )
    panel.drawn()
    assert pages(panel) == [[35, 200, *range(36, 75)], list(range(100, 140)), list(range(140, 150))]


def test_earlier_messages_come_when_scrolled_to_and_nothing_jumps(panel: PanelPage) -> None:
    older = {"entries": questions(50, 100), "has_more": False}
    panel.show(
        {**fixture("state"), "entries": questions(100, 150), "has_more": True}, fixture("answers") | {"earlier": older}
    )
    panel.find(".chatnb-log").hover()
    panel.page.evaluate("() => { document.querySelector('.chatnb-log').scrollTop = 60; }")
    panel.page.wait_for_function("() => document.querySelectorAll('.chatnb-entry').length === 100")
    panel.drawn()

    first_seen = panel.page.evaluate(
        """() => { const log = document.querySelector('.chatnb-log').getBoundingClientRect();
          const seen = box => [...box.children].find(one => one.getBoundingClientRect().bottom > log.top + 1);
          return seen(seen(document.querySelector('.chatnb-entries'))).textContent.match(/Question \\d+/)[0]; }"""
    )
    assert panel.sent("earlier")[0].items() >= {"before": "m0100", "count": 20}.items()
    assert first_seen == "Question 100"
