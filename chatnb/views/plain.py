"""An answer as plain text, for pipes and files: what the model said and a line end, nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from ..events import Asked, Event, FellBack, Retrying
from ..printing import printable
from ..reply import Reply
from .words import asked_notes, fallback_note, going_on, mark, offer, warning

REPLACED = "What follows replaces the answer that began above: it broke off and was asked for anew."


class PlainView:
    """Writes one answer as it comes.

    A pipe gets the text exactly as the model wrote it, since the next program has to decide what it means. A terminal
    gets no control characters: it would obey them.

    What was written cannot be taken back. Where an answer is dropped and begins anew, its first words go on from what
    was written if they are the same; else it is written whole in a new line, and `notes` says so.

    Parameters
    ----------
    stream
        Where the answer goes; flushed as it comes.
    notes
        Where everything else goes: what was left out, who answers instead, how it ended. Standard error unless given.
    hint
        Says what a note tells to type as it is typed here.
    """

    def __init__(self, stream: TextIO, notes: TextIO | None = None, hint: Callable[[str], str] = str) -> None:
        self._stream, self._notes, self._hint = stream, notes or sys.stderr, hint
        self._is_terminal = stream.isatty()
        self._reply = Reply()
        self._written = ""
        self._told: set[str] = set()
        self._is_dropped = self._is_closed = False

    def show(self, events: Sequence[Event], reply: Reply) -> None:
        """Write what is new."""
        self._reply = reply
        for event in events:
            match event:
                case Asked():
                    for note in asked_notes(event):
                        self._tell(note)
                case Retrying():
                    self._is_dropped = True
                case FellBack(keeps_text=False):
                    self._is_dropped = True
                    self._tell(fallback_note(event))
        self._write()
        if reply.finished is not None:
            self.close()

    def interval_s(self) -> float:
        """Return a time that nobody notices."""
        return 0.02

    def close(self) -> None:
        """End the line."""
        if self._is_closed:
            return
        self._is_closed = True
        self._write(is_over=True)
        if self._written:
            self._stream.write("\n")
            self._stream.flush()
        offered = offer(self._reply.offered) if self._reply.offered else ""
        for ending in filter(None, (offered, mark(self._reply), going_on(self._reply), warning(self._reply))):
            self._tell(ending)

    def _write(self, *, is_over: bool = False) -> None:
        text = printable(self._reply.text) if self._is_terminal else self._reply.text
        if self._is_dropped:
            goes_on = text.startswith(self._written)
            if not text or (self._written.startswith(text) and not goes_on and not is_over):
                return  # it may still become what was written
            if not goes_on:
                self._tell(REPLACED)
                self._stream.write("\n")
                self._written = ""
            self._is_dropped = False
        if len(text) > len(self._written):
            self._stream.write(text[len(self._written) :])
            self._stream.flush()
            self._written = text

    def _tell(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            self._notes.write(f"{self._hint(printable(note))}\n")
            self._notes.flush()
