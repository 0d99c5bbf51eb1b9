"""The page's side of the bridge: new cells and cells that are not saved, by the labextension and by a panel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests.browser.driver import PANEL, Lab
from tests.browser.test_panel import ask, loading, shown
from tests.faults.script import Answer
from tests.faults.server import FaultServer

pytestmark = pytest.mark.browser

PROGRAM = """\
Define it:

```python
answer = 6 * 7
```

```markdown
## What it is<img src=x onerror="document.title = 'taken'">
```

```python
print(answer)
```
"""
CALL = {"function": {"name": "edit_cell", "arguments": {"cell": 2, "code": "total = 1 + 2"}}}
EDITING = Answer(text="", tool_calls=[CALL])
ASKING = "%%chat --code\nShow me."
READING = "%%chat --dry-run -c cells:above -c notebook\nWhy?"
PATIENT = "import chatnb.bridge\nchatnb.bridge.WAITS_S = 30\n"
"""Before what is run: the page may take its time on a busy machine."""
TRIES = 20


@pytest.fixture
def script() -> list[Answer]:
    return [Answer(text=PROGRAM)]


@pytest.fixture
def server(script: list[Answer]) -> Iterator[FaultServer]:
    with FaultServer({"tiny": script}) as server:
        yield server


def write(lab: Lab, index: int, source: str) -> None:
    """Change a cell as a person does; nothing is saved."""
    lab.js(f"([i, source]) => {PANEL}.content.widgets[i].model.sharedModel.setSource(source)", [index, source])


def undo(lab: Lab) -> None:
    """Undo what was done last to the notebook."""
    lab.js("() => window.jupyterapp.commands.execute('notebook:undo-cell-action')")


def as_read(lab: Lab, index: int) -> str:
    """Return all that a dry run shows of what would be sent."""
    lab.run(index)
    return str(lab.outputs(index)[-1]["data"]["text/plain"])


def assert_cells_are_put_and_taken_back(lab: Lab, asking: int) -> None:
    """Ask for code, and see that its cells stand below the asking one until one undo."""
    before = lab.sources()

    lab.run(asking)

    put = lab.sources()[asking + 1 : asking + 4]
    assert [source.split("<")[0] for source in put] == ["answer = 6 * 7", "## What it is", "print(answer)"]
    assert lab.sources()[asking + 4 :] == before[asking + 1 :]
    assert lab.js(f"(at) => {PANEL}.content.widgets[at].model.type", asking + 2) == "markdown"
    assert lab.js("() => document.title") != "taken"
    lab.screenshot(f"bridge-{lab.js('() => window.jupyterapp.name')}-{asking}")
    undo(lab)
    assert lab.sources() == before


def test_several_blocks_become_cells_and_one_undo_takes_them_back(lab: Lab, server: FaultServer) -> None:
    lab.open_cells([PATIENT + loading(server.url), ASKING, "last = True"])
    lab.run(0)
    # A second view of the notebook is not a second notebook.
    lab.js("() => window.jupyterapp.commands.execute('docmanager:clone')")

    assert_cells_are_put_and_taken_back(lab, 1)


def test_what_is_not_saved_is_read_and_what_ran_wins(lab: Lab, server: FaultServer) -> None:
    path = lab.open_cells([PATIENT + loading(server.url), "ran = 1", "#md old words", READING, "later = 1"])
    lab.run(0)
    lab.run(1)
    write(lab, 1, "ran = 2")
    write(lab, 2, "new words")
    write(lab, 4, "later = 2")

    read = as_read(lab, 3)

    assert "ran = 1" in read
    assert "new words" in read
    assert "later = 2" in read
    assert "Cell 2 was changed since it ran; what ran is read." in read
    assert not any(word in read for word in ("old words", "later = 1", "ran = 2", "not seen", "did not answer"))
    assert "old words" in path.read_text()


@pytest.mark.parametrize("script", [[EDITING, Answer(text="Now it is right.")]])
def test_a_model_changes_a_cell_after_a_yes_to_the_difference(lab: Lab, server: FaultServer) -> None:
    lab.open_cells([PATIENT + loading(server.url), "total = 1 + 1", "%%chat -t edit_cell\nMend @cell:2."])
    lab.run(0)
    lab.run(1)
    lab.start(2)
    lab.wait_for_text(2, "-total = 1 + 1")
    assert lab.sources()[1] == "total = 1 + 1"

    lab.page.locator("input.jp-Stdin-input").fill("y")
    lab.page.keyboard.press("Enter")
    lab.wait_for_text(2, "Now it is right.")

    assert lab.sources()[1] == "total = 1 + 2"
    lab.screenshot("bridge-edit")
    undo(lab)
    assert lab.sources()[1] == "total = 1 + 1"


def test_without_the_labextension_a_panel_is_enough(lab: Lab, server: FaultServer) -> None:
    def refuse(route: Route) -> None:
        route.abort()

    lab.page.route("**/extensions/chatnb/**", refuse)
    lab.open_cells([loading(server.url), f"{PATIENT}%chat panel", ASKING, READING, "last = 1"])
    lab.run(0)
    write(lab, 4, "last = 2")
    assert "What was changed since the notebook was saved, and has not run, is not seen." in as_read(lab, 3)
    lab.run(1)
    panel = shown(lab)

    # The first question only notices that somebody is there now.
    assert any("last = 2" in as_read(lab, 3) for _ in range(TRIES))
    assert_cells_are_put_and_taken_back(lab, 2)
    ask(panel, "What of @notebook?")
    expect(panel.locator(".chatnb-footer")).to_have_count(2, timeout=20_000)
    assert "last = 2" in server.chats[-1].messages[-1]["content"]
