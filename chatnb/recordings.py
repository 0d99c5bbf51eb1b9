"""Recordings of answers in files: made while models answer, and played in their place."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .errors import SettingsError
from .models.cassette import Cassette
from .models.catalog import Catalog
from .settings import Settings
from .stores.disk import explained, write_aside

DEFAULT = "chatnb-recording.json"
"""The file, beside the notebook, where none is named."""


def use(catalog: Catalog, settings: Settings, *, is_fresh: bool = False) -> None:
    """Do what the settings say of recordings, if anything: `record` or `replay`."""
    path = Path(settings.recording or DEFAULT).absolute()  # wherever a cell may go from here
    match settings.replay:
        case "record":
            record(catalog, path, is_fresh=is_fresh)
        case "strict":
            replay(catalog, path, keeps_pace=settings.replay_pace)


def record(catalog: Catalog, path: Path, *, is_fresh: bool = False) -> None:
    """Keep from now on what the models of `catalog` are asked and answer.

    Parameters
    ----------
    is_fresh
        Whether what the file holds is dropped; else it stays, but for what is asked again.

    Raises
    ------
    SettingsError
        If the file is no recording.
    StoreError
        If it cannot be read or written.
    """

    def save() -> None:
        # On the loop: it takes some milliseconds, and an answer that was given is kept whatever comes.
        if path.exists():  # another chat of the notebook may have added to it
            cassette.adopt(Cassette.of_text(_read(path), name=str(path)))
        with _explained(path):
            write_aside(path, [cassette.to_text().encode()])

    cassette = Cassette(save, str(path))
    if is_fresh:
        with _explained(path):
            path.unlink(missing_ok=True)
    save()  # so that one that cannot be written is told now
    catalog.record(cassette)


def replay(catalog: Catalog, path: Path, *, keeps_pace: bool = False) -> None:
    """Let what the file holds answer in the place of all models; without a file nothing does. Raises as `record` does."""
    cassette = Cassette.of_text(_read(path), name=str(path)) if path.exists() else Cassette(name=str(path))
    catalog.replay(cassette, keeps_pace=keeps_pace)


_explained = partial(explained, what="recording", elsewhere="Name another file: %chat record FILE")


def _read(path: Path) -> str:
    with _explained(path):
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise SettingsError(f"{path} is no recording of chatnb: it is no text.") from error
