"""What a benchmark says: one row of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    unit
        Of `value` and `bound`; "x" for a ratio.
    bound
        What `value` may be at most; None for a comparison that has none.
    reference
        What it was measured against, in the same run.
    """

    name: str
    value: float
    unit: str
    bound: float | None
    reference: str

    @property
    def is_met(self) -> bool:
        """Whether the value is within its bound, in the three digits that are shown: more of them are noise."""
        return self.bound is None or float(f"{self.value:.3g}") <= self.bound
