"""The panel in a real kernel: what a front end says over the comm, and what it is told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.faults.script import Answer, Instruction, Stall
from tests.faults.server import FaultServer
from tests.kernel.iopub import Published
from tests.kernel.kernels import Kernel, Pending, running_kernel
from tests.kernel.views import View, opened
from tests.seen import Json, text_of

pytestmark = pytest.mark.kernel

ENDLESS = Answer(Stall(after=2, seconds=math.inf), text="Well now it goes on and on.")

UNTIL_TOLD = """\
import pathlib, time
print("begun")
while not pathlib.Path("go-on").exists():
    time.sleep(0.01)
"""
"""A cell that runs until the test lets it end."""


@pytest.fixture
def script() -> Sequence[Instruction]:
    return [Answer(text="Because it is so.")]


@pytest.fixture
def server(script: Sequence[Instruction]) -> Iterator[FaultServer]:
    with FaultServer({"tiny": script}) as server:
        yield server


@pytest.fixture
def environment(server: FaultServer) -> Mapping[str, str]:
    """Return what makes a kernel ask the server, once."""
    return {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return the kernel's folder."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def panel_kernel(tmp_path: Path, work: Path, environment: Mapping[str, str]) -> Iterator[Kernel]:
    """Run a kernel with chatnb loaded."""
    with running_kernel(tmp_path, environment, work) as kernel:
        assert kernel.run("%load_ext chatnb").status == "ok"
        yield kernel


@pytest.fixture
def view(panel_kernel: Kernel) -> View:
    """Return a view of a panel, which has said hello, with a subshell where the kernel has such."""
    view = opened(panel_kernel, subshell=panel_kernel.new_subshell())
    view.hello()
    return view


def said(state: Json) -> list[str]:
    return [text_of(entry) for entry in state["entries"]]


def is_over(state: Json) -> bool:
    return state["live"] is None and len(state["entries"]) > 1


def is_speaking(state: Json) -> bool:
    return state["live"] is not None and bool(state["live"]["parts"])


def calling(name: str, arguments: Mapping[str, Any]) -> Answer:
    return Answer(text="", tool_calls=[{"function": {"name": name, "arguments": dict(arguments)}}])


def begun(kernel: Kernel) -> Pending:
    """Start a cell that runs until there is a file called go-on, and return it when it runs."""
    cell = kernel.start(UNTIL_TOLD)
    cell.wait_for_text("begun")
    return cell


def test_a_question_is_answered_in_deltas_and_a_snapshot_says_the_same(view: View) -> None:
    done = view.call("ask", text="Why?", attachments=[])
    state = view.wait_until(is_over)

    assert done["kind"] == "done"
    assert said(state) == ["Why?", "Because it is so."]
    assert state["entries"][0]["turn"] == done["turn"]
    assert state["model"] == "tiny"
    assert view.hello().state == state


@pytest.mark.parametrize("script", [[ENDLESS]])
def test_a_page_that_is_loaded_again_goes_on_where_it_was(panel_kernel: Kernel, view: View) -> None:
    turn = view.call("ask", text="Why?")["turn"]
    view.wait_until(is_speaking)

    again = View(panel_kernel, view.comm_id, "v2", view.subshell)
    again.hello()
    live = again.wait_until(is_speaking)["live"]
    again.call("cancel", turn=turn)

    assert live["question"]["text"] == "Why?"
    assert again.wait_until(is_over) == view.wait_until(is_over)
    assert said(again.look().state or {}) == ["Why?", "Well now"]


def test_a_view_that_missed_something_asks_again(view: View) -> None:
    view.call("ask", text="Why?")
    whole = view.wait_until(is_over)
    view.skip(1)
    assert view.look().has_gap

    view.skip(0)

    assert view.hello().state == whole


def test_two_panels_and_the_magics_are_in_one_conversation(
    panel_kernel: Kernel, view: View, server: FaultServer
) -> None:
    other = opened(panel_kernel, "import chatnb\nchatnb.ChatPanel()", name="v2")
    other.hello()

    panel_kernel.run("%%chat\nFrom a cell?")
    view.wait_until(is_over)
    view.call("ask", text="From a panel?")
    states = [each.wait_until(lambda state: len(state["entries"]) == 4) for each in (view, other)]
    panel_kernel.run("%ask And again?")

    assert said(states[0]) == ["From a cell?", "Because it is so.", "From a panel?", "Because it is so."]
    assert states[0] == states[1]
    sent = [message["content"] for message in server.chats[-1].messages if message["role"] == "user"]
    assert sent == ["From a cell?", "From a panel?", "And again?"]


def test_after_a_restart_the_panel_goes_on(tmp_path: Path, work: Path, environment: Mapping[str, str]) -> None:
    with running_kernel(tmp_path, environment, work) as kernel:
        kernel.run("%load_ext chatnb")
        view = opened(kernel)
        view.hello()
        view.call("ask", text="Why?")
        before = view.wait_until(is_over)

    with running_kernel(tmp_path / "2", {**environment, "CHATNB_HOME": str(tmp_path / "home")}, work) as kernel:
        kernel.run("%load_ext chatnb")
        after = opened(kernel).hello().state

    assert after is not None
    assert said(after) == said(before)
    assert after["session"] == before["session"]


@pytest.mark.parametrize("script", [[ENDLESS]])
def test_the_kernel_is_killed_in_mid_answer_and_what_was_said_is_there(
    tmp_path: Path, work: Path, environment: Mapping[str, str]
) -> None:
    with running_kernel(tmp_path, environment, work) as kernel:
        kernel.run("import chatnb.saving; chatnb.saving.CHECKPOINT_S = 0.05\n%load_ext chatnb")
        view = opened(kernel)
        view.hello()
        view.call("ask", text="Why?")
        view.wait_until(is_speaking)
        parts = tmp_path / "home" / "sessions"
        kernel.iopub.wait_for(lambda _: any(parts.rglob("*.part")), 10)
        kernel.process.kill()

    with running_kernel(tmp_path / "2", {**environment, "CHATNB_HOME": str(tmp_path / "home")}, work) as kernel:
        kernel.run("%load_ext chatnb")
        state = opened(kernel).hello().state

    assert state is not None
    assert state["entries"][0]["text"] == "Why?"
    assert state["entries"][-1]["outcome"] == "cancelled"


@pytest.mark.parametrize("script", [[ENDLESS]])
def test_a_click_on_stop_while_a_cell_runs(panel_kernel: Kernel, view: View, work: Path) -> None:
    turn = view.call("ask", text="Why?")["turn"]
    view.wait_until(is_speaking)
    cell = begun(panel_kernel)

    view.send("cancel", turn=turn)

    if view.subshell is None:  # ipykernel 6: it is read when the cell has ended
        (work / "go-on").touch()
        cell.wait()
        view.wait_until(is_over)
    else:
        view.wait_until(is_over)
        (work / "go-on").touch()
        assert cell.wait().status == "ok"
    assert (view.look().state or {})["entries"][1]["outcome"] == "cancelled"


@pytest.mark.parametrize("script", [[Answer(Stall(after=2, seconds=3), text="Well now it goes on.")]])
def test_an_answer_streams_to_its_end_while_a_cell_runs(panel_kernel: Kernel, view: View, work: Path) -> None:
    view.call("ask", text="Why?")
    view.wait_until(is_speaking)
    cell = begun(panel_kernel)

    state = view.wait_until(is_over)

    assert said(state) == ["Why?", "Well now it goes on."]
    (work / "go-on").touch()
    assert cell.wait().status == "ok"


def test_a_question_is_asked_and_answered_while_a_cell_runs(panel_kernel: Kernel, view: View, work: Path) -> None:
    if view.subshell is None:
        pytest.xfail("ipykernel 6 reads no question while a cell runs")
    cell = begun(panel_kernel)

    view.call("ask", text="Why?")

    assert said(view.wait_until(is_over)) == ["Why?", "Because it is so."]
    (work / "go-on").touch()
    assert cell.wait().status == "ok"


def test_what_cannot_be_taken_is_answered_and_nothing_ends(view: View) -> None:
    view.post("nonsense")
    failed = view.wait_for(lambda message: message["kind"] == "failed")
    unknown = view.call("dance")

    assert failed is not None
    assert "could not take this" in failed["error"]
    assert (unknown["kind"], "no command 'dance'" in unknown["error"]) == ("failed", True)
    assert view.call("sessions")["kind"] == "done"


@pytest.mark.parametrize("script", [[Answer()]])
def test_a_flood_of_twelve_thousand_words_loses_none(tmp_path: Path, environment: Mapping[str, str]) -> None:
    words = [f"w{number} " if number % 50 else f"w{number}\n\n" for number in range(12_000)]
    with (
        FaultServer([Answer()], text=words) as flooding,
        running_kernel(tmp_path, {**environment, "OLLAMA_HOST": flooding.url, "CHATNB_MODEL": "tinychat"}) as kernel,
    ):
        kernel.run("%load_ext chatnb")
        view = opened(kernel)
        view.hello()
        view.call("ask", text="Flood?")
        state = view.wait_until(is_over, 60)

        revs = [message["rev"] for message in view.messages() if message["kind"] == "delta"]
        assert revs == list(range(revs[0], revs[0] + len(revs)))
        assert said(state)[1].split() == "".join(words).split()
        assert view.hello().state == state
        at = [message.at for message in kernel.iopub.messages() if message.type == "comm_msg"]
        # The server of Jupyter counts over three seconds.
        assert max(sum(start <= other < start + 3 for other in at) for start in at) < 3 * 100


PINNED = """\
import threading, ipywidgets
from chatnb.panel import ChatPanel
heard = []
class Plain(ipywidgets.DOMWidget):
    pass
