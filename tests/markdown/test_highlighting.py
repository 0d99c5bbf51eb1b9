"""The colours of code."""

import pytest
from pygments.lexers import get_lexer_by_name

from chatnb.markdown.highlighting import _LANGUAGES, _OTHER_NAMES, COLOURS, LONGEST, block, stylesheet


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("role", sorted(COLOURS.keys() - {"ground"}))
def test_every_colour_can_be_read_on_its_ground(role: str, theme: int) -> None:
    one, other = sorted(luminance(COLOURS[name][theme]) for name in (role, "ground"))

    assert (other + 0.05) / (one + 0.05) >= 4.5


def test_a_page_can_set_every_colour() -> None:
    css = stylesheet()

    assert all(f"var(--chatnb-{role})" in css for role in COLOURS)
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize("language", sorted({*_LANGUAGES, *_OTHER_NAMES.values()}))
def test_every_language_has_its_lexer(language: str) -> None:
    assert get_lexer_by_name(language).name


def test_code_that_is_too_long_to_be_coloured_is_shown_plain() -> None:
    assert "<span" in block("x = 1\n" * 10, "python")
    assert "<span" not in block("x = 1\n" * LONGEST, "python")
    assert "<span" not in block("x = 1;" * 1_000, "python")
    assert "<span" not in block("x = 1;" + "\n " * 40, "c")
