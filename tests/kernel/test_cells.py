"""What cells showed in a real kernel, in a terminal and under nbclient is what the model gets to read of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pexpect
import pytest
from nbclient import NotebookClient

from tests import processes
from tests.kernel.kernels import Kernel, running_kernel

pytestmark = pytest.mark.kernel

READ = """
from pathlib import Path
from chatnb.context.base import Reference
from chatnb.context.cells import CellsSource
from chatnb.context.failure import ErrorSource
shell = get_ipython()
recorder = shell.magics_manager.registry["ChatMagics"].recorder
def read(reference, path=None):
    kind, _, target = reference.partition(":")
    if kind == "error":
        source = ErrorSource(shell, recorder, lambda value, limit: repr(value)[:limit], Path.cwd())
    else:
        source = CellsSource(recorder, lambda: path and Path(path))
    reading = source.read(Reference(kind, target))
    return [(part.label, part.text, part.ref) for part in reading.parts], list(reading.notes)
"""

SHOW = "from IPython.display import HTML, Markdown, clear_output, display"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, {"CHATNB_MODEL": "scripted:demo"}) as kernel:
        for code in ("%load_ext chatnb", READ, SHOW):
            assert kernel.run(code).status == "ok"
        yield kernel


def ran(kernel: Kernel, code: str, cell_id: str | None = None) -> str:
    """Run a cell, and return what it showed by what the model reads of it."""
    kernel.run(code, cell_id=cell_id)
    ((_, text, _),), notes = kernel.value("read('cells:-1:')")
    assert notes == []
    source, _, shown = str(text).partition("\n\n[output]\n")
    assert source == code
    return shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (
            "print('a')\ndisplay(Markdown('**b**'))\nprint('c')\nimport sys\nprint('d', file=sys.stderr)\n5",
            "a\n**b**\nc\nd\n5",
        ),
        (
            "handle = display(Markdown('one'), display_id=True)\nprint('then')\nhandle.update(Markdown('two'))",
            "two\nthen",
        ),
        ("print('gone')\nclear_output()\nprint('stays')", "stays"),
        ("print('gone')\ndisplay(1)\nclear_output(wait=True)\nprint('stays')", "stays"),
        ("print('stays')\nclear_output(wait=True)", "stays"),
        ("import asyncio\nprint('before')\nawait asyncio.sleep(0)\nprint('after')\n7", "before\nafter\n7"),
        ("import asyncio\nprint('gone')\nawait asyncio.sleep(0)\nclear_output()\nprint('stays')", "stays"),
        ("get_ipython().run_cell('print(1)\\n2')\ndisplay(3)", "1\n2\n3"),
        ("%%capture out\nprint('captured')\ndisplay(1)", ""),
        ("display(HTML('<table><tr><th>a<th>b<tr><td>1<td>2</table>'))", "a | b\n1 | 2"),
        ("from threading import Thread\nt = Thread(target=print, args=('t',))\nt.start()\nt.join()", "t"),
        ("5;", ""),
        ("!echo said", "said"),
    ],
)
def test_what_a_cell_shows_is_recorded_in_its_order(code: str, shown: str, kernel: Kernel) -> None:
    assert ran(kernel, code) == shown


def test_a_display_that_a_later_cell_updates_is_what_the_first_shows(kernel: Kernel) -> None:
    kernel.run("handle = display(Markdown('one'), display_id='x')", cell_id="first")

    kernel.run("handle.update(Markdown('two'))")

    assert kernel.value("read('out:first')")[0] == [["output of cell 4", "two", "out:first"]]


def test_an_answer_is_recorded_once_whole(kernel: Kernel) -> None:
    run = kernel.run("%%chat\nHello", cell_id="chat")

    ((label, text, ref),), _ = kernel.value("read('cell:chat')")
    assert (label, ref) == ("cell 4", "cell:chat")
    assert text == f"%%chat\nHello\n\n[output]\n{run.text.strip()}"


def test_what_ran_before_the_extension_was_loaded_is_read_and_what_was_displayed_is_said_to_be_missing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "work.ipynb"
    outputs = [
        nbformat.v4.new_output("stream", text="printed\n"),
        nbformat.v4.new_output("display_data", data={"text/plain": "shown"}),
    ]
    source = "print('printed')\ndisplay({'text/plain': 'shown'}, raw=True)"
    cell = nbformat.v4.new_code_cell(source, id="c1", execution_count=1, outputs=outputs)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    with running_kernel(tmp_path) as kernel:
        kernel.run(source, cell_id="c1")
        kernel.run("%load_ext chatnb")
        kernel.run(READ)

        unsaved, notes = kernel.value("read('cell:1')")
        saved, nothing = kernel.value(f"read('cell:1', {str(path)!r})")

    assert unsaved[0][1].endswith("[output]\nprinted")
    assert "Cell 1 ran before chatnb was loaded" in notes[0]
    assert saved[0][1].endswith("[output]\nprinted\nshown")
    assert saved[0][2] == "cell:c1"
    assert nothing == []


def test_above_is_above_the_asking_cell_by_its_id(kernel: Kernel, tmp_path: Path) -> None:
    path = tmp_path / "work.ipynb"
    cells = [
        nbformat.v4.new_markdown_cell("# Title", id="m1"),
        nbformat.v4.new_code_cell("a = 1", id="c1"),
        nbformat.v4.new_code_cell("answer = read(...)", id="asking"),
        nbformat.v4.new_code_cell("b = 1", id="c2"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    kernel.run("b = 1", cell_id="c2")
    kernel.run("print(1)", cell_id="c1")

    kernel.run(f"answer = read('cells:above', {str(path)!r})", cell_id="asking")

    parts, _ = kernel.value("answer")
    assert [part[:2] for part in map(tuple, parts[:2])] == [
        ("cell (markdown)", "# Title"),
        ("cell 5", "print(1)\n\n[output]\n1"),
    ]
    assert "b = 1" not in [part[1] for part in parts]


def test_the_last_error_is_told_with_its_variables(kernel: Kernel) -> None:
    kernel.run("row = {'name': 'tea'}\nrow['price']")
    kernel.run("%chat open nothing")  # refused by us

    ((label, text, _),), _ = kernel.value("read('error')")

    assert label == "error"
    assert 'File "cell 4", line 2' in text
    assert "row = {'name': 'tea'}" in text


def test_figures_are_kept_as_pictures(kernel: Kernel) -> None:
    shown = ran(kernel, "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])")

    assert re.fullmatch(r"\[picture image/png\] <Figure size .*>", shown)
    kernel.run("pictures = CellsSource(recorder, lambda: None).pictures('cell:4')")
    assert kernel.value("[picture.data[1:4].decode() for picture in pictures]") == ["PNG"]


def test_nothing_is_recorded_where_the_setting_says_so(kernel: Kernel) -> None:
    kernel.run("print('before')\n%config ChatConfig.record = False")
    kernel.run("display(Markdown('not seen'))")

    assert kernel.value("recorder.size_bytes") == 0
    assert kernel.value("len(shell.display_pub._hooks)") == 0

    kernel.run("%config ChatConfig.record = True")
    assert ran(kernel, "display(Markdown('seen'))") == "seen"


def test_unloading_leaves_no_hook_behind(kernel: Kernel) -> None:
    kernel.run("%unload_ext chatnb")

    assert kernel.value("len(shell.display_pub._hooks)") == 0
    assert (
        "recorder" not in str(kernel.value("[str(hook) for hook in shell.events.callbacks['post_run_cell']]")).lower()
    )


def test_the_recorder_is_within_its_bound_while_a_cell_shows_much(kernel: Kernel) -> None:
    kernel.run("small = type(recorder)(shell, bytes_limit=1_000_000)\nsmall.install()")

    kernel.run(
        "largest = 0\nfor _ in range(200):\n    display('x' * 50_000)\n    largest = max(largest, small.size_bytes)"
    )

    assert 500_000 < kernel.value("largest") < 1_200_000
    text = kernel.value("small.cells()[-1].outputs[0]['text']")
    assert re.fullmatch(r"\[\.\.\. 1\d\d earlier outputs left out \.\.\.\]\n", text)


def test_it_is_the_same_under_nbclient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATNB_HOME", str(tmp_path))
    sources = ["%load_ext chatnb", READ, "print('a')\n1 + 1", "print(read('cells:above'))"]
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])

    NotebookClient(document).execute()

    (shown,) = document.cells[-1]["outputs"]
    assert "a\\n2" in shown["text"]
    assert "file is not known" in shown["text"]


def test_it_is_the_same_in_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "reading.py").write_text(READ + "\nfrom IPython.display import Markdown, display")
    env = processes.environment(CHATNB_HOME=str(tmp_path), IPYTHONDIR=str(tmp_path / "ipython"), TERM="xterm")
    arguments = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor"]
    terminal = pexpect.spawn(sys.executable, arguments, env=env, cwd=str(tmp_path), encoding="utf-8", timeout=30)
    terminal.setwinsize(40, 200)
    lines = [
        "%load_ext chatnb",
        "%run -i reading.py",
        "print('a'); display(3); 1 + 1",
        "1 / 0",
        "open('read.txt', 'w').write(repr(read('cells:-2:')) + repr(read('error')))",
    ]
    terminal.expect_exact("In [1]:")
    for number, line in enumerate(lines, 2):
        terminal.sendline(line)
        terminal.expect_exact(f"In [{number}]:")
    terminal.close(force=True)

    read = (tmp_path / "read.txt").read_text()
    assert "[output]\\na\\n3\\n2" in read
    assert "ZeroDivisionError: division by zero" in read
    assert 'File "cell 4", line 1' in read
