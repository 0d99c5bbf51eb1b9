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
        """Whether the value is within its bound."""
        return self.bound is None or self.value <= self.bound
