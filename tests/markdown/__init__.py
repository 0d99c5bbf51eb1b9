"""Markdown: what is drawn of it, and what never gets through."""
