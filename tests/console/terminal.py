"""A real pseudo-terminal with `chatnb` in it, and the screen that a person would see."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte

from tests import processes

PATIENCE_S = 60.0


class Terminal:
    """Types, and reads the screen; everything is waited for.

    Attributes
    ----------
    raw
        All that the program wrote, escape sequences included.
    """

    def __init__(self, child: pexpect.spawn[str], rows: int, columns: int) -> None:
        self.child = child
        self.raw = ""
        self._screen = pyte.HistoryScreen(columns, rows, history=2_000, ratio=0.001)
        self._stream = pyte.Stream(self._screen)

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, those that scrolled out of it included."""
        gone = ["".join(line[column].data for column in range(len(line))) for line in self._screen.history.top]
        return [line.rstrip() for line in (*gone, *self._screen.display)]

    @property
    def text(self) -> str:
        """The screen as one line, whatever was broken where."""
        return " ".join(" ".join(self.lines).split())

    @property
    def line(self) -> str:
        """The line on which the cursor stands."""
        return str(self._screen.display[self._screen.cursor.y]).rstrip()

    def read_until(self, is_true: Callable[[], bool], what: str) -> None:
        """Read until it is true; raises AssertionError with the screen if it does not become so."""
        end_at = time.monotonic() + PATIENCE_S
        while not is_true():
            try:
                piece = self.child.read_nonblocking(65_536, timeout=1)
            except pexpect.TIMEOUT:
                if time.monotonic() > end_at:
                    raise AssertionError(f"{what} did not come:\n" + "\n".join(self.lines)) from None
                continue
            self.raw += piece
            self._stream.feed(piece)

    def wait_for(self, text: str) -> None:
        """Wait until a text is on the screen."""
        self.read_until(lambda: text in self.text, text)

    def wait_for_prompt(self, typed: str = "") -> None:
        """Wait until the cursor stands behind the prompt and that text."""
        self.read_until(lambda: self.line == f"> {typed}".rstrip(), f"The prompt with {typed!r}")

    def type(self, text: str) -> None:
        """Type at an empty prompt."""
        self.wait_for_prompt()
        self.child.send(text)
        self.wait_for_prompt(text)

    def enter(self, text: str) -> None:
        """Type a line at an empty prompt, and send it."""
        self.type(text)
        self.press("\r")

    def press(self, keys: str) -> None:
        """Press keys, and wait until the line that was typed is another one."""
        before = self.line
        self.child.send(keys)
        self.read_until(lambda: self.line != before, f"Something after {keys!r}")

    def do(self, line: str) -> str:
        """Send a line, wait for the next prompt, and return the last lines from that one on."""
        self.enter(line)
        self.wait_for_prompt()
        lines = self.lines
        typed = f"> {line}"[: self._screen.columns]
        start = max((number for number, shown in enumerate(lines) if shown.startswith(typed)), default=-1)
        return "\n".join(lines[start + 1 :])

    def forget(self) -> None:
        """Forget the lines that scrolled out of the screen."""
        self._screen.history.top.clear()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.child.sendintr()

    def clear_line(self) -> None:
        """Press Ctrl-C, and wait for an empty prompt."""
        self.interrupt()
        self.wait_for_prompt()

    def resize(self, rows: int, columns: int) -> None:
        """Make the window another size, as dragging its corner does."""
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def leave(self) -> int | None:
        """Press Ctrl-D, and return the exit code."""
        self.wait_for_prompt()
        self.child.sendeof()
        try:
            self.read_until(lambda: False, "The end")
        except pexpect.EOF:
            self.child.wait()
        return self.child.exitstatus


@contextmanager
def running(
    words: Sequence[str], folder: Path, host: str, *, rows: int = 40, columns: int = 100, **settings: str
) -> Iterator[Terminal]:
    """Run `chatnb` with these words in a terminal; its data folder is `home` in the folder."""
    env = processes.environment(
        OLLAMA_HOST=host,
        CHATNB_HOME=str(folder / "home"),
        PROMPT_TOOLKIT_NO_CPR="1",  # nobody answers where the cursor is
        TERM="xterm-256color",
        **settings,
    )
    child = pexpect.spawn(
        sys.executable,
        ["-m", "chatnb", *words],
        env=env,
        cwd=str(folder),
        encoding="utf-8",
        dimensions=(rows, columns),
    )
    try:
        yield Terminal(child, rows, columns)
    finally:
        child.close(force=True)
