"""Where a long answer is cut."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatnb.markdown.cuts import split_finished
from chatnb.markdown.fences import code_blocks
from tests.markdown.test_safe import TEXTS

LIMIT = 200
PARAGRAPH = "word " * 15 + "\n\n"

LONG_TEXTS = st.lists(TEXTS, min_size=4, max_size=12).map("\n".join)


def parts(text: str, limit: int = LIMIT) -> list[str]:
    """Cut until nothing is left."""
    found = []
    while text:
        head, text = split_finished(text, limit)
        found.append(head)
    return found


def test_a_short_text_is_not_cut() -> None:
    assert split_finished("a\n\nb", LIMIT) == ("a\n\nb", "")


def test_the_cut_is_between_paragraphs() -> None:
    text = PARAGRAPH * 4

    assert split_finished(text, LIMIT) == (PARAGRAPH * 2, PARAGRAPH * 2)


def test_a_list_is_kept_together_where_a_block_ends_before_it() -> None:
    items = "".join(f"- item {number}\n\n" for number in range(20))

    head, tail = split_finished(PARAGRAPH + items, LIMIT)

    assert (head, tail) == (PARAGRAPH, items)


def test_a_long_list_is_cut_between_its_items() -> None:
    text = "".join(f"{number}. item\n\n   more of it\n\n" for number in range(1, 30))

    head, tail = split_finished(text, LIMIT)

    assert head.endswith("more of it\n\n")
    assert tail.startswith("9. item")


def test_a_tight_list_is_cut_between_its_items() -> None:
    text = "".join(f"- item {number}\n  more of it\n" for number in range(30))

    _, tail = split_finished(text, LIMIT)

    assert tail.startswith("- item 8\n")


def test_a_table_is_not_torn_where_a_block_ends_before_it() -> None:
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 30

    assert split_finished(PARAGRAPH + table, LIMIT) == (PARAGRAPH, table)


def test_a_formula_is_not_torn() -> None:
    formula = "$$\na\n\n+ b\n$$\n\n"

    head, _ = split_finished(PARAGRAPH + formula * 20, LIMIT)

    assert head.count("$$") % 2 == 0


def test_a_fence_is_kept_whole_where_a_block_ends_before_it() -> None:
    fence = "```py\n" + "x = 1\n" * 25 + "```\n"

    assert split_finished(PARAGRAPH + fence + "End", LIMIT) == (PARAGRAPH, fence + "End")


@pytest.mark.parametrize("margin", ["", "> ", "  ", "> > "])
def test_a_long_fence_is_closed_and_opened_again(margin: str) -> None:
    code = [f"x[{number}] = <b>" for number in range(60)]
    text = "\n".join(margin + line for line in ["```python title", *code, "```"]) + "\n\nEnd"

    found = parts(text)

    assert len(found) > 4
    blocks = [block for part in found for block in code_blocks(part)]
    assert {block.language for block in blocks} == {"python"}
    assert "\n".join(block.code for block in blocks) == "\n".join(code)
    assert found[-1].endswith("End")


def test_a_line_without_end_is_cut_between_words() -> None:
    text = "word" * 20 + " " + "word " * 100

    assert "".join(parts(text)) == text
    assert all(part.endswith(" ") for part in parts(text)[:-1])


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1e9\U0001f1ea",
        "\U0001f44d\U0001f3fd",
        "\u1112\u1161\u11ab",
        "\ud83d\ude00",
    ],
)
def test_a_composed_character_is_never_cut(cluster: str) -> None:
    text = "x" + cluster * 300

    assert all(part.removeprefix("x").replace(cluster, "") == "" for part in parts(text))


def test_a_megabyte_of_one_character_is_cut_at_the_limit() -> None:
    assert split_finished("x" * 1_000_000, LIMIT)[0] == "x" * LIMIT


@given(LONG_TEXTS, st.data())
def test_the_cut_stays_where_it_is_as_the_text_grows(text: str, data: st.DataObject) -> None:
    assume(len(text) > LIMIT)
    beginning = text[: data.draw(st.integers(LIMIT + 1, len(text)))]

    head, tail = split_finished(beginning, LIMIT)
    grown_head, grown_tail = split_finished(text, LIMIT)

    assert grown_head == head
    assert grown_tail.startswith(tail)


@given(LONG_TEXTS)
def test_every_cut_leaves_less_and_loses_nothing(text: str) -> None:
    assume(len(text) > LIMIT)

    head, tail = split_finished(text, LIMIT)

    assert head
    assert len(tail) < len(text)
    assert text in (head + tail, *_without_the_fences_between(head, tail))


def _without_the_fences_between(head: str, tail: str) -> tuple[str, ...]:
    """Return what the text was if the two were cut in a fence, at a line end or within a line."""
    lines = head.removesuffix("\n").rpartition("\n")[0]
    rest = tail.partition("\n")[2]
    return f"{lines}\n{rest}", f"{lines}{rest}"
