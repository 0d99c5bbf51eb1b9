"""What each view writes to, so that a test can see what a person sees."""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from chatnb.events import Event
from chatnb.reply import Reply
from chatnb.views.base import View
from chatnb.views.notebook import NotebookView
from chatnb.views.plain import PlainView
from chatnb.views.terminal import TerminalView


@dataclass(slots=True)
class Output:
    """An output of a cell: each bundle that it showed, the last one being what it shows now."""

    bundles: list[Mapping[str, Any]] = field(default_factory=list)
    metadata: list[Mapping[str, Any]] = field(default_factory=list)


class Cell:
    """The outputs of a cell, as a front end keeps them; it is a shell and a publisher too."""

    def __init__(self) -> None:
        self.outputs: dict[str, Output] = {}

    @property
    def display_pub(self) -> "Cell":
        """Itself."""
        return self

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        """Take in a display or an update of one that is there."""
        display_id = (transient or {})["display_id"]
        assert (display_id in self.outputs) == update
        output = self.outputs.setdefault(display_id, Output())
        output.bundles.append(data)
        output.metadata.append(metadata or {})

    @property
    def pages(self) -> list[str]:
        """The Markdown that the outputs show now, those without any left out."""
        return [markdown for o in self.outputs.values() if (markdown := o.bundles[-1]["text/markdown"])]

    def saved(self) -> list[dict[str, Any]]:
        """Return the outputs as an .ipynb holds them."""
        return [
            {"output_type": "display_data", "data": o.bundles[-1], "metadata": o.metadata[-1]}
            for o in self.outputs.values()
        ]


class Screen(io.StringIO):
    """A terminal that knows what rich uses: colours, going up, and wiping a line."""

    _CODE = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)|(.)", re.DOTALL)

    def isatty(self) -> bool:
        """Say yes."""
        return True

    @property
    def lines(self) -> list[str]:
        """What it shows, and what has left it at the top."""
        lines = [""]
        row = column = 0
        for numbers, code, back, down, text, other in self._CODE.findall(self.getvalue()):
            assert not other, f"The terminal got {other!r}."
            if code == "A":
                row -= int(numbers or 1)
                assert row >= 0
            elif code == "K":
                assert numbers == "2"
                lines[row] = ""
            elif code:
                assert code in "mhl", f"The terminal got the code {code!r}."
            elif back:
                column = 0
            elif down:
                row, column = row + 1, 0
                lines += [""] * (row + 1 - len(lines))
            else:
                line = lines[row].ljust(column)
                lines[row] = line[:column] + text + line[column + len(text) :]
                column += len(text)
        return [line.rstrip() for line in lines]


@dataclass(frozen=True, slots=True)
class Surface:
    """A view, and how to see what it shows."""

    view: View
    seen: Callable[[], str]


def _notebook(*, is_live: bool, footer: bool) -> Surface:
    cell = Cell()
    return Surface(NotebookView(cell, is_live=is_live, footer=footer), lambda: "\n\n".join(cell.pages))


def _terminal() -> Surface:
    screen = Screen()
    console = Console(file=screen, force_terminal=True, width=60, height=20, highlight=False)
    return Surface(TerminalView(console=console), lambda: "\n".join(screen.lines))


def _file() -> Surface:
    stream = io.StringIO()
    console = Console(file=stream, width=60, highlight=False)
    return Surface(TerminalView(footer=False, console=console), stream.getvalue)


def _pipe() -> Surface:
    stream, notes = io.StringIO(), io.StringIO()
    return Surface(PlainView(stream, notes), lambda: stream.getvalue() + notes.getvalue())


SURFACES: dict[str, Callable[[], Surface]] = {
    "notebook": lambda: _notebook(is_live=True, footer=True),
    "notebook without figures": lambda: _notebook(is_live=True, footer=False),
    "notebook without a reader": lambda: _notebook(is_live=False, footer=True),
    "terminal": _terminal,
    "terminal without a screen": _file,
    "pipe": _pipe,
}


def shown(view: View, batches: Iterable[Sequence[Event]]) -> Reply:
    """Show batches of events, as `follow` does, but do not close the view; return the reply."""
    reply = Reply()
    for batch in batches:
        for event in batch:
            reply.add(event)
        view.show(batch, reply)
    return reply


def one_by_one(events: Iterable[Event]) -> list[list[Event]]:
    """Return each event as a batch of its own."""
    return [[event] for event in events]
