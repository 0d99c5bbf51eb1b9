"""Estimate how many tokens a text is, without the model's tokenizer, and learn from the counts that a server sends.

A text is measured by kinds of characters (measures.py), each with the tokens that it usually costs. How far a certain
model differs is learned: for each kind, a factor.

A server counts a whole request only, so one count has to correct all factors at once. That is a linear regression with
a prior, brought up to date count by count (recursive least squares, the Kalman filter of a constant state). The prior
says that factors differ mostly together, since a smaller vocabulary makes all texts longer, and a little each on its own.

https://en.wikipedia.org/wiki/Recursive_least_squares_filter
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul

from . import measures
from .measures import KINDS, Vector
from .messages import Json, Message, Part, ToolSpec

CAUTION = 1.2
"""What an estimate is multiplied by before the first count: rather too high than too low."""

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
    factors: Vector = (1.0,) * len(KINDS)
    covariance: tuple[Vector, ...] = tuple(
        tuple(_TOGETHER**2 + (_ALONE**2 if row == column else 0.0) for column in range(len(KINDS)))
        for row in range(len(KINDS))
    )
    _weights: Vector = field(default=(), init=False, repr=False, compare=False)

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
        return self._rounded(measures.beside(requests=1))

    def count_text(self, text: str) -> int:
        """Return about how many tokens a text is.

        Examples
        --------
        >>> UNCALIBRATED.count_text("Why is the mean of the prices negative?")
        10
        """
        return self._rounded(measures.of_text(text))

    def count_part(self, part: Part) -> int:
        """Return about how many tokens a part of a message is, as it is sent."""
        return self._rounded(measures.of_part(part))

    def count(self, message: Message) -> int:
        """Return about how many tokens a message is, with what a chat template puts around it."""
        return self._rounded(measures.around(message)) + sum(map(self.count_part, message.parts))

    def count_tools(self, tools: Sequence[ToolSpec]) -> int:
        """Return about how many tokens it takes to tell a model of tools; 0 if there are none."""
        return self._rounded(measures.of_tools(tools)) if tools else 0

    def count_request(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> int:
        """Return about how many tokens a whole request is."""
        return self._rounded(measures.of_request(messages, tools))

    def learn(self, messages: Sequence[Message], prompt_tokens: int, tools: Sequence[ToolSpec] = ()) -> Calibration:
        """Return what is known after a server counted `messages`, sent with `tools`, as `prompt_tokens`.

        A count that cannot be of the whole prompt changes nothing: some servers leave out what they had read before.
        """
        measured = measures.of_request(messages, tools)
        expected = _product(self.factors, measured)
        low, high = _PLAUSIBLE
        if not low * expected <= prompt_tokens <= high * expected:
            return self
        # The Kalman filter: the gain turns the surprise into corrections, most where least was known.
        reach = tuple(_product(row, measured) for row in self.covariance)
        surprise = prompt_tokens - expected
        doubt = _product(reach, measured) + (_NOISE * prompt_tokens + _NOISE_TOKENS) ** 2
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
            "kinds": [kind.name for kind in KINDS],
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
            is_ours = data["kinds"] == [kind.name for kind in KINDS] and sizes == {len(KINDS)}
        except (KeyError, TypeError, ValueError):
            return UNCALIBRATED
        return known if is_ours else UNCALIBRATED

    def _rounded(self, measured: Vector) -> int:
        return round(_product(self._weights, measured) + 0.5)

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
