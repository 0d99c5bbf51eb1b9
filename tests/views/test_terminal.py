"""What a terminal shows of an answer."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from chatnb.events import Event, TextDelta, ThinkingDelta, ToolFinished, ToolStarted, Waiting
from chatnb.messages import ToolCall, ToolResult
from chatnb.views.terminal import DROPPED, TerminalView
from tests.views.logs import ANSWER, ASKED, CALL, COUNTED, DROPS, LOGS, RETRYING, said, thought, turn
from tests.views.surfaces import Screen, one_by_one, shown


def screen(events: Sequence[Event], *, width: int = 60, height: int = 20, footer: bool = True) -> Screen:
    """Return the terminal in which each event was shown."""
    screen = Screen()
    console = Console(file=screen, force_terminal=True, width=width, height=height, highlight=False)
    shown(TerminalView(console=console, footer=footer), one_by_one(events))
    return screen


def test_markdown_is_rendered() -> None:
    lines = screen(turn(said("A **bold** word.\n\n- one\n- two\n"), COUNTED)).lines

    assert lines[:4] == ["A bold word.", "", " • one", " • two"]


def test_the_footer_comes_last_and_can_be_left_out() -> None:
    with_footer = screen(LOGS["an answer"]).lines
    without = screen(LOGS["an answer"], footer=False).lines

    assert with_footer[-2:] == ["qwen3:8b · 214 tokens · 31.0 tokens/s · 7.4 s · 1k of 4k", ""]
    assert without[-2:] == ["Leave them out.", ""]


def test_the_open_block_is_seen_while_it_comes() -> None:
    lines = screen([ASKED, *said("Done.\n\nStill **op")]).lines

    assert lines == ["Done.", "", "Still op"]


def test_an_open_block_that_is_longer_than_the_screen_shows_its_end() -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(100))

    lines = screen([ASKED, TextDelta(f"```python\n{code}")], height=12).lines

    assert len(lines) < 12
    assert "line_99" in lines[-1]


def test_a_long_answer_is_whole_in_the_end() -> None:
    text = "\n".join(f"- item {number}" for number in range(200))

    lines = screen(turn(said(text, 50)), height=12, footer=False).lines

    assert [line for line in lines if line] == [f" • item {number}" for number in range(200)]


def test_html_is_text() -> None:
    lines = screen(turn(said("<b>loud</b>\n\n<div>\nblock\n</div>")), footer=False).lines

    assert "<b>loud</b>" in lines
    assert "<div> block </div>" in lines


def test_a_link_shows_its_address_and_is_none() -> None:
    terminal = screen(turn(said("See [docs](https://example.org).")), footer=False)

    assert terminal.lines[0] == "See docs (https://example.org)."
    assert "\x1b]8" not in terminal.getvalue()


@pytest.mark.parametrize(
    "escape", ["\x1b[31m", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x9b2J", "\x07", "\x1bc", "\r", "\u202e"]
)
def test_an_escape_sequence_of_the_model_reaches_no_terminal(escape: str) -> None:
    spoken = [*said(f"a{escape}b", 1), ThinkingDelta(f"c{escape}d")]
    tool: list[Event] = [
        ToolStarted(ToolCall("1", f"f{escape}", {"x": escape})),
        ToolFinished(ToolResult("1", "f", f"e{escape}f")),
    ]

    terminal = screen(turn(spoken, tool, Waiting(f"g{escape}h", 2.0), said("i")))

    plain = screen(turn(said("ab", 1), ThinkingDelta("cd"), tool, Waiting("gh", 2.0), said("i")))
    assert escape not in terminal.getvalue().replace("\r\x1b[2K", "")
    assert terminal.lines[0] == plain.lines[0] == "ab"


def test_thoughts_are_dim_and_apart_from_the_answer() -> None:
    terminal = screen(LOGS["thoughts before the answer"])

    assert "\x1b[2mLet me see.\x1b[0m" in terminal.getvalue()
    assert terminal.lines[:4] == ["Let me see.", "The mean of x.", "", "The mean is negative."]


def test_a_call_is_one_line_that_ends_with_its_result() -> None:
    running = screen([ASKED, ToolStarted(CALL)]).lines
    over = screen(LOGS["a tool"], width=80).lines

    assert running[-1] == 'search(words="refund", limit=3) → …'
    assert 'search(words="refund", limit=3) → 3 rows Mon, Tue, Wed · 0.2 s' in over
    assert not [line for line in over if line.endswith("…")]


def test_a_status_leaves_the_screen() -> None:
    waiting = screen(LOGS["a wait before the answer"][:2]).lines
    over = screen(LOGS["a wait before the answer"], footer=False).lines

    assert waiting[-1] == "loading qwen3:8b, 2 s"
    assert not [line for line in over if "loading" in line]


def test_a_drop_of_what_is_still_open_leaves_nothing_behind() -> None:
    lines = screen([ASKED, *said("Wrong words"), RETRYING, *said("Right.")]).lines

    assert lines == ["Right."]


def test_a_drop_of_what_is_printed_is_told() -> None:
    lines = screen(DROPS["a retry"], footer=False).lines

    assert lines.index("Wrong words.") < lines.index(DROPPED) < lines.index("The mean is negative.")


def test_without_colours_nothing_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    written = screen(turn(said("```python\nimport os\n```\n"))).getvalue()

    assert "\x1b[3" not in written


@pytest.mark.parametrize("width", [8, 20, 200])
def test_every_width_will_do(width: int) -> None:
    lines = screen(turn(said(ANSWER)), width=width, footer=False).lines

    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).replace("•", "-").split()) == "".join(ANSWER.split())


def test_a_file_gets_text_without_any_code() -> None:
    stream = io.StringIO()

    shown(TerminalView(console=Console(file=stream, width=60)), one_by_one(LOGS["a wait before the answer"]))

    assert "\x1b" not in stream.getvalue()
    assert "loading" not in stream.getvalue()


def test_a_view_that_is_closed_in_mid_answer_keeps_it() -> None:
    terminal = Screen()
    view = TerminalView(console=Console(file=terminal, force_terminal=True, width=60, height=20))
    shown(view, one_by_one([ASKED, *thought("hm"), *said("The mean is ha")]))

    view.close()

    assert [line for line in terminal.lines if line] == ["hm", "The mean is ha"]


def test_what_is_drawn_is_taken_off_a_screen_that_became_narrow_and_broke_its_lines_anew() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=60, height=20, highlight=False)
    view = TerminalView(console=console)
    shown(view, one_by_one([ASKED, TextDelta("word " * 20)]))
    begun = file.tell()

    console.width = 40
    view.pause()

    # Two lines that filled the width of sixty are four by now; the cursor stands in the last one.
    assert file.getvalue()[begun:].count("\x1b[1A") == 3
