"""What a question carries along, in its text."""

from hypothesis import given
from hypothesis import strategies as st

from chatnb.messages import Context, Image, Text
from chatnb.models.fenced import spoken
from tests.models.asking import message


def test_a_question_alone_is_as_it_was_typed() -> None:
    assert spoken(message("user", "  What is `x`?\n")) == "  What is `x`?\n"


def test_context_comes_first_with_its_label_and_the_question_last() -> None:
    asked = message("user", Context("cell 3", "x = 1"), Context("df", "a b\n"), Image(b"", "image/png"), Text("Why?"))

    assert spoken(asked) == "Context: cell 3\n```\nx = 1\n```\n\nContext: df\n```\na b\n```\n\nWhy?"


def test_a_fence_inside_does_not_end_the_fence() -> None:
    asked = message("user", Context("notes.md", "```python\nx\n```\n````"), Text("Why?"))

    assert "\n`````\n```python" in spoken(asked)


def test_context_without_a_text_is_named_alone() -> None:
    asked = message("user", Context("cell 5 (unchanged, above)", ""), Text("Why?"))

    assert spoken(asked) == "Context: cell 5 (unchanged, above)\n\nWhy?"


@given(text=st.text(alphabet="`a\n ", min_size=1), question=st.text())
def test_the_question_is_always_last_and_the_context_whole(text: str, question: str) -> None:
    whole = spoken(message("user", Context("it", text), Text(question)))

    assert whole.endswith(question)
    lines = whole.removesuffix(question).removesuffix("\n\n").split("\n")
    fence = lines[1]
    assert lines[-1] == fence
    assert "\n".join(lines[2:-1]) == text.removesuffix("\n")
    assert all(fence not in line for line in lines[2:-1])
