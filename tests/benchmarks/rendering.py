"""What it costs to show an answer as HTML while it is being written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from chatnb.markdown.html import Rendering, to_html

from .rows import Row

_ANSWER = Path(__file__).with_name("answer.md")
_SIZE = 16_000


def rows(quick: bool) -> Iterator[Row]:
    """Yield the time of an answer in deltas over that of the whole answer, and the bytes of the changes over the HTML's."""
    text = _ANSWER.read_text(encoding="utf-8")
    text = (text * (_SIZE // len(text) + 1))[:_SIZE]
    html = to_html(text)
    whole, grown, told = [], [], 0
    for _ in range(1 if quick else 3):
        began_at = time.process_time()
        to_html(text)
        whole.append(time.process_time() - began_at)
        began_at = time.process_time()
        told = _told(text, 4)
        grown.append(time.process_time() - began_at)
    yield Row("16 kB as HTML in 4,000 deltas", min(grown) / min(whole), "x", 100, "rendered once, whole")
    yield Row("the bytes of its changes", told / len(html.encode()), "x", 6, "the final HTML")
    line = "x = [1, 2, 3]  # <code>\n"
    for size in (100_000, 400_000) if quick else (250_000, 1_000_000):
        fence = "```text\n" + line * (size // len(line))
        began_at = time.process_time()
        _told(fence, size // 10_000)
        yield Row(f"an open fence of {size:,} in 10,000 deltas", time.process_time() - began_at, "s", None, "none")


def _told(text: str, size: int) -> int:
    """Render a text in deltas of so many characters, and return the bytes of the changes."""
    rendering = Rendering()
    changes = [rendering.add(text[at : at + size]) for at in range(0, len(text), size)]
    every = [*(change for change in changes if change is not None), *rendering.end()]
    return sum(len(html.encode()) for change in every for html in change.html)
