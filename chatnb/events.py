"""What happens while a reply streams.

A turn is told as

    Asked (TextDelta | ThinkingDelta | ToolStarted | ToolFinished | Waiting | Retrying | Continued | FellBack
           | TokensCounted | Truncated | Offered | Asked)* Finished

`Finished` is always last, always comes, exactly once. A model (models/base.py) yields `ModelEvent`s; the engine makes
tool calls into ToolStarted and ToolFinished; only turn.py makes Asked and Finished.

A second Asked may come before anything of the answer is shown: the question was planned anew, since there is no memory
for its window or old turns were summarised, and what it says counts. One answer of a model ends with TokensCounted. All ToolStarted of one answer come before its first ToolFinished.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .messages import Json, Message, Origin, Outcome, ToolCall, ToolResult, Usage


@dataclass(frozen=True, slots=True)
class Asked:
    """The question is kept and on its way to `model`.

    `left_out` messages of the session, the oldest, did not fit into the window of `num_ctx` tokens; about `tokens` are
    sent. `notes` are sentences about what the question carries along: what was shortened, replaced, or could not be seen.
    """

    question: Message
    model: str
    options: Mapping[str, Json] = field(default_factory=dict)
    num_ctx: int | None = None
    left_out: int = 0
    notes: tuple[str, ...] = ()
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The answer goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """The thinking goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is about to run. From a model: it wants the tool called."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool has run, well or not."""

    result: ToolResult


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing has come for `waited_s` seconds; `reason` says why, in words, as far as it is known."""

    reason: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class Retrying:
    """The same model is asked again after `delay_s`; what this answer had shown so far is dropped."""

    model: str
    attempt: int
    attempts: int
    delay_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Continued:
    """The stream broke and `model` goes on from what was shown; nothing is dropped."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class FellBack:
    """`model` could not answer and `to` is asked instead; unless `keeps_text`, what was shown is dropped."""

    model: str
    to: str
    reason: str
    keeps_text: bool = False


@dataclass(frozen=True, slots=True)
class TokensCounted:
    """One answer of a model is complete; `stop` is "length" where it was cut by a limit of tokens.

    Of a model on several hosts, `host` is the one that ended it. `origin` tells where it came from if no model was asked.
    """

    usage: Usage
    stop: Literal["stop", "length"] = "stop"
    host: str = ""
    origin: Origin = ""


@dataclass(frozen=True, slots=True)
class Truncated:
    """The server did not read the whole prompt: of at least `sent_tokens` it read `read_tokens`, and dropped the rest."""

    sent_tokens: int
    read_tokens: int


@dataclass(frozen=True, slots=True)
class Offered:
    """The answer prints calls of tools instead of making them; they are made only if the user says so."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The turn is over. `error` and `error_kind` (a class of errors.py) tell why it failed.

    Where it was cancelled, `error` says which tools could not be stopped; mostly it is empty.
    """

    outcome: Outcome
    error: str = ""
    error_kind: str = ""
    duration_s: float | None = None


ModelEvent = TextDelta | ThinkingDelta | ToolStarted | Waiting | Retrying | Continued | FellBack | TokensCounted
Event = Asked | ModelEvent | ToolFinished | Truncated | Offered | Finished
