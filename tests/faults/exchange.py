"""What a `FaultServer` saw of one request."""

import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from tests.faults.script import Instruction


class Exchange:
    """One request and how its answer went; written on the server's thread, read from any.

    Times are `time.monotonic()`, which on Linux is one clock for all processes.

    Attributes
    ----------
    body
        The request's JSON.
    tokens_sent
        How many lines with a token were written.
    first_token_at, last_token_at
        When the first was written, and the latest so far.
    client_left_at
        When the client closed its connection before the answer had ended.
    """

    def __init__(self, method: str, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> None:
        self.method, self.path, self.body, self.headers = method, path, body, headers
        self.instruction: Instruction | None = None
        self.asked_at = time.monotonic()
        self.tokens_sent = 0
        self.first_token_at: float | None = None
        self.last_token_at: float | None = None
        self.client_left_at: float | None = None
        self._ended = threading.Event()
        self._left = threading.Event()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a chat request."""
        messages: list[dict[str, Any]] = self.body["messages"]
        return messages

    @property
    def counted(self) -> list[dict[str, Any]]:
        """What counts as the prompt: the messages, and the tools as a server writes them into it."""
        tools = self.body.get("tools")
        told = " ".join(re.findall(r"\w+|[^\w\s]", json.dumps(tools))) if tools else ""
        return [*self.messages, *([{"role": "system", "content": told}] if told else [])]

    @property
    def ended(self) -> bool:
        """Whether nothing more comes: it was answered, or the client has left."""
        return self._ended.is_set()

    def end(self) -> None:
        """Note that nothing more comes."""
        self._ended.set()

    def wait_until_ended(self, timeout_s: float = 20) -> None:
        """Wait until nothing more comes."""
        if not self._ended.wait(timeout_s):
            raise AssertionError(f"The answer had not ended after {timeout_s} s.")

    def wait_until_client_left(self, timeout_s: float = 10) -> float:
        """Wait until the client has closed its connection in mid-answer, and return when that was."""
        if not self._left.wait(timeout_s) or self.client_left_at is None:
            raise AssertionError(f"The client still held its connection after {timeout_s} s.")
        return self.client_left_at

    def sent_one(self) -> None:
        """Count a token."""
        self.tokens_sent += 1
        self.last_token_at = time.monotonic()
        if self.first_token_at is None:
            self.first_token_at = self.last_token_at

    def client_left(self) -> None:
        """Note that the client closed its connection."""
        self.client_left_at = time.monotonic()
        self._left.set()

    def as_json(self) -> dict[str, Any]:
        """Return what another process may want to know."""
        names = (
            "path",
            "body",
            "asked_at",
            "tokens_sent",
            "first_token_at",
            "last_token_at",
            "client_left_at",
            "ended",
        )
        return {name: getattr(self, name) for name in names}
