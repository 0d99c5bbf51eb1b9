"""Tools of MCP servers in a real kernel: chosen, asked about, called, and gone with the chat."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from chatnb.tools.mcp.base import McpServer
from tests.faults.script import Answer, Instruction
from tests.faults.server import FaultServer
from tests.kernel.kernels import Kernel, running_kernel
from tests.kernel.run import Run
from tests.ollama.server import OllamaServer
from tests.tools.mcp.running import SERVERS, lives, serving_http, until

pytestmark = pytest.mark.kernel

SECRET = "sesame-street"  # noqa: S105 - of nothing


def program(script: str, *arguments: str, **more: Any) -> dict[str, Any]:
    """Return the entry of a server that is one of our programs."""
    return {"command": sys.executable, "args": [str(SERVERS / script), *arguments], **more}


REFERENCE = program("reference.py")


def set_up(kernel: Kernel, servers: Mapping[str, Any]) -> None:
    """Set the servers as a user does, and load the extension before."""
    run = kernel.run(f"%load_ext chatnb\n%config ChatConfig.mcp = {dict(servers)!r}")
    assert run.status == "ok", run.error


READ = {"prompt_eval_count": 1_000}  # what a server would count that has read the schemas of tools
DONE = Answer(text="Done.", counts=READ)


def calling(name: str, **arguments: Any) -> Answer:
    return Answer(text="", tool_calls=[{"function": {"name": name, "arguments": arguments}}], counts=READ)


def asking(server: FaultServer) -> dict[str, str]:
    return {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny", "CHATNB_RETRY_ATTEMPTS": "1"}


def results(server: FaultServer) -> list[str]:
    """Return what the model has read of the last round of calls."""
    return [message["content"] for message in server.chats[-1].messages if message["role"] == "tool"]


def programs_of(kernel: Kernel) -> list[psutil.Process]:
    """Return the servers that a kernel runs."""
    return [
        child
        for child in kernel.process.children(recursive=True)
        if lives(child) and str(SERVERS) in " ".join(command_of(child))
    ]


def command_of(process: psutil.Process) -> list[str]:
    """Return what a process was started with; nothing if it has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        return list(process.cmdline())
    return []


def wait_until_gone(programs: list[psutil.Process]) -> None:
    asyncio.run(until(lambda: not any(map(lives, programs))))


def plain(run: Run) -> str:
    """Return what a command lists."""
    assert run.status == "ok", run.error
    text: str = run.outputs[-1]["data"]["text/plain"]
    return text


@pytest.fixture
def script() -> list[Instruction]:
    return [DONE]


@pytest.fixture
def server(script: list[Instruction]) -> Iterator[FaultServer]:
    with FaultServer({"tiny": script}) as server:
        yield server


@pytest.fixture
def kernel(tmp_path: Path, server: FaultServer) -> Iterator[Kernel]:
    folder = tmp_path / "work"
    folder.mkdir()
    with running_kernel(tmp_path, asking(server), folder) as kernel:
        yield kernel


@pytest.fixture(params=["stdio", "http"])
def entry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mapping[str, Any]]:
    """Give the reference server as it is written down, in both ways."""
    if request.param == "stdio":
        yield REFERENCE
    else:
        with serving_http(tmp_path) as served:
            assert isinstance(served, McpServer)
            yield {"type": "http", "url": served.url}


@pytest.mark.ollama
def test_a_real_model_calls_a_tool_after_a_yes_to_the_exact_call_and_answers_with_its_result(
    tmp_path: Path, ollama_server: OllamaServer, entry: Mapping[str, Any]
) -> None:
    with running_kernel(tmp_path, {"OLLAMA_HOST": ollama_server.url, "CHATNB_MODEL": "tinychat"}) as kernel:
        set_up(kernel, {"mcpServers": {"reference": entry}})
        question = '%%chat -t reference_shout --into answer\nCall the tool reference_shout with {"word": "hello"}.'

        yes = kernel.run(question, answers=["y"])
        answer = kernel.value("answer")
        # What it says of a refusal nobody taught it: it would go on until something stops it.
        refused = kernel.run(question.replace(" --into answer", " -o num_predict=100"), headless=True)

    assert yes.status == "ok", yes.error
    assert 'reference_shout(word="hello") ' in yes.prompts[0]
    assert "Allow it?" in yes.prompts[0]
    assert "shout of the MCP server reference (" in str(yes.outputs)
    assert answer == "The tool reference_shout says: HELLO"
    assert "nobody is here" in refused.text


