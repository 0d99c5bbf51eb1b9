"""Start a real ipykernel and talk to it as a front end does.

with running_kernel(tmp_path) as kernel:
run = kernel.run("print(1)")                  # a person is there
run = kernel.run("print(1)", headless=True)   # nbclient, nbconvert, nbval: nobody is there
"""

import ast
import json
import queue
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from ipykernel._version import version_info
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests import processes
from tests.kernel.iopub import IOPub, Published
from tests.kernel.run import Run
from tests.ports import free_ports

OVERLOOKED_S = 15.0 if (7,) <= version_info < (7, 4) else 60.0
"""Seconds after which a cell that has not begun never will; a kernel that loses nothing may be slow."""


class OverlookedError(AssertionError):
    """The kernel has not read a request and never will.

    ipykernel 7.0 to 7.3 lose one in about a hundred, whatever the cell holds: a reply that is sent takes the wake-up of
    the request behind it (https://github.com/ipython/ipykernel/issues/1554, mended in 7.4 by pull request 1529). Such a
    test is run again, with those versions alone.
    """


class Pending:
    """A cell that runs."""

    def __init__(self, kernel: "Kernel", request: str, answers: Sequence[str]) -> None:
        self._kernel, self._request, self._answers = kernel, request, list(answers)
        self._cpu_s = kernel.cpu_s()
        self._prompts: list[str] = []

    def wait_for_text(self, text: str, timeout_s: float = 30) -> Published:
        """Wait until the cell shows `text`, printed or displayed, and return the message that did it.

        Raises
        ------
        AssertionError
            If it did not within `timeout_s`.
        """

        def shows(message: Published) -> bool:
            content = message.content
            said = [content.get("text", ""), *(content.get("data") or {}).values()]
            return message.parent == self._request and any(text in each for each in said if isinstance(each, str))

        self._wait_until_it_begins()
        found = self._kernel.iopub.wait_for(shows, timeout_s)
        if found is None:
            raise AssertionError(f"The cell did not show {text!r} within {timeout_s} s.")
        return found

    def wait_for_prompt(self, timeout_s: float = 30) -> str:
        """Wait until the cell asks, and return what; it stays without an answer.

        Raises
        ------
        AssertionError
            If it did not within `timeout_s`.
        """
        self._wait_until_it_begins()
        end_at = time.monotonic() + timeout_s
        while time.monotonic() < end_at:
            if (prompt := self._kernel.prompt()) is not None:
                self._prompts.append(prompt)
                return prompt
            time.sleep(0.02)
        raise AssertionError(f"The cell did not ask within {timeout_s} s.")

    def wait(self, timeout_s: float = 60) -> Run:
        """Wait until the cell has ended and everything it published is here.

        Raises
        ------
        AssertionError
            If it still runs after `timeout_s`.
        """
        self._wait_until_it_begins()
        end_at = time.monotonic() + timeout_s
        reply = None
        while reply is None:
            if time.monotonic() > end_at:
                raise AssertionError(f"The cell still ran after {timeout_s} s.")
            self._answer_a_prompt()
            reply = self._kernel.reply_to(self._request, timeout_s=0.05)

        def is_idle(message: Published) -> bool:
            is_status = message.parent == self._request and message.type == "status"
            return is_status and message.content["execution_state"] == "idle"

        if self._kernel.iopub.wait_for(is_idle, 10) is None:
            raise AssertionError("The kernel did not say that it is idle.")
        messages = self._kernel.iopub.messages(self._request)
        return Run(reply, tuple(messages), tuple(self._prompts), self._kernel.cpu_s() - self._cpu_s)

    def _wait_until_it_begins(self) -> None:
        """Wait for the first sign of life; a cell that waits behind another one begins when that has ended."""
        if self._kernel.iopub.wait_for(lambda message: message.parent == self._request, OVERLOOKED_S) is None:
            raise OverlookedError(f"The kernel had not begun with the cell after {OVERLOOKED_S} s.")

    def _answer_a_prompt(self) -> None:
        prompt = self._kernel.prompt()
        if prompt is not None:
            self._prompts.append(prompt)
            if not self._answers:
                raise AssertionError(f"The cell asks {prompt!r}, and the test has no answer left.")
            self._kernel.answer(self._answers.pop(0))


