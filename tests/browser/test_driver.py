"""The driver itself, on a real JupyterLab."""

import pytest

from tests.browser.driver import Lab

pytestmark = pytest.mark.browser


def test_a_cell_is_run_and_its_result_is_shown_and_saved(lab: Lab) -> None:
    lab.open_cells(["1 + 1"])

    lab.run(0)

    (output,) = lab.outputs(0)
    assert output["data"]["text/plain"] == "2"
    assert lab.output_text(0).split() == ["[1]:", "2"]
    assert lab.save()["cells"][0]["outputs"][0]["data"]["text/plain"] == ["2"]
    assert lab.screenshot("smoke").stat().st_size > 10_000


def test_a_running_cell_is_interrupted(lab: Lab) -> None:
    lab.open_cells(["import time\nprint('begun', flush=True)\ntime.sleep(60)"])
    lab.start(0)
    lab.wait_for_text(0, "begun")

    lab.interrupt()

    lab.wait_for_text(0, "KeyboardInterrupt")


LINES = """
import pathlib, time
from IPython.display import Markdown, clear_output, display

for n in (1, 20, 5):
    clear_output(wait=True)
    display(Markdown("line\\n\\n" * n))
    while not pathlib.Path(f"seen-{n}").exists():
        time.sleep(0.01)
"""
SEEN = {1: "times.length > 10", 20: "Math.max(...heights) > 300", 5: "heights.at(-1) < Math.max(...heights) - 100"}
"""What tells in the browser's frames that so many lines were drawn."""


def test_every_frame_of_an_output_is_seen(lab: Lab) -> None:
    lab.open_cells([LINES])
    lab.watch_frames(0)

    lab.start(0)
    for count, is_so in SEEN.items():
        is_seen = f"() => {{ const {{times, heights}} = window.__chatnbProbe; return {is_so}; }}"
        lab.page.wait_for_function(is_seen, timeout=60_000)
        (lab.server.root / f"seen-{count}").touch()
    lab.wait_idle()

    frames = lab.frames()
    assert max(frames.heights) > 300
    assert frames.height_drops  # from twenty lines to five
    assert len(frames.at) > 10
    assert frames.at[0] < frames.last_change_at < frames.at[-1]


def test_each_test_has_a_kernel_of_its_own(lab: Lab) -> None:
    lab.open_cells(["'time' in globals()"])

    lab.run(0)

    assert lab.outputs(0)[0]["data"]["text/plain"] == "False"
