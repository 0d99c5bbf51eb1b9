"""What a conversation is made of: sessions, messages and their parts.

Everything here is a frozen value. A part is what is stored in a message; what happens while a reply streams is
an event (events.py). How these values look as JSON stands in wire.py.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal

Json = Any  # what json.loads returns

Role = Literal["system", "user", "assistant", "tool"]
Outcome = Literal["done", "cancelled", "failed", "tool_limit", "length"]
Origin = Literal["", "cache", "recording"]

ARCHIVED = "archived"
TRASHED = "trashed"
"""What a session's state may be, besides none."""


@dataclass(frozen=True, slots=True)
class Text:
    """What was said, in Markdown, exactly as it came."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a reasoning model thought before it answered."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, for models that see."""

    data: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class Context:
    """Something of the notebook that the question carried along, as plain text.

    Attributes
    ----------
    label
        What the reader is told that it is: "cell 5", "variable df".
    sha256
        Of `text`: what was read has changed when this has.
    ref
        The reference that reads the same thing again later; empty where there is none.
    """

    label: str
    text: str
    sha256: str = ""
    ref: str = ""

    @classmethod
    def of(cls, label: str, text: str, ref: str = "") -> Context:
        """Return the context with the hash of its text."""
        # A file's name may hold what is no character.
        return cls(label, text, hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(), ref)


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands in the prompt for everything said up to the message `until`, that one included."""

    text: str
    until: str


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wants called; `id` ties it to its result."""

    id: str
    name: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a called function returned, as the model reads it; a failure is a result too.

    `whole` is all of it where `text` had to be shortened, for whoever wants to read on; else it is empty. `is_foreign` says
    that it may hold what others wrote, such as files and pages: models read it in a fence, as data. `is_networked` says
    that this may come from the network, so that the model is to be distrusted from then on. `images` belong to it, for
    models that see.
    """

    call_id: str
    name: str
    text: str
    is_error: bool = False
    duration_s: float | None = None
    whole: str = ""
    is_foreign: bool = False
    is_networked: bool = False
    images: tuple[Image, ...] = ()


Part = Text | Thinking | Image | Context | Summary | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a broken answer was mended: after `offset` characters of its text, `model` went on."""

    offset: int
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost, as the server counted it; None where it did not say.

    Tokens are the model's own. Seconds are the server's: loading the model, reading the prompt, writing the reply.
    `unread_tokens` of the prompt, at least, the server dropped without saying so; None where it read all, as far as known.
    """

    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    load_s: float | None = None
    prompt_s: float | None = None
    reply_s: float | None = None
    unread_tokens: int | None = None

    @property
    def tokens_per_s(self) -> float | None:
        """The speed of writing, or None where the server did not count."""
        if not self.reply_tokens or not self.reply_s:
            return None
        return self.reply_tokens / self.reply_s


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said in a session.

    Attributes
    ----------
    id
        Unique in the store; sorts in the order of creation.
    created_at
        Aware, in UTC.
    digest
        Of questions only: what is the same where the answer is to be (cached.py); empty where nobody wants it found again.
    chosen
        Of questions only: the options that were given with it, by the names of options.py, so that it can be asked again.
    model, outcome, usage, duration_s, options, seams, error, host, origin
        Of replies only: who answered, how it ended, what it cost, seconds from question to end, the options that
        were sent, where it was mended, what went wrong, which of several hosts ended it, and where it comes from if no
        model was asked.
    turn_id
        What question and replies of one turn share.
    after
        Of what begins a turn: the turn that this one follows, "" at the beginning; None where it is the one saved before.
    """

    id: str
    session_id: str
    role: Role
    parts: tuple[Part, ...]
    created_at: datetime
    user_id: str = ""
    turn_id: str = ""
    after: str | None = None
    digest: str = ""
    chosen: Mapping[str, Json] = field(default_factory=dict)
    model: str = ""
    outcome: Outcome | None = None
    usage: Usage | None = None
    duration_s: float | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    seams: tuple[Seam, ...] = ()
    error: str = ""
    host: str = ""
    origin: Origin = ""

    @property
    def text(self) -> str:
        """What was said, without thoughts, context, pictures and tools."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thinking(self) -> str:
        """What was thought before it was said."""
        return "".join(part.text for part in self.parts if isinstance(part, Thinking))


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation.

    Attributes
    ----------
    place
        What the session belongs to: the path of a notebook, or of a folder where the notebook is not known. A kernel
        that starts again in the same place goes on in its newest session.
    pins
        References that every question of the session carries along.
    hidden
        Ids of messages whose turns the model does not read.
    tip
        The turn that the next question follows, and which one was the newest when that was chosen: it no longer counts
        once there is a newer one. Empty: the next question follows the newest.
    forked
        The session and its message that this one began with a copy of; empty if it is no fork.
    tags
        Words of the user's to find it by.
    state
        ARCHIVED, TRASHED, or empty.
    options, think
        Of the session alone, before the settings' ones.
    messages
        Of all branches (branches.py), oldest first.
    """

    id: str
    created_at: datetime
    title: str = ""
    model: str = ""
    system: str = ""
    place: str = ""
    user_id: str = ""
    updated_at: datetime | None = None
    pins: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    tip: tuple[str, ...] = ()
    forked: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    state: str = ""
    options: Mapping[str, Json] = field(default_factory=dict)
    think: bool | None = None
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a list of sessions shows of one."""

    id: str
    title: str
    model: str
    place: str
    user_id: str
    created_at: datetime
    updated_at: datetime
    message_count: int
    tags: tuple[str, ...] = ()
    state: str = ""


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def new_id(at: datetime | None = None) -> str:
    """Return a new id that sorts by its time: `20261121T094501123456-1f0c9a2b`."""
    return _id(at or now(), secrets.token_hex(4))


def derived_id(at: datetime, *names: str) -> str:
    """Return an id as `new_id` does, but always the same one for the same names."""
    return _id(at, blake2b("/".join(names).encode(), digest_size=4).hexdigest())


def _id(at: datetime, mark: str) -> str:
    return f"{at:%Y%m%dT%H%M%S%f}-{mark}"


def title_of(question: str, limit: int = 60) -> str:
    r"""Return a title for a session that begins with `question`: its first line, shortened at a word.

    Examples
    --------
    >>> title_of("Why is the mean negative?\nI expected more.")
    'Why is the mean negative?'
    >>> title_of("one two three four", limit=9)
    'one two…'
    """
    line = next((line.strip() for line in question.splitlines() if line.strip()), "Untitled")
    if len(line) <= limit:
        return line
    return line[:limit].rsplit(" ", 1)[0].rstrip() + "…"
