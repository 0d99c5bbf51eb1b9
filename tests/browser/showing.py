"""Show hostile answers through the view of a cell; runs in the kernel of a test."""

from collections.abc import Iterator, Sequence

from chatnb.events import (
    Event,
    FellBack,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    Waiting,
)
from chatnb.messages import ToolCall, ToolResult
from chatnb.views.notebook import NotebookView, Shell
from tests.hostile import answers
from tests.views.logs import ASKED, COUNTED, turn
from tests.views.surfaces import one_by_one, shown

HUGE = 10_000


def show_hostile(shell: Shell, canary: str, start: int, stop: int, *, everywhere: bool) -> None:
    """Show some of the hostile answers as they would stream in, each in a display of its own.

    Parameters
    ----------
    everywhere
        Not only as the answer, but wherever else the words of a model, a tool or a server are shown.
    """
    for text in texts(canary)[start:stop]:
        events = turn(_everywhere(text) if everywhere else [TextDelta(piece) for piece in _pieces(text)], COUNTED)
        shown(NotebookView(shell, is_live=True, footer=True), one_by_one(events))


def texts(canary: str) -> list[str]:
    """Return the hostile answers, but for those that only try a renderer's strength."""
    return [text for _, text in answers(canary) if len(text) < HUGE]


def huge(canary: str) -> list[tuple[str, str]]:
    """Return those, with their names."""
    return [(name, text) for name, text in answers(canary) if len(text) >= HUGE]


def _everywhere(text: str) -> Sequence[Event]:
    call = ToolCall(text, text, {text: text, "list": [text]})
    return [
        Waiting(text, 2.0),
        Retrying(text, 2, 3, 0.5, text),
        FellBack(text, text, text),
        *(ThinkingDelta(piece) for piece in _pieces(text)),
        TextDelta(text),
        ToolStarted(call),
        COUNTED,
        ToolFinished(ToolResult(text, text, text, is_error=True)),
        ThinkingDelta(text),
        *(TextDelta(piece) for piece in _pieces(text)),
        FellBack(ASKED.model, text, text, keeps_text=True),
    ]


def _pieces(text: str) -> Iterator[str]:
    """Yield the text in a handful of pieces, cut wherever it may be."""
    size = max(len(text) // 6, 5)
    return (text[start : start + size] for start in range(0, len(text), size))
