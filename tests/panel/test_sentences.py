"""What a user does and sees in the panel is listed with its tests (tests/browser/panel/__init__.py); each of them is there."""

import re
from pathlib import Path

from tests.browser import panel

TESTS = Path(__file__).parents[1]


def test_each_test_that_the_list_names_is_there() -> None:
    named = set(re.findall(r"\btest_\w+(?!\w|\.py)", panel.__doc__ or ""))
    files = [*TESTS.glob("test_*.py"), *TESTS.glob("kernel/*.py"), *TESTS.glob("browser/**/*.py")]

    there = {
        name for file in files for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }

    assert len(named) > 50
    assert named - there == set()
