"""A cell and what a model reads of it: its source, then its outputs as plain text.

Standard library alone: the recorder needs it, and loading the extension is instant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Literal

Output = Mapping[str, Any]
"""An output as an .ipynb holds it, with its texts in one piece.

The form: https://nbformat.readthedocs.io/en/latest/format_description.html#code-cell-outputs
"""

SOURCE_CHARS = 20_000
OUTPUT_CHARS = 8_000
"""The most that a model reads of the source of one cell, and of all its outputs."""

PICTURES = ("image/png", "image/jpeg")
"""What models see."""

# The first that is there is read. An object may describe itself for models (IPython's `_repr_llm_`).
_TEXTS = ("x-vendor/llm", "text/markdown", "text/plain", "text/latex", "text/html", "application/json")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_MARK = re.compile(r"\n\[\.\.\. ([\d,]+) characters left out \.\.\.\]\n")
_OPAQUE = re.compile(r"<[\w.]+ object(?: at 0x[0-9a-f]+)?>")
_BLOCKS = frozenset(
    {"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "pre", "table", "tr", "ul", "ol"}
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook, or one that was executed.

    Attributes
    ----------
    source
        As it was typed.
    number
        Its execution count; None if it never ran.
    id
        What the notebook's file calls it; empty where that is not known.
    outputs
        As the cell shows them, oldest first.
    has_run
        Whether this kernel ran it, and `outputs` are what came of that; else they are what the file holds.
    is_whole
        Whether everything that it showed is among the outputs.
    """

    source: str
    kind: Literal["code", "markdown", "raw"] = "code"
    number: int | None = None
    id: str = ""
    outputs: tuple[Output, ...] = ()
    has_run: bool = False
    is_whole: bool = True

    @property
    def error(self) -> Output | None:
        """The error that ended it: `ename`, `evalue` and `traceback`, a list of texts."""
        return next((output for output in self.outputs if output["output_type"] == "error"), None)

    def as_text(self) -> str:
        r"""Return source and outputs as a model reads them.

        The text depends on nothing that changes when the cell runs again with the same outcome.

        Examples
        --------
        >>> print(Cell("1 + 1", outputs=({"output_type": "execute_result", "data": {"text/plain": "2"}},)).as_text())
        1 + 1
        <BLANKLINE>
        [output]
        2
        """
        source = clipped(self.source.strip("\n"), SOURCE_CHARS)
        outputs = self.outputs_as_text()
        return f"{source}\n\n[output]\n{outputs}" if outputs else source

    def outputs_as_text(self) -> str:
        """Return the outputs alone; empty if there are none."""
        texts = [text for output in self.outputs if (text := as_text(output))]
        text = clipped("\n".join(texts), OUTPUT_CHARS)
        # Tracebacks name the cell by its count, which is another each time: in a kernel, in a terminal.
        return re.sub(rf"Cell In\[{self.number}\]|<ipython-input-{self.number}-\w+>", "this cell", text)

    def pictures(self) -> tuple[tuple[str, str], ...]:
        """Return the MIME type and the base64 of each picture that it shows."""
        data = (output.get("data", {}) for output in self.outputs)
        found = ([(mime, each[mime]) for mime in PICTURES if each.get(mime)] for each in data)
        return tuple(picture for each in found for picture in each[:1])


def as_text(output: Output) -> str:
    r"""Return an output as plain text, without the escapes that colour it.

    Examples
    --------
    >>> as_text({"output_type": "stream", "text": "10 %\r100 %\n"})
    '100 %'
    >>> as_text({"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}})
    '[picture image/png]'
    >>> as_text({"output_type": "error", "ename": "KeyError", "evalue": "'a'", "traceback": []})
    "KeyError: 'a'"
    """
    match output["output_type"]:
        case "stream":
            return _as_shown(output["text"])
        case "error":
            text = "\n".join(map(str, output.get("traceback", ())))
            return _as_shown(text or f"{output.get('ename')}: {output.get('evalue')}")
        case "display_data" | "execute_result":
            return _bundle_as_text(output.get("data", {}))
    return ""


def clipped(text: str, limit: int) -> str:
    r"""Return a text of about `limit` characters: the beginning and the end, with a mark between.

    Examples
    --------
    >>> clipped("a" * 6_000 + "b" * 6_000, 10)
    'aaaaa\n[... 11,990 characters left out ...]\nbbbbb'
    """
    if len(text) <= limit:
        return text
    half = limit // 2
    middle = text[half:-half]
    # What was left out before is left out still.
    earlier = sum(int(mark[1].replace(",", "")) - len(mark[0]) for mark in _MARK.finditer(middle))
    return f"{text[:half]}\n[... {len(middle) + earlier:,} characters left out ...]\n{text[-half:]}"


def readable(data: Mapping[str, Any]) -> dict[str, Any]:
    r"""Return of a MIME bundle what `Cell` makes use of: one text and the pictures.

    Examples
    --------
    >>> readable({"text/plain": "   a\n0  1", "text/html": "<table>...", "application/x-own": {}})
    {'text/plain': '   a\n0  1'}
    """
    pictures = {mime: data[mime] if mime in PICTURES else "" for mime in data if str(mime).startswith("image/")}
    mime = _best_text(data)
    return pictures | ({mime: data[mime]} if mime else {})


def _best_text(data: Mapping[str, Any]) -> str:
    there = [mime for mime in _TEXTS if data.get(mime)]
    if "text/plain" in there[:1] and len(there) > 1 and _OPAQUE.fullmatch(str(data["text/plain"])):
        return there[1]  # <IPython.core.display.HTML object> says nothing
    return there[0] if there else ""


def _bundle_as_text(data: Mapping[str, Any]) -> str:
    mime = _best_text(data)
    value = data[mime] if mime else ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if mime == "text/html":
        text = _html_as_text(text)
    marks = [f"[picture {mime}]" for mime in data if mime.startswith("image/")][:1]
    return " ".join(filter(None, [*marks, _ESCAPES.sub("", text).strip("\n")]))


def _as_shown(text: str) -> str:
    """Return printed text as a screen shows it: without colours, and without what was written over."""
    lines = _ESCAPES.sub("", text).strip("\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _html_as_text(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()).strip("| ") for line in "".join(reader.texts).split("\n"))
    return "\n".join(filter(None, lines))


class _Reader(HTMLParser):
    """Takes the text out of HTML; the cells of a table stand apart by bars."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in {"script", "style"}
        self.texts.append("\n" if tag in _BLOCKS else " | " if tag in {"td", "th"} else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"} and self._hidden > 0
        self.texts.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data.replace("\n", " "))
