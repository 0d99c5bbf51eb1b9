"""How far the messages of a cell are behind the model."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ..faults.process import served
from ..faults.script import tokens_of
from .cells import ANSWER, OURS, begin_anew, kernel_for, ran, shown_text
from .rows import Row


def rows(quick: bool) -> Iterator[Row]:
    """Yield how long after the model's last token the last word is published, at 500 tokens/s."""
    *_, last_word, line_break = tokens = tokens_of(ANSWER.read_text(encoding="utf-8"))
    for copies, times in ((1, 10 if quick else 25), (5, 7 if quick else 15)):
        count = copies * len(tokens) - len([line_break])
        behind = []
        with served(text=ANSWER, tokens=count, rate=500) as server, kernel_for(server.url) as kernel:
            for _ in range(times):
                begin_anew(kernel)
                run = ran(kernel, OURS)
                said_at = server.exchanges()[-1]["last_token_at"]
                words = [(at, text.count(last_word.strip())) for at, text in shown_text(run)]
                behind.append(next(at for at, seen in words if seen == max(n for _, n in words)) - said_at)
        yield Row(
            f"the last word behind the model's, {count:,} tokens at 500 tokens/s",
            median(behind) * 1000,
            "ms",
            20,
            "none: both clocks are one",
        )
