"""What was learned of a model's counts is there for the next kernel, and never in anybody's way."""

from pathlib import Path

import pytest

from chatnb.calibrations import Calibrations
from chatnb.tokens import UNCALIBRATED, Calibration
from tests.talk import question


def learned(tokens: int = 400) -> Calibration:
    return UNCALIBRATED.learn([question("Some words that are counted. " * 30)], tokens)


def test_what_was_learned_is_there_for_the_next_kernel(tmp_path: Path) -> None:
    path = tmp_path / "home" / "calibration.json"

    Calibrations(path).put("tiny", learned())

    assert Calibrations(path).get("tiny").count_text("Some words.") == learned().count_text("Some words.")
    assert Calibrations(path).get("other") == UNCALIBRATED


def test_two_kernels_keep_what_each_has_learned(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    one, other = Calibrations(path), Calibrations(path)
    one.get("tiny")
    other.get("tiny")

    one.put("tiny", learned())
    other.put("large", learned(200))

    assert Calibrations(path).get("tiny").is_calibrated
    assert Calibrations(path).get("large").is_calibrated


def test_what_is_not_to_be_saved_is_known_until_the_kernel_ends(tmp_path: Path) -> None:
    calibrations = Calibrations(tmp_path / "calibration.json")

    calibrations.put("tiny", learned(), save=False)

    assert calibrations.get("tiny").is_calibrated
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["", "[1]", '{"tiny": 7}', '{"tiny": {', "\x00"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(damage)
    calibrations = Calibrations(path)

    before = calibrations.get("tiny")
    calibrations.put("tiny", learned())

    assert before == UNCALIBRATED
    assert Calibrations(path).get("tiny").is_calibrated


def test_a_place_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    calibrations = Calibrations(tmp_path / "home" / "calibration.json")

    calibrations.put("tiny", learned())

    assert calibrations.get("tiny").is_calibrated
