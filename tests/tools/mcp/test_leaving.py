"""A process that ends without closing its servers leaves none behind."""

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests import processes
from tests.tools.mcp.running import SERVERS, until

LEAVE = """
import asyncio, os, sys
from chatnb.tools.mcp.base import McpServer
from chatnb.tools.mcp.tools import McpTools

async def main():
    tools = McpTools([McpServer("hostile", sys.executable, (sys.argv[1], sys.argv[2], sys.argv[3]))])
    assert await tools.connect() == (), tools.failures
    if os.fork() == 0:
        sys.exit()  # it runs what is to be run at the end, too
    os.wait()
    print(await tools.tools()[0].function())
    sys.stdout.flush()
    if "raise" in sys.argv:
        raise SystemExit(3)

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
"""


@pytest.mark.skipif(not hasattr(psutil, "LINUX") or not psutil.LINUX, reason="forks")
@pytest.mark.parametrize("how", ["end", "raise"])
def test_a_process_that_just_ends_ends_the_servers_that_it_started_and_a_fork_of_it_does_not(
    how: str, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        LEAVE,
        str(SERVERS / "hostile.py"),
        "stays",
        str(tmp_path / "tools"),
        how,
    ]

    ended = subprocess.run(
        command, env=processes.environment(), capture_output=True, text=True, timeout=100, check=False
    )

    assert ended.stdout.startswith("pid "), ended.stderr
    server = int(ended.stdout.split()[1])
    asyncio.run(until(lambda: not processes.is_running(server)))  # what was killed may take a moment
