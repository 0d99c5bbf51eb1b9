"""A front end's view of a panel, without a browser: it speaks the wire over a comm, and applies what comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from tests.kernel.iopub import Published
from tests.kernel.kernels import Kernel
from tests.seen import Seen

Json = dict[str, Any]


class View:
    """One view of a panel.

    Parameters
    ----------
    comm_id
        The panel's.
    subshell
        The id of the subshell that messages name, as JupyterLab's do; None where there is none.
    """

    def __init__(self, kernel: Kernel, comm_id: str, name: str = "v1", subshell: str | None = None) -> None:
        self.kernel, self.comm_id, self.name, self.subshell = kernel, comm_id, name, subshell
        self.seen = Seen()
        self._count = self._skipped = 0
        self._sent: list[str] = []

    def send(self, do: str, **fields: Any) -> str:
        """Send a command, and return its id."""
        self._count += 1
        command_id = f"c{self._count}"
        self.post({"v": 1, "do": do, "id": command_id, "view": self.name, **fields})
        return command_id

    def post(self, content: Any) -> None:
        """Send any message."""
        data = {"method": "custom", "content": content}
        self._sent.append(self.kernel.send_comm(self.comm_id, data, subshell=self.subshell))

    def call(self, do: str, timeout_s: float = 30, **fields: Any) -> Json:
        """Send a command, and return what it is answered."""
        command_id = self.send(do, **fields)
        found = self.wait_for(lambda message: message.get("id") == command_id and self.is_mine(message), timeout_s)
        if found is None:
            self._fail(f"{do} was not answered within {timeout_s} s")
        return found

    def hello(self, timeout_s: float = 30) -> Seen:
        """Ask for a snapshot, and return what is seen once it is here."""
        count = sum(self._is_snapshot(message) for message in self.messages())
        self.send("hello")
        end_at = time.monotonic() + timeout_s
        while sum(self._is_snapshot(message) for message in self.messages()) == count:
            if time.monotonic() > end_at:
                self._fail(f"There was no snapshot within {timeout_s} s")
            self.kernel.iopub.wait_for(lambda _: False, 0.02)
        return self.look()

    def skip(self, rev: int) -> None:
        """Lose the delta with that number; 0 loses none."""
        self._skipped = rev

    def look(self) -> Seen:
        """Apply all that has come, and return what is seen."""
        self.seen = Seen()
        for message in self.messages():
            is_lost = message["kind"] == "delta" and message["rev"] == self._skipped
            if message["kind"] in ("snapshot", "delta") and message.get("view") in (None, self.name) and not is_lost:
                self.seen.take(message)
        return self.seen

    def wait_until(self, is_so: Callable[[Json], bool], timeout_s: float = 30) -> Json:
        """Wait until what is seen fulfils a condition, and return the state.

        Raises
        ------
        AssertionError
            If it does not within `timeout_s`.
        """
        end_at = time.monotonic() + timeout_s
        while True:
            state = self.look().state
            if state and is_so(state):
                return state
            if time.monotonic() > end_at:
                self._fail(f"This was seen last: {state}")
            self.kernel.iopub.wait_for(lambda _: False, 0.05)

    def wait_for(self, matches: Callable[[Json], bool], timeout_s: float = 30) -> Json | None:
        """Return the first message that matches, or None."""

        def fits(message: Published) -> bool:
            content = self._content(message)
            return content is not None and matches(content)

        found = self.kernel.iopub.wait_for(fits, timeout_s)
        return self._content(found) if found else None

    def messages(self) -> list[Json]:
        """Return all messages of the panel so far."""
        contents = (self._content(message) for message in self.kernel.iopub.messages())
        return [content for content in contents if content is not None]

    def is_mine(self, message: Mapping[str, Any]) -> bool:
        """Whether a message is for this view."""
        return message.get("view") == self.name

    def _fail(self, why: str) -> NoReturn:
        """Raise OverlookedError if the kernel has not begun with all that was sent, else AssertionError."""
        for request in self._sent:
            self.kernel.expect_begun(request)
        raise AssertionError(why)

    def _is_snapshot(self, message: Mapping[str, Any]) -> bool:
        return message["kind"] == "snapshot" and self.is_mine(message)

    def _content(self, message: Published) -> Json | None:
        if message.type != "comm_msg" or message.content["comm_id"] != self.comm_id:
            return None
        data = message.content["data"]
        return data["content"] if data.get("method") == "custom" else None


def opened(kernel: Kernel, code: str = "%chat panel", **options: Any) -> View:
    """Show a panel in a cell, and return a view of it."""
    run = kernel.run(code)
    assert run.status == "ok", run.error
    widget = next(
        output["data"]["application/vnd.jupyter.widget-view+json"]
        for output in run.outputs
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    )
    return View(kernel, widget["model_id"], **options)
