"""The formats of export, and which of them a file's name asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from ..errors import SettingsError
from .base import Exporter
from .data import as_csv, as_json, as_jsonl, as_text
from .html import as_html
from .markdown import as_markdown
from .notebook import as_notebook


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its suffixes, what it is for, and who writes it."""

    suffixes: tuple[str, ...]
    about: str
    write: Exporter


FORMATS: dict[str, Format] = {
    "ipynb": Format((".ipynb",), "a notebook, to be read, run and imported again", as_notebook),
    "md": Format((".md", ".markdown"), "Markdown, with its pictures in it", as_markdown),
    "html": Format((".html", ".htm"), "one page, to be read and printed anywhere", as_html),
    "json": Format((".json",), "everything that is kept, to be imported again", as_json),
    "jsonl": Format((".jsonl", ".ndjson"), "a chat a line, as fine-tuning tools read it", as_jsonl),
    "csv": Format((".csv",), "a table with a row for each message", as_csv),
    "txt": Format((".txt", ".text"), "plain text", as_text),
}
"""By the name that `--format` takes."""


def format_of(path: str, name: str = "") -> Format:
    """Return the format called `name`, or else the one of a path's suffix.

    Raises
    ------
    SettingsError
        If there is none.

    Examples
    --------
    >>> format_of("Plans.IPYNB").suffixes, format_of("-").suffixes
    (('.ipynb',), ('.md', '.markdown'))
    """
    known = ", ".join(f"{each} ({form.about})" for each, form in FORMATS.items())
    if name:
        if name.removeprefix(".") not in FORMATS:
            raise SettingsError(f"There is no format {name!r}. There are: {known}.")
        return FORMATS[name.removeprefix(".")]
    if path == "-":
        return FORMATS["md"]  # to be read, as what is printed is
    suffix = PurePath(path).suffix.lower()
    for form in FORMATS.values():
        if suffix in form.suffixes:
            return form
    raise SettingsError(f"{path!r} does not tell the format. Give a suffix, or --format: {known}.")
