"""What a `FaultServer` is told to do with each request: plain values, and the text that it says.

An instruction answers one `/api/chat` request::

    Answer                        the whole text, well
    Answer(Reset(after=3))        three tokens, then a fault
    Status(429, retry_after=2)    no stream at all
    NoReply()                     the request is read and the connection closed
    Refuse(seconds=1)             the port is closed, so there is no request

The last instruction of a script is followed again for each further request.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

TEXT = (
    "The **mean** is sensitive to outliers — the median is not. In a sorted list the median is the middle value: "
    "half of the values lie below it. Größe, 平均 and 😀 are words as well, they count, too.\n"
)
"""Forty tokens, with multi-byte characters of two, three and four bytes."""


def tokens_of(text: str) -> list[str]:
    r"""Split a text into tokens as models do: a word with the space before it.

    Examples
    --------
    >>> tokens_of("Two  words.\n")
    ['Two', '  words.', '\n']
    """
    return re.findall(r"\s*\S+|\s+$", text)


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (RST) after `after` tokens, as when a process dies."""

    after: int


@dataclass(frozen=True, slots=True)
class CutOff:
    """The connection is closed after `after` tokens, before the HTTP body has ended."""

    after: int


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """The HTTP body ends as it should after `after` tokens, but the line with `"done": true` never comes."""

    after: int


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A line `{"error": ...}` comes after `after` tokens, then the body ends."""

    after: int
    message: str = "an error was encountered while running the model: unexpected EOF"


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is not JSON comes after `after` tokens, then the body ends."""

    after: int
    line: bytes = b'{"model":"tinychat","mess'


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing comes for `seconds` after `after` tokens, then the answer goes on."""

    after: int
    seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Restart:
    """After `after` tokens all connections are reset and the port is closed; `seconds` later it is open again."""

    after: int
    seconds: float = 0.5


Fault = Reset | CutOff | EndOfStream | ErrorLine | Malformed | Stall | Restart


@dataclass(frozen=True, slots=True)
class Answer:
    """Stream tokens, as Ollama does: one JSON line and one HTTP chunk for each.

    Parameters
    ----------
    fault
        What goes wrong, and after how many tokens of this answer.
    text
        A text, or its tokens; None is the server's text, from where the request's partial reply ended.
    thinking
        Sent before the text, token by token.
    tool_calls
        Sent in one message after the text, in Ollama's form.
    rate
        Tokens a second; None is the server's rate.
    head_after_s, token_after_s
        How long the HTTP head, and after it the first token, is waited for; `math.inf` is for ever.
    piece_bytes
        Size of the HTTP chunks, each sent alone, wherever that splits a line or a character; None sends whole lines.
    done_reason
        `stop`, or `length`.
    counts
        Takes the place of fields in the last line, such as `prompt_eval_count`.
    """

    fault: Fault | None = None
    text: str | Sequence[str] | None = None
    thinking: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()
    rate: float | None = None
    head_after_s: float = 0
    token_after_s: float = 0
    piece_bytes: int | None = None
    done_reason: Literal["stop", "length"] = "stop"
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with an HTTP status and `{"error": ...}`.

    Parameters
    ----------
    error
        The sentence; empty takes Ollama's own for this status.
    retry_after
        Seconds for a `Retry-After` header.
    as_date
        Write that header as an HTTP date, whose grain is one second.
    """

    code: int
    error: str = ""
    retry_after: float | None = None
    as_date: bool = False


@dataclass(frozen=True, slots=True)
class NoReply:
    """Read the request and close the connection without a word."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Close the port, and idle connections with it, before this request can come; open it again after `seconds`."""

    seconds: float = math.inf


Instruction = Answer | Status | NoReply | Refuse

OUT_OF_MEMORY = Status(500, "model requires more system memory (9.3 GiB) than is available (2.1 GiB)")
