"""What a terminal shows of a command's value."""

from __future__ import annotations

import io

from rich.console import Console

from chatnb.console.hints import at_prompt
from chatnb.console.showing import show
from chatnb.listing import Listing


def test_what_is_to_be_typed_is_told_as_it_is_typed_here_but_nobody_elses_words_are_changed() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    for is_ours in (True, False):
        show(Listing(["Try %chat models."], {"step": str}, is_ours=is_ours), at_prompt, screen)

    shown = screen.file.getvalue()  # type: ignore[attr-defined]  # it is the one above

    assert "Try /models." in shown
    assert "Try %chat models." in shown
