"""Code of a model in a real kernel: shown in the cell that waits, stopped like a cell, tried out in a real fork."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.kernel.kernels import Kernel, running_kernel

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")]

# A turn without a model: what a toolbox does with one call, while the cell waits.
SETUP = """
%load_ext chatnb
from contextlib import aclosing
from pathlib import Path
from chatnb.messages import ToolCall
from chatnb.portal import Portal
from chatnb.tools.python import python_tools
from chatnb.tools.toolbox import Toolbox
from chatnb.tools.trial import try_run
from chatnb.tools.undo import Undo

portal = Portal()
undo = Undo(get_ipython().user_ns)
box = Toolbox(python_tools(get_ipython(), undo), portal.on_kernel)

async def turn(code):
    async with aclosing(box.run([ToolCall("1", "run_python", {"code": code})])) as results:
        return [result async for result in results][0]

def call(code):
    global result
    result = portal.call(turn(code))

def trial(code, **limits):
    return str(try_run(code, get_ipython(), Path.cwd(), **limits))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the kernel's folder, which is not the one that the kernel keeps its history in."""
    return tmp_path_factory.mktemp("folder")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path_factory.mktemp("home"), cwd=folder) as kernel:
        run = kernel.run(SETUP)
        assert run.status == "ok", run.error
        yield kernel


@pytest.fixture
def begun(folder: Path) -> Iterator[Path]:
    """Make a named pipe: whoever opens it waits for whoever opens its other end."""
    path = folder / "begun"
    os.mkfifo(path)
    yield path
    path.unlink()


def has_no_children(kernel: Kernel) -> bool:
    """Whether all that a kernel has started is gone; what it has killed may take a moment."""
    _, alive = psutil.wait_procs(kernel.process.children(), timeout=60)
    return not alive


def test_what_it_shows_is_in_the_cell_and_the_model_reads_it(shared: Kernel) -> None:
    run = shared.run("call('print(\"printed\")\\n1 + 1')")

    assert (run.status, run.stdout) == ("ok", "printed\n")
    assert [display.bundles[0]["text/plain"] for display in run.displays] == ["2"]
    assert shared.value("result.text") == "printed\n2"


def test_a_figure_is_shown_and_marked_for_the_model(shared: Kernel) -> None:
    shared.run("%matplotlib inline\nimport matplotlib.pyplot as plt")

    run = shared.run("call('plt.plot([1, 2]);')")

    assert "image/png" in run.displays[0].bundles[0]
    assert shared.value("result.text") == "[picture image/png] <Figure size 640x480 with 1 Axes>"


def test_output_that_is_cleared_takes_nothing_off_the_users_screen(shared: Kernel) -> None:
    code = "from IPython.display import clear_output\\nprint(1)\\nclear_output()\\nprint(2)"

    run = shared.run(f"print('the answer so far')\ncall('{code}')")

    assert run.stdout == "the answer so far\n1\n2\n"
    assert all(message.type != "clear_output" for message in run.messages)
    assert shared.value("result.text.splitlines()[0]") == "2"


def test_a_display_that_is_updated_is_read_as_it_is_at_last(shared: Kernel) -> None:
    shared.run("from IPython.display import display")

    shared.run("call('h = display(1, display_id=True)\\nh.update(2)')")

    assert shared.value("result.text.splitlines()[0]") == "2"


def test_an_error_is_shown_as_one_and_the_cell_goes_on(shared: Kernel) -> None:
    run = shared.run("call('1 / 0')\nprint('on')")

    assert (run.status, run.stdout) == ("ok", "on\n")
    assert run.error is not None
    assert run.error.name == "ZeroDivisionError"
    assert shared.value("result.is_error")
    assert "ZeroDivisionError: division by zero" in shared.value("result.text")


@pytest.mark.parametrize("waiting", ["call({!r})", "import asyncio; await asyncio.sleep(0); call({!r})"])
def test_it_may_await(shared: Kernel, waiting: str) -> None:
    code = "import asyncio\nprint('once')\nawait asyncio.sleep(0.01, 'slept')"

    run = shared.run(waiting.format(code))

    assert run.status == "ok", run.error
    assert shared.value("result.text.splitlines()[:2]") == ["once", "'slept'"]
    assert shared.run("import asyncio; await asyncio.sleep(0, 'the kernel still awaits')").status == "ok"


