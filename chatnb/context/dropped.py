"""What a user drops into a chat or pastes: a file's bytes, without the file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ..messages import Context
from .base import Reading
from .files import Limits
from .guarded import one_line
from .pictures import SUFFIXES, picture_of
from .reading import read_text


def read_dropped(name: str, mime: str, data: bytes) -> Reading:
    """Return what a dropped file holds, as a file of that name is read; it cannot be read again later.

    Raises
    ------
    ContextRefused
        If it is neither text nor a picture or document that can be read, or too large.
    """
    shown = one_line(Path(name).name) or "what was pasted"
    suffix = Path(shown).suffix.lower()
    if mime.startswith("image/") or suffix in SUFFIXES:
        return Reading((picture_of(data, shown),))
    with TemporaryDirectory(prefix="chatnb-") as folder:
        # Readers go by the suffix; nothing else of the name is ours to trust.
        path = Path(folder) / f"dropped{suffix if suffix[1:].isalnum() else ''}"
        path.write_bytes(data)
        text, notes = read_text(path, Limits().file_bytes, shown)
    return Reading((Context.of(f"file {shown}", text),), notes)
