"""Code of a model runs among the user's variables, and the model reads what it showed."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import pytest

from chatnb.tools.python import CodeFailed, python_tools
from chatnb.tools.running import run_code
from chatnb.tools.tool import Tool
from chatnb.tools.undo import Undo
from tests.context.shells import Typed, typed


@pytest.fixture
def terminal() -> Iterator[Typed]:
    with typed() as terminal:
        yield terminal


@pytest.fixture
def undo(terminal: Typed) -> Undo:
    return Undo(terminal.shell.user_ns)


@pytest.fixture
def tool(terminal: Typed, undo: Undo) -> Tool:
    (tool,) = python_tools(terminal.shell, undo)
    return tool


def run(terminal: Typed, tool: Tool, code: str) -> str:
    """Run code while a cell waits, as it does in a turn."""
    text: str = terminal.asking(lambda: tool.function(code=code))
    return text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1 + 1", "2"),
        ("print('a'); print('b')", "a\nb"),
        ("import sys; print('e', file=sys.stderr)", "e\n[variables added: sys]"),
        ("'x';", "[it ran and showed nothing]"),
        ("print('a')\nn = 1\n'last'", "a\n'last'\n[variables added: n]"),
        ("import asyncio\nawait asyncio.sleep(0, 'slept')", "'slept'\n[variables added: asyncio]"),
        ("!echo $((40 + 2))", "42\n[variables added: _exit_code]"),
        ("%%capture\nprint('hidden')", "[it ran and showed nothing]"),
    ],
)
def test_the_model_reads_what_it_showed_and_what_it_set(terminal: Typed, tool: Tool, code: str, text: str) -> None:
    result = run(terminal, tool, code)

    assert result.replace("\r", "") == text


def test_a_table_is_text(terminal: Typed, tool: Tool) -> None:
    result = run(terminal, tool, "import pandas as pd\npd.DataFrame({'a': [1]})")

    assert result == "   a\n0  1\n[variables added: pd]"


def test_an_error_is_told_without_colours_and_after_what_was_printed(terminal: Typed, tool: Tool) -> None:
    with pytest.raises(CodeFailed) as failure:
        run(terminal, tool, "print('so far')\n1 / 0")

    text = str(failure.value)
    assert text.index("so far") < text.index("ZeroDivisionError: division by zero")
    assert "\x1b" not in text
    assert "this cell" in text


@pytest.mark.parametrize("code", ["((", "%nobody_knows", "raise SystemExit(1)"])
def test_what_is_no_code_or_ends_the_program_is_an_error_too(terminal: Typed, tool: Tool, code: str) -> None:
    result: Any = None

    try:
        result = run(terminal, tool, code)
    except CodeFailed as error:
        result = str(error)

    assert "Error" in result or "exit" in result or "not found" in result


def test_it_is_no_cell_of_the_users(terminal: Typed, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(builtins, "_", raising=False)  # where anybody has set it, IPython leaves its own alone
    terminal.run("'mine'")
    before = terminal.shell.execution_count

    run(terminal, tool, "'the model'")

    assert terminal.shell.execution_count == before + 1  # the cell that asked
    assert terminal.shell.user_ns["_"] == "mine"
    assert list(terminal.shell.user_ns["Out"].values()) == ["mine"]
    assert [cell.source for cell in terminal.recorder.cells()] == ["'mine'", "answer = ask()"]


def test_what_it_shows_belongs_to_the_cell_that_asks(terminal: Typed, tool: Tool) -> None:
    run(terminal, tool, "print('from the model')")

    (cell,) = terminal.recorder.cells()
    assert "from the model" in cell.outputs_as_text()


def test_the_screen_is_as_before_afterwards(terminal: Typed, tool: Tool) -> None:
    shell = terminal.shell
    names = ("showtraceback", "_showtraceback")
    before = (vars(shell.display_pub).copy(), [vars(shell).get(name) for name in names])

    run(terminal, tool, "print(1)")

    assert "publish" not in vars(shell.display_pub)
    after = (vars(shell.display_pub), [vars(shell).get(name) for name in names])
    assert (after[0].keys(), after[1]) == (before[0].keys(), before[1])


def test_a_loop_that_prints_for_ever_is_bounded(terminal: Typed, tool: Tool) -> None:
    result = run(terminal, tool, "for i in range(20_000): print('line', i)")

    assert len(result) < 10_000
    assert "characters left out" in result
    assert "line 19999" in result


INTERRUPTED = """
import asyncio, signal
left = []
async def wait():
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
    try:
        await asyncio.sleep(0)
        left.append("it went on")
    finally:
        left.append("it tidied up")
await wait()
"""


def test_code_that_awaits_and_is_interrupted_does_not_go_on_with_the_next(terminal: Typed, tool: Tool) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(terminal, tool, INTERRUPTED)
    before = list(terminal.shell.user_ns["left"])

    run(terminal, tool, "await asyncio.sleep(0)\nawait asyncio.sleep(0)")

    assert before == terminal.shell.user_ns["left"] == ["it tidied up"]


@pytest.mark.parametrize("code", ["import signal\nsignal.raise_signal(signal.SIGINT)", INTERRUPTED])
def test_no_traceback_is_written_of_an_interrupt(terminal: Typed, code: str) -> None:
    ran = run_code(terminal.shell, code)

    assert isinstance(ran.error, KeyboardInterrupt)
    assert ran.text == "KeyboardInterrupt"


def test_its_changes_can_be_undone(terminal: Typed, tool: Tool, undo: Undo) -> None:
    rows = terminal.shell.user_ns["rows"] = [1]

    run(terminal, tool, "rows.append(2)\nrows = None\nmore = 1")
    undo.undo()

    assert terminal.shell.user_ns["rows"] is rows
    assert rows == [1]
    assert "more" not in terminal.shell.user_ns


def test_a_run_that_ends_with_an_error_can_be_undone(terminal: Typed, tool: Tool, undo: Undo) -> None:
    with pytest.raises(CodeFailed):
        run(terminal, tool, "half = 1\n1 / 0")

    undone = undo.undo()

    assert undone.added == ("half",)


@pytest.mark.parametrize("code", ["%%chat\nhello", "%ask hello", "%chat sessions"])
def test_code_that_would_ask_a_model_is_refused(terminal: Typed, tool: Tool, code: str) -> None:
    with pytest.raises(PermissionError, match="cannot ask a model"):
        run(terminal, tool, code)


def test_no_code_is_told(terminal: Typed, tool: Tool) -> None:
    with pytest.raises(ValueError, match="no code"):
        run(terminal, tool, " \n")


def test_the_preview_shows_the_code_as_it_is_and_what_it_would_touch(tool: Tool) -> None:
    assert tool.preview is not None

    preview = tool.preview({"code": "df = pd.read_csv('a.csv')  # \u202e\x1b[2J"})

    assert preview.splitlines() == [
        "df = pd.read_csv('a.csv')  # \\u202e\\x1b[2J",
        "",
        "may do anything: characters that do not show (U+001B, U+202E)",
        "assigns: df",
        "reads: a.csv",
    ]


def test_it_runs_where_cells_run_and_says_that_it_runs_code(tool: Tool) -> None:
    assert (tool.spec.name, tool.where, sorted(tool.effects)) == ("run_python", "kernel", ["runs"])
    assert tool.scope is None
