"""A model's text as safe HTML: for now, paragraphs of plain text."""

from __future__ import annotations

from html import escape


def blocks(text: str) -> list[str]:
    """Return the blocks of a text."""
    return [f"<p>{escape(block, quote=False)}</p>" for block in text.split("\n\n") if block.strip()]


def to_html(text: str) -> str:
    """Return all blocks of a text."""
    return "".join(blocks(text))
