"""Recordings in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatnb import recordings
from chatnb.errors import StoreError
from chatnb.models.catalog import Catalog


def test_a_recording_that_cannot_be_written_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"The recording could not be .* Name another file") as error:
        recordings.record(Catalog(), tmp_path / "nowhere" / "tape.json")

    assert "session" not in str(error.value)
