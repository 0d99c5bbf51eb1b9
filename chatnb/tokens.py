"""Estimate how many tokens a text is, without the model's tokenizer, and learn from the counts that a server sends.

Today's tokenizers agree on much: a common word is one token, a longer one several; digits come by ones or by threes; a
Chinese character is about one token. So a text is measured by kinds of characters and of runs of them (`_KINDS`), each
with the tokens that it usually costs. How far a certain model differs is learned: for each kind, a factor.

A server counts a whole request only, so one count has to correct all factors at once. That is a linear regression with
a prior, brought up to date count by count (recursive least squares, the Kalman filter of a constant state). The prior
says that factors differ mostly together, since a smaller vocabulary makes all texts longer, and a little each on its own.

https://en.wikipedia.org/wiki/Recursive_least_squares_filter
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from operator import mul
from typing import NamedTuple

from .messages import Context, Image, Json, Message, Part, Summary, Text, Thinking, ToolCall, ToolResult, ToolSpec

CAUTION = 1.2
"""What an estimate is multiplied by before the first count: rather too high than too low."""

_Vector = tuple[float, ...]


class _Kind(NamedTuple):
    name: str
    tokens: float  # of one of them


# Least squares over prose in thirty languages, code, tables, numbers and encoded bytes, as three vocabularies of 100,000
# to 150,000 tokens count them; what falls outside of a text is what chat templates commonly add.
_KINDS = (
    _Kind("words", 0.31),
    _Kind("three letters in a word", 0.54),
    _Kind("ten letters in a word", 1.06),
    _Kind("capitals within a word", 1.28),
    _Kind("digits", 0.70),
    _Kind("numbers", 1.06),
    _Kind("signs", 0.30),
    _Kind("groups of signs", 0.72),
    _Kind("line ends", 0.40),
    _Kind("pairs of spaces", 0.03),
    _Kind("Latin letters beyond ASCII", 1.40),
    _Kind("Greek and Cyrillic", 0.45),
    _Kind("Hebrew and Arabic", 0.62),
    _Kind("of India and South-East Asia", 0.82),
    _Kind("typographic signs", 0.62),
    _Kind("kana", 0.66),
    _Kind("Chinese characters", 0.91),
    _Kind("Hangul", 0.77),
    _Kind("emoji", 4.0),
    _Kind("control characters", 2.0),
    _Kind("pictures", 1_024.0),
    _Kind("tools, by their text", 1.0),
    _Kind("messages", 5.0),
    _Kind("requests", 6.0),
)
_TEXT_KINDS = 20
_NO_TEXT = (0.0,) * _TEXT_KINDS

_TOGETHER, _ALONE = 0.5, 0.35  # standard deviations of the factors before anything is known
_NOISE, _NOISE_TOKENS = 0.05, 2.0  # what a linear estimate misses, as a part of the count, and besides
_LEAST_FACTOR = 0.05
_PLAUSIBLE = (0.2, 6.0)  # a count is no count of the whole prompt outside of these multiples of the estimate
_SURPRISE = 3.0  # standard deviations; what deviates more is believed less
_RECENT = 0.3  # weight of the last count in the error


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of how a model counts.

    Attributes
    ----------
    counts
        How many counts it was learned from.
    error
        By how much the estimate differed from the last few counts, each before it was learned, relative to the count;
        the last ones weigh most. None before the second count.
    factors
        For each kind, what its usual tokens are multiplied by.
    covariance
        Of the factors, row by row.
    """

    counts: int = 0
    error: float | None = None
    factors: _Vector = (1.0,) * len(_KINDS)
    covariance: tuple[_Vector, ...] = tuple(
        tuple(_TOGETHER**2 + (_ALONE**2 if row == column else 0.0) for column in range(len(_KINDS)))
        for row in range(len(_KINDS))
    )
    _weights: _Vector = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what each measure weighs: it is asked for with every text."""
        caution = 1 if self.counts else CAUTION
        object.__setattr__(self, "_weights", tuple(max(each, _LEAST_FACTOR) * caution for each in self.factors))

    @property
    def is_calibrated(self) -> bool:
        """Whether any count was learned."""
        return self.counts > 0

    @property
    def overhead(self) -> int:
        """Tokens that a request has beside its messages, such as the beginning of the answer."""
        return self._rounded(_beside(requests=1))

    def count_text(self, text: str) -> int:
        """Return about how many tokens a text is.

        Examples
        --------
        >>> UNCALIBRATED.count_text("Why is the mean of the prices negative?")
        10
        """
        return self._rounded((*_measured(text), *_NOT_TEXT))

    def count_part(self, part: Part) -> int:
        """Return about how many tokens a part of a message is, as it is sent."""
        return self._rounded(_of_part(part))

    def count(self, message: Message) -> int:
        """Return about how many tokens a message is, with what a chat template puts around it."""
        return self._rounded(_beside(messages=_sent_messages(message))) + sum(map(self.count_part, message.parts))

    def count_tools(self, tools: Sequence[ToolSpec]) -> int:
        """Return about how many tokens it takes to tell a model of tools; 0 if there are none."""
        return self._rounded(_beside(tools=_measured_tools(tools))) if tools else 0

    def count_request(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> int:
        """Return about how many tokens a whole request is."""
        return self._rounded(_of_request(messages, tools))

    def learn(self, messages: Sequence[Message], prompt_tokens: int, tools: Sequence[ToolSpec] = ()) -> Calibration:
        """Return what is known after a server counted `messages`, sent with `tools`, as `prompt_tokens`.

        A count that cannot be of the whole prompt changes nothing: some servers leave out what they had read before.
        """
        measures = _of_request(messages, tools)
        expected = _product(self.factors, measures)
        low, high = _PLAUSIBLE
        if not low * expected <= prompt_tokens <= high * expected:
            return self
        # The Kalman filter: the gain turns the surprise into corrections, most where least was known.
        reach = tuple(_product(row, measures) for row in self.covariance)
        surprise = prompt_tokens - expected
        doubt = _product(reach, measures) + (_NOISE * prompt_tokens + _NOISE_TOKENS) ** 2
        if self.is_calibrated:
            doubt = max(doubt, (surprise / _SURPRISE) ** 2)
        return Calibration(
            counts=self.counts + 1,
            error=self._error_with(abs(surprise) / prompt_tokens),
            factors=tuple(factor + each / doubt * surprise for factor, each in zip(self.factors, reach, strict=True)),
            covariance=tuple(
                tuple(value - each * other / doubt for value, other in zip(row, reach, strict=True))
                for row, each in zip(self.covariance, reach, strict=True)
            ),
        )

    def to_json(self) -> Json:
        """Return it as JSON, a few thousand characters."""
        return {
            "kinds": [kind.name for kind in _KINDS],
            "counts": self.counts,
            "error": self.error,
            "factors": [_short(value) for value in self.factors],
            "covariance": [[_short(value) for value in row] for row in self.covariance],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Calibration:
        """Return what `to_json` made; what another version made, or is damaged, counts as nothing known."""
        try:
            known = cls(
                int(data["counts"]),
                None if data["error"] is None else float(data["error"]),
                tuple(map(float, data["factors"])),
                tuple(tuple(map(float, row)) for row in data["covariance"]),
            )
            sizes = {len(known.factors), len(known.covariance), *map(len, known.covariance)}
            is_ours = data["kinds"] == [kind.name for kind in _KINDS] and sizes == {len(_KINDS)}
        except (KeyError, TypeError, ValueError):
            return UNCALIBRATED
        return known if is_ours else UNCALIBRATED

    def _rounded(self, measures: _Vector) -> int:
        return round(_product(self._weights, measures) + 0.5)

    def _error_with(self, error: float) -> float | None:
        if self.error is None:
            return error if self.is_calibrated else None
        return (1 - _RECENT) * self.error + _RECENT * error


UNCALIBRATED = Calibration()
"""Of a model that nothing is known of."""


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _product(one: Iterable[float], other: Iterable[float]) -> float:
    return float(sum(map(mul, one, other)))


@lru_cache(256)
def _beside(*, pictures: int = 0, tools: float = 0, messages: int = 0, requests: int = 0) -> _Vector:
    """Return the measures of what is no text."""
    amounts = (pictures, tools, messages, requests)
    return (*_NO_TEXT, *(kind.tokens * amount for kind, amount in zip(_KINDS[_TEXT_KINDS:], amounts, strict=True)))


_NOT_TEXT = _beside()[_TEXT_KINDS:]


def _of_request(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> _Vector:
    beside = _beside(tools=_measured_tools(tools), messages=sum(map(_sent_messages, messages)), requests=1)
    return _sum([beside, *(_of_part(part) for message in messages for part in message.parts)])


def _measured_tools(tools: Sequence[ToolSpec]) -> float:
    return sum(_measured("".join(map(str, tools))))


def _sent_messages(message: Message) -> int:
    """Return how many messages a server makes of one: each result of a tool is one of its own."""
    return len(message.parts) if message.role == "tool" else 1


def _of_part(part: Part) -> _Vector:
    match part:
        case Image():
            return _beside(pictures=1)
        case ToolResult(images=[_, *_] as images):
            return _sum([_beside(pictures=len(images)), _of_part(replace(part, images=()))])
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


def _known(text: str) -> _Vector:
    """Return the measures of a text as part of a request, remembered: a long session is counted for each question."""
    key = len(text), hash(text)
    if (known := _MEASURES.get(key)) is None:
        if len(_MEASURES) >= _MOST_MEASURES:
            _MEASURES.clear()
        known = _MEASURES[key] = (*_measured(text), *_NOT_TEXT)
    return known


# By length and hash, so that no text is kept alive.
_MEASURES: dict[tuple[int, int], _Vector] = {}
_MOST_MEASURES = 20_000


def _sum(vectors: Sequence[_Vector]) -> _Vector:
    return reduce(lambda one, other: tuple(a + b for a, b in zip(one, other, strict=True)), vectors)


def _classes() -> bytes:
    """Return the table that maps the first byte of each character of UTF-8 to the kind of the character."""
    table = bytearray(b"?" * 256)
    for byte in range(0x80):
        character = chr(byte)
        table[byte] = ord(
            "a"
            if character.islower()
            else "A"
            if character.isupper()
            else "0"
            if character.isdigit()
            else " "
            if character in " \t"
            else "n"
            if character in "\r\n"
            else "."
            if character.isprintable()
            else "?"
        )
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


def _measured(text: str) -> _Vector:
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
    return tuple(kind.tokens * amount for kind, amount in zip(_KINDS, amounts, strict=False))