plain = Plain()
panel = ChatPanel()
for each in (plain, panel):
    each.on_msg(lambda *_: heard.append(threading.current_thread().name))
    each.send({"kind": "nothing"})
"""


def test_a_panel_hears_on_its_subshell_though_it_has_just_been_sent_to_from_a_cell(panel_kernel: Kernel) -> None:
    """Ipykernel 7.4 sends it to the cells' thread; when this fails, a newer one does not, and `unpinned` can go."""
    subshell = panel_kernel.new_subshell()
    if subshell is None:
        pytest.xfail("ipykernel 6 has no subshells")
    panel_kernel.run(PINNED)
    version = tuple(panel_kernel.value("__import__('ipykernel').version_info[:2]"))

    heard = []
    for name in ("plain", "panel"):
        view = View(panel_kernel, panel_kernel.value(f"{name}.comm.comm_id"), subshell=subshell)
        count = panel_kernel.value("len(heard)")
        view.send("here")
        while panel_kernel.value("len(heard)") == count:
            pass
        heard.append(panel_kernel.value("heard[-1]"))

    assert heard[0] == ("MainThread" if version >= (7, 4) else f"subshell-{subshell}")
    assert heard[1] == f"subshell-{subshell}"


def test_where_nobody_is_there_only_the_conversation_is_shown(panel_kernel: Kernel) -> None:
    panel_kernel.run("%%chat\nWhy?")

    run = panel_kernel.run("%chat panel", headless=True)

    [output] = run.outputs
    assert output["data"]["text/plain"] == "ChatPanel()"
    assert "Because it is so." in output["data"]["text/markdown"]
    assert [message.type for message in run.messages if message.type.startswith("comm")] == []


