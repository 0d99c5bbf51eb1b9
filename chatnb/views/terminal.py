"""An answer in a terminal: Markdown block by block through rich.

A block that is finished is printed once and for all. Only what is still open is drawn again, below it: redrawing a whole
answer flickers, and breaks where it is longer than the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..events import (
    Asked,
    Event,
    FellBack,
    Finished,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
)
from ..markdown.cuts import boundaries
from ..markdown.safe import whole_markdown
from ..messages import ToolCall
from ..printing import printable
from ..reply import Reply
from .screen import Lines, Screen, dim, markdown, red
from .words import (
    asked_notes,
    call_line,
    closing_notes,
    fallback_note,
    footer,
    mark,
    result_line,
    status_line,
    warning,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

DROPPED = "The answer above broke off; it is asked for anew:"


class TerminalView:
    """Shows one answer in a terminal.

    Nothing that a model or a tool writes can reach the terminal as an escape sequence.

    Parameters
    ----------
    footer
        Whether it ends with the line of figures.
    console
        rich's, for another file than standard output. Colours, width and `NO_COLOR` are its business.
    hint
        Says what a note tells to type as it is typed here.
    is_apart
        Whether an empty line stands above and below it.
    """

    def __init__(
        self,
        *,
        footer: bool = True,
        console: Console | None = None,
        hint: Callable[[str], str] = str,
        is_apart: bool = False,
    ) -> None:
        self._has_footer, self._hint, self._is_apart = footer, hint, is_apart
        self._screen = Screen(console)
        self._reply = Reply()
        self._said = self._thought = ""  # the run of text or thoughts that is coming
        self._told = 0  # how much of it is printed for good, once control characters are gone
        self._calls: dict[str, ToolCall] = {}
        self._noted: set[str] = set()
        self._has_printed = self._has_told_round = self._is_closed = self._is_begun = False

    def show(self, events: Sequence[Event], reply: Reply) -> None:
        """Print what is finished, and draw the rest anew."""
        self._reply = reply
        if self._is_apart and not self._is_begun:
            self._is_begun = True
            self._screen.print("")
        for event in events:
            self._take(event)
        if reply.finished is not None:
            self.close()
        elif not self._is_closed:
            self._print_finished()
            self._draw()

    def interval_s(self) -> float:
        """Return how long it takes not to flicker; a long open block takes longer to render."""
        return 0.08 + (len(self._said) - self._told) / 20_000

    def pause(self) -> None:
        """Take off the screen what is not for good, so that something else can be said there."""
        self._screen.release()

    def close(self) -> None:
        """Print what is left, how the answer ended, and the footer; and give the terminal back."""
        if self._is_closed:
            return
        self._is_closed = True
        self._flush()
        self.pause()
        for note in closing_notes(self._reply):
            self._note(note)
        ending = " · ".join(filter(None, (mark(self._reply), footer(self._reply) if self._has_footer else "")))
        if ending:
            self._note(ending)
        if alarm := warning(self._reply):
            self._screen.print(red(self._hint(printable(alarm))))
        if self._is_begun:
            self._screen.print("")

    def _take(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                if self._thought:
                    self._flush()
                self._said += text
            case ThinkingDelta(text):
                if self._said:
                    self._flush()
                self._thought += text
            case ToolStarted(call):
                self._flush()
                self._calls[call.id] = call
            case ToolFinished(result):
                call = self._calls.pop(result.call_id, ToolCall(result.call_id, result.name, {}))
                self._note(f"{call_line(call)} → {result_line(result, has_figures=self._has_footer)}")
                self._has_told_round = False
            case Asked():
                for note in asked_notes(event):
                    if note not in self._noted:  # a question may be planned anew
                        self._noted.add(note)
                        self._note(note)
            case FellBack():
                if not event.keeps_text:
                    self._drop()
                    self._note(fallback_note(event))
            case Retrying():
                self._drop()
            case Finished():
                self._flush()

    def _drop(self) -> None:
        """Forget what is open; what is printed stays, and a line says that it does not count."""
        if self._has_told_round:
            self._note(DROPPED)
        self._said = self._thought = ""
        self._told = 0
        self._calls.clear()
        self._has_told_round = False

    def _print_finished(self) -> None:
        """Print the blocks of the answer, and the lines of the thoughts, that will not change any more."""
        text = printable(self._said or self._thought)
        end = text.rfind("\n") + 1
        if end <= self._told:
            return
        if self._thought:
            self._print_thoughts(text[self._told : end])
            self._told = end
            return
        blocks = list(_blocks(text[self._told : end]))
        for block in blocks[:-1]:
            self._print_block(block)
            self._told += len(block)

    def _flush(self) -> None:
        """Print everything that is open."""
        text = printable(self._said or self._thought)[self._told :]
        if self._thought:
            self._print_thoughts(text)
        else:
            for block in _blocks(text):
                self._print_block(block)
        self._said = self._thought = ""
        self._told = 0

    def _print_block(self, block: str) -> None:
        if block.strip():
            if self._has_printed:
                self._screen.print("")
            self._screen.print(Lines(markdown(block)))
            self._has_printed = self._has_told_round = True

    def _print_thoughts(self, text: str) -> None:
        for line in text.splitlines():
            if line.strip():
                self._screen.print(dim(line))
                self._has_printed = True

    def _note(self, text: str) -> None:
        if self._has_printed and self._has_told_round:
            self._screen.print("")
        self._screen.print(dim(self._hint(printable(text))))
        self._has_printed = True

    def _draw(self) -> None:
        """Draw what is open below what is printed, as much of its end as the screen has room for."""
        if not self._screen.can_draw:
            return
        room = self._screen.room
        open_text = printable(self._said or self._thought)[self._told :]
        shown: list[RenderableType] = []
        if self._thought:
            shown.append(Lines(dim(open_text), room))
        elif half := whole_markdown(open_text, is_final=False).strip("\n"):
            shown += [*([""] if self._has_printed else []), Lines(markdown(half), room)]
        shown += [dim(f"{printable(call_line(call))} → …") for call in self._calls.values()]
        if self._reply.status is not None:
            shown.append(dim(printable(status_line(self._reply.status))))
        self._screen.draw(shown)


def _blocks(text: str) -> Iterator[str]:
    """Yield the blocks of Markdown, together the text; a list is one."""
    start = 0
    for place, rank in boundaries(text):
        if rank == 0:
            yield text[start:place]
            start = place
    if start < len(text):
        yield text[start:]
