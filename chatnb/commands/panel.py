"""The command that shows the panel."""

from __future__ import annotations

from collections.abc import Sequence

from ..desk import Desk
from ..errors import SettingsError
from .base import no_words


def show_panel(desk: Desk, words: Sequence[str]) -> object:
    """Show a chat in the output of this cell, beside your work."""
    no_words("panel", show_panel, words)
    try:
        # Lazy: it draws with ipywidgets, which are slow to import and an extra.
        from ..panel import ChatPanel  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(str(error)) from error
    if not hasattr(desk.shell, "kernel"):
        raise SettingsError("The panel needs a notebook. In a terminal ask with %ask.")
    return ChatPanel(desk)