def test_a_panel_made_by_hand_says_nothing_but_itself(panel_kernel: Kernel) -> None:
    run = panel_kernel.run("import chatnb\nchatnb.ChatPanel()", headless=True)

    assert [output["output_type"] for output in run.outputs] == ["display_data"]


def test_what_was_said_stays_in_a_second_output(panel_kernel: Kernel) -> None:
    run = panel_kernel.run("%chat panel")
    widget, static = run.outputs
    view = View(panel_kernel, widget["data"]["application/vnd.jupyter.widget-view+json"]["model_id"])
    view.hello()
    view.call("ask", text="Why <b>?")

    update = panel_kernel.iopub.wait_for(lambda message: message.type == "update_display_data", 30)

    assert widget["data"]["text/plain"] == static["data"]["text/plain"] == "ChatPanel()"
    assert '<details class="chatnb-static"' in static["data"]["text/markdown"]
    assert "Nothing was said yet" in static["data"]["text/markdown"]
    assert update is not None
    assert update.content["transient"]["display_id"] == run.displays[1].display_id
    told = update.content["data"]["text/markdown"]
    assert "Because it is so." in told
    assert "<b>" not in told


def test_what_was_said_in_a_panel_comes_back_from_the_notebook(panel_kernel: Kernel, work: Path) -> None:
    run = panel_kernel.run("%chat panel")
    widget, _ = run.outputs
    view = View(panel_kernel, widget["data"]["application/vnd.jupyter.widget-view+json"]["model_id"])
    view.hello()
    first = view.call("ask", text="Why <b>?")["turn"]
    view.wait_until(is_over)
    view.call("again", turn=first)
    view.wait_until(lambda state: is_over(state) and state["entries"][0]["turn"] != first)
    panel_kernel.run("%%chat\nFrom a cell?")
    view.call("rename", title="Causes")

    def is_renamed(message: Published) -> bool:
        kept = message.content.get("metadata", {}).get("chatnb", {})
        return message.type == "update_display_data" and kept.get("session", {}).get("title") == "Causes"

    update = panel_kernel.iopub.wait_for(is_renamed, 30)
    assert update is not None
    output = nbformat.v4.new_output("display_data", update.content["data"], metadata=update.content["metadata"])
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%chat panel", outputs=[output])])
    nbformat.write(notebook, work / "talk.ipynb")
    folder = Path(
        panel_kernel.value("str(get_ipython().magics_manager.registry['ChatMagics'].desk.chat.sessions.store.folder)")
    )
    before = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    for path in folder.glob("*.json"):
        path.unlink()

    again = panel_kernel.run("%chat new\n%chat import talk.ipynb")

    assert "Causes" in again.text
    after = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    assert after == before
    assert [before[name].count(b"Because it is so.") for name in before] == [3]


