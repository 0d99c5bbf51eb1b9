"""What a reader of a file is, and how a conversation of another program becomes a session of ours."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..messages import Json, Message, Part, Session, Text, Usage, now, title_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Form:
    """A form of file that sessions are read from.

    Attributes
    ----------
    name
        What its files are called in a sentence.
    fits
        Tells by its content whether a file is of that form, be it damaged or not.
    read
        Returns its sessions, given the content and the file's path. It is given hostile files, too: whatever in it is not
        as it should be raises one of `DAMAGE`. The same file gives the same ids each time.
    """

    name: str
    fits: Callable[[Json], bool]
    read: Callable[[Json, Path], Sequence[Session]]


DAMAGE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, OSError)
"""What reading a file that is not as it should be ends with; SettingsError is one of them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said in a conversation of another program.

    Attributes
    ----------
    at
        None where the program does not tell.
    """

    role: str
    parts: tuple[Part, ...]
    at: datetime | None = None
    model: str = ""
    usage: Usage | None = None
    error: str = ""


def session_from(
    program: str, key: str, title: str, lines: Iterable[Line], *, at: datetime | None = None, system: str = ""
) -> Session:
    """Return a conversation of another program as a session.

    Its ids follow from `program` and `key`, so that a second import finds what the first one has brought; and they sort
    by time, as all ids do. Where no time is known they sort before all others, and the time is that of the import.

    Parameters
    ----------
    key
        Which of the program's conversations it is.
    at
        When it began.
    """
    digest = hashlib.sha256(f"{program}\0{key}".encode(errors="surrogatepass")).hexdigest()[:8]
    said = [line for line in lines if line.parts or line.error]
    began_at = at or next((line.at for line in said if line.at), None)
    session_id = _id(began_at, began_at or _EPOCH, digest)
    systems = [system, *("".join(_texts(line)) for line in said if line.role == "system")]
    messages: list[Message] = []
    question, place = "", (began_at or _EPOCH) - _TICK
    for line in said:
        if line.role == "system":
            continue
        place = max(place + _TICK, line.at or _EPOCH)
        if line.role == "user" or not question:
            message_id = question = _id(began_at, place, digest)
            replies = 0
        else:
            replies += 1
            message_id = f"{question}.{replies:03d}"
        messages.append(
            Message(
                id=message_id,
                session_id=session_id,
                role="user" if line.role == "user" else "tool" if line.role == "tool" else "assistant",
                parts=line.parts,
                created_at=place if began_at else now(),
                turn_id=question,
                model=line.model,
                outcome=("failed" if line.error else "done") if line.role == "assistant" else None,
                usage=line.usage,
                error=line.error,
            )
        )
    first = next((message.text for message in messages if message.role == "user"), "")
    return Session(
        id=session_id,
        created_at=began_at or now(),
        title=" ".join(title.split()) or title_of(first),
        system="\n\n".join(filter(None, systems)),
        messages=tuple(messages),
    )


def text_of(value: Json) -> str:
    """Return a text that a file may leave out; raises TypeError if it is anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value


def time_of(value: Json) -> datetime | None:
    """Return the time that a file tells in seconds since 1970, or in a finer unit, or None where it does not.

    Examples
    --------
    >>> time_of(1_700_000_000) == time_of(1_700_000_000_000) == time_of(1_700_000_000_000_000_000)
    True
    """
    if value in (None, 0, ""):
        return None
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(f"{value!r:.60} is no time")
    while abs(seconds) >= 1e11:  # noqa: PLR2004 - in the year 5138
        seconds /= 1_000
    return _EPOCH + timedelta(seconds=seconds)


def said(text: str) -> tuple[Part, ...]:
    """Return a text as parts: none if there is nothing in it."""
    return (Text(text),) if text else ()


def _id(began_at: datetime | None, place: datetime, digest: str) -> str:
    # A date that nobody told would be read as one: there is none but zeros, which sort first, too.
    known = f"{place:%Y%m%dT%H%M%S%f}" if began_at else f"{0:08}T{(place - _EPOCH) // _TICK:012}"
    return f"{known}-{digest}"


def _texts(line: Line) -> list[str]:
    return [part.text for part in line.parts if isinstance(part, Text)]
