"""How far many rows are, as it is shown."""

import io
from typing import Any

import pytest

from chatnb.rows.bar import CellBar, PlainBar, TerminalBar, line
from chatnb.rows.many import Progress

END = Progress(1_000, kept=100, asked=900, failed=3, seconds=90, prompt_tokens=9_000, reply_tokens=1_800)
STEPS = [
    Progress(1_000, kept=100, asked=n, seconds=n / 10, prompt_tokens=10 * n, reply_tokens=2 * n) for n in range(900)
]


class Page:
    """Takes what is published."""

    def __init__(self) -> None:
        self.shown: list[tuple[dict[str, Any], bool]] = []

    @property
    def display_pub(self) -> "Page":
        return self

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,  # noqa: ARG002 - as IPython's
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        assert transient is not None
        self.shown.append((data, update))


@pytest.mark.parametrize("is_live", [True, False])
def test_a_cell_has_one_display_that_is_drawn_now_and_then_and_at_the_end(*, is_live: bool) -> None:
    page = Page()
    bar = CellBar(page, is_live=is_live)

    for far in [*STEPS, END]:
        bar.show(far)
    bar.close()

    assert [update for _, update in page.shown] == [False] + [True] * (len(page.shown) - 1)
    assert len(page.shown) < 50 if is_live else len(page.shown) == 1
    if is_live:
        assert page.shown[-1][0]["text/plain"] == line(END)
        assert '<progress value="1000" max="1000"' in page.shown[-1][0]["text/html"]
    else:
        assert page.shown[-1][0] == {"text/plain": "997 of 1,000 rows were answered, 3 failed."}


def test_what_the_rest_takes_is_told_once_enough_were_asked() -> None:
    assert line(STEPS[9]) == "109 of 1,000 rows · 100 were kept"
    assert line(STEPS[10]) == (
        "110 of 1,000 rows · 100 were kept · about 89 s left · about 9,000 tokens to read and 1,800 to write in all"
    )


@pytest.mark.parametrize("make", [TerminalBar, PlainBar])
def test_a_terminal_and_a_log_end_with_how_it_ended(make: type[TerminalBar | PlainBar]) -> None:
    stream = io.StringIO()
    bar = make(stream)

    for far in (STEPS[0], END):
        bar.show(far)
    bar.close()

    assert "3 failed" in " ".join(stream.getvalue().split())
