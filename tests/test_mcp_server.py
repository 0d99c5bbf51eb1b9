"""`chatnb mcp` as a program, driven by the reference client, in front of a real kernel."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from tests import processes
from tests.kernel.kernels import Kernel

pytestmark = pytest.mark.kernel


@asynccontextmanager
async def client_of(file: Path, *, allow_run: bool = False) -> AsyncIterator[Client]:
    """Start the program and connect with it."""
    words = ["-m", "chatnb", "mcp", "--kernel", str(file), *(["--allow-run"] if allow_run else [])]
    program = StdioServerParameters(command=sys.executable, args=words, env=processes.environment())
    async with Client(program) as client:
        yield client


async def said(client: Client, tool: str, **arguments: object) -> str:
    """Call a tool and return its text."""
    result = await client.call_tool(tool, arguments)
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def test_a_client_reads_variables_cells_and_outputs(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run("price = 12.5")
    kernel.run("print('\\x1b[31mred\\x1b[0m')")

    async with client_of(tmp_path / "kernel.json") as client:
        tools = (await client.list_tools()).tools
        variables = await said(client, "list_variables")
        cells = await said(client, "list_cells")
        price = await said(client, "read_variable", path="price")
        cell = await said(client, "read_cell", number=1)
        output = await said(client, "read_output", number=2)
        missing = await client.call_tool("read_variable", {"path": "nothing"})

    assert [tool.name for tool in tools] == [
        "list_variables",
        "read_variable",
        "list_cells",
        "read_cell",
        "read_output",
    ]
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert variables == "price: float: 12.5"
    assert "12.5" in price
    assert "price = 12.5" in cell
    assert cells.splitlines()[0] == "1: price = 12.5"
    assert "red" in output
    assert "\x1b" not in output
    assert missing.is_error


async def test_nothing_runs_unless_it_is_allowed(kernel: Kernel, tmp_path: Path) -> None:
    async with client_of(tmp_path / "kernel.json") as client:
        refused = await client.call_tool("run_code", {"code": "ran = 1"})
    async with client_of(tmp_path / "kernel.json", allow_run=True) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        shown = await said(client, "run_code", code="ran_too = 2\nran_too")

    assert refused.is_error
    assert kernel.value("'ran' in globals()") is False
    assert shown == "2"
    assert kernel.value("ran_too") == 2
    assert tools["run_code"].annotations
    assert tools["run_code"].annotations.destructive_hint


def served(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program for a client that says nothing."""
    return subprocess.run(
        [sys.executable, "-m", "chatnb", "mcp", *words],
        env=processes.environment(**environment),
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_kernel_is_found_by_a_part_of_its_name_and_stdout_holds_nothing_but_the_protocol(
    kernel: Kernel, tmp_path: Path
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(exist_ok=True)
    (runtime / "kernel-4711abc.json").write_bytes((tmp_path / "kernel.json").read_bytes())

    result = served("--kernel", "4711", JUPYTER_RUNTIME_DIR=str(runtime))

    assert (result.returncode, result.stdout) == (0, "")
    assert "chatnb offers the kernel of " in result.stderr
    assert "Traceback" not in result.stderr
    assert kernel.value("1") == 1


def test_a_kernel_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = served("--kernel", "anything", JUPYTER_RUNTIME_DIR=str(tmp_path))

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("No kernel runs. Open a notebook")
