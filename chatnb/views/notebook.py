"""An answer in the cell of a notebook: one display, drawn again at an interval that grows with its length.

Why it is so: each redraw sends and renders the whole text, so redrawing at a fixed rate is quadratic, and a browser ends
half a minute late; `clear_output` makes the page jump. So a redraw waits longer the longer the text is, and past 16,000
characters the answer goes on in a new output.

Where nobody watches there is one display, at the end, without any figure that changes from run to run: nbval compares the
first display with that of the saved notebook and sees no updates.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..events import Event
from ..imprint import page_imprint, turn_imprint
from ..messages import Json, Message, Session
from ..printing import printable
from ..reply import Reply
from .base import pace_s
from .pages import PAGE_CHARS, Layout, Page
from .words import shortened

PLAIN_CHARS = 1_000
"""A page that is longer has its beginning as text/plain: what is long is sent and saved once, as Markdown."""

FIRST_INTERVAL_S = 0.25
"""Between the first drawing and the second: what is all there by then is drawn only once more."""


class Publisher(Protocol):
    """What of IPython's display publisher is needed."""

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        """Publish a bundle of MIME types, or update the one with the display id in `transient`."""
        ...


class Shell(Protocol):
    """What of IPython's shell is needed; its publisher may change while a cell runs (`%%capture`)."""

    @property
    def display_pub(self) -> Publisher:
        """Where displays go."""
        ...


class NotebookView:
    """Shows one turn in the outputs of the running cell.

    Parameters
    ----------
    shell
        The kernel's.
    is_live
        Whether somebody watches; if not, everything comes in one display at the end.
    footer
        Whether the answer ends with the line of figures, where somebody watches. A notebook that was saved with it does
        not pass `pytest --nbval`, which compares every figure.
    keeps_turn
        Whether the outputs keep the turn in their metadata, beside what they show.
    session
        What is asked in; the outputs keep its title, too.
    made
        Returns what was kept in it between the question and its answer; the outputs keep that, too.
    """

    def __init__(
        self,
        shell: Shell,
        *,
        is_live: bool,
        footer: bool,
        keeps_turn: bool = True,
        session: Session | None = None,
        made: Callable[[], Sequence[Message]] = tuple,
    ) -> None:
        self._shell, self._is_live, self._keeps_turn, self._session = shell, is_live, keeps_turn, session
        self._made = made
        self._layout = Layout(PAGE_CHARS if is_live else None, has_figures=is_live and footer)
        self._reply = Reply()
        self._shown: list[_Output] = []
        self._interval_s = FIRST_INTERVAL_S
        self._drawings = 0
        self._is_closed = False

    def show(self, events: Sequence[Event], reply: Reply) -> None:
        """Draw what has changed; nothing but the end where nobody watches."""
        self._reply = reply
        if reply.finished is not None:
            self.close()
        elif self._is_live and events and not self._is_closed:
            self._draw(self._layout.pages(reply, is_over=False))

    def interval_s(self) -> float:
        """Return a tenth of a second and more the longer the open page is."""
        return self._interval_s

    def close(self) -> None:
        """Draw the answer for good, with what a saved notebook keeps of it."""
        if self._is_closed:
            return
        self._is_closed = True
        pages = self._layout.pages(self._reply, is_over=True)
        if self._shown or any(page.markdown for page in pages):
            self._draw(pages)

    def _draw(self, pages: Sequence[Page]) -> None:
        for number, page in enumerate(pages):
            if page.markdown or number < len(self._shown):
                self._publish(number, bundle(page), self._metadata(number, pages))
        for number in range(len(pages), len(self._shown)):
            # What was shown is dropped, and what came instead is shorter as yet.
            self._publish(number, {"text/markdown": ""}, {})
        self._drawings += bool(self._shown)
        # The one after the first drawing is asked for while that is under way.
        self._interval_s = pace_s(pages[-1].markdown) if self._drawings > 1 else FIRST_INTERVAL_S

    def _metadata(self, number: int, pages: Sequence[Page]) -> dict[str, Json]:
        asked = self._reply.asked
        if asked is None or not self._keeps_turn or not pages[number].is_finished:
            return {}
        if number < len(pages) - 1:
            return {"chatnb": page_imprint(asked.question.turn_id, number)}
        messages = (asked.question, *self._reply.messages())
        return {"chatnb": turn_imprint(messages, [page.markdown for page in pages], self._session, self._made())}

    def _publish(self, number: int, data: dict[str, str], metadata: dict[str, Json]) -> None:
        """Show an output, or show it anew if anything about it changed."""
        is_new = number == len(self._shown)
        if is_new:
            self._shown.append(_Output(secrets.token_hex(4)))
        output = self._shown[number]
        if is_new or (data, metadata) != (output.data, output.metadata):
            output.data, output.metadata = data, metadata
            self._shell.display_pub.publish(
                data, metadata, transient={"display_id": output.display_id}, update=not is_new
            )


@dataclass(slots=True)
class _Output:
    """An output of the cell and what it shows now."""

    display_id: str
    data: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)


def bundle(page: Page) -> dict[str, str]:
    """Return what an output shows of a page, by MIME type."""
    if not page.is_finished:
        return {"text/markdown": page.markdown}
    plain = printable(page.text).strip()
    if len(plain) > PLAIN_CHARS:
        plain = shortened(plain, 40)
    return {"text/markdown": page.markdown, "text/plain": plain}
