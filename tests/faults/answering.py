"""Ask a question of a failing server as a cell does, through all wrappers, the turn and the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatnb.chat import Chat
from chatnb.events import Event, Finished, Retrying
from chatnb.messages import Message
from chatnb.reply import Reply
from chatnb.settings import Endpoint, RetryPolicy, Settings
from chatnb.stores.memory import MemoryStore

QUICK = RetryPolicy(attempts=3, initial_delay_s=0.001, max_delay_s=0.01)
SHORT_S = 1.0
"""A limit for what never comes, and enough for what comes at once on a machine that stands still for a moment."""


@dataclass(frozen=True)
class Answered:
    """What became of a question: what was shown, what was saved, what happened."""

    reply: Reply
    saved: Sequence[Message]
    events: Sequence[Event]

    @property
    def finished(self) -> Finished:
        assert isinstance(self.events[-1], Finished)
        return self.events[-1]

    @property
    def shown_and_saved(self) -> str:
        """The text, which is the same in both."""
        (said,) = [message.text for message in self.saved if message.role == "assistant"]
        assert said == self.reply.text
        return said

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


async def ask(
    host: str,
    model: str = "tinychat",
    *,
    retry: RetryPolicy = QUICK,
    timeout_s: float = 20,
    stall_s: float = 20,
    endpoint: Endpoint | None = None,
    retrying: Callable[[], None] = lambda: None,
) -> Answered:
    """Ask a question, as a cell does, and return all that came of it; `retrying` is called before each further attempt."""
    endpoints = {endpoint.name: endpoint} if endpoint else {}
    settings = Settings(model=model, host=host, endpoints=endpoints, retry=retry, timeout_s=timeout_s, stall_s=stall_s)
    store = MemoryStore()
    chat = Chat(settings=settings, store=store)
    turn = chat.ask("What is the mean?")
    async for event in turn.watch():
        if isinstance(event, Retrying):
            retrying()
    await turn.wait()
    await chat.catalog.aclose()
    saved = store.load(turn.question.session_id).messages
    return Answered(turn.reply, saved, tuple(turn.log))


def failed(answered: Answered, kind: str, *says: str) -> None:
    """Expect a turn that failed with this error, whose text says all this."""
    assert (answered.finished.outcome, answered.finished.error_kind) == ("failed", kind)
    for words in says:
        assert words in answered.finished.error
    assert answered.saved[-1].error == answered.finished.error
