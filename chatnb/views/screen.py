"""A terminal by way of rich: what is printed stays, what is drawn stands below it until something else comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .keys import Keys

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.live_render import LiveRender
    from rich.segment import Segment


class Screen:
    """Where an answer is printed and drawn.

    Parameters
    ----------
    console
        rich's; by default one for standard output, made at the first use.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._own_console = console
        self._drawn: LiveRender | None = None
        self._lengths: list[int] = []  # of the lines that are drawn
        self._keys = Keys()

    @property
    def can_draw(self) -> bool:
        """Whether it can take back what is drawn."""
        return self._console.is_terminal and not self._console.is_dumb_terminal

    @property
    def room(self) -> int:
        """How many lines of one thing there is room for."""
        return max(self._console.height - 4, 1)

    def print(self, renderable: RenderableType) -> None:
        """Print for good, in place of what is drawn."""
        self._wipe()
        self._console.print(renderable)

    def draw(self, shown: Sequence[RenderableType]) -> None:
        """Draw in place of what is drawn."""
        from rich.console import Group  # noqa: PLC0415 - rich takes its time, and a notebook needs none of it
        from rich.live_render import LiveRender  # noqa: PLC0415 - as above

        self._wipe()
        self._keys.hide()
        if shown:
            self._drawn = LiveRender(Group(*shown), vertical_overflow="crop")
            self._console.print(self._drawn, end="")
            lines = self._console.render_lines(self._drawn, pad=False)
            self._lengths = [sum(segment.cell_length for segment in line) for line in lines]

    def release(self) -> None:
        """Take what is drawn off, and let what is typed be seen again."""
        self._wipe()
        self._keys.show()

    def _wipe(self) -> None:
        """Take what is drawn off the screen."""
        if self._drawn is None:
            return
        from rich.control import Control  # noqa: PLC0415 - as above
        from rich.segment import ControlType  # noqa: PLC0415 - as above

        self._console.control(self._drawn.position_cursor())
        # Terminals break the lines anew when they become narrower; the few that cut them off lose a line or two above.
        if broken := sum(max(length - 1, 0) // self._console.width for length in self._lengths):
            self._console.control(Control(*[(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * broken))
        self._drawn = None

    @property
    def _console(self) -> Console:
        from rich.console import Console  # noqa: PLC0415 - as above

        if self._own_console is None:
            self._own_console = Console(highlight=False)
        return self._own_console


class Lines:
    """What something is rendered to, without the empty lines around it; of more than `room` lines the last."""

    def __init__(self, whole: RenderableType, room: int | None = None) -> None:
        self._whole, self._room = whole, room

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment  # noqa: PLC0415 - as above

        lines = console.render_lines(self._whole, options, pad=False)
        is_full = ["".join(segment.text for segment in line).strip() != "" for line in lines]
        if not any(is_full):
            return
        lines = lines[is_full.index(True) : len(is_full) - is_full[::-1].index(True)]
        for line in lines[-self._room :] if self._room else lines:
            yield from line
            yield Segment.line()


def markdown(text: str) -> RenderableType:
    """Return Markdown as it is drawn."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - as above
    from rich.markdown import Markdown  # noqa: PLC0415

    drawn = Markdown("", code_theme="ansi_dark", hyperlinks=False)
    # rich leaves HTML out without a word; here it is text like any other.
    drawn.parsed = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).parse(text)
    return drawn


def dim(text: str) -> RenderableType:
    """Return a text that is less than an answer."""
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text(text, style="dim")


def red(text: str) -> RenderableType:
    """Return a text that nobody may miss."""
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text(text, style="bold red")
