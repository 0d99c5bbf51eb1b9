"""What is shown of an answer that is still being written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.markdown.drafts import whole_markdown
from tests.markdown.test_safe import TEXTS


def shown(text: str) -> str:
    return whole_markdown(text, is_final=False)


@pytest.mark.parametrize(
    "end", ["-", "--", "=", "|", "|--", "|:-", ":", "*", "#", "##", "1", "12.", "1. ", "- ", "- [", "- [ ]"]
)
def test_a_line_that_may_become_anything_is_held_back(end: str) -> None:
    assert shown(f"Text\n{end}") == "Text\n"


@pytest.mark.parametrize("end", ["`", "``", "```", "```py", "~~~", "> ```", "$"])
def test_half_a_fence_is_held_back(end: str) -> None:
    assert shown(f"Text\n\n{end}") == "Text\n\n"


@pytest.mark.parametrize("end", ["---\n", "- a", "# H", "1. a", "12 apples", "**b**", "```py\n", "| a\nb", "=== a"])
def test_a_line_that_is_clear_is_shown(end: str) -> None:
    assert shown(f"Text\n\n{end}") == f"Text\n\n{end}"


@pytest.mark.parametrize(
    "end",
    [
        "[docs]",
        "[docs](",
        "[docs](https://exa",
        "[a [b] c](https://x.y/(z",
        "![p](https://exa",
        '[a](https://x.y "ti',
        "[x]",
    ],
)
def test_half_a_link_is_held_back(end: str) -> None:
    assert shown(f"See the {end}") == "See the "


@pytest.mark.parametrize(
    "end", ["[docs](https://x.y) ", "[docs](https://x.y/(z))", "[1] and", "[0, 1) and", "a[i](b) c"]
)
def test_a_whole_link_and_no_link_are_shown(end: str) -> None:
    assert shown(f"See {end}") == f"See {end}"


def test_a_tables_head_is_held_back_until_it_is_underlined() -> None:
    assert shown("T\n\n| a | b |\n|--") == "T\n\n"
    assert shown("T\n\n| a | b |\n|---|---|\n") == "T\n\n| a | b |\n|---|---|\n"
    assert shown("T\n\n| a | b |\n|---|---|\n| 1") == "T\n\n| a | b |\n|---|---|\n| 1"


@pytest.mark.parametrize("end", ["$$", "$$\nx = ", "$$\nx\n$", "\\[ x", "\\[ x \\", "\\", "\\( x"])
def test_half_a_formula_is_held_back(end: str) -> None:
    assert shown(f"So {end}") == "So "


def test_a_lonely_dollar_does_not_hold_back_what_follows() -> None:
    assert shown("Costs $5 or $$ more\n\nand so on") == "Costs $5 or $$ more\n\nand so on"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("some **bold te", "some **bold te**"),
        ("some **bold ", "some **bold**"),
        ("some **bold*", "some **bold**"),
        ("some **", "some "),
        ("a `co", "a `co`"),
        ("a ``co`d", "a ``co`d``"),
        ("**a `b", "**a `b`**"),
        ("2 ** 3 and", "2 ** 3 and"),
        ("`**` is power", "`**` is power"),
    ],
)
def test_bold_text_and_inline_code_are_closed(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_an_open_fence_stays_open_and_exact() -> None:
    text = "```py\nx = '**\n$$ [a](\n- \n|"

    assert shown(text) == text


def test_half_of_a_closing_fence_is_held_back() -> None:
    assert shown("```py\nx\n``") == "```py\nx\n"


@pytest.mark.parametrize("is_final", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so \\(x\\) is", "so $x$ is"),
        ("so \\( x \\) is", "so $x$ is"),
        ("so\n\\[\nx^2\n\\]\nis", "so\n$$\nx^2\n$$\nis"),
        ("\\[ a \\\\[2pt] b \\] is", "$$ a \\\\[2pt] b $$ is"),
        ("`\\(x\\)` is", "`\\(x\\)` is"),
        ("\\[link\\](https://x.y) is", "\\[link\\](https://x.y) is"),
        ("\\\\(x\\\\) is", "\\\\(x\\\\) is"),
        ("```\n\\(x\\)\n```\nis", "```\n\\(x\\)\n```\nis"),
        ("\\( 5\\$ costs $ \\) is", "\\( 5\\$ costs $ \\) is"),
    ],
)
def test_formulas_are_given_dollars_outside_of_code(text: str, expected: str, is_final: bool) -> None:
    assert whole_markdown(text, is_final=is_final) == expected


@given(TEXTS)
def test_of_a_finished_text_nothing_is_lost(text: str) -> None:
    whole = whole_markdown(text, is_final=True)

    assert _bare(whole) == _bare(text)


@given(TEXTS, st.data())
def test_nothing_is_shown_that_is_not_there_but_what_closes(text: str, data: st.DataObject) -> None:
    beginning = text[: data.draw(st.integers(0, len(text)))]

    whole = shown(beginning)

    final = whole_markdown(beginning, is_final=True)
    assert any(final.startswith(whole[: len(whole) - cut]) for cut in range(_closing(whole) + 1))


def _bare(text: str) -> str:
    """Return the text without spaces and without what delimits formulas."""
    for delimiter in ("\\[", "\\]", "\\(", "\\)", "$"):
        text = text.replace(delimiter, "")
    return "".join(text.split())


def _closing(text: str) -> int:
    return len(text) - len(text.rstrip("*`"))
