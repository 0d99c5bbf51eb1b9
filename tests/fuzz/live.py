"""Find what is live in HTML: elements, attributes and addresses that no Markdown of ours may lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser

_MARKDOWN = """
html head body p br hr h1 h2 h3 h4 h5 h6 em strong a code pre blockquote ul ol li table thead tbody tr th td del s
"""
_PLUGINS_OF_MISTUNE = "section sup sub dl dt dd abbr mark ins ruby rb rt rp span div input"
ELEMENTS = frozenset(f"{_MARKDOWN} {_PLUGINS_OF_MISTUNE}".split())
ATTRIBUTES = frozenset(
    ("href", "title", "id", "class", "start", "align", "style", "type", "checked", "disabled", "rel")
)
_ADDRESS = re.compile(r"https?://|mailto:|#", re.IGNORECASE)
_STYLE = re.compile(r"text-align: ?(?:left|right|center);?")
_SKIPPED = re.compile(r"[\x00-\x20]")


def live(html: str) -> Iterator[str]:
    """Yield each thing that is not harmless, in words.

    Parameters
    ----------
    html
        What a renderer returned, read as a browser reads it.
    """
    page = f"<!doctype html><html><head></head><body>{html}".encode("utf-8", "replace")
    root = LexborHTMLParser(page).root
    for node in root.traverse() if root is not None else ():
        tag = node.tag or ""
        if tag.startswith("-") or tag in ("_comment", "!doctype"):
            if tag in ("-comment", "_comment"):
                yield "comment"
            continue
        if tag not in ELEMENTS:
            yield f"<{tag}>"
        for name, value in node.attributes.items():
            if name not in ATTRIBUTES:
                yield f"<{tag} {name}>"
            elif name == "href" and not _ADDRESS.match(_SKIPPED.sub("", value or "")):
                yield f"href={value!r}"
            elif name == "style" and not _STYLE.fullmatch((value or "").strip()):
                yield f"style={value!r}"
            elif name == "type" and value != "checkbox":
                yield f"type={value!r}"


def codes(html: str) -> list[str]:
    """Return the text of each block of code in HTML."""
    return [node.text() for node in LexborHTMLParser(html.encode("utf-8", "replace")).css("pre")]
