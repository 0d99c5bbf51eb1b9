"""What is typed while an answer is drawn: kept for the next line, but not shown, since it would stand in the drawing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

try:
    import termios
except ImportError:  # Windows, whose console shows nothing that nobody reads
    termios = None  # type: ignore[assignment]

_FLAGS = 3  # where the local modes are among the attributes


class Keys:
    """The keyboard of a terminal that is drawn on; Ctrl-C is a key like any other."""

    def __init__(self) -> None:
        self._hidden_at: int | None = None

    def hide(self) -> None:
        """Show no keys from now on, if there is a keyboard and it is ours."""
        if self._hidden_at is None and termios is not None:
            # A job in the background that touches the terminal is stopped by the system.
            with suppress(OSError, ValueError, AttributeError, termios.error):
                keyboard = sys.stdin.fileno()
                if os.isatty(keyboard) and os.tcgetpgrp(keyboard) == os.getpgrp():
                    _echo(keyboard, is_on=False)
                    self._hidden_at = keyboard

    def show(self) -> None:
        """Show them again."""
        if self._hidden_at is not None:
            with suppress(OSError, termios.error):
                _echo(self._hidden_at, is_on=True)
            self._hidden_at = None


def _echo(keyboard: int, *, is_on: bool) -> None:
    modes = termios.tcgetattr(keyboard)
    modes[_FLAGS] = modes[_FLAGS] | termios.ECHO if is_on else modes[_FLAGS] & ~termios.ECHO
    termios.tcsetattr(keyboard, termios.TCSANOW, modes)
