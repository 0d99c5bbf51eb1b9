"""A server whose answers show which prompts they are to."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.faults.script import Answer, tokens_of
from tests.faults.server import FaultServer


class EchoServer(FaultServer):
    """Says the last message back, word by word."""

    def _tokens_for(self, answer: Answer, messages: Sequence[Mapping[str, Any]]) -> Sequence[str]:  # noqa: ARG002 - it has one
        return tokens_of(messages[-1]["content"])

    @property
    def asked(self) -> list[str]:
        """The prompts so far, oldest first."""
        return [chat.messages[-1]["content"] for chat in self.chats]
