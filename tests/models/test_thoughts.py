"""Thoughts between tags, wherever the text is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.events import TextDelta, ThinkingDelta
from chatnb.models.thoughts import Thoughts

WHOLE = "\n<think>\nHm, a < b </thin k>.\n</think>\n\nIt is <think>4</think>."


def read(*pieces: str) -> tuple[str, str]:
    """Return what is thought and what is said."""
    thoughts = Thoughts()
    events = [event for piece in pieces for event in thoughts.add(piece)] + list(thoughts.end())
    assert all(event.text for event in events)
    return (
        "".join(event.text for event in events if isinstance(event, ThinkingDelta)),
        "".join(event.text for event in events if isinstance(event, TextDelta)),
    )


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_wherever_it_is_cut_it_says_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE)]
    pieces = [WHOLE[start:end] for start, end in pairwise(edges)]

    assert read(*pieces) == ("Hm, a < b </thin k>.\n", "It is <think>4</think>.")


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("Hello", "", "Hello"),
        ("  Hello ", "", "  Hello "),
        ("<b>bold</b>", "", "<b>bold</b>"),
        ("<thi", "", "<thi"),
        ("   ", "", "   "),
        ("<think></think>Yes", "", "Yes"),
        ("<think>no end", "no end", ""),
        ("<think>half </thi", "half </thi", ""),
        ("[THINK]so[/THINK]Yes", "so", "Yes"),
        ("", "", ""),
    ],
)
def test_only_what_begins_with_a_tag_is_thought(text: str, thought: str, said: str) -> None:
    assert read(text) == (thought, said)
    assert read(*text) == (thought, said)
