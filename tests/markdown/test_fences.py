"""What is code in a text, and what is prose."""

import pytest
from hypothesis import given

from chatnb.markdown.fences import CodeBlock, Fence, code_blocks, pieces
from tests.markdown.test_safe import TEXTS


def codes(text: str) -> list[str]:
    return [block.code for block in code_blocks(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```python\nx = 1\n```", CodeBlock("python", "x = 1")),
        ("~~~\nx\n~~~", CodeBlock("", "x")),
        ("``` js {1,3}\nx\n```", CodeBlock("js", "x")),
        ("```{r setup}\nx\n```", CodeBlock("r", "x")),
        ("```c++\nx\n```", CodeBlock("c++", "x")),
        ("````md\n```\nx\n```\n````", CodeBlock("md", "```\nx\n```")),
        ("- a\n\n  ```sh\n  ls\n\n    -l\n  ```", CodeBlock("sh", "ls\n\n  -l")),
        ("1. ```sh\n   ls\n   ```", CodeBlock("sh", "ls")),
        ("> ```sh\n> ls\n>\n> pwd\n> ```\nafter", CodeBlock("sh", "ls\n\npwd")),
        ("- a\n\n\t```\n\tx\n\t\ty\n\t```", CodeBlock("", "x\n\ty")),
        ("```\r\na\r\nb\r\n```\r\n", CodeBlock("", "a\nb")),
        ("```\nnever closed\n", CodeBlock("", "never closed")),
        ("```\n\n x \n\n```", CodeBlock("", "\n x \n")),
        ("```html\n<b>\t&amp; \\\n```", CodeBlock("html", "<b>\t&amp; \\")),
    ],
)
def test_a_fence_holds_its_code_exactly(text: str, expected: CodeBlock) -> None:
    assert code_blocks(text) == (expected,)


@pytest.mark.parametrize(
    "text",
    ["plain", "``not`` a fence", "```a`b\nx", "text ```\nx\n```"[:8], "    indented", "`x`", "| ``` |", "a\n``\nb", ""],
)
def test_what_opens_no_fence_is_prose(text: str) -> None:
    assert code_blocks(text) == ()


def test_blocks_come_in_their_order() -> None:
    assert codes("```\na\n```\ntext\n~~~\nb\n~~~\n```\nc\n```") == ["a", "b", "c"]


def test_a_fence_is_not_closed_by_a_shorter_one_another_kind_or_a_tail() -> None:
    assert codes("````\n```\n~~~~\n```` x\n     ````\n`````") == ["```\n~~~~\n```` x\n     ````"]


def test_code_that_is_not_indented_with_its_fence_is_still_its_code() -> None:
    assert codes("1. a\n   ```\nx\n  y\n   ```\nb") == ["x\ny"]


def test_a_fence_with_a_language_begins_where_the_closing_line_was_forgotten() -> None:
    assert codes("1. a\n   ```sh\n   ls\n2. b\n   ```py\n   x\n   ```") == ["ls\n2. b", "x"]


def test_a_quote_that_ends_closes_its_fence() -> None:
    assert codes("> ```\n> a\nb\n> ```\n> c") == ["a", "c"]


@pytest.mark.parametrize(
    ("before", "indent", "is_in_list"),
    [
        ("- a\n", 2, True),
        ("- a\n", 5, True),
        ("- a\n", 6, False),
        ("- a\n", 1, False),
        ("1. a\n   - b\n", 5, True),
        ("10. a\n", 4, True),
        ("10. a\n", 3, False),
        ("- a\n\ntext\n", 2, False),
        ("text\n2. a\n", 3, False),
        ("1. a\n2. b\n", 3, True),
        ("- - -\n", 2, False),
        ("-\ta\n", 4, False),
        ("", 3, False),
    ],
)
def test_an_indented_fence_belongs_to_an_item_that_begins_there(before: str, indent: int, is_in_list: bool) -> None:
    margin = " " * indent

    *_, fence = pieces(f"{before}\n{margin}```\n{margin}x\n{margin}```")

    assert isinstance(fence, Fence)
    assert fence.is_in_list == is_in_list


@given(TEXTS)
def test_the_lines_of_all_pieces_are_the_text(text: str) -> None:
    assert "\n".join(line for piece in pieces(text) for line in piece.lines) == text


@given(TEXTS, TEXTS)
def test_only_the_last_piece_changes_as_a_text_grows(beginning: str, rest: str) -> None:
    *settled, _ = pieces(beginning)
    grown = list(pieces(beginning + rest))

    # A line may still become the opening of a fence, and takes a piece of prose with it.
    assert grown[: max(len(settled) - 1, 0)] == settled[: max(len(settled) - 1, 0)]
