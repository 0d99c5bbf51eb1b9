"""The panel in a real JupyterLab: a conversation beside running cells, over reloads, and with the notebook."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.driver import PANEL, Lab, opened_lab
from tests.browser.server import LabServer
from tests.faults.script import Answer, Instruction, Stall
from tests.faults.server import FaultServer
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.browser

ENDLESS = Answer(Stall(after=5, seconds=math.inf), text="Well now it goes on and on.")
CODE = "Try this:\n\n```python\nanswer = 6 * 7\n```\n\nThen that:\n\n```python\nprint(answer)\n```\n"
UNTIL_TOLD = """\
import pathlib, time
print("begun")
while not pathlib.Path("go-on").exists():
    time.sleep(0.01)
"""
"""A cell that runs until the test lets it end."""


def loading(url: str, model: str = "tiny") -> str:
    """Return a cell that loads chatnb for a server, and begins a session."""
    return f"%load_ext chatnb\n%config ChatConfig.host = '{url}'\n%config ChatConfig.model = '{model}'\n%chat new"


@pytest.fixture
def script() -> list[Instruction]:
    return [Answer(text="There is no plum. There never was.")]


@pytest.fixture
def server(script: list[Instruction]) -> Iterator[FaultServer]:
    with FaultServer({"tiny": script}) as server:
        yield server


def open_panel(lab: Lab, url: str, *cells: str, model: str = "tiny", name: str = "notebook.ipynb") -> Locator:
    """Open a notebook of which the second cell shows a panel, and return the panel."""
    (lab.server.root / "go-on").unlink(missing_ok=True)
    lab.open_cells([loading(url, model), "%chat panel", *cells], name)
    lab.run(0)
    lab.run(1)
    return shown(lab)


def shown(lab: Lab, number: int = 0) -> Locator:
    """Return a panel once it is there."""
    panel = lab.page.locator(".chatnb-panel").nth(number)
    expect(panel.get_by_role("textbox", name="Your question")).to_be_visible(timeout=30_000)
    return panel


def ask(panel: Locator, text: str) -> None:
    question = panel.get_by_role("textbox", name="Your question")
    question.fill(text)
    question.press("Enter")


def let_go_on(lab: Lab) -> None:
    """Let the cell end that runs until it is told."""
    (lab.server.root / "go-on").touch()
    lab.wait_idle()


SHARED = "shared.ipynb"


@dataclass(frozen=True, slots=True)
class Shared:
    """A panel that several tests use, each in a session of its own."""

    lab: Lab
    panel: Locator
    server: FaultServer


@pytest.fixture(scope="module")
def _shared(browser: Browser, lab_server: LabServer) -> Iterator[Shared]:
    script = [Answer(text="There is no plum. There never was.")]
    with FaultServer({"tiny": script}) as server, opened_lab(browser, lab_server) as lab:
        panel = open_panel(lab, server.url, "first = 1\nsecond = 2", UNTIL_TOLD, name=SHARED)
        yield Shared(lab, panel, server)
    lab_server.end_kernels()


@pytest.fixture
def shared(_shared: Shared) -> Shared:
    """Begin a session in the panel that is shared."""
    (_shared.lab.server.root / "go-on").unlink(missing_ok=True)
    _shared.panel.get_by_role("button", name="New session", exact=True).click()
    expect(_shared.panel.locator("article")).to_have_count(0)
    return _shared


def test_the_answer_streams_to_its_end_while_a_cell_runs(shared: Shared) -> None:
    lab, panel = shared.lab, shared.panel
    lab.start(3)
    lab.wait_for_text(3, "begun")

    ask(panel, "Is there a plum?")

    expect(panel.locator(".chatnb-assistant")).to_contain_text("There never was.", timeout=20_000)
    expect(panel.get_by_role("button", name="Stop")).to_be_hidden(timeout=20_000)
    let_go_on(lab)


def test_the_text_beside_the_panel_is_hidden_while_it_lives_and_saved(shared: Shared) -> None:
    lab, panel = shared.lab, shared.panel
    ask(panel, "Is there a plum?")
    expect(panel.locator(".chatnb-footer")).to_be_visible(timeout=20_000)
    lab.js("() => document.querySelector('.chatnb-footer').getBoundingClientRect()")

    expect(lab.page.locator(".chatnb-static")).to_be_hidden()
    saved = lab.save(SHARED)["cells"][1]["outputs"]
    assert "There never was." in str(saved[-1]["data"]["text/markdown"])


def test_letters_typed_on_a_button_are_no_shortcuts_of_the_notebook(shared: Shared) -> None:
    lab = shared.lab
    shared.panel.get_by_role("button", name="The last error").focus()

    for key in ("b", "d", "d", "x", "Escape"):
        lab.page.keyboard.press(key)

    assert len(lab.sources()) == 4


def test_the_selection_of_an_editor_is_attached(shared: Shared) -> None:
    panel = shared.panel
    shared.lab.js(
        f"""() => {{
          const notebook = {PANEL}.content;
          notebook.activeCellIndex = 2; notebook.mode = 'edit';
          notebook.widgets[2].editor.setSelection({{start: {{line: 1, column: 0}}, end: {{line: 1, column: 6}}}});
        }}"""
    )

    panel.get_by_role("button", name="The selection").click()

    chip = panel.get_by_role("button", name="Show what is sent of the selection")
    expect(chip).to_be_visible()
    ask(panel, "What is that?")
    expect(panel.locator(".chatnb-footer")).to_be_visible(timeout=20_000)
    assert "second" in str(shared.server.chats[-1].body)


@pytest.mark.ollama
def test_a_real_model_is_asked_and_answers(lab: Lab, ollama_server: OllamaServer) -> None:
    panel = open_panel(lab, ollama_server.url, model="tinychat")

    ask(panel, "What is a median?")

    expect(panel.locator(".chatnb-footer")).to_contain_text("tokens/s", timeout=60_000)
    expect(panel.locator(".chatnb-assistant .chatnb-text")).to_contain_text(re.compile(r"\w+"))
    lab.screenshot("panel-real")


@pytest.mark.parametrize("script", [[ENDLESS]])
def test_stop_works_while_a_cell_runs_and_what_was_said_stays(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url, UNTIL_TOLD)
    ask(panel, "And then?")
    expect(panel.locator(".chatnb-live")).to_contain_text("Well now it goes on", timeout=20_000)
    lab.start(2)
    lab.wait_for_text(2, "begun")

    panel.get_by_role("button", name="Stop").click()

    expect(panel.locator(".chatnb-outcome")).to_contain_text("stopped", timeout=20_000)
    expect(panel.locator(".chatnb-assistant")).to_contain_text("Well now it goes on")
    let_go_on(lab)


@pytest.mark.parametrize("script", [[ENDLESS]])
def test_a_page_that_is_loaded_again_in_mid_answer_goes_on(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url)
    ask(panel, "And then?")
    expect(panel.locator(".chatnb-live")).to_contain_text("Well now it goes on", timeout=20_000)
    lab.save()

    lab.open("notebook.ipynb")
    panel = shown(lab)

    expect(panel.locator(".chatnb-live")).to_contain_text("Well now it goes on", timeout=20_000)
    panel.get_by_role("button", name="Stop").click()
    expect(panel.locator(".chatnb-outcome")).to_contain_text("stopped", timeout=20_000)


def test_two_panels_and_the_magic_are_one_conversation(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url, "%chat panel", "%ask And from a cell?")
    lab.run(2)
    other = shown(lab, 1)

    ask(panel, "Is there a plum?")
    expect(other.locator(".chatnb-assistant .chatnb-footer")).to_have_count(1, timeout=20_000)
    lab.run(3)

    for each in (panel, other):
        expect(each.locator(".chatnb-user")).to_have_count(2, timeout=20_000)
        expect(each.locator(".chatnb-user").last).to_contain_text("And from a cell?")


@pytest.mark.parametrize("script", [[Answer(text=f"Answer {number}.") for number in "ABCD"]])
def test_a_conversation_branches_and_nothing_is_lost(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url)
    questions, answers = panel.locator(".chatnb-user > .chatnb-parts"), panel.locator(".chatnb-assistant")
    ask(panel, "Is there a plum?")
    expect(answers.locator(".chatnb-footer")).to_be_visible(timeout=20_000)

    answers.hover()
    answers.get_by_role("button", name="Ask again", exact=True).click()
    expect(answers.locator(".chatnb-branches")).to_contain_text("2/2", timeout=20_000)
    expect(answers).to_contain_text("Answer B.")
    lab.screenshot("panel-branches")
    answers.get_by_role("button", name="The branch before").click()
    expect(answers).to_contain_text("Answer A.", timeout=20_000)
    expect(answers.locator(".chatnb-branches")).to_contain_text("1/2")

    panel.locator(".chatnb-user").hover()
    panel.get_by_role("button", name="Edit and ask anew").click()
    area = panel.get_by_role("textbox", name="The question, to be asked anew")
    area.fill("Is there a pear?")
    area.press("Enter")
    expect(answers.locator(".chatnb-branches")).to_contain_text("3/3", timeout=20_000)
    expect(questions).to_have_text(["Is there a pear?"])
    expect(answers).to_contain_text("Answer C.")

    ask(panel, "And a fig?")
    expect(answers.locator(".chatnb-footer")).to_have_count(2, timeout=20_000)
    panel.get_by_role("button", name="Undo the last turn").click()
    expect(questions).to_have_text(["Is there a pear?"], timeout=20_000)
    expect(panel.get_by_role("textbox", name="Your question")).to_have_value("And a fig?")

    answers.hover()
    answers.get_by_role("button", name="Fork").click()
    expect(panel.get_by_role("button", name="Session: Is there a plum? (fork)")).to_be_visible(timeout=20_000)
    expect(questions).to_have_text(["Is there a pear?"])


@pytest.mark.parametrize("script", [[Answer(text=text) for text in ("A quince.", "A plum.", "A fig.")]])
def test_what_is_found_or_imported_opens_and_an_answer_told_again_is_marked(lab: Lab, server: FaultServer) -> None:
    said = [{"role": "user", "content": "Where was it?"}, {"role": "assistant", "content": "Over there."}]
    old = lab.server.root / "old.jsonl"
    old.write_text(json.dumps({"messages": said}))
    panel = open_panel(lab, server.url, "%%chat --cache\nAnd now?")
    answers, sessions = panel.locator(".chatnb-assistant"), panel.get_by_role("button", name="Session: ")
    ask(panel, "Which fruit?")
    expect(answers.locator(".chatnb-footer")).to_be_visible(timeout=20_000)
    answers.hover()
    answers.get_by_role("button", name="Ask again", exact=True).click()
    expect(answers.locator(".chatnb-branches")).to_contain_text("2/2", timeout=20_000)

    sessions.click()
    with lab.page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name="Import a file with sessions").click()
    chooser.value.set_files(old)
    expect(answers).to_contain_text("Over there.", timeout=20_000)
    expect(sessions).to_contain_text("Where was it?")
    lab.screenshot("panel-imported")

    sessions.click()
    panel.get_by_role("searchbox").fill("quince")
    panel.get_by_role("list", name="Places").get_by_role("button").click(timeout=20_000)
    expect(panel.locator(".chatnb-found")).to_contain_text("A quince.", timeout=20_000)
    expect(answers.locator(".chatnb-branches")).to_contain_text("1/2")
    lab.screenshot("panel-found")

    lab.run(2)
    expect(answers).to_have_count(2, timeout=20_000)
    lab.run(2)
    expect(panel.locator(".chatnb-outcome")).to_contain_text("an earlier answer, told again", timeout=20_000)


@pytest.mark.parametrize("script", [[Answer(text=CODE)]])
def test_code_becomes_cells_below_the_panel_and_can_be_taken_back(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url, "last = True")
    ask(panel, "Show me.")
    expect(panel.locator(".chatnb-codebar")).to_have_count(2, timeout=20_000)

    panel.locator("article").last.hover()
    panel.get_by_role("button", name="Put all 2 code blocks into new cells below").click()

    assert [source.strip() for source in lab.sources()[2:]] == ["answer = 6 * 7", "print(answer)", "last = True"]
    lab.screenshot("panel-cells")
    panel.get_by_role("button", name="Undo", exact=True).click()
    assert lab.sources()[2:] == ["last = True"]


def calling(name: str, arguments: Mapping[str, Any]) -> Answer:
    return Answer(text="", tool_calls=[{"function": {"name": name, "arguments": dict(arguments)}}])


@pytest.mark.parametrize("script", [[calling("run_python", {"code": "made = 6 * 7"}), Answer(text="Done.")]])
def test_code_is_approved_in_the_panel_and_runs(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url, "print(made)")
    lab.js("() => {}")
    panel.get_by_role("button", name="Tools").click()
    panel.get_by_role("checkbox", name="run_python").check()
    panel.get_by_role("button", name="Close").click()
    ask(panel, "Make it.")
    card = panel.get_by_role("group", name="May run_python run?")
    expect(card).to_contain_text("made = 6 * 7", timeout=20_000)
    lab.screenshot("panel-approval-lab")

    card.get_by_role("button", name="Allow once").click()

    expect(panel.locator(".chatnb-assistant")).to_contain_text("Done.", timeout=20_000)
    lab.run(2)
    assert lab.output_text(2).strip() == "42"


def test_when_the_kernel_has_gone_it_says_so_and_keeps_the_question(lab: Lab, server: FaultServer) -> None:
    panel = open_panel(lab, server.url)
    lab.restart()

    ask(panel, "Are you there?")

    expect(panel.get_by_role("status")).to_contain_text("Run the cell again to go on; nothing is lost.", timeout=20_000)
    expect(panel.get_by_role("textbox", name="Your question")).to_have_value("Are you there?")
