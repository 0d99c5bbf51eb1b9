"""The panel's files as the one module that a widget takes.

The files in static/ are ES modules that import each other, so that browsers, checkers and tests read them as they are; there
is no build. A widget is given one text and has no address that files could be imported from. So they are put one after the
other, without their imports and exports; what documents and indents them, and most of their line ends, are not sent to each
page either.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).with_name("static")

_IMPORTED = re.compile(r'^import .* from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORTED = re.compile(r"^export (?!default\b)", re.MULTILINE)
# A comment that has its lines for itself, or a type; another one within a line could be a part of a string.
_COMMENT = re.compile(
    r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)\n|/\*\* @type [^\n*]*(?:\*(?!/)[^\n*]*)*\*/ ?", re.MULTILINE | re.DOTALL
)
_INDENT = re.compile(r"^[ \t]+|\n(?=\n)", re.MULTILINE)
_SPACE = re.compile(r" (=>?|[=!]==|&&|\|\||\?\?) | (?=\})|(?<=\{) |(?<=\)) (?=\{)")
# A line that cannot be a whole statement, or before which one ends anyway; `//` may begin a comment.
_OPEN = re.compile(r"^((?:(?!//)[^\n])*(?:[{;,(\[]|(?=\n[}\])])))\n", re.MULTILINE)


def module(name: str = "panel", folder: Path = FOLDER) -> str:
    """Return a file and all that it imports as one module, each file behind those that it needs.

    What the files declare at their top must have different names in all of them. A template that spans lines would lose
    their indentation and line ends, and signs in words the spaces around them.
    """
    texts: dict[str, str] = {}
    _collect(name, folder, texts)
    return "\n".join(texts.values())


def _collect(name: str, folder: Path, texts: dict[str, str]) -> None:
    text = (folder / f"{name}.js").read_text(encoding="utf-8")
    for needed in _IMPORTED.findall(text):
        if needed not in texts:
            _collect(needed, folder, texts)
    plain = _EXPORTED.sub("", _IMPORTED.sub("", _COMMENT.sub("", text)))
    texts[name] = _OPEN.sub(r"\1", _SPACE.sub(r"\1", _INDENT.sub("", plain))).strip()