def test_servers_begin_with_the_first_question_that_chooses_them_and_end_with_the_chat(
    kernel: Kernel, server: FaultServer
) -> None:
    set_up(kernel, {"reference": REFERENCE, "other": REFERENCE})
    kernel.run("%ask Why?")
    before = (programs_of(kernel), kernel.value("'mcp' in __import__('sys').modules"))

    kernel.run("%ask -t reference -t files Why?")
    (first,) = programs_of(kernel)
    told = [tool["function"]["name"] for tool in server.chats[-1].body["tools"]]
    kernel.run("%ask -t reference_add Why?")
    again = programs_of(kernel)
    only = [tool["function"]["name"] for tool in server.chats[-1].body["tools"]]
    run = kernel.run("%unload_ext chatnb")

    assert before == ([], False)
    assert told[:2] == ["reference_add", "reference_shout"]
    assert "read_file" in told
    assert (again, only) == ([first], ["reference_add"])
    assert run.status == "ok", run.error
    wait_until_gone([first, *programs_of(kernel)])
    assert kernel.threads() == [name for name in kernel.threads() if "chatnb" not in name and "mcp" not in name]


def test_a_kernel_that_ends_leaves_no_server_behind(tmp_path: Path, server: FaultServer) -> None:
    with running_kernel(tmp_path, asking(server)) as kernel:
        set_up(kernel, {"hostile": program("hostile.py", "stays")})
        kernel.run("%ask -t hostile Why?")
        left = programs_of(kernel)

    assert len(left) == 1
    wait_until_gone(left)


def test_the_list_of_tools_tells_what_each_may_touch_and_why_servers_are_not_there(kernel: Kernel) -> None:
    broken = program("hostile.py", "never starts")
    wrong = {"command": "npx", "autoApprove": []}
    set_up(kernel, {"reference": REFERENCE, "broken": broken, "wrong": wrong, "files": REFERENCE})

    listed = plain(kernel.run("%chat tools")).splitlines()
    question = kernel.run("%ask -t broken -t wrong -t reference_add Why?")

    def row(*words: str) -> str:
        return next(line for line in listed if all(word in line for word in words))

    assert "runs  " in row("reference", "reference_add")
    assert "network, runs, writes" in row("reference", "reference_shout")
    assert "asked about" in row("reference", "reference_shout")
    assert "It ended with exit code 7. It complained: no licence found" in row("broken")
    assert "'autoApprove', which chatnb does not know" in row("wrong")
    assert "has the name of tools of chatnb" in row("files", "not here")
    assert "reads" in row("read_file")
    assert question.status == "ok", question.error
    assert "The MCP server broken cannot be used" in question.text.replace("&#46;", ".")


def test_a_tab_completes_sets_and_servers_and_tools_that_are_known(kernel: Kernel) -> None:
    set_up(kernel, {"reference": REFERENCE})

    before = kernel.complete("%ask -t refe")
    started = programs_of(kernel)
    kernel.run("%ask -t reference Why?")
    after = kernel.complete("%ask -t reference_sh")

    assert (before, started) == (["reference"], [])
    assert after == ["reference_shout"]
    assert {"files", "read_file"} <= set(kernel.complete("%%chat -t "))


def test_a_tool_that_is_not_there_is_told_with_those_that_come_near(kernel: Kernel, server: FaultServer) -> None:
    set_up(kernel, {"reference": REFERENCE})

    run = kernel.run("%ask -t reference_shoot Why?")

    assert run.error is not None
    assert "reference_shout" in run.error.value
    assert server.chats == []


def test_only_the_users_own_file_is_looked_for_and_another_one_has_to_be_named(kernel: Kernel, tmp_path: Path) -> None:
    servers = json.dumps({"mcpServers": {"reference": REFERENCE}, "theme": "dark"})
    kernel.run("%load_ext chatnb")
    for name in ("mcp.json", ".mcp.json"):
        (tmp_path / "work" / name).write_text(servers, "utf-8")
    foreign = plain(kernel.run("%chat tools"))
    kernel.run("%config ChatConfig.mcp = 'mcp.json'")
    named = plain(kernel.run("%chat tools"))
    kernel.run("%config ChatConfig.mcp = ''")
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "mcp.json").write_text(servers.replace("reference", "mine", 1), "utf-8")
    own = plain(kernel.run("%chat tools"))
    programs = programs_of(kernel)
    (tmp_path / "home" / "mcp.json").write_text("{", "utf-8")
    broken = plain(kernel.run("%chat tools"))

    assert "reference_add" not in foreign
    assert "reference_add" in named
    assert "reference_add" not in own
    assert "mine_add" in own
    assert len(programs) == 1
    assert "mcp.json is no JSON of MCP servers" in broken
    assert "read_file" in broken


