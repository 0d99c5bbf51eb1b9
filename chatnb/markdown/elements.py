"""One part of a Markdown text as the HTML of its blocks: what each element is written as.

Nothing of the text becomes a tag, an attribute or an address but what is written here, and a sanitiser that knows no
Markdown looks at it once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from html import escape
from typing import Any
from urllib.parse import unquote, urlsplit

from . import highlighting
from .cleaning import DATA, WEB, clean
from .drafts import whole_markdown
from .formulas import mathml
from .parsing import Labels, blocks
from .parts import Part
from .safe import visible

Pictures = Callable[[str], str | None]

_BARE = re.compile(r"https?://[^\s<>\"`]+", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\](?:\s+|$)")
_OUT = 'rel="noopener noreferrer" target="_blank"'
_ALIGNED = re.compile(r"text-align:(left|center|right)")


class Elements:
    """Renders the parts of one text, and knows what it has defined so far.

    Parameters
    ----------
    pictures
        Returns the `data:` address of a picture by the name that the text uses, or None.
    name
        Part of the ids of notes: one that no other text of the same page has.
    """

    def __init__(self, pictures: Pictures | None, name: str) -> None:
        self._pictures, self._name = pictures, re.sub(r"[^\w-]", "", name, flags=re.ASCII)
        self._links: dict[str, Any] = {}
        # The parser counts notes for itself, and takes -1 for one that it has not counted yet.
        self._notes: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def draft(self, source: str) -> tuple[str, ...]:
        """Return the blocks of a part that is still being written."""
        return self._rendered(whole_markdown(source, is_final=False), Labels(self._links), Labels(self._notes), -1)

    def final(self, part: Part, number: int) -> tuple[tuple[str, ...], frozenset[str]]:
        """Return the blocks of a part, and what it asked for in vain: if that is defined later, it is rendered again.

        Parameters
        ----------
        number
            Which part it is: the first one that defines something decides.
        """
        if part.fence is not None:
            return (highlighting.block("\n".join(part.fence.code), part.fence.language),), frozenset()
        links, notes = Labels(self._links), Labels(self._notes)
        shown = self._rendered(whole_markdown(part.source, is_final=True), links, notes, number)
        for label, link in links.items():
            self._links.setdefault(label, link)
        for label in notes:
            self._notes[label] = -1
            self._places.setdefault(label, number)
        return shown, frozenset(links.missed | notes.missed)

    def knows(self, labels: frozenset[str]) -> bool:
        """Tell whether any of these has been defined by now."""
        return any(label in self._links or label in self._notes for label in labels)

    def _rendered(self, markdown: str, links: Labels, notes: Labels, number: int) -> tuple[str, ...]:
        groups = blocks(markdown, links, notes)
        if groups is None:
            return (clean(f'<p class="chatnb-plain" dir="auto">{_text(markdown)}</p>'),)
        writer = _Writer(self._pictures, self._name, self._places, number)
        return tuple(clean("".join(writer.written(group))) for group in groups)


class _Writer:
    def __init__(self, pictures: Pictures | None, name: str, places: Mapping[str, int], number: int) -> None:
        self._pictures, self._name = pictures, name
        self._places, self._number = places, number
        self._defined: set[str] = set()
        self._links: list[str] = []

    def written(self, tokens: Sequence[Any]) -> Iterator[str]:  # noqa: PLR0915 - a line for each element
        """Yield the HTML of tokens."""
        for at, token in enumerate(tokens):
            match token.type:
                case "inline":
                    yield from self.written(token.children or ())
                case "paragraph_open":
                    yield "" if token.hidden else '<p dir="auto">'
                case "paragraph_close":
                    yield "\n" if token.hidden else "</p>"
                case "list_item_open":
                    yield _item(tokens, at)
                case "ordered_list_open":
                    start = token.attrGet("start")
                    yield '<ol dir="auto">' if start is None else f'<ol dir="auto" start="{int(start)}">'
                case "heading_open" | "bullet_list_open" | "blockquote_open":
                    yield f'<{token.tag} dir="auto">'
                case "table_open":
                    yield '<div class="chatnb-table"><table>'
                case "table_close":
                    yield "</table></div>"
                case "th_open" | "td_open":
                    aligned = _ALIGNED.fullmatch(str(token.attrGet("style")))
                    place = f' class="chatnb-{aligned[1]}"' if aligned else ""
                    yield f'<{token.tag}{place} dir="auto">'
                case "thead_open" | "tbody_open" | "tr_open" | "em_open" | "strong_open" | "s_open":
                    yield f"<{token.tag}>"
                case (
                    "heading_close" | "bullet_list_close" | "ordered_list_close" | "list_item_close" | "blockquote_close"
                    | "th_close" | "td_close" | "thead_close" | "tbody_close" | "tr_close" | "em_close" | "strong_close"
                    | "s_close"
                ):  # fmt: skip
                    yield f"</{token.tag}>"
                case "hr":
                    yield "<hr>"
                case "fence" | "code_block":
                    yield highlighting.block(token.content.removesuffix("\n"), token.info)
                case "code_inline":
                    yield f"<code>{_text(token.content)}</code>"
                case "math_block" | "math_inline_double" | "amsmath":
                    yield _formula(token.content, is_display=True)
                case "math_inline":
                    yield _formula(token.content, is_display=False)
                case "link_open":
                    yield self._opened(str(token.attrGet("href")), token.attrGet("title"))
                case "link_close":
                    yield self._links.pop()
                case "image":
                    yield self._picture(str(token.attrGet("src")), token.content)
                case "footnote_ref":
                    yield f'<sup><a class="chatnb-ref" href="#{self._id(token)}">{_text(token.meta["label"])}</a></sup>'
                case "footnote_reference_open":
                    yield self._note(token)
                case "footnote_reference_close":
                    yield "</div>"
                case "softbreak":
                    yield "\n"
                case "hardbreak":
                    yield "<br>"
                case _:
                    yield _text(token.content) if self._links else "".join(_linked(token.content))

    def _opened(self, address: str, title: object) -> str:
        if WEB.match(address) is None:
            # It leads to a file or a place in a page that we do not know.
            self._links.append(f" ({_text(unquote(address))})")
            return ""
        self._links.append("</a>")
        named = f' title="{escape(visible(str(title)))}"' if title else ""
        return f'<a href="{escape(address)}" {_OUT}{named}>'

    def _picture(self, address: str, alt: str) -> str:
        name = unquote(address)
        if address.lower().startswith(("http:", "https:")):
            host = urlsplit(address).hostname if "[" not in address else ""
            words = " ".join(filter(None, (alt, f"({host})" if host else "")))
            return f'<button type="button" class="chatnb-remote" data-src="{escape(address)}">{_text(words)}</button>'
        data = self._pictures(name) if self._pictures is not None else None
        if data is None or DATA.fullmatch(data) is None:
            return f'<span class="chatnb-picture">{_text(alt or name)}</span>'
        return f'<img src="{data}" alt="{escape(visible(alt))}">'

    def _note(self, token: Any) -> str:
        label = token.meta["label"]
        is_first = self._places.get(_key(label), self._number) == self._number and label not in self._defined
        self._defined.add(label)
        place = f' id="{self._id(token)}"' if is_first else ""
        return f'<div class="chatnb-note"{place} dir="auto"><sup>{_text(label)}</sup> '

    def _id(self, token: Any) -> str:
        mark = blake2b(token.meta["label"].encode("utf-8", "replace"), digest_size=6).hexdigest()
        return f"chatnb-{self._name}-note-{mark}" if self._name else f"chatnb-note-{mark}"


def _key(label: str) -> str:
    """Return how the parser keeps the label of a note."""
    return ":" + label


def _item(tokens: Sequence[Any], at: int) -> str:
    inline = next((token for token in tokens[at + 1 : at + 3] if token.type == "inline"), None)
    first = inline.children[0] if inline is not None and inline.children else None
    found = _TASK.match(first.content) if first is not None and first.type == "text" else None
    if first is None or found is None:
        return "<li>"
    first.content = first.content[found.end() :]
    state, mark = ("undone", "\u2610") if found[1] == " " else ("done", "\u2611")
    return f'<li class="chatnb-{state}"><span class="chatnb-task" role="img" aria-label="{state}">{mark}</span> '


def _formula(tex: str, *, is_display: bool) -> str:
    drawn = mathml(tex.strip(), is_display=is_display)
    shown = f'<code class="chatnb-tex">{_text(tex.strip())}</code>' if drawn is None else drawn
    return f'<span class="chatnb-formula">{shown}</span>' if is_display else shown


def _linked(text: str) -> Iterator[str]:
    """Yield a text with the addresses in it as links."""
    done = 0
    for found in _BARE.finditer(text):
        address = _without_punctuation(found[0])
        if WEB.match(address) is None:
            continue
        end = found.start() + len(address)
        yield f'{_text(text[done : found.start()])}<a href="{escape(visible(address))}" {_OUT}>{_text(address)}</a>'
        done = end
    yield _text(text[done:])


def _without_punctuation(address: str) -> str:
    """Leave what ends a sentence or the brackets around an address to the text."""
    while address[-1:] and (
        address[-1] in ".,:;!?'*_~" or (address[-1] == ")" and address.count(")") > address.count("("))
    ):
        address = address[:-1]
    return address


def _text(text: str) -> str:
    return escape(visible(text), quote=False)