def test_without_anywidget_it_says_what_to_install(panel_kernel: Kernel) -> None:
    panel_kernel.run("import sys\nsys.modules['anywidget'] = None")

    errors = [panel_kernel.run(code).error for code in ("%chat panel", "import chatnb\nchatnb.ChatPanel()")]

    for error in errors:
        assert error is not None
        assert "pip install 'chatnb[panel]'" in error.value


def test_a_question_from_the_panel_reads_variables_between_cells(
    panel_kernel: Kernel, view: View, server: FaultServer
) -> None:
    panel_kernel.run("price = 42")

    view.call("ask", text="What is @price?")
    view.wait_until(is_over)

    assert "42" in server.chats[-1].messages[-1]["content"]


def test_the_last_cell_that_ran_is_the_one_above_for_a_panel(
    panel_kernel: Kernel, view: View, server: FaultServer
) -> None:
    panel_kernel.run("print('first')", cell_id="aaaa")
    panel_kernel.run("print('last')", cell_id="bbbb")
    panel_kernel.run("%chat panel", cell_id="cccc")

    view.call("ask", text="What is it?", attachments=[{"ref": "cells:-1:"}])
    view.wait_until(is_over)

    assert "print('last')" in server.chats[-1].messages[-1]["content"]
    assert "print('first')" not in server.chats[-1].messages[-1]["content"]


TOOL = """\
import chatnb, threading
@chatnb.tool(where="kernel")
def whose() -> str:
    "Tell the thread."
    print("printed by the tool")
    return threading.current_thread().name
"""


@pytest.mark.parametrize("script", [[calling("whose", {}), Answer(text="Done.")]])
def test_a_tool_of_the_kernel_runs_between_cells_and_what_it_prints_is_its_own(
    panel_kernel: Kernel, view: View
) -> None:
    last = panel_kernel.run(TOOL)
    assert last.status == "ok", last.error

    view.call("ask", text="Whose?")
    state = view.wait_until(is_over)

    tool = next(part for part in state["entries"][1]["parts"] if part["type"] == "tool")
    assert tool["result"] == "MainThread\n[it printed]\nprinted by the tool"
    assert [m for m in panel_kernel.iopub.messages() if m.type == "stream" and "by the tool" in m.content["text"]] == []


ODD = """\
import chatnb
@chatnb.tool(where="kernel")
def odd() -> str:
    "Return half a character, and a number that is none."
    return "half \\ud800 of it"
"""


@pytest.mark.parametrize("script", [[calling("odd", {}), Answer(text="Done.")]])
def test_half_a_character_stops_no_message(panel_kernel: Kernel, view: View) -> None:
    assert panel_kernel.run(ODD).status == "ok"

    view.call("ask", text="Odd?")
    state = view.wait_until(is_over)

    assert state["entries"][1]["parts"][0]["result"].startswith("half ")
    assert not view.look().has_gap


@pytest.mark.parametrize("script", [[calling("whose", {}), Answer(text="Done.")]])
def test_a_tool_of_the_kernel_waits_for_the_running_cell_and_says_so(
    panel_kernel: Kernel, view: View, work: Path
) -> None:
    if view.subshell is None:
        pytest.xfail("ipykernel 6 reads no question while a cell runs")
    panel_kernel.run(TOOL)
    cell = begun(panel_kernel)

    view.call("ask", text="Whose?")
    waiting = view.wait_until(lambda state: bool(state["live"] and state["live"]["status"]))
    (work / "go-on").touch()
    state = view.wait_until(is_over)

    assert waiting["live"]["status"] == "waits until the running cell has ended"
    assert "MainThread" in state["entries"][1]["parts"][0]["result"]
    assert cell.wait().stdout == "begun\n"


