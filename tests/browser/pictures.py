"""Take the pictures of the panel that README and the notebooks show: `python -m tests.browser.pictures [NAME ...]`.

They are of a real JupyterLab in which the tiny model answers, by a real Ollama; the names are those of the scenes below.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.driver import Lab, find_chromium, opened_lab, running_browser
from tests.browser.server import LabServer
from tests.ollama.finding import find
from tests.ollama.modelfile import create_models
from tests.ollama.server import OllamaServer

IMAGES = Path(__file__).parents[2] / "notebooks" / "images"
FUNCTION = """\
prices = {"apple": 0.5, "pear": 0.8, "quince": 2.0}


def total(orders):
    return sum(prices[name] * count for name, count in orders)"""
CELLS = ("%load_ext chatnb", FUNCTION, 'total([("apple", 12), ("plum", 1)])', "%chat panel")
SIZE, NARROW = (1000, 820), (440, 760)
WHOLE = ("answer",)
"""Of these the window is shown, of the others the panel."""


def answer(lab: Lab, panel: Locator) -> None:
    """Put the code of an answer into new cells."""
    ask(panel, "Write two code blocks.")
    panel.locator("article").last.hover()
    panel.get_by_role("button", name="Put all 2 code blocks into new cells below").click()
    lab.page.locator(".jp-Cell").last.scroll_into_view_if_needed()
    panel.locator("article").last.scroll_into_view_if_needed()


def context(_: Lab, panel: Locator) -> None:
    """Write a question that carries something along: a chip, completion, and the meter."""
    ask(panel, "What does KeyError mean?")
    panel.get_by_role("button", name="The last error").click()
    question = panel.get_by_role("textbox", name="Your question")
    question.press_sequentially("Why is there no plum in @pri")
    option = panel.get_by_role("option").first
    expect(option).to_contain_text("prices", timeout=20_000)
    expect(panel.get_by_role("meter")).to_be_visible(timeout=20_000)


def approval(_: Lab, panel: Locator) -> None:
    """Let the model want to run code."""
    panel.get_by_role("button", name="Tools").click()
    panel.get_by_role("checkbox", name="run_python").check()
    panel.get_by_role("button", name="Close").click()
    ask(panel, 'Call the tool run_python with {"code": "x = 1"}.', until=".chatnb-approval")


def dark(lab: Lab, panel: Locator) -> None:
    """Take the dark theme."""
    lab.js("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    ask(panel, "Compare lists and tuples.")


def narrow(_: Lab, panel: Locator) -> None:
    """Ask in a window as narrow as a telephone; the theme is still that of the scene before."""
    ask(panel, "How do I read a file in Python?")


SCENES: Mapping[str, Callable[[Lab, Locator], None]] = {
    scene.__name__: scene for scene in (answer, context, approval, dark, narrow)
}


def ask(panel: Locator, text: str, until: str = ".chatnb-footer") -> None:
    """Ask, and wait for the end of the answer, or for something else that is in the panel then."""
    question = panel.get_by_role("textbox", name="Your question")
    question.fill(text)
    question.press("Enter")
    expect(panel.locator(until).last).to_be_visible(timeout=60_000)


def take(lab: Lab, name: str) -> Path:
    """Play one scene in a notebook of its own, and keep its picture."""
    lab.open_cells(CELLS, f"{name}.ipynb")
    lab.js("() => { window.jupyterapp.shell.collapseLeft(); }")
    for index in range(len(CELLS)):
        lab.run(index)
    panel = lab.page.locator(".chatnb-panel")
    expect(panel.get_by_role("textbox", name="Your question")).to_be_visible(timeout=30_000)
    panel.scroll_into_view_if_needed()
    SCENES[name](lab, panel)
    lab.page.mouse.move(0, 0)
    lab.js("() => document.fonts.ready.then(() => {})")
    path = IMAGES / f"panel-{name}.png"
    (lab.page if name in WHOLE else panel).screenshot(path=path)
    # Few colours are enough for letters, and a picture of all of them is several times as large.
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)
    return path


def main(names: Sequence[str]) -> None:
    """Take the pictures that are named, or all."""
    program = find_chromium()
    if program is None:
        raise RuntimeError("No Chromium was found: install the package chromium, or set CHROMIUM to its path.")
    with TemporaryDirectory() as home:
        (state := Path(home) / "ollama").mkdir()
        ollama = OllamaServer(find(), state)
        try:
            ollama.start()
            create_models(ollama.url)
            env = {"OLLAMA_HOST": ollama.url, "CHATNB_MODEL": "tinychat"}
            with LabServer(Path(home), env) as server, running_browser(program) as browser:
                for name in names or SCENES:
                    width, height = NARROW if name == "narrow" else SIZE
                    with opened_lab(browser, server, width, height) as lab:
                        sys.stdout.write(f"{take(lab, name)}\n")
                    server.end_kernels()
        finally:
            ollama.close()


if __name__ == "__main__":
    main(sys.argv[1:])
