"""HTML looked at once more by who knows no Markdown: what it may hold is listed here, and nothing else stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from . import formulas

WEB = re.compile(r"https?://[^\s]|mailto:[^\s]", re.IGNORECASE)
"""How an address begins that a link may lead to."""

DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]*")
"""A picture that is its own address."""

_CLASSES = re.compile(r"chatnb-[a-z]+(?: chatnb-[a-z]+)*")
_ID = re.compile(r"chatnb-[\w-]+")

_ATTRIBUTES = {
    "a": {"href", "title", "class", "rel", "target"},
    "button": {"type", "class", "data-src"},
    "code": {"class"},
    "div": {"class", "id", "dir"},
    "img": {"src", "alt"},
    "li": {"class"},
    "ol": {"dir", "start"},
    "p": {"class", "dir"},
    "pre": {"class", "data-language"},
    "span": {"class", "role", "aria-label"},
    "td": {"class", "dir"},
    "th": {"class", "dir"},
    **{tag: {"dir"} for tag in ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ul")},
    **{tag: set(formulas.ATTRIBUTES) for tag in formulas.ELEMENTS},
}
"""What a rendered text may hold: each element and its attributes."""
ELEMENTS = frozenset({*_ATTRIBUTES, "br", "em", "hr", "s", "strong", "sup", "table", "tbody", "thead", "tr"})
ATTRIBUTES: Mapping[str, frozenset[str]] = {tag: frozenset(names) for tag, names in _ATTRIBUTES.items()}


@cache
def _cleaner() -> Any:
    # Where nobody shows HTML it is not needed.
    from nh3 import Cleaner  # noqa: PLC0415

    return Cleaner(
        tags=set(ELEMENTS),
        attributes=_ATTRIBUTES,
        attribute_filter=_filtered,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel=None,
        strip_comments=True,
    )


def _filtered(element: str, attribute: str, value: str) -> str | None:
    match attribute:
        case "href":
            is_fine = WEB.match(value) is not None or (value.startswith("#") and _ID.fullmatch(value[1:]) is not None)
        case "src":
            is_fine = element == "img" and DATA.fullmatch(value) is not None
        case "data-src":
            is_fine = value.lower().startswith(("http://", "https://"))
        case "class":
            is_fine = _CLASSES.fullmatch(value) is not None
        case "id":
            is_fine = _ID.fullmatch(value) is not None
        case _:
            is_fine = True
    return value if is_fine else None


def clean(html: str) -> str:
    """Return the HTML with what is on the list."""
    return str(_cleaner().clean(html))
