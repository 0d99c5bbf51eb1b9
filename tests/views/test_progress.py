"""How a download is shown."""

import io

from chatnb.models.base import PullProgress
from chatnb.views.progress import ProgressLine

STEPS = [
    PullProgress("pulling manifest"),
    *[PullProgress("pulling 8934d96d3f08", done, 1_000_000) for done in range(0, 1_000_001, 10_000)],
    PullProgress("success"),
]


def seen(*, is_live: bool) -> str:
    """Return what is written for a download that takes no time."""
    stream = io.StringIO()
    line = ProgressLine(stream, is_live=is_live)
    for step in STEPS:
        line(step)
    line.close()
    line.close()
    return stream.getvalue()


def test_a_line_is_written_over_and_each_step_keeps_its_last_state() -> None:
    lines = [line.split("\r")[-1].rstrip() for line in seen(is_live=True).split("\n")]

    assert lines[0] == "pulling manifest"
    assert lines[1].startswith("pulling 8934d96d3f08  ████████████████████████  100%")
    assert lines[2:] == ["success", ""]


def test_it_is_not_written_for_every_little_step() -> None:
    assert seen(is_live=True).count("\r") < 20


def test_where_nobody_watches_each_step_is_one_line() -> None:
    assert seen(is_live=False) == "pulling manifest\npulling 8934d96d3f08\nsuccess\n"


def test_a_shorter_line_leaves_nothing_of_a_longer_one() -> None:
    stream = io.StringIO()
    line = ProgressLine(stream)

    line(PullProgress("pulling", 1, 10_000_000_000))
    line(PullProgress("pulling"))
    line(PullProgress("pulling", 10, 10))

    states = stream.getvalue().split("\r")
    assert len(states[-1]) >= len(states[1].rstrip())


def test_a_server_cannot_write_commands_to_the_terminal() -> None:
    stream = io.StringIO()

    ProgressLine(stream)(PullProgress("pulling\x1b[2J"))

    assert stream.getvalue() == "\rpulling"
