"""The panel and the labextension in a real Notebook 7, which shows one document in a window of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from chatnb.labextension import install
from tests.browser.driver import Lab, opened_lab
from tests.browser.server import LabServer
from tests.browser.test_bridge import (
    ASKING,
    PATIENT,
    PROGRAM,
    READING,
    as_read,
    assert_cells_are_put_and_taken_back,
    write,
)
from tests.browser.test_panel import ask, loading, open_panel
from tests.faults.script import Answer, Stall
from tests.faults.server import FaultServer

pytestmark = pytest.mark.browser

CODE = "Try this:\n\n```python\nanswer = 6 * 7\n```\n"


@pytest.fixture(scope="module")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("notebook")
    install(home / "data" / "labextensions")
    with LabServer(home, program=("notebook",)) as server, opened_lab(browser, server) as lab:
        yield lab


def test_a_conversation_streams_and_stops_and_its_code_becomes_a_cell(lab: Lab) -> None:
    endless = Answer(Stall(after=5, seconds=math.inf), text="Well now it goes on and on.")
    with FaultServer({"tiny": [Answer(text=CODE), endless]}) as server:
        panel = open_panel(lab, server.url, "last = True")
        assert lab.js("() => window.jupyterapp.name") == "Jupyter Notebook"

        ask(panel, "Show me.")
        expect(panel.locator(".chatnb-footer")).to_be_visible(timeout=20_000)
        panel.get_by_role("button", name="Put into a new cell below").click()
        assert [source.strip() for source in lab.sources()[2:]] == ["answer = 6 * 7", "last = True"]

        ask(panel, "And then?")
        expect(panel.locator(".chatnb-live")).to_contain_text("Well now it goes on", timeout=20_000)
        lab.screenshot("panel-notebook7")
        panel.get_by_role("button", name="Stop").click()
        expect(panel.locator(".chatnb-outcome")).to_contain_text("stopped", timeout=20_000)
        expect(panel.locator(".chatnb-assistant").last).to_contain_text("Well now it goes on")


def test_a_cell_reads_what_is_not_saved_and_makes_several_cells(lab: Lab) -> None:
    with FaultServer({"tiny": [Answer(text=PROGRAM)]}) as server:
        lab.open_cells([PATIENT + loading(server.url), ASKING, READING, "last = 1"], "bridge.ipynb")
        lab.run(0)
        write(lab, 3, "last = 2")

        assert "last = 2" in as_read(lab, 2)
        assert_cells_are_put_and_taken_back(lab, 1)
