"""`chatnb mcp` as a program, driven by the reference client, in front of a real kernel."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from chatnb.errors import SettingsError
from chatnb.mcp_server import serve
from tests import processes
from tests.kernel.kernels import Kernel

pytestmark = pytest.mark.kernel


@asynccontextmanager
async def client_of(file: Path, *, allow_run: bool = False) -> AsyncIterator[Client]:
    """Start the program and connect with it."""
    code = f"from chatnb.mcp_server import serve; serve({str(file)!r}, allow_run={allow_run})"
    program = StdioServerParameters(command=sys.executable, args=["-c", code], env=processes.environment())
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


def test_a_kernel_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))

    with pytest.raises(SettingsError, match=r"No kernel runs\. Open a notebook"):
        serve("anything")
