"""Measure a text by its kinds of characters and of runs of them, each with the tokens that it usually costs.

Today's tokenizers agree on much: a common word is one token, a longer one several; digits come by ones or by threes; a
Chinese character is about one token. What is no text (pictures, tools, what chat templates add) is measured beside it.

A measure is a vector: for each kind, how many tokens all of it usually is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from typing import NamedTuple

from .messages import Context, Image, Message, Part, Summary, Text, Thinking, ToolCall, ToolResult, ToolSpec

Vector = tuple[float, ...]


class Kind(NamedTuple):
    """Characters, or runs of them, that cost about the same."""

    name: str
    tokens: float  # of one of them


# Least squares over prose in thirty languages, code, tables, numbers and encoded bytes, as three vocabularies of 100,000
# to 150,000 tokens count them; what falls outside of a text is what chat templates commonly add.
KINDS = (
    Kind("words", 0.31),
    Kind("three letters in a word", 0.54),
    Kind("ten letters in a word", 1.06),
    Kind("capitals within a word", 1.28),
    Kind("digits", 0.70),
    Kind("numbers", 1.06),
    Kind("signs", 0.30),
    Kind("groups of signs", 0.72),
    Kind("line ends", 0.40),
    Kind("pairs of spaces", 0.03),
    Kind("Latin letters beyond ASCII", 1.40),
    Kind("Greek and Cyrillic", 0.45),
    Kind("Hebrew and Arabic", 0.62),
    Kind("of India and South-East Asia", 0.82),
    Kind("typographic signs", 0.62),
    Kind("kana", 0.66),
    Kind("Chinese characters", 0.91),
    Kind("Hangul", 0.77),
    Kind("emoji", 4.0),
    Kind("control characters", 2.0),
    Kind("pictures", 1_024.0),
    Kind("tools, by their text", 1.0),
    Kind("messages", 5.0),
    Kind("requests", 6.0),
)
_TEXT_KINDS = 20
_NO_TEXT = (0.0,) * _TEXT_KINDS


def of_text(text: str) -> Vector:
    """Return the measures of a text alone."""
    return (*_measured(text), *_NOT_TEXT)


def of_part(part: Part) -> Vector:
    """Return the measures of a part of a message, as it is sent."""
    match part:
        case Image():
            return beside(pictures=1)
        case ToolResult(images=[_, *_] as images):
            return _sum([beside(pictures=len(images)), of_part(replace(part, images=()))])
        case Text(text) | Thinking(text) | ToolResult(_, _, text, is_foreign=False):
            pass
        case ToolResult(_, _, text, is_foreign=True):
            text = f"~~~\n{text}\n~~~"
        case Context(label, text):
            text = f"Context: {label}\n```\n{text}\n```\n\n"
        case Summary(text):
            text = f"What was said before, in short:\n{text}\n\n"
        case ToolCall(_, name, arguments):
            text = json.dumps({"name": name, "arguments": dict(arguments)}, ensure_ascii=False, default=str)
    return _known(text)


def around(message: Message) -> Vector:
    """Return the measures of what a chat template puts around a message."""
    return beside(messages=_sent_messages(message))


def of_tools(tools: Sequence[ToolSpec]) -> Vector:
    """Return the measures of what a model is told of tools."""
    return beside(tools=_measured_tools(tools))


def of_request(messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> Vector:
    """Return the measures of a whole request."""
    frame = beside(tools=_measured_tools(tools), messages=sum(map(_sent_messages, messages)), requests=1)
    return _sum([frame, *(of_part(part) for message in messages for part in message.parts)])


@lru_cache(256)
def beside(*, pictures: int = 0, tools: float = 0, messages: int = 0, requests: int = 0) -> Vector:
    """Return the measures of what is no text; `tools` in tokens."""
    amounts = (pictures, tools, messages, requests)
    return (*_NO_TEXT, *(kind.tokens * amount for kind, amount in zip(KINDS[_TEXT_KINDS:], amounts, strict=True)))


_NOT_TEXT = beside()[_TEXT_KINDS:]


def _measured_tools(tools: Sequence[ToolSpec]) -> float:
    return sum(_measured("".join(map(str, tools))))


def _sent_messages(message: Message) -> int:
    """Return how many messages a server makes of one: each result of a tool is one of its own."""
    return len(message.parts) if message.role == "tool" else 1


def _known(text: str) -> Vector:
    """Return the measures of a text as part of a request, remembered: a long session is counted for each question."""
    key = len(text), hash(text)
    if (known := _MEASURES.get(key)) is None:
        if len(_MEASURES) >= _MOST_MEASURES:
            _MEASURES.clear()
        known = _MEASURES[key] = of_text(text)
    return known


# By length and hash, so that no text is kept alive.
_MEASURES: dict[tuple[int, int], Vector] = {}
_MOST_MEASURES = 20_000


def _sum(vectors: Sequence[Vector]) -> Vector:
    return reduce(lambda one, other: tuple(a + b for a, b in zip(one, other, strict=True)), vectors)


_ASCII: Sequence[tuple[str, Callable[[str], bool]]] = (
    ("a", str.islower),
    ("A", str.isupper),
    ("0", str.isdigit),
    (" ", " \t".__contains__),
    ("n", "\r\n".__contains__),
    (".", str.isprintable),
)


def _classes() -> bytes:
    """Return the table that maps the first byte of each character of UTF-8 to the kind of the character."""
    table = bytearray(b"?" * 256)
    for byte in range(0x80):
        table[byte] = ord(next((name for name, is_one in _ASCII if is_one(chr(byte))), "?"))
    starts = ((0xC2, "l"), (0xCE, "g"), (0xD6, "h"), (0xE0, "i"), (0xE2, "t"), (0xE3, "k"), (0xE4, "c"), (0xEA, "o"))
    for byte in range(0xC2, 0x100):
        table[byte] = ord(next((name for start, name in reversed(starts) if start <= byte), "?"))
    table[0xEE:0xF0] = b"cc"  # full-width forms
    table[0xF0:0xF8] = b"e" * 8
    return bytes(table)


def _only(kept: bytes) -> bytes:
    """Return the table that leaves these kinds as the first of them, and all others as "-"."""
    return bytes(kept[0] if byte in kept else ord("-") for byte in range(256))


_CLASSES = _classes()
_INNER_BYTES = bytes(range(0x80, 0xC0))  # of a character; each begins with another one
_LETTERS, _DIGITS, _SIGNS, _LINE_ENDS = _only(b"aAl"), _only(b"0"), _only(b"."), _only(b"n")
_SCRIPTS = tuple(bytes([name]) for name in b"lghitkcoe?")


def _measured(text: str) -> Vector:
    """Return how many tokens of each kind a text usually is.

    Everything is counted in bytes at the speed of C: a megabyte takes some hundredths of a second.
    """
    kinds = text.encode(errors="replace").translate(_CLASSES, _INNER_BYTES)
    letters = b"-" + kinds.translate(_LETTERS)
    amounts = (
        letters.count(b"-a"),
        letters.count(b"a" * 3),
        letters.count(b"a" * 10),
        kinds.count(b"aA"),
        kinds.count(b"0"),
        (b"-" + kinds.translate(_DIGITS)).count(b"-0"),
        kinds.count(b"."),
        (b"-" + kinds.translate(_SIGNS)).count(b"-."),
        (b"-" + kinds.translate(_LINE_ENDS)).count(b"-n"),
        kinds.count(b"  "),
        *map(kinds.count, _SCRIPTS),
    )
    return tuple(kind.tokens * amount for kind, amount in zip(KINDS, amounts, strict=False))
