"""What the view in a cell publishes, and what it does not."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chatnb.events import (
    Event,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TokensCounted,
    ToolStarted,
    Truncated,
    Waiting,
)
from chatnb.messages import ToolCall, Usage
from chatnb.views.base import pace_s
from chatnb.views.notebook import NotebookView
from chatnb.views.pages import PAGE_CHARS
from tests.views.logs import ANSWER, ASKED, CALL, COUNTED, DONE, DROPS, LOGS, PARAGRAPH, RETRYING, said, thought, turn
from tests.views.surfaces import Cell, Output, one_by_one, shown


def watched(events: Sequence[Event], *, footer: bool = False) -> Cell:
    """Return the cell in which each event was shown to somebody."""
    cell = Cell()
    shown(NotebookView(cell, is_live=True, footer=footer), one_by_one(events))
    return cell


def unwatched(events: Sequence[Event]) -> Cell:
    """Return the cell of a notebook that nobody watches."""
    cell = Cell()
    shown(NotebookView(cell, is_live=False, footer=True), one_by_one(events))
    return cell


def only(cell: Cell) -> Output:
    """Return the one output of a cell."""
    (output,) = cell.outputs.values()
    return output


@pytest.mark.parametrize("log", (LOGS | DROPS).values(), ids=LOGS | DROPS)
def test_without_a_reader_there_is_one_display_and_no_update(log: list[Event]) -> None:
    cell = unwatched(log)

    assert [len(output.bundles) for output in cell.outputs.values()] == ([] if cell.pages == [] else [1])
    assert all(set(output.bundles[0]) == {"text/markdown", "text/plain"} for output in cell.outputs.values())


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
def test_without_a_reader_no_figure_is_shown_that_changes_from_run_to_run(log: list[Event]) -> None:
    slower = [TokensCounted(Usage(812, 214, 9.9, 9.9, 9.9)) if e == COUNTED else e for e in log]

    assert [o.bundles for o in unwatched(log).outputs.values()] == [
        o.bundles for o in unwatched(slower).outputs.values()
    ]


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
def test_without_figures_and_pages_a_saved_notebook_is_the_same_watched_or_not(log: list[Event]) -> None:
    live, headless = watched(log), unwatched(log)

    if len(live.outputs) <= 1:
        assert [o.bundles[-1] for o in live.outputs.values()] == [o.bundles[-1] for o in headless.outputs.values()]
    else:
        assert "\n".join(live.pages).split() == "\n".join(headless.pages).split()


def test_a_failure_that_said_nothing_shows_nothing() -> None:
    assert watched(LOGS["a failure"], footer=True).outputs == {}


def test_while_it_comes_an_answer_is_markdown_alone() -> None:
    bundles = only(watched(LOGS["an answer"])).bundles

    assert all(set(bundle) == {"text/markdown"} for bundle in bundles[:-1])
    assert set(bundles[-1]) == {"text/markdown", "text/plain"}


def test_metadata_comes_with_the_end() -> None:
    metadata = only(watched(LOGS["an answer"])).metadata

    assert not any(metadata[:-1])
    assert metadata[-1]["chatnb"]["turn"] == ASKED.question.turn_id


def test_the_first_words_are_drawn_at_once() -> None:
    cell = watched([ASKED, TextDelta("The")])

    assert cell.pages == ["The"]


def test_nothing_is_drawn_for_what_nobody_sees() -> None:
    cell = watched([ASKED, TextDelta("The mean\n"), TextDelta("-"), TextDelta("-"), COUNTED])

    assert [bundle["text/markdown"] for bundle in only(cell).bundles] == ["The mean\n"]


def test_a_half_written_line_is_held_back() -> None:
    cell = watched([ASKED, TextDelta("Prices"), TextDelta("\n-")])

    assert cell.pages == ["Prices\n"]


def test_a_text_past_a_page_goes_on_in_a_new_output() -> None:
    cell = watched(LOGS["a long answer"])

    assert len(cell.outputs) == -(-len(PARAGRAPH * 300) // PAGE_CHARS)
    assert "\n".join(cell.pages).split() == (PARAGRAPH * 300).split()


def test_a_page_that_is_full_is_drawn_no_more() -> None:
    first, *_ = watched(LOGS["a long answer"]).outputs.values()

    finished = [bundle for bundle in first.bundles if "text/plain" in bundle]
    assert len(finished) == 1
    assert first.bundles[-1] is finished[0]


def test_a_page_ends_where_it_would_have_ended_in_a_shorter_answer() -> None:
    log = LOGS["a long answer"]
    for length in range(2, len(log), 7):
        cell = watched(log[:length])
        full = [page.rstrip() for page in cell.pages[:-1]]
        assert full == watched(log).pages[: len(full)]


def test_what_is_dropped_after_a_page_leaves_the_screen() -> None:
    cell = watched(DROPS["a retry of a long answer"])

    assert len(cell.outputs) > 1
    assert cell.pages == [ANSWER]


def test_a_retry_shows_why_and_drops_the_words() -> None:
    cell = watched([ASKED, *said("Wrong words"), RETRYING])

    assert "Wrong" not in cell.pages[0]
    assert "asked again in 0.5 s (attempt 2 of 3): Ollama broke off" in cell.pages[0]


def test_a_wait_is_shown_in_place_and_leaves_with_the_first_words() -> None:
    cell = watched([ASKED, Waiting("loading qwen3:8b", 2.0), Waiting("loading qwen3:8b", 3.0), TextDelta("Hi")])

    drawn = [bundle["text/markdown"] for bundle in only(cell).bundles]
    assert ["2 s" in text for text in drawn] == [True, False, False]
    assert ["3 s" in text for text in drawn] == [False, True, False]
    assert drawn[-1] == "Hi"


def test_thoughts_are_one_line_while_they_come() -> None:
    cell = watched([ASKED, *thought("First this. " * 50)])

    assert all(bundle["text/markdown"].count("\n") == 0 for bundle in only(cell).bundles)
    assert "Thinking: …" in cell.pages[0]
    assert "First this." in cell.pages[0]


def test_thoughts_are_folded_when_the_answer_begins_and_whole_in_the_end() -> None:
    cell = watched(LOGS["thoughts before the answer"])

    texts = [bundle["text/markdown"] for bundle in only(cell).bundles]
    assert "The mean of x." not in texts[-2]
    assert "<summary" in texts[-2]
    assert "Let me see.&#10;&#10;The mean of x." in texts[-1]


def test_a_thought_cannot_leave_its_fold() -> None:
    hostile = "</pre></details><img src=x onerror=alert(1)> [a](javascript:x) `b` $\\href{x}{y}$ https://x.org"
    cell = watched(turn([ThinkingDelta(hostile)], said("Yes")))

    fold, *_ = cell.pages[0].split("\n")
    inside = fold.partition('pre-wrap">')[2].removesuffix("</pre></details>")
    bare = inside.replace("<span>&#36;</span>", "").replace("<span>&#92;</span>", "")
    assert [mark for mark in ("<", ">", "`", "$", "\\", "](", "://") if mark in bare] == []
    assert "onerror=alert(1)" in bare


def test_a_call_is_one_line_with_what_became_of_it() -> None:
    running = watched([ASKED, ToolStarted(CALL)])
    over = watched(LOGS["a tool"], footer=True)

    assert '<code>search(words="refund", limit=3)</code> → …' in running.pages[0]
    assert '<code>search(words="refund", limit=3)</code> → 3 rows Mon, Tue, Wed · 0.2 s' in over.pages[0]


def test_calls_with_the_same_id_keep_their_own_results() -> None:
    events = LOGS["a tool"][1:-1]

    cell = watched(turn(events, events[len(said("I look it up.")) :]))

    assert cell.pages[0].count("→ 3 rows Mon, Tue, Wed") == 2


def test_words_of_two_rounds_cannot_become_one_piece_of_html() -> None:
    cell = watched(turn(said("$$ a <im"), ToolStarted(CALL), COUNTED, LOGS["a tool"][-5], said("g src=x> $$"), COUNTED))

    assert "<img" not in cell.pages[0].lower()


def test_an_open_fence_does_not_swallow_the_footer() -> None:
    cell = watched(turn(said("```python\nx = 1"), COUNTED), footer=True)

    text, _, footer = cell.pages[0].rpartition("\n\n")
    assert text == "```python\nx = 1\n```"
    assert "214 tokens" in footer


def test_the_footer_tells_the_figures() -> None:
    cell = watched(LOGS["an answer"], footer=True)

    assert "qwen3:8b · 214 tokens · 31.0 tokens/s · 7.4 s · 1k of 4k</small>" in cell.pages[0]


def test_notes_stand_together_and_what_is_to_be_typed_is_code() -> None:
    asked = replace(ASKED, notes=("a.txt is shortened.", "`%chat <pin>` is new."))

    cell = watched([asked, *said("Yes."), COUNTED, DONE])

    note, answer = cell.pages[0].split("\n\n")
    assert note.endswith(">a.txt is shortened.<br><code>%chat &#60;pin&#62;</code> is new.</small>")
    assert answer == "Yes."


def test_the_footer_can_be_left_out() -> None:
    cell = watched(LOGS["an answer"])

    assert cell.pages == [ANSWER]


def test_a_prompt_that_the_server_cut_is_told_in_red() -> None:
    cut = TokensCounted(Usage(prompt_tokens=4_000, reply_tokens=2)), Truncated(5_100, 4_000)

    page = watched(turn(said("Hi"), *cut)).pages[0]

    assert "at least 1,100" in page
    assert "--jp-error-color1" in page
    assert "--jp-error-color1" not in watched(turn(said("Hi"), cut[0])).pages[0]


def test_plain_text_is_the_answer_or_the_beginning_of_a_long_one() -> None:
    short, long = (unwatched(turn(said(text), COUNTED)) for text in (PARAGRAPH, PARAGRAPH * 10))

    assert only(short).bundles[0]["text/plain"] == PARAGRAPH.strip()
    assert only(long).bundles[0]["text/plain"] == "A paragraph of some words that goes on …"


def test_a_lone_surrogate_reaches_nobody() -> None:
    cell = watched(
        turn([TextDelta("a\ud800b"), ThinkingDelta("\udfff")], [ToolStarted(ToolCall("1", "f", {"x": "\ud83d"}))])
    )

    for output in cell.outputs.values():
        json.dumps([output.bundles, output.metadata], ensure_ascii=False).encode()


def test_the_interval_grows_with_the_open_page_and_its_formulas() -> None:
    assert pace_s("") == pytest.approx(0.1)
    assert pace_s("x" * 16_000) == pytest.approx(1.1)
    assert pace_s("$$a$$ " * 10) == pytest.approx(0.1 + 60 / 16_000 + 0.3)


def test_a_new_page_is_drawn_often_again() -> None:
    cell = Cell()
    view = NotebookView(cell, is_live=True, footer=False)
    log = LOGS["a long answer"]
    intervals = []
    for length in range(2, len(log)):
        if len(cell.outputs) < 3:
            shown(view, [log[:length]])
            intervals.append(view.interval_s())

    assert max(intervals) > 1.0
    assert intervals[-1] < 0.3


def test_a_display_publisher_that_is_swapped_is_followed() -> None:
    class Shell:
        """A shell in a cell with `%%capture`."""

        def __init__(self) -> None:
            self.display_pub = Cell()

    shell = Shell()
    view = NotebookView(shell, is_live=False, footer=False)
    captured = shell.display_pub = Cell()

    shown(view, one_by_one(LOGS["an answer"]))

    assert captured.pages == [ANSWER]


def test_a_status_after_a_drop_is_not_an_answer() -> None:
    cell = watched([ASKED, *said("Wrong"), Retrying("qwen3:8b", 2, 3, 1.0, "gone"), *said("Right"), COUNTED])

    assert cell.pages == ["Right"]
