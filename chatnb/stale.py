"""Which answers have read what has changed since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from .context.base import Reading
from .errors import ContextError
from .messages import Context, Message


@dataclass(frozen=True, slots=True)
class Stale:
    """An answer that is not up to date.

    Attributes
    ----------
    number
        Of its question among the session's messages, from 1.
    changed, lost
        Labels of what has changed, and of what is not there any more or may not be read now.
    """

    number: int
    question: Message
    changed: tuple[str, ...]
    lost: tuple[str, ...]


def find_stale(history: Sequence[Message], read: Callable[[str], Reading]) -> list[Stale]:
    """Return the answers whose context has changed, oldest first.

    Of a question that was asked several times the last answer counts, and one that was stopped or failed only if there
    is no other.

    Parameters
    ----------
    read
        Reads a reference as it is now; raises ContextError if that cannot be.
    """

    @cache
    def now(ref: str) -> str | None:
        try:
            return next((part.sha256 for part in read(ref).parts if isinstance(part, Context)), None)
        except ContextError:
            return None

    answers = [message for message in history if message.role == "assistant"]
    answered = {message.turn_id for message in answers if message.parts}
    broken = {message.turn_id for message in answers if message.outcome in ("cancelled", "failed")}
    counting: dict[str, Message] = {}
    for message in history:
        is_answered = message.role == "user" and message.turn_id in answered
        if is_answered and not (message.turn_id in broken and message.text in counting):
            counting[message.text] = message
    found = []
    for number, message in enumerate(history, 1):
        if counting.get(message.text) is not message:
            continue
        known = [part for part in message.parts if isinstance(part, Context) and part.ref]
        lost = tuple(part.label for part in known if now(part.ref) is None)
        changed = tuple(part.label for part in known if now(part.ref) not in (None, part.sha256))
        if changed or lost:
            found.append(Stale(number, message, changed, lost))
    return found
