"""The project's own rules for models: a file beside the notebook that belongs to the system prompt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAMES = (".chatnb.md", "AGENTS.md")
"""Where rules stand, relative to the notebook's folder; the first that is there counts."""

MOST_CHARS = 16_000
"""More than this of a file is not read: rules that fill a small window leave no room for the conversation."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A project's rules, and what has to be said of them."""

    path: Path
    text: str
    notes: tuple[str, ...] = ()


def read_rules(place: str) -> Rules | None:
    """Return the rules beside a notebook or in a folder, or None where there are none that can be read.

    Parameters
    ----------
    place
        The notebook's path, or the folder's; empty: there is no place.
    """
    if not place:
        return None
    folder = Path(place) if Path(place).is_dir() else Path(place).parent
    for path in (folder / name for name in NAMES):
        try:
            if path.is_file():
                with path.open(encoding="utf-8-sig", errors="replace") as file:
                    text = file.read(MOST_CHARS + 1)
                rest = f"Of {path.name} only the first {MOST_CHARS:,} characters are sent: make it shorter."
                return Rules(path, text[:MOST_CHARS].strip(), (rest,) if len(text) > MOST_CHARS else ())
        except OSError:
            continue
    return None
