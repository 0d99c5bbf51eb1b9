"""An answer in a real JupyterLab: while it comes, when it is over, and in the saved notebook."""

import json

import pytest

from chatnb.imprint import messages_of
from tests.browser.driver import Lab
from tests.browser.server import LabServer
from tests.browser.telling import DOCUMENT, PROSE, SETUP, words

pytestmark = pytest.mark.browser

THOUGHT = "The user asks why. So I look at the data first: the price column holds refunds. " * 4
USAGE = "TokensCounted(Usage(812, 214, 0, .4, 6.9))"
EVERYTHING = [
    SETUP,
    f"tell(ThinkingDelta({THOUGHT!r}), {DOCUMENT[:900]!r}, {USAGE})",
    'tell(Waiting("loading qwen3:8b into memory (9 GB)", 12.0), 2.0, "Hello.")',
    f"tell(ThinkingDelta({THOUGHT!r}), 2.0, 'Because.')",
    "tell(FellBack('qwen3:8b', 'llama3', 'it needs more memory (9 GB) than there is (8 GB)'), 'An answer.')",
]


def telling(text: str, rate: int) -> str:
    """Return a cell that shows a text at so many words in a second."""
    return f"tell(*{words(text)!r}, rate={rate})"


def typeset(lab: Lab) -> str:
    """Return what a reader sees of an answer when its formulas are drawn."""
    lab.page.wait_for_function("() => document.querySelectorAll('mjx-container').length === 8")
    return lab.output_text(1)


def test_an_answer_is_rendered_while_it_comes(lab: Lab) -> None:
    lab.open_cells([SETUP, telling(DOCUMENT, 100)])
    lab.run(0)

    lab.start(1)
    lab.wait_for_text(1, "Part 2")

    html = lab.output_html(1)
    assert "<h2" in html
    assert "finis" not in html
    lab.wait_for_text(1, "finis")
    lab.wait_idle()


def test_the_page_stays_calm_for_a_reader_inside_the_answer(lab: Lab) -> None:
    lab.open_cells([SETUP, telling(DOCUMENT, 150), "#md " + PROSE * 20])
    lab.run(0)
    lab.start(1)
    lab.wait_for_text(1, "Part 4")
    lab.scroll_to(400)
    lab.page.wait_for_timeout(300)

    lab.watch_frames(1)
    lab.wait_for_text(1, "finis", timeout_s=60)
    lab.wait_idle()
    lab.page.wait_for_timeout(500)

    frames = lab.frames()
    assert len(frames.at) > 20
    assert frames.heights[-1] > frames.heights[0] + 500  # it went on below
    assert frames.height_drops == []
    assert frames.scroll_jumps == []


def test_nothing_moves_when_thoughts_are_folded(lab: Lab) -> None:
    thoughts = ", ".join(f"ThinkingDelta({word!r})" for word in words(THOUGHT))
    lab.open_cells([SETUP, f"tell({thoughts}, 0.5, *{words(PROSE)!r}, rate=100)"])
    lab.run(0)
    lab.watch_frames(1)

    lab.run(1)

    assert lab.frames().height_drops == []


def test_thoughts_are_folded_away_and_can_be_opened(lab: Lab) -> None:
    lab.open_cells([SETUP, f"tell(ThinkingDelta({THOUGHT!r}), 'Because of the refunds.')"])
    lab.run(0)

    lab.run(1)

    assert "price column" not in lab.output_text(1)
    lab.page.click("summary")
    assert "price column" in lab.output_text(1)


def test_the_saved_notebook_holds_one_output_with_its_conversation(lab: Lab) -> None:
    lab.open_cells([SETUP, telling(DOCUMENT, 500)])
    lab.run(0)
    lab.run(1)

    (output,) = lab.save()["cells"][1]["outputs"]

    question, answer = messages_of([output])
    assert "finis" in "".join(output["data"]["text/markdown"])
    assert (question.role, answer.role) == ("user", "assistant")
    assert answer.text == DOCUMENT


def test_a_long_answer_goes_on_in_a_new_output(lab: Lab) -> None:
    lab.open_cells([SETUP, telling("\n\n".join([PROSE] * 100) + " finis", 5_000)])
    lab.run(0)

    lab.run(1)

    assert len(lab.outputs(1)) == 2
    assert lab.output_text(1).count("A paragraph of some words") == 300


def test_an_answer_that_is_stopped_stays(lab: Lab) -> None:
    lab.open_cells([SETUP, telling(DOCUMENT, 40)])
    lab.run(0)
    lab.start(1)
    lab.wait_for_text(1, "goes on for a while")

    lab.interrupt()

    lab.wait_for_text(1, "stopped")
    lab.wait_idle()
    assert "goes on for a while" in lab.output_text(1)
    assert "Traceback" not in lab.output_text(1)


def test_a_reopened_notebook_shows_the_answer_trusted_or_not(lab: Lab, lab_server: LabServer) -> None:
    path = lab.open_cells([SETUP, f"tell(ThinkingDelta({THOUGHT!r}), {DOCUMENT!r}, {USAGE})"])
    lab.run(0)
    lab.run(1)
    seen = typeset(lab)
    lab.save()
    copy = lab_server.root / "copy.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"]["title"] = "changed, so that its signature does not fit any more"
    copy.write_text(json.dumps(notebook))

    lab.open(path.name)
    trusted, is_trusted = typeset(lab), "jp-mod-trusted" in lab.output_html(1)
    lab.open(copy.name)
    untrusted, is_copy_trusted = typeset(lab), "jp-mod-trusted" in lab.output_html(1)

    assert (is_trusted, is_copy_trusted) == (True, False)
    assert trusted == untrusted == seen


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_looks_good(lab: Lab, theme: str) -> None:
    """Takes pictures for a person to look at; a test can only see that they are there."""
    lab.open_cells(EVERYTHING)
    lab.js("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    lab.run(0)
    name = theme.rpartition(" ")[2].lower()
    for index, pause_ms in ((1, 0), (2, 800), (3, 800), (4, 0)):
        lab.start(index)
        lab.page.wait_for_timeout(pause_ms + 300)
        lab.js("(i) => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'end')", index)
        lab.page.wait_for_timeout(200)
        assert lab.screenshot(f"answer-{name}-{index}").stat().st_size > 10_000
        lab.wait_idle()
