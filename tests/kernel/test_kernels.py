"""The harness itself: what a front end would see of a real kernel."""

import pytest

from tests.kernel.kernels import Kernel

pytestmark = pytest.mark.kernel


def test_a_run_has_what_was_printed_and_its_result(kernel: Kernel) -> None:
    run = kernel.run("print('one')\nimport sys\nprint('two', file=sys.stderr)\n1 + 2")

    assert run.status == "ok"
    assert (run.stdout, run.stderr) == ("one\n", "two\n")
    assert run.outputs[-1]["data"] == {"text/plain": "3"}


def test_an_error_is_what_the_cell_shows(kernel: Kernel) -> None:
    run = kernel.run("1 / 0")

    assert run.status == "error"
    assert run.error is not None
    assert (run.error.name, run.error.value) == ("ZeroDivisionError", "division by zero")


def test_a_display_is_followed_through_its_updates(kernel: Kernel) -> None:
    run = kernel.run(
        "from IPython.display import Markdown, display\n"
        "handle = display(Markdown('one'), display_id=True)\n"
        "handle.update(Markdown('two'))\n"
        "print('between')\n"
        "handle.update(Markdown('three'))"
    )

    (display,) = run.displays
    assert [bundle["text/markdown"] for bundle in display.bundles] == ["one", "two", "three"]
    assert [output.get("text") or output["data"]["text/markdown"] for output in run.outputs] == ["three", "between\n"]


def test_cleared_output_is_gone(kernel: Kernel) -> None:
    run = kernel.run(
        "from IPython.display import clear_output\nprint('one')\nclear_output(wait=True)\nprint('two', flush=True)"
    )

    assert run.text == "two\n"


@pytest.mark.parametrize(("headless", "expected"), [(False, True), (True, False)])
def test_a_kernel_can_tell_whether_somebody_is_there(kernel: Kernel, headless: bool, expected: bool) -> None:
    kernel.run("allowed = get_ipython().kernel.get_parent('shell')['content']['allow_stdin']", headless=headless)

    assert kernel.value("allowed") is expected


def test_the_cell_has_its_id(kernel: Kernel) -> None:
    kernel.run("cell = get_ipython().kernel.get_parent('shell')['metadata']['cellId']", cell_id="abc")

    assert kernel.value("cell") == "abc"


def test_a_question_is_answered(kernel: Kernel) -> None:
    run = kernel.run("name = input('Who? ')", answers=["Ada"])

    assert run.prompts == ("Who? ",)
    assert kernel.value("name") == "Ada"


def test_a_cell_is_interrupted_once_it_has_shown_something(kernel: Kernel) -> None:
    pending = kernel.start("import time\nprint('begun', flush=True)\ntime.sleep(60)")
    pending.wait_for_text("begun")

    kernel.interrupt()

    run = pending.wait()
    assert run.error is not None
    assert run.error.name == "KeyboardInterrupt"


def test_the_next_cell_is_in_the_payload(kernel: Kernel) -> None:
    run = kernel.run("get_ipython().set_next_input('x = 1')")

    assert run.next_input == "x = 1"


def test_completions_come_from_the_kernel(kernel: Kernel) -> None:
    kernel.run("a_long_name = 1")

    assert "a_long_name" in kernel.complete("a_long")


def test_bytes_and_processor_time_are_counted(kernel: Kernel) -> None:
    small = kernel.run("print('x')")
    large = kernel.run("print('x' * 100_000)\nsum(range(5_000_000))")

    assert 100_000 < large.size_bytes - small.size_bytes < 110_000
    assert large.cpu_s > small.cpu_s


def test_nothing_of_the_user_is_read_or_written(kernel: Kernel) -> None:
    kernel.run("import os")
    home = kernel.value("os.getcwd()")

    folders = kernel.value("[os.environ[n] for n in ('CHATNB_HOME', 'IPYTHONDIR', 'JUPYTER_CONFIG_DIR')]")

    assert all(folder.startswith(home) for folder in folders)
