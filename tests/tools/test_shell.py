"""A command runs in its own group of processes, bounded, without secrets, and is gone when it is to be gone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from chatnb.tools.shell import OUTPUT_CHARACTERS, shell_tools, without_secrets
from chatnb.tools.tool import Tool
from tests.processes import is_running
from tests.tools.mcp.running import until

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    (tool,) = shell_tools(tmp_path)
    return tool


async def test_it_returns_what_the_command_prints(tool: Tool, tmp_path: Path) -> None:
    text = await tool.function(command="pwd; echo oops >&2")

    assert text == f"{tmp_path}\noops"


async def test_a_code_of_failure_is_told(tool: Tool) -> None:
    text = await tool.function(command="echo no; exit 3")

    assert text == "no\n[exit code 3]"


async def test_silence_is_told(tool: Tool) -> None:
    assert await tool.function(command="true") == "[it printed nothing]"


async def test_there_is_no_input(tool: Tool) -> None:
    assert await tool.function(command="cat; echo done") == "done"


async def test_colours_and_what_is_written_over_are_left_out(tool: Tool) -> None:
    text = await tool.function(command=r"printf '10 %%\r\033[31m100 %%\033[0m\n\377'")

    assert text == "100 %\n\N{REPLACEMENT CHARACTER}"


async def test_output_without_end_is_bounded(tmp_path: Path) -> None:
    (tool,) = shell_tools(tmp_path, time_limit_s=5)

    with pytest.raises(TimeoutError) as failure:
        await tool.function(command="yes line")

    assert len(str(failure.value)) < OUTPUT_CHARACTERS + 200
    assert "characters left out" in str(failure.value)


async def test_after_its_time_it_is_stopped_and_what_it_printed_is_told(tmp_path: Path) -> None:
    (tool,) = shell_tools(tmp_path, time_limit_s=5)  # by then it has printed, on a busy machine too

    with pytest.raises(TimeoutError) as failure:
        await tool.function(command="echo so far; sleep 1000")

    assert str(failure.value) == "Stopped after 5 s. so far"


def read_processes(path: Path) -> list[psutil.Process]:
    """Wait until a command has written the numbers of two processes into a pipe, and return these."""
    with path.open() as pipe:
        return [psutil.Process(int(pipe.readline())) for _ in range(2)]


async def test_a_cancelled_command_is_gone_with_all_that_it_started(tool: Tool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pids")
    stubborn = "sh -c 'trap \"\" TERM INT; echo $$; sleep 1000; true'"
    running = asyncio.create_task(tool.function(command=f"{{ echo $$; {stubborn}; }} > pids & wait"))
    processes = await asyncio.to_thread(read_processes, tmp_path / "pids")

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    _, alive = psutil.wait_procs(processes, timeout=60)
    assert (len(processes), alive) == (2, [])


async def test_a_command_that_is_cancelled_while_it_begins_is_gone_too(tool: Tool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pids")
    before = set(psutil.Process().children())
    running = asyncio.create_task(tool.function(command="{ echo $$; sleep 1000 & echo $!; } > pids; wait"))
    while set(psutil.Process().children()) <= before:  # noqa: ASYNC110 - one round of the loop after the other
        await asyncio.sleep(0)
    processes = read_processes(tmp_path / "pids")  # the loop stands still, so it is still beginning

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


async def test_what_it_leaves_in_the_background_is_ended_and_not_waited_for(tool: Tool, tmp_path: Path) -> None:
    text = await tool.function(command="echo $$ >> pids; sleep 1000 & echo $! >> pids; echo done")

    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert (text, len(pids)) == ("done", 2)
    await until(lambda: not any(map(is_running, pids)))


async def test_what_has_left_the_group_is_not_waited_for(tool: Tool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "left")  # the command reads it once the process is in a group of its own

    text = await tool.function(command="setsid sh -c 'echo $$ > left; exec sleep 1000' & read pid < left; echo $pid")

    psutil.Process(int(text)).kill()


async def test_no_descriptor_stays_open(tool: Tool) -> None:
    await tool.function(command="true")
    before = psutil.Process().num_fds()

    for _ in range(3):
        await tool.function(command="true")

    assert psutil.Process().num_fds() == before


async def test_the_command_does_not_see_secrets(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TOKEN", "f81d4fae7dec")
    monkeypatch.setenv("COPY_OF_IT", "f81d4fae7dec")
    monkeypatch.setenv("DB_PASSWORD", "sesame")
    monkeypatch.setenv("ROOMS", "seven")

    text = await tool.function(command="env")

    assert "ROOMS=seven" in text
    assert not {"f81d4fae7dec", "sesame"} & set(text.replace("=", "\n").splitlines())


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD", "MY_PAT"])
def test_the_name_of_a_secret_is_enough(name: str) -> None:
    assert without_secrets({name: "plain", "HOME": "/root"}) == {"HOME": "/root"}


def test_the_preview_shows_the_command_as_it_is(tool: Tool, tmp_path: Path) -> None:
    assert tool.preview is not None

    preview = tool.preview({"command": "ls \u202e\x1b[2K"})

    assert preview == f"ls \\u202e\\x1b[2K\n\nruns in: {tmp_path}"


def test_it_may_do_anything_and_says_so(tool: Tool) -> None:
    assert (tool.where, sorted(tool.effects), tool.scope) == ("loop", ["network", "runs", "writes"], None)
