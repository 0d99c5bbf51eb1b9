"""What a question carries along, in a real JupyterLab: shown, folded open, completed, agreed to, and saved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import TimeoutError as LateError
from playwright.sync_api import expect

from tests.browser.driver import PANEL, Lab
from tests.browser.server import LabServer
from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.browser

PRICES = "import pandas as pd\nprices = pd.DataFrame({'fruit': ['apple', 'pear'], 'price': [0.5, 0.8]})"
TABS = 6
WARNING = "The server did not read the whole prompt"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"tiny": [Answer(text="There is no plum.")]}) as server:
        yield server


def loading(url: str, model: str = "tiny") -> str:
    """Return a cell that loads chatnb for a server."""
    return f"%load_ext chatnb\n%config ChatConfig.host = '{url}'\n%config ChatConfig.model = '{model}'"


def run_all(lab: Lab, *indices: int) -> None:
    for index in indices:
        lab.run(index)


def looks_of_the_warning(lab: Lab, index: int) -> dict[str, Any]:
    """Return the words and the computed colour of the strong line in a cell's output, and the theme's own red."""
    looks: dict[str, Any] = lab.js(
        f"""(index) => {{
          const line = {PANEL}.content.widgets[index].outputArea.node.querySelector('strong');
          const probe = document.body.appendChild(document.createElement('i'));
          probe.style.color = 'var(--jp-error-color1)';
          const looks = {{text: line.textContent, colour: getComputedStyle(line).color, red: getComputedStyle(probe).color}};
          probe.remove();
          return looks;
        }}""",
        index,
    )
    return looks


def offered(lab: Lab, index: int) -> list[str]:
    """Press Tab at the end of a cell and return what the completer offers."""
    lab.js(
        f"""(index) => {{
          {PANEL}.content.activeCellIndex = index;
          return window.jupyterapp.commands.execute('notebook:enter-edit-mode');
        }}""",
        index,
    )
    lab.page.keyboard.press("Control+End")
    items = lab.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")
    for _ in range(TABS):
        lab.page.keyboard.press("Tab")
        # JupyterLab drops what takes longer than a second, as on a busy machine; a person presses Tab again.
        with suppress(LateError):
            items.first.wait_for(timeout=5_000)
            break
    return items.all_inner_texts()


def answer_input(lab: Lab, index: int, question: str, answer: str) -> None:
    """Run a cell, and type an answer into its input field once that asks the question."""
    lab.start(index)
    prompt = lab.page.locator(".jp-Stdin-prompt")
    expect(prompt).to_contain_text(question, timeout=30_000)
    lab.page.locator("input.jp-Stdin-input").fill(answer)
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_function("() => window.__chatnbRan === true")
    lab.wait_idle()


def test_the_receipt_of_a_table_and_an_error_unfolds_to_the_very_text_that_was_sent(
    lab: Lab, server: FaultServer
) -> None:
    question = "%%chat -c prices\nWhy does it say @error?"
    lab.open_cells([loading(server.url), PRICES, "prices['plum']", question, "%chat why"])

    run_all(lab, 0, 1, 2, 3, 4)

    assert "There is no plum." in lab.output_text(3)
    assert re.search(r"context: variable prices\s+\d+\s+kept\s+context: error\s+\d+\s+kept", lab.output_text(4))
    [sent] = [exchange.messages for exchange in server.exchanges if exchange.path == "/api/chat"]
    assert "KeyError: 'plum'" in sent[-1]["content"]
    assert "0.5, mean 0.65, max 0.8" in sent[-1]["content"]
    assert "mean 0.65" not in lab.output_text(4)
    lab.page.locator("summary").last.click()
    [*_, shown] = lab.page.locator("details pre").all_inner_texts()
    assert shown == sent[-1]["content"]


@pytest.mark.ollama
def test_what_a_server_cut_is_red_and_still_red_in_the_reopened_notebook(lab: Lab, ollama_server: OllamaServer) -> None:
    question = "word " * 800 + "\nWhat is a list?"
    lab.open_cells([loading(ollama_server.url, "tinychat"), f"%%chat -o num_ctx=512\n{question}"])
    run_all(lab, 0, 1)

    before = looks_of_the_warning(lab, 1)
    lab.save()
    lab.open("notebook.ipynb")
    after = looks_of_the_warning(lab, 1)

    assert before["text"].startswith(WARNING)
    red, green, blue = map(int, re.findall(r"\d+", before["colour"])[:3])
    assert red > 2 * max(green, blue)
    assert before["colour"] == before["red"]
    assert after == before


@pytest.mark.parametrize(
    ("cell", "completed"),
    [("%%chat\nHow many are in @pri", "%%chat\nHow many are in @prices"), ("%%chat -c pri", "%%chat -c prices")],
)
def test_tab_offers_the_variables_that_a_question_can_carry(
    lab: Lab, server: FaultServer, cell: str, completed: str
) -> None:
    lab.open_cells([loading(server.url), "prices, private = [1, 2], 3", cell])
    run_all(lab, 0, 1)

    items = offered(lab, 2)
    lab.page.locator(".jp-Completer-match", has_text=re.compile("^prices$")).click()

    assert items == ["prices", "private"]  # and not `print`, which Python would offer
    assert lab.sources()[2] == completed


def test_above_is_above_in_the_document_in_whatever_order_the_cells_ran(lab: Lab, server: FaultServer) -> None:
    asking = "%%chat --dry-run -c cells:above\nWhy?"
    lab.open_cells([loading(server.url), "above = 1", "#md It **was** above.", asking, "below = 2"])
    lab.save()
    run_all(lab, 0, 4, 1)

    lab.run(3)

    text = lab.outputs(3)[0]["data"]["text/plain"]
    assert "above = 1" in text
    assert "It **was** above." in text
    assert "below = 2" not in text


def test_a_file_of_secrets_is_sent_only_after_a_yes_in_the_input_field(
    lab: Lab, lab_server: LabServer, server: FaultServer
) -> None:
    folder = lab_server.root / "secrets"
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_text("PLUM=ripe\n")
    lab.open_cells([loading(server.url), "%%chat --dry-run -c file:.env\nWhy?"], "secrets/notebook.ipynb")
    lab.run(0)

    answer_input(lab, 1, "Let the model read it? [y/N]", "")
    refused = lab.output_text(1)
    answer_input(lab, 1, "Let the model read it? [y/N]", "y")

    assert "ContextRefused" in refused
    assert "PLUM=ripe" in lab.outputs(1)[-1]["data"]["text/plain"]
