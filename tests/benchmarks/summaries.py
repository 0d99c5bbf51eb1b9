"""How long and how slow the summaries of all kinds of objects are."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from statistics import median

from chatnb.context.summaries import summarize

from ..context.summaries.kinds import KINDS, tall
from .rows import Row

REFERENCE = "df.head(100_000).describe() of the tall DataFrame"
_LARGE = ("tall pandas DataFrame", "wide pandas DataFrame", "tall polars DataFrame", "wide polars DataFrame")


def rows(quick: bool) -> Iterator[Row]:
    """Yield the greatest size, the slowest kinds in milliseconds, and the slowest over a reference taken by turns."""
    times = 5 if quick else 15
    frame = tall()
    sizes: dict[str, int] = {}
    seconds: dict[str, float] = {}
    references: list[float] = []
    for kind in KINDS:
        value = kind.make()
        taken = []
        for _ in range(times):
            began_at = time.perf_counter()
            text = summarize(value)
            taken.append(time.perf_counter() - began_at)
        # The quickest: other programs only add to it.
        sizes[kind.name], seconds[kind.name] = len(text), min(taken)
        began_at = time.perf_counter()
        frame.head(100_000).describe()
        references.append(time.perf_counter() - began_at)
        del value
        gc.collect()
    kinds = f"{len(KINDS)} kinds"
    longest = max(sizes, key=sizes.__getitem__)
    slowest = max(seconds, key=seconds.__getitem__)
    yield Row(f"longest summary of {kinds}: {longest}", sizes[longest], "chars", 2_000, "none")
    yield Row(f"slowest summary of {kinds}: {slowest}", seconds[slowest] * 1000, "ms", 50, "none")
    yield Row("the same", seconds[slowest] / min(references), "x", None, REFERENCE)
    yield Row(f"median summary of {kinds}", median(seconds.values()) * 1000, "ms", None, "none")
    for name in _LARGE:
        yield Row(f"summary of a {name}", seconds[name] * 1000, "ms", 50, "none")
