"""`%%chat --over` in a real kernel."""

from collections.abc import Iterator

import pytest

from tests.echoing import EchoServer
from tests.faults.script import Answer
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def server() -> Iterator[EchoServer]:
    """Run a server that says what it was asked, so slowly that one can watch."""
    with EchoServer([Answer(rate=100)]) as server:
        yield server


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory, server: EchoServer) -> Iterator[Kernel]:
    """Run a kernel with a table of twelve rows and one of two hundred."""
    folder = tmp_path_factory.mktemp("over")
    env = {"OLLAMA_HOST": server.url, "CHATNB_HOME": str(folder / "home"), "CHATNB_MODEL": "tinychat"}
    code = "import polars\nfew, many = (polars.DataFrame({'n': range(count)}) for count in (12, 200))\n%load_ext chatnb"
    with running_kernel(folder, env) as kernel:
        assert kernel.run(code).status == "ok"
        yield kernel


def test_a_bar_shows_how_far_it_is_and_the_answers_go_into_a_variable(kernel: Kernel) -> None:
    run = kernel.run("%%chat --over few --into answers\nSay the number {n} aloud")

    assert run.status == "ok", run.error
    assert kernel.value("answers['answer'].to_list()") == [f"Say the number {n} aloud" for n in range(12)]
    (display,) = run.displays
    assert display.bundles[0]["text/html"] == (
        '<progress value="0" max="12" style="width:12em;vertical-align:middle"></progress> 0 of 12 rows'
    )
    assert display.bundles[-1]["text/plain"].startswith("12 of 12 rows · ")
    assert display.bundles[-1]["text/plain"].endswith(" tokens read and 60 written")


def test_where_nobody_watches_there_is_one_display_without_figures_and_the_table(kernel: Kernel) -> None:
    run = kernel.run("%%chat --over few\nSay {n}", headless=True)

    assert [display.bundles for display in run.displays] == [({"text/plain": "12 of 12 rows were answered."},)]
    assert "Say 11" in str(run.outputs[-1])


def test_what_was_answered_before_an_interrupt_is_kept(kernel: Kernel, server: EchoServer) -> None:
    cell = "%%chat --over many --into told\nTell me the number {n}"
    pending = kernel.start(cell)
    pending.wait_for_text("about ")
    kernel.interrupt()
    stopped = pending.wait()
    told = set(server.asked)

    again = kernel.run(cell)

    assert stopped.error is not None
    assert stopped.error.name == "ChatInterrupted"
    assert "What was answered is kept" in stopped.error.value
    assert again.status == "ok"
    assert kernel.value("told['answer'].to_list()") == [f"Tell me the number {n}" for n in range(200)]
    assert " were kept" in again.displays[0].bundles[-1]["text/plain"]
    assert len(server.asked) - len(set(server.asked)) <= 6
    assert len(told) > 10


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%%chat --over few --dry-run\nSay {n}", "would be sent to tinychat"),
        ("%%chat --over few -t files\nSay {n}", "Rows are asked side by side, without tools"),
        ("%%chat --over rows\nSay {n}", "--over rows: nothing in this notebook has that name"),
        ("%%chat --retry-failed\nSay {n}", "are about rows: name a table with --over"),
        ("%%chat --over few\nSay {m}", "{m} is no column of the table. It has: n."),
    ],
)
def test_what_is_not_asked_says_why(kernel: Kernel, server: EchoServer, cell: str, says: str) -> None:
    asks = len(server.chats)

    run = kernel.run(cell)

    assert says in str(run.outputs)
    assert len(server.chats) == asks


def test_in_python_it_asks_with_the_chat_of_the_notebook(kernel: Kernel, server: EchoServer) -> None:
    assert kernel.run("%chat use -m other").status == "ok"

    run = kernel.run("import chatnb, threading\ncounted = chatnb.over(few, 'Count {n}')")

    assert run.status == "ok", run.error
    assert server.chats[-1].body["model"] == "other"
    assert kernel.value("counted['answer'].to_list()")[-1] == "Count 11"
    assert kernel.value("[t.name for t in threading.enumerate()].count('chatnb')") == 1
