"""Formulas in TeX, drawn by the browser itself: MathML.

The converter knows commands that link, style and name, and lets a formula define others without end: these are refused,
and of what it makes only the elements and attributes of a list are written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from typing import Any

_ELEMENTS = """
math mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle merror mpadded mphantom mfenced menclose msub msup
msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd mlabeledtr
"""
ELEMENTS = frozenset(_ELEMENTS.split())
"""The elements of MathML Core and those next to it that need neither a link nor a script."""
_ATTRIBUTES = """
display displaystyle scriptlevel mathvariant mathcolor mathbackground mathsize stretchy symmetric largeop
movablelimits fence separator form accent accentunder lspace rspace minsize maxsize linethickness width height depth
voffset notation columnalign rowalign columnspacing rowspacing columnlines rowlines frame open close separators
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
# With another number of them a browser draws an error.
_CHILDREN = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
_VALUE = re.compile(r"[\w.#%+\- ()\[\]{}|,;]{0,64}")
# They define, link, style, name or load; or they repeat what they are given.
_REFUSED = re.compile(
    r"\\(?:href|url|class|cssId|style|data|bbox|mmlToken|require|includegraphics|unicode|[egx]?def|let|futurelet|newcommand|"
    r"renewcommand|providecommand|newenvironment|renewenvironment|Declare[A-Za-z]+)(?![A-Za-z])",
)
_LONGEST = 4_000
_DEEPEST = 40
_BRACES = re.compile(r"(?<!\\)(?:\\\\)*+([{}])|\\(?:(left|begin)|(right|end))(?![A-Za-z])")


@lru_cache(maxsize=512)
def mathml(tex: str, *, is_display: bool = False) -> str | None:
    r"""Return a formula as MathML, or None if it cannot be read.

    Parameters
    ----------
    tex
        Without the dollars around it.
    is_display
        Whether it stands in a line of its own.

    Examples
    --------
    >>> mathml("x^2")
    '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    >>> mathml(r"\href{javascript:1}{x}") is None
    True
    """
    if not tex.strip() or len(tex) > _LONGEST or _REFUSED.search(tex) or _depth(tex) > _DEEPEST:
        return None
    # Most texts have no formula, and it takes as long to import as IPython's completer.
    from latex2mathml.converter import Converter  # noqa: PLC0415

    try:
        element = Converter(display="block" if is_display else "inline").convert_to_element(tex)
        return _written(element)
    except Exception:  # noqa: BLE001 - half a formula breaks it in many ways
        return None


def _depth(tex: str) -> int:
    depth = deepest = 0
    for found in _BRACES.finditer(tex):
        depth += 1 if found[1] == "{" or found[2] else -1
        deepest = max(deepest, depth)
    return deepest


def _written(element: Any) -> str:
    tag = str(element.tag)
    # Its texts hold entities.
    inner = _text(element.text) + "".join(_written(child) + _text(child.tail) for child in element)
    if tag not in ELEMENTS:
        return inner
    if len(element) != _CHILDREN.get(tag, len(element)):
        raise ValueError(tag)
    attributes = "".join(
        f' {name}="{escape(str(value))}"'
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and _VALUE.fullmatch(str(value))
    )
    return f"<{tag}{attributes}>{inner}</{tag}>"


def _text(text: str | None) -> str:
    return escape(unescape(text), quote=False) if text else ""