def test_the_cells_number_and_its_outputs_stay_the_users(shared: Kernel) -> None:
    shared.run("'mine'")
    number = shared.value("get_ipython().execution_count")

    shared.run("call(\"'the model'\")")

    assert shared.value("get_ipython().execution_count") == number + 1
    assert shared.value("_") == "mine"


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(1000)", "await asyncio.sleep(1000)"])
def test_an_interrupt_stops_it_like_a_cell(shared: Kernel, begun: Path, code: str) -> None:
    pending = shared.start(f"import asyncio\ncall('''open('begun', 'w').close()\n{code}''')")
    with begun.open():
        pass

    shared.interrupt()
    run = pending.wait()

    assert run.error is not None
    assert run.error.name == "KeyboardInterrupt"
    assert shared.run("print('alive')").stdout == "alive\n"


def test_what_it_did_is_undone(shared: Kernel) -> None:
    shared.run("rows = [1]; before = rows; call('rows.append(2); rows = 3; fresh = 1')")

    run = shared.run("undone = undo.undo(); print(undone)")

    assert run.stdout == "added: fresh; replaced: rows; changed: rows\n"
    assert shared.value("[rows is before, rows, 'fresh' in globals()]") == [True, [1], False]


def test_a_trial_tells_what_would_change_and_shows_nothing_itself(shared: Kernel) -> None:
    shared.run("n = 1")

    run = shared.run("told = trial('n = 2; print(\"quiet\"); n')")

    assert (run.status, run.outputs) == ("ok", [])
    assert shared.value("[n, told]") == [1, "n changes: int: 1 -> int: 2\nquiet\n2"]


def test_a_trial_never_reaches_the_front_end(shared: Kernel) -> None:
    code = (
        "import os, sys; from IPython.display import display; display(1); os.write(1, b'raw');"
        " sys.__stdout__.write('dunder'); sys.stderr.write('err'); old.write('old')"
    )
    shared.run("import sys; old = sys.stdout")

    run = shared.run(f"told = trial({code!r})")

    assert (run.status, run.outputs) == ("ok", [])


def test_a_trial_asks_nobody(shared: Kernel) -> None:
    run = shared.run("told = trial('input()')")

    assert (run.status, run.prompts) == ("ok", ())
    assert "Error" in shared.value("told")


def test_a_trial_can_await_and_draw(shared: Kernel) -> None:
    shared.run("%matplotlib inline\nimport matplotlib.pyplot as plt, asyncio")

    shared.run("told = trial('await asyncio.sleep(0)\\nplt.plot([1]);')")

    assert "[picture image/png]" in shared.value("told")


def test_the_kernel_is_well_after_many_trials(shared: Kernel) -> None:
    run = shared.run("for _ in range(10): trial('x = 1')\nprint('well')")

    assert run.stdout == "well\n"
    assert has_no_children(shared)


def test_an_interrupt_ends_a_trial(shared: Kernel, begun: Path) -> None:
    pending = shared.start("trial('open(\"begun\").close()\\nwhile True: pass')")
    with begun.open("w"):  # a trial may not write
        pass

    shared.interrupt()
    run = pending.wait()

    assert run.error is not None
    assert run.error.name == "KeyboardInterrupt"
    assert has_no_children(shared)


def test_an_interrupt_in_the_very_moment_of_the_fork_ends_a_trial(shared: Kernel) -> None:
    shared.run(
        "import os, signal\nat_fork = [lambda: signal.raise_signal(signal.SIGINT)]\n"
        "os.register_at_fork(after_in_parent=lambda: at_fork and at_fork.pop()())"
    )

    run = shared.run("trial('while True: pass')")

    assert run.error is not None
    assert run.error.name == "KeyboardInterrupt"
    assert has_no_children(shared)


def test_a_trial_that_writes_leaves_the_folder_as_it_was(shared: Kernel) -> None:
    shared.run("Path('a.csv').write_text('kept')")

    shared.run('told = trial(\'open("a.csv", "w")\')')

    assert "it would write a.csv" in shared.value("told")
    assert shared.value("Path('a.csv').read_text()") == "kept"
