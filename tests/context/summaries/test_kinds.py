"""Every kind of object has a summary that says what it is, within its limit."""

from __future__ import annotations

import pytest

from chatnb.context.summaries import summarize

from .kinds import KINDS, Kind

PATIENT_S = 10.0


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def made(request: pytest.FixtureRequest) -> tuple[Kind, object]:
    """Make each object once for all of its tests."""
    kind: Kind = request.param
    return kind, kind.make()


def test_a_summary_says_what_the_object_is(made: tuple[Kind, object]) -> None:
    kind, value = made

    # Hostile ones have to be given up on; the others must not fail on a busy machine.
    text = summarize(value) if kind.is_hostile else summarize(value, time_s=PATIENT_S)

    assert [words for words in kind.says if words not in text] == [], text


@pytest.mark.parametrize("limit", [0, 1, 20, 200, 500, 2_000])
def test_a_summary_is_never_longer_than_its_limit(made: tuple[Kind, object], limit: int) -> None:
    _, value = made

    text = summarize(value, limit, name="value")

    assert len(text) <= limit
    assert bool(text) == bool(limit)


def test_the_table_has_at_least_forty_kinds() -> None:
    names = {kind.name for kind in KINDS}

    assert len(names) == len(KINDS) >= 40
