"""Formulas as MathML."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from chatnb.markdown.formulas import ATTRIBUTES, ELEMENTS, mathml


@pytest.mark.parametrize(
    "tex",
    [
        r"\href{javascript:1}{x}",
        r"\style{background:url(//x)}{x}",
        r"\class{jp-Dialog}{x}",
        r"\cssId{main}{x}",
        r"\def\a{xx}\def\b{\a\a}\b",
        r"\newcommand{\leq}{\geq} \leq",
        r"\require{html} x",
        r"\includegraphics{x}",
        "{" * 1000 + "}" * 1000,
        r"\left(" * 500,
        r"\frac{a}",
        "x" * 5_000,
        " ",
    ],
)
def test_what_links_styles_defines_or_has_no_end_is_not_drawn(tex: str) -> None:
    assert mathml(tex) is None


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<img src=x onerror=1>}",
        r"\text{&lt;img src=x&gt;}",
        r"\color{red;background:url(//x)}{x}",
        r"\hspace{1em\" onclick=\"x}",
        "<script>",
        r'\begin{array}{l"x}a\end{array}',
    ],
)
def test_a_formula_holds_nothing_but_mathematics(tex: str) -> None:
    nodes = LexborHTMLParser(mathml(tex) or "").css("body *")

    assert {node.tag for node in nodes} <= ELEMENTS
    assert {name for node in nodes for name in node.attributes} <= ATTRIBUTES


def test_the_words_in_a_formula_stay() -> None:
    assert "<mtext>&lt;b&gt;</mtext>" in (mathml(r"\text{<b>}") or "")


@pytest.mark.parametrize(
    "tex", ["x_1", r"\frac{a}{b}", r"\sum_{i=1}^n i", r"\sqrt[3]{x}", r"\begin{pmatrix}a&b\\c&d\end{pmatrix}"]
)
def test_a_formula_is_drawn(tex: str) -> None:
    assert (mathml(tex, is_display=True) or "").startswith('<math display="block">')
