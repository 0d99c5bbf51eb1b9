"""The text of an HTML page, as Markdown where it is an article."""

from __future__ import annotations

import logging
import re
from typing import Final

from ..errors import ContextRefused

LARGEST_ARTICLE: Final = 1_000_000
"""In characters; larger pages are taken as they are: to find the article in one takes up to 15 s for each million."""

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "caption", "dd", "details", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li"),
        *("main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "title", "tr", "ul"),
    }
)
_CELLS = frozenset({"td", "th"})
_NO_TEXT = ("script", "style", "noscript", "template", "svg", "math")
_BREAK = re.compile(r"\s*\n\s*")
_BLANKS = re.compile(r"[^\S\n]+")


def text_of(html: str, name: str) -> str:
    """Return the article of a page, without what stands around it; if there is none, all text that there is.

    Parameters
    ----------
    html
        The page, decoded.
    name
        What errors call it.

    Raises
    ------
    ContextRefused
        If the library that reads HTML is not installed.
    """
    try:
        import lxml.etree  # type: ignore[import-untyped]  # noqa: PLC0415 - optional; it comes with trafilatura
        import trafilatura  # noqa: PLC0415 - optional, and 0.2 s to import
    except ImportError as error:
        raise ContextRefused(
            f"To read {name}, chatnb needs {error.name}: pip install 'chatnb[web]', then ask again."
        ) from error
    logging.getLogger("trafilatura").addHandler(logging.NullHandler())  # else it tells stderr what it finds odd
    article = None
    if len(html) <= LARGEST_ARTICLE:
        article = trafilatura.extract(html, output_format="markdown", include_comments=False)
    try:
        return article or _all_text(html)
    except lxml.etree.LxmlError:  # nothing in it is an element
        return ""


def _all_text(html: str) -> str:
    from lxml import etree  # noqa: PLC0415 - as above
    from lxml.html import HTMLParser, document_fromstring  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    # As bytes: a text that declares an encoding of its own is refused otherwise.
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    tree = document_fromstring(html.replace("\0", "").encode(errors="replace"), parser=parser)
    etree.strip_elements(tree, *_NO_TEXT, with_tail=False)
    texts: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        texts.append("\n" if element.tag in _BLOCKS else " " if element.tag in _CELLS else "")
        texts.append((element.text if event == "start" else element.tail) or "")
    return _BREAK.sub("\n", _BLANKS.sub(" ", "".join(texts))).strip()