@pytest.mark.parametrize("script", [[calling("whose", {}), Answer(text="Done.")]])
def test_a_tool_of_the_kernel_waits_for_a_cell_that_awaits(panel_kernel: Kernel, view: View, work: Path) -> None:
    panel_kernel.run(TOOL)
    cell = panel_kernel.start(
        "import asyncio, pathlib\nprint('begun')\nwhile not pathlib.Path('go-on').exists():\n    await asyncio.sleep(0.01)"
    )
    cell.wait_for_text("begun")
    if view.subshell is None:
        pytest.xfail("ipykernel 6 reads no question while a cell runs")

    view.call("ask", text="Whose?")
    view.wait_until(lambda state: bool(state["live"] and state["live"]["status"]))
    (work / "go-on").touch()

    assert "MainThread" in view.wait_until(is_over)["entries"][1]["parts"][0]["result"]


@pytest.mark.parametrize("script", [[calling("run_python", {"code": "x = 1 + 1\nprint(x)"}), Answer(text="Two.")]])
def test_code_of_a_panels_turn_is_approved_in_the_panel(panel_kernel: Kernel, view: View) -> None:
    view.call("ask", text="Compute.", tools=["python"])
    [proposal] = view.wait_until(lambda state: bool(state["approvals"]))["approvals"]

    view.call("approve", call=proposal["call"], verdict="once")
    state = view.wait_until(is_over)

    assert proposal["arguments"] == {"code": "x = 1 + 1\nprint(x)"}
    assert state["approvals"] == []
    assert panel_kernel.value("x") == 2
    assert "2" in state["entries"][1]["parts"][0]["result"]
    assert said(state)[1] == "Two."


@pytest.mark.parametrize("script", [[calling("run_python", {"code": "1 + 1"}), Answer(text="No.")]])
def test_a_turn_that_is_stopped_while_it_waits_for_a_yes_ends(view: View) -> None:
    turn = view.call("ask", text="Compute.", tools=["python"])["turn"]
    view.wait_until(lambda state: bool(state["approvals"]))

    view.call("cancel", turn=turn)

    state = view.wait_until(is_over)
    assert state["approvals"] == []
    assert state["entries"][1]["outcome"] == "cancelled"


ENDLESS_CODE = "import time\nprint('runs')\ntry:\n    while True: time.sleep(0.01)\nfinally:\n    ended = 'yes'"


@pytest.mark.parametrize("script", [[calling("run_python", {"code": ENDLESS_CODE}), Answer(text="Done.")]])
def test_who_stops_a_turn_stops_the_code_that_it_runs(panel_kernel: Kernel, view: View) -> None:
    if view.subshell is None:
        pytest.xfail("ipykernel 6 reads no click while its thread is busy")
    panel_kernel.run("%config ChatConfig.approve = {'runs': 'always'}")
    turn = view.call("ask", text="Run.", tools=["python"])["turn"]
    view.wait_until(lambda state: bool(state["live"] and any(p["type"] == "tool" for p in state["live"]["parts"])))
    # The kernel is asked something else at once: it is answered when the code has ended.
    view.call("cancel", turn=turn)

    assert view.wait_until(is_over)["entries"][1]["outcome"] == "cancelled"
    assert panel_kernel.value("globals().get('ended', 'yes')") == "yes"
    assert panel_kernel.run("1 + 1").status == "ok"


@pytest.mark.parametrize("script", [[calling("run_python", {"code": "y = 7"}), Answer(text="Seven.")]])
def test_a_turn_of_a_cell_is_approved_in_its_cell_though_a_panel_is_there(panel_kernel: Kernel, view: View) -> None:
    run = panel_kernel.run("%%chat -t python\nSet y.", answers=["y"])

    assert run.status == "ok"
    assert len(run.prompts) == 1
    assert panel_kernel.value("y") == 7
    assert said(view.wait_until(is_over))[1] == "Seven."


def test_unloading_ends_the_panel(panel_kernel: Kernel, view: View) -> None:
    run = panel_kernel.run("%unload_ext chatnb")

    assert run.status == "ok", run.error
    assert "chatnb" not in panel_kernel.threads()
    failed = view.call("sessions")
    assert (failed["kind"], "was unloaded" in failed["error"]) == ("failed", True)
