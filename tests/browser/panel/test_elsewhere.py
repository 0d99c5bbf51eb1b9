"""The panel where it is shown by something else than JupyterLab.

VS Code cannot run in a test. What it gives to a widget is played here: its colours, and a manager of widgets without the
document that JupyterLab's has.
"""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.panel.harness import fixture, opened_panel

pytestmark = pytest.mark.browser

COLOURS = {
    "editor-background": "rgb(30, 30, 60)",
    "foreground": "rgb(220, 220, 200)",
    "focusBorder": "rgb(0, 120, 212)",
}


@pytest.mark.parametrize("context", ["undefined", "{}"])
def test_as_in_vs_code_nothing_of_jupyterlab_is_needed(browser: Browser, context: str) -> None:
    with opened_panel(browser, "none") as panel:
        panel.page.add_init_script(
            f"""addEventListener('DOMContentLoaded', () => {{
              for (const [name, value] of Object.entries({COLOURS})) document.body.style.setProperty(`--vscode-${{name}}`, value);
            }})"""
        )
        panel.show(fixture("state"), fixture("answers"), context)

        panel.button("The cell above").click()
        assert panel.wait_sent("preview")["ref"] == "cells:-1:"
        panel.button("The selection").click()
        expect(panel.page.get_by_role("status")).to_contain_text("Nothing is selected")
        panel.page.get_by_role("button", name="Put into a new cell below").last.click()
        expect(panel.page.get_by_role("status")).to_contain_text("so the code is on the clipboard")
        panel.question.fill("Why?")
        panel.question.press("Enter")
        panel.wait_sent("ask")

        look = "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
        assert panel.find("").first.evaluate(look) == [COLOURS["editor-background"], COLOURS["foreground"]]
        panel.screenshot(f"as-in-vs-code-{'bare' if context == 'undefined' else 'managed'}")
