"""Where chatnb keeps its files."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from .settings import Settings


def data_folder(settings: Settings) -> Path:
    """Return the folder of everything that is kept; it need not exist yet."""
    return Path(settings.home).expanduser() if settings.home else platformdirs.user_data_path("chatnb", appauthor=False)


def sessions_folder(settings: Settings) -> Path:
    """Return the folder of the session files."""
    return data_folder(settings) / "sessions"
