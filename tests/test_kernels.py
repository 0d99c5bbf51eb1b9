"""Asking a real kernel from outside."""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chatnb.errors import SettingsError
from chatnb.kernels import KernelAway, RunningKernel, chosen_kernel
from chatnb.tools.offered import answer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kernel, Path]]:
    """Run a kernel in which four cells have run, without the extension."""
    home = tmp_path_factory.mktemp("kernel")
    with running_kernel(home) as kernel:
        kernel.run("price = 12.5\nrows = [{'sku': 'a'}, {'sku': 'b'}]")
        kernel.run("print('in stock')")
        kernel.run("1 / 0")
        kernel.run("price * 2")
        yield kernel, home / "kernel.json"


@pytest.fixture
async def asked(shared: tuple[Kernel, Path]) -> AsyncIterator[RunningKernel]:
    """Connect with that kernel."""
    async with RunningKernel(shared[1], read_limit_s=20, run_limit_s=20) as running:
        yield running


async def test_variables_are_listed_and_read(asked: RunningKernel) -> None:
    listed = await asked.ask("list_variables", {})
    part = await asked.ask("read_variable", {"path": "rows[1]['sku']"})

    assert listed.splitlines() == ["rows: list of 2 elements: dict", "price: float: 12.5"]
    assert part.endswith("\nb")


async def test_cells_are_listed_and_read_without_the_extension(asked: RunningKernel) -> None:
    listed = (await asked.ask("list_cells", {})).splitlines()
    cell = await asked.ask("read_cell", {"number": 2})
    output = await asked.ask("read_output", {"number": 4})

    assert [line.partition(":")[0] for line in listed] == ["1", "2", "3", "4"]
    assert listed[2].startswith("3: 1 / 0")
    assert "print('in stock')" in cell
    assert "in stock\n" in cell
    assert "25.0" in output


async def test_asking_leaves_no_trace(shared: tuple[Kernel, Path], asked: RunningKernel) -> None:
    kernel, _ = shared
    look = (
        "[get_ipython().execution_count, list(get_ipython().events.callbacks.values()).__repr__(), sorted(globals())]"
    )
    await asked.ask("list_cells", {})
    before = kernel.value(look)

    for deed, arguments in (("list_cells", {}), ("read_cell", {"number": 1}), ("list_variables", {})):
        await asked.ask(deed, arguments)

    assert kernel.value(look) == before


@pytest.mark.parametrize(
    ("deed", "arguments", "complaint"),
    [
        ("read_variable", {"path": "nothing"}, "There is no variable 'nothing'"),
        ("read_variable", {"path": "__import__('os').system('true')"}, "There is no variable"),
        ("read_cell", {"number": 99}, "There is no cell '99'. These ran: 1, 2, 3, 4"),
        ("read_output", {"number": 1}, "shows no output"),
    ],
)
async def test_what_is_not_there_is_told(
    asked: RunningKernel, deed: str, arguments: dict[str, object], complaint: str
) -> None:
    with pytest.raises(KernelAway, match=re.escape(complaint)):
        await asked.ask(deed, arguments)


