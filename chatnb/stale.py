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
    changed, gone
        Labels of what has changed, and of what is not there any more.
    """

    number: int
    question: Message
    changed: tuple[str, ...]
    gone: tuple[str, ...]


def find_stale(history: Sequence[Message], read: Callable[[str], Reading]) -> list[Stale]:
    """Return the answers whose context has changed, oldest first; of a question asked twice only the last counts.

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

    answered = {message.turn_id for message in history if message.role == "assistant"}
    last = {message.text: message.id for message in history if message.role == "user"}
    found = []
    for number, message in enumerate(history, 1):
        if message.turn_id not in answered or last.get(message.text) != message.id:
            continue
        known = [part for part in message.parts if isinstance(part, Context) and part.ref]
        gone = tuple(part.label for part in known if now(part.ref) is None)
        changed = tuple(part.label for part in known if now(part.ref) not in (None, part.sha256))
        if changed or gone:
            found.append(Stale(number, message, changed, gone))
    return found