class Kernel:
    """A kernel that runs; made by `running_kernel`.

    Attributes
    ----------
    session
        What requests call the client that sends them.
    """

    def __init__(self, manager: KernelManager, client: BlockingKernelClient, iopub: IOPub) -> None:
        self._manager, self._client = manager, client
        self.iopub = iopub
        self.session: str = client.session.session
        self.process = psutil.Process(manager.provisioner.process.pid)  # type: ignore[union-attr]
        self._replies: dict[str, dict[str, Any]] = {}

    def run(
        self,
        code: str,
        *,
        headless: bool = False,
        cell_id: str | None = None,
        answers: Sequence[str] = (),
        timeout_s: float = 60,
    ) -> Run:
        """Run a cell to its end; see `start` for the parameters."""
        return self.start(code, headless=headless, cell_id=cell_id, answers=answers).wait(timeout_s)

    def start(
        self, code: str, *, headless: bool = False, cell_id: str | None = None, answers: Sequence[str] = ()
    ) -> Pending:
        """Start a cell.

        Parameters
        ----------
        headless
            Say that nobody is there to answer (`allow_stdin` is false), as nbclient and nbconvert do.
        cell_id
            The cell's id, as JupyterLab sends it.
        answers
            What is typed when the cell asks, one after the other.
        """
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": not headless,
            "stop_on_error": True,
        }
        return Pending(self, self._send("execute_request", content, {"cellId": cell_id} if cell_id else {}), answers)

    def interrupt(self) -> None:
        """Interrupt what runs, as the front end's stop button does."""
        self._manager.interrupt_kernel()

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the kernel, by way of JSON.

        Raises
        ------
        AssertionError
            If it raised, or is not JSON.
        """
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": {"value": f"__import__('json').dumps({expression})"},
            "allow_stdin": False,
        }
        value = self._ask("execute_request", content)["user_expressions"]["value"]
        if value["status"] != "ok":
            raise AssertionError(f"{expression}: {value['ename']}: {value['evalue']}")
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def complete(self, code: str, cursor: int | None = None) -> list[str]:
        """Return the completions at `cursor`, the end of the code unless given."""
        content = {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
        matches: list[str] = self._ask("complete_request", content)["matches"]
        return matches

    def cpu_s(self) -> float:
        """Return the processor time that the kernel has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def threads(self) -> list[str]:
        """Return the names of the kernel's Python threads."""
        names: list[str] = self.value("sorted(t.name for t in __import__('threading').enumerate())")
        return names

    def reply_to(self, request: str, timeout_s: float) -> dict[str, Any] | None:
        """Return the content of the shell's reply, or None if it has not come within `timeout_s`."""
        end_at = time.monotonic() + timeout_s
        while request not in self._replies:
            try:
                message = self._client.shell_channel.get_msg(timeout=max(0, end_at - time.monotonic()))
            except queue.Empty:
                return None
            self._replies[message["parent_header"]["msg_id"]] = message["content"]
        return self._replies.pop(request)

    def prompt(self) -> str | None:
        """Return what the cell asks for, None if it asks for nothing."""
        try:
            message = self._client.stdin_channel.get_msg(timeout=0)
        except queue.Empty:
            return None
        return str(message["content"]["prompt"])

    def answer(self, text: str) -> None:
        """Type an answer."""
        self._client.input(text)

    def send_comm(self, comm_id: str, data: Mapping[str, Any], *, subshell: str | None = None) -> str:
        """Send a message over a comm, as a widget does, and return its id; to a subshell, where one is named."""
        return self._send("comm_msg", {"comm_id": comm_id, "data": dict(data)}, subshell=subshell)

    def expect_begun(self, request: str) -> None:
        """Raise OverlookedError if the kernel has not begun with a request."""
        if not self.iopub.messages(request):
            raise OverlookedError("The kernel had not begun with a message.")

    def new_subshell(self) -> str | None:
        """Return the id of a new subshell, as JupyterLab asks for one; None where the kernel has none."""
        if not self.value("getattr(get_ipython().kernel, '_supports_kernel_subshells', False)"):
            return None
        subshell: str | None = self.control("create_subshell_request", {}).get("subshell_id")
        return subshell

    def control(self, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Ask over the control channel, which the kernel hears while a cell runs, and return the answer."""
        message = self._client.session.msg(kind, dict(content))
        self._client.control_channel.send(message)
        while True:
            reply = self._client.control_channel.get_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                answer: dict[str, Any] = reply["content"]
                return answer

    def _send(
        self,
        kind: str,
        content: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        subshell: str | None = None,
    ) -> str:
        message = self._client.session.msg(kind, dict(content), metadata=dict(metadata or {}))
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def _ask(self, kind: str, content: Mapping[str, Any], timeout_s: float = 30) -> dict[str, Any]:
        reply = self.reply_to(self._send(kind, content), timeout_s)
        if reply is None:
            raise OverlookedError(f"The kernel did not answer a {kind} within {timeout_s} s.")
        return reply


@contextmanager
def running_kernel(home: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Iterator[Kernel]:
    """Start a kernel that knows nothing of the user's settings, and end it.

    Parameters
    ----------
    home
        A folder of the test's; chatnb's data go to `home / "chatnb"`.
    env
        Added to its environment.
    cwd
        Its working directory; `home` unless given.
    """
    home.mkdir(parents=True, exist_ok=True)
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "CHATNB_HOME": "home",  # a folder called chatnb could hide the package
    }
    places = {name: str(home / folder) for name, folder in folders.items()}
    # Those that it would choose are of the range that outgoing connections take theirs from: one in some hundreds is gone
    # by the time the kernel wants it.
    channels = ("shell", "iopub", "stdin", "hb", "control")
    ports = {f"{channel}_port": port for channel, port in zip(channels, free_ports(len(channels)), strict=True)}
    manager = KernelManager(connection_file=str(home / "kernel.json"), cache_ports=False, **ports)
    manager.start_kernel(env={**processes.environment(**places), **(env or {})}, cwd=str(cwd or home))
    client = manager.client()
    client.start_channels()
    iopub = None
    try:
        client.wait_for_ready(timeout=60)
        iopub = IOPub(home / "kernel.json")
        # A subscription takes a moment; only what is published after it arrives.
        while iopub.wait_for(lambda _: True, 0.1) is None:
            client.kernel_info()
        yield Kernel(manager, client, iopub)
    finally:
        if iopub is not None:
            iopub.close()
        client.stop_channels()
        manager.shutdown_kernel()