async def test_with_the_extension_what_cells_displayed_is_there(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run("%load_ext chatnb")
    kernel.run("from IPython.display import Markdown\ndisplay(Markdown('*shown*'))\n5", cell_id="abc")

    async with RunningKernel(tmp_path / "kernel.json") as running:
        listed = await running.ask("list_cells", {})
        output = await running.ask("read_output", {"number": 2})

    assert listed.splitlines()[-1].endswith("-> output")
    assert "*shown*\n5" in output


async def test_code_runs_and_tells_what_it_shows(shared: tuple[Kernel, Path], asked: RunningKernel) -> None:
    shown = await asked.run("total = price * 4\nprint('done')\ntotal")
    with pytest.raises(KernelAway) as failed:
        await asked.run("1 / 0")

    assert shown == "done\n50.0"
    assert "ZeroDivisionError" in str(failed.value)
    assert shared[0].value("total") == 50.0
    shared[0].value("globals().pop('total')")


async def test_a_busy_kernel_says_so_and_does_nothing_later(kernel: Kernel, tmp_path: Path) -> None:
    cell = kernel.start("print('busy', flush=True)\nimport time\ntime.sleep(60)")
    cell.wait_for_text("busy")

    async with RunningKernel(tmp_path / "kernel.json", read_limit_s=0.5) as running:
        for work in (running.ask("list_cells", {}), running.run("late = 1")):
            with pytest.raises(KernelAway, match="busy with a cell, and nothing was done"):
                await work
        kernel.interrupt()
        cell.wait()

        assert kernel.value("'late' in globals()") is False


def test_what_comes_too_late_is_not_done() -> None:
    answered = answer(json.dumps({"do": "run_code", "with": {"code": "1"}, "until": time.time() - 1}))

    assert (answered.text, answered.is_error) == ("It came too late.", True)


async def test_code_that_takes_too_long_is_interrupted(asked: RunningKernel, shared: tuple[Kernel, Path]) -> None:
    async with RunningKernel(shared[1], run_limit_s=0.5) as running:
        with pytest.raises(KernelAway, match=r"ran longer than 0\.5 s and was interrupted"):
            await running.run("import time\ntime.sleep(1000)")

    assert "price" in await asked.ask("list_variables", {})


async def test_code_that_nobody_waits_for_is_interrupted(asked: RunningKernel, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    work = asyncio.create_task(asked.run(f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(1000)"))
    end_at = time.monotonic() + 20
    while not mark.exists():
        assert time.monotonic() < end_at
        await asyncio.sleep(0.01)

    work.cancel()
    await asyncio.wait([work])

    assert "price" in await asked.ask("list_variables", {})


async def test_a_kernel_that_has_ended_is_told(tmp_path: Path) -> None:
    with running_kernel(tmp_path) as kernel:
        running = RunningKernel(tmp_path / "kernel.json", read_limit_s=0.5)
        await running.__aenter__()
        assert kernel.value("1") == 1
        file = (tmp_path / "kernel.json").read_bytes()
    (tmp_path / "kernel.json").write_bytes(file)

    with pytest.raises(KernelAway, match="does not answer: it has ended"):
        await running.ask("list_cells", {})
    await running.__aexit__(None, None, None)


async def test_a_kernel_without_chatnb_is_told(tmp_path: Path) -> None:
    with running_kernel(tmp_path) as kernel:
        kernel.run("import sys\nsys.modules['chatnb.tools.offered'] = None")

        async with RunningKernel(tmp_path / "kernel.json") as running:
            with pytest.raises(KernelAway, match="no chatnb of this version: run `%pip install -U chatnb`"):
                await running.ask("list_cells", {})


async def test_a_file_of_no_kernel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kernel.json").write_text("[1", "utf-8")

    with pytest.raises(SettingsError, match="is no connection file of a kernel"):
        await RunningKernel(tmp_path / "kernel.json").__aenter__()


async def test_the_newest_kernel_that_runs_is_chosen_and_the_others_are_named(
    shared: tuple[Kernel, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="No kernel runs"):
        await chosen_kernel("")
    for number, name in enumerate(["kernel-old.json", "kernel-new.json"]):
        (tmp_path / name).write_bytes(shared[1].read_bytes())
        os.utime(tmp_path / name, (1_000_000_000 + number,) * 2)
    (tmp_path / "kernel-dead.json").write_text("{}", "utf-8")

    assert await chosen_kernel("") == (tmp_path / "kernel-new.json", (tmp_path / "kernel-old.json",))
    assert await chosen_kernel("old") == (tmp_path / "kernel-old.json", ())
    with pytest.raises(SettingsError, match="No running kernel has 'other'"):
        await chosen_kernel("other")
