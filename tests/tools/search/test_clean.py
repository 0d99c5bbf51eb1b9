"""Text of strangers is shown without what is not seen."""

from hypothesis import given
from hypothesis import strategies as st

from chatnb.tools.search.clean import clean, line


def hostile() -> st.SearchStrategy[str]:
    return st.text(st.characters() | st.sampled_from("\x1b\x9b[]\x07\x9c\r\n\t;m\ud800\u202e\U000e0041"))


@given(hostile())
def test_clean_text_holds_nothing_that_is_not_seen(text: str) -> None:
    found = clean(text)

    assert not set(found) & {*map(chr, range(9)), *map(chr, range(11, 32)), *map(chr, range(127, 160))}
    assert not any("\u202a" <= char <= "\u202e" or "\ud800" <= char <= "\udfff" for char in found)
    assert clean(found) == found
    found.encode()  # no lone surrogate, with which a session cannot be saved


@given(hostile(), st.integers(1, 50))
def test_a_line_is_one_line_and_no_longer_than_it_may_be(text: str, limit: int) -> None:
    found = line(text, limit)

    assert len(found) <= limit
    assert len(found.splitlines()) <= 1


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_seen_stays(text: str) -> None:
    assert clean(text) == text


def test_a_sequence_without_an_end_hides_nothing_that_follows() -> None:
    assert clean("\x1b]0;a tea\nb \x9dc\x9de\x1b]d") == "0;a tea\nb ced"
    assert clean("\x1b]0;owned\x07tea\x9d0;owned\x9c\x1b[31m \x1bPx\x1b\\oolong") == "tea oolong"
