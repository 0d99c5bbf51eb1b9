"""A server whose answers show which prompt they are to."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.faults.script import Answer
from tests.faults.server import FaultServer


class EchoServer(FaultServer):
    """Says the last message back, word by word."""

    def _tokens_for(self, answer: Answer, messages: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        return (
            super()._tokens_for(Answer(text=messages[-1]["content"]), messages)
            if answer.text is None
            else [str(answer.text)]
        )

    @property
    def asked(self) -> list[str]:
        """The prompts so far, oldest first."""
        return [chat.messages[-1]["content"] for chat in self.chats]
