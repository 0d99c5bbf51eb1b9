"""A model's Markdown as HTML."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatnb.html import Rendering, blocks
from tests.test_markdown import TEXTS


def streamed(text: str, cuts: list[int]) -> tuple[str, ...]:
    """Render a text in deltas, and return what a page has at the end that only follows the changes."""
    rendering = Rendering()
    shown: tuple[str, ...] = ()
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        change = rendering.add(text[start:end])
        shown = shown if change is None else change.applied(shown)
        assert shown == rendering.blocks
    for change in rendering.end():
        shown = change.applied(shown)
    assert shown == rendering.blocks
    return shown


@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_of_any_text_ends_at_the_same_blocks(text: str, cuts: list[int]) -> None:
    assert streamed(text, cuts) == blocks(text)