def test_secrets_of_the_configuration_are_not_shown(kernel: Kernel) -> None:
    entry = program("hostile.py", "never starts", env={"KEY": SECRET})
    set_up(kernel, {"mcpServers": {"reference": entry, "far": {"url": f"http://127.0.0.1:9/{SECRET}"}}})

    shown = [
        str(kernel.run(command).messages)
        for command in ("%chat config", "%config ChatConfig", "%chat tools", "%chat doctor", "%ask -t far Why?")
    ]

    assert all("reference" in text for text in shown[:4])
    assert not any(SECRET in text for text in shown)


def test_the_doctor_tells_of_each_server(kernel: Kernel) -> None:
    set_up(kernel, {"reference": REFERENCE, "lost": {"command": "no-such-program"}})

    listed = plain(kernel.run("%chat doctor")).splitlines()

    (there,) = (line for line in listed if "MCP server reference" in line)
    (lost,) = (line for line in listed if "MCP server lost" in line)
    assert there.startswith("✓")
    assert "reference_add, reference_shout" in there
    assert lost.startswith("✗")
    assert "There is no program 'no-such-program' on the PATH" in lost


@pytest.mark.parametrize("script", [[calling("reference_wait", mark="mark"), DONE]])
def test_a_server_that_is_killed_in_a_call_is_told_to_the_model_and_there_at_the_next_question(
    kernel: Kernel, server: FaultServer, tmp_path: Path
) -> None:
    set_up(kernel, {"reference": {**REFERENCE, "cwd": str(tmp_path)}})
    kernel.run("%config ChatConfig.approve = {'reference_wait': 'always'}")
    pending = kernel.start("%ask -t reference Wait.")
    asyncio.run(until((tmp_path / "mark").exists, 60))
    (killed,) = programs_of(kernel)
    killed.kill()

    run = pending.wait()
    (told,) = results(server)
    again = kernel.run("%ask -t reference Why?")

    assert run.status == "ok", run.error
    assert "Error: McpFailed: The MCP server reference failed. It ended with exit code -9." in told  # fenced
    assert again.status == "ok", again.error
    assert [program.pid for program in programs_of(kernel)] != [killed.pid]
    assert len(programs_of(kernel)) == 1


@pytest.mark.parametrize("script", [[calling("hanging_wait", mark="mark"), DONE]])
@pytest.mark.parametrize("hanging", [REFERENCE, program("hostile.py", "hangs at once")], ids=["call", "start"])
def test_a_server_that_hangs_is_interrupted_and_the_next_question_works(
    kernel: Kernel, hanging: Mapping[str, Any], tmp_path: Path
) -> None:
    set_up(kernel, {"hanging": {**hanging, "cwd": str(tmp_path)}, "reference": REFERENCE})
    kernel.run("%config ChatConfig.approve = {'hanging_wait': 'always'}")
    pending = kernel.start("%ask -t hanging Wait.")
    hangs = (tmp_path / "mark").exists if hanging is REFERENCE else lambda: programs_of(kernel)
    asyncio.run(until(hangs, 60))
    kernel.interrupt()

    run = pending.wait()
    again = kernel.run("%ask -t reference Why?")

    assert run.error is not None
    assert run.error.name == "ChatInterrupted"
    assert again.status == "ok", again.error
    assert kernel.run("%unload_ext chatnb").status == "ok"
    wait_until_gone(programs_of(kernel))


@pytest.mark.parametrize(
    "script",
    [[calling("reference_shout", word="run rm"), DONE, calling("run_python", code="x = 1"), DONE]],
)
def test_what_a_server_said_makes_distrustful_in_the_next_question_too(kernel: Kernel, server: FaultServer) -> None:
    set_up(kernel, {"reference": REFERENCE})
    kernel.run("%config ChatConfig.approve = {'reference_shout': 'always', 'run_python': 'always'}")
    kernel.run("%ask -t reference Shout.")

    run = kernel.run("%ask -t python Run.", answers=["n"])

    assert "since text from the network was read since, and it may carry instructions" in run.prompts[0]
    assert kernel.value("'x' in globals()") is False
