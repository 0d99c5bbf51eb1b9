"""Fenced code as HTML, coloured by classes, and the stylesheet with their colours."""

from __future__ import annotations

import re
from html import escape
from typing import Any

LONGEST = 10_000
"""Characters that are still coloured: a few lexers take seconds for a hostile text that is longer."""
_LONGEST_LINE = 2_000
# The lexers of C and its kin go over these again and again.
_EMPTY_LINES = re.compile(r"(?:\n[ \t]*){40}")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")

# What reads most languages of a notebook's world; a lexer of which nothing is known may take minutes for a hostile text.
_NAMES = """
python py python3 ipython pycon pytb pyi bash sh shell zsh console shell-session powershell ps1 batch javascript js
jsx typescript ts tsx json yaml yml toml ini cfg html xml css scss sass less sql postgresql
mysql c cpp c++ csharp c# cs java kotlin scala swift objective-c go golang rust rs ruby rb php perl lua r
julia jl matlab octave haskell hs ocaml fsharp elixir erlang clojure dart zig nim fortran cython latex tex
markdown md diff dockerfile docker makefile make cmake nginx graphql protobuf proto http
"""
# What Pygments knows under another name.
_OTHER_NAMES = {
    "h": "c",
    "hpp": "cpp",
    "jsonc": "json",
    "jsonl": "json",
    "kt": "kotlin",
    "patch": "diff",
    "rscript": "r",
    "sqlite": "sql",
    "svg": "xml",
}
_LANGUAGES = frozenset(_NAMES.split())
_ROLES = (
    ("Comment", "comment"),
    ("Keyword.Constant", "constant"),
    ("Keyword", "keyword"),
    ("Operator.Word", "keyword"),
    ("Operator", "operator"),
    ("Name.Builtin", "builtin"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Decorator", "decorator"),
    ("Name.Exception", "builtin"),
    ("Name.Tag", "keyword"),
    ("Name.Attribute", "name"),
    ("Name.Variable", "variable"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Generic.Deleted", "deleted"),
    ("Generic.Inserted", "inserted"),
    ("Generic.Heading", "name"),
    ("Generic.Subheading", "name"),
    ("Generic.Error", "deleted"),
    ("Generic.Traceback", "deleted"),
    ("Generic.Prompt", "comment"),
)
COLOURS = {
    "text": ("#1f2328", "#e6edf3"),
    "ground": ("#f6f8fa", "#161b22"),
    "comment": ("#57606a", "#9aa4af"),
    "keyword": ("#a40e26", "#ff8f87"),
    "constant": ("#0550ae", "#8cc2ff"),
    "operator": ("#3d444d", "#c6ced6"),
    "builtin": ("#7a3e00", "#ffb077"),
    "name": ("#6639ba", "#d7b5ff"),
    "decorator": ("#6639ba", "#d7b5ff"),
    "variable": ("#7a3e00", "#ffb077"),
    "string": ("#0a5c2b", "#8ddb9b"),
    "number": ("#0550ae", "#8cc2ff"),
    "deleted": ("#a40e26", "#ff8f87"),
    "inserted": ("#0a5c2b", "#8ddb9b"),
}
"""The colour of each role in light and in dark; every one can be read on its ground by those who see poorly (WCAG AA)."""


def opened(language: str) -> str:
    """Return how a block of code begins; its code follows, and `CLOSED`."""
    return f'<pre class="chatnb-code" data-language="{escape(language)}"><code>'


CLOSED = "</code></pre>"


def plain(code: str) -> str:
    """Return code as it is shown while it is being written: each character by itself, whatever comes before and behind."""
    return escape(code, quote=False)


def block(code: str, language: str) -> str:
    """Return a block of code, coloured if its language is known.

    Its text is the code. What turns the direction of writing is marked: it can make code read as what it is not.

    Parameters
    ----------
    code
        Without the last line end.
    language
        As it stands behind the fence.

    Examples
    --------
    >>> block("x = 1", "python")
    '<pre class="chatnb-code" data-language="python"><code>x <span class="chatnb-operator">=</span> <span class="chatnb-number">1</span></code></pre>'
    """
    return f"{opened(language)}{_coloured(code, language)}{CLOSED}"


def stylesheet() -> str:
    """Return the CSS of everything that a rendered text holds, in light and dark.

    Each colour is a variable (`--chatnb-keyword`) that a page can set; dark follows JupyterLab's theme, where there is none
    the reader's system.
    """
    light, dark = ("".join(f"--chatnb-{role}:{pair[at]};" for role, pair in COLOURS.items()) for at in (0, 1))
    roles = "".join(
        f".chatnb-{role}{{color:var(--chatnb-{role})}}\n" for role in COLOURS if role not in ("text", "ground")
    )
    return (
        f":root{{{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root:not(:has([data-jp-theme-light])){{{dark}}}}}\n"
        f'[data-jp-theme-light="false"]{{{dark}}}\n{roles}{_LAYOUT}'
    )


_LAYOUT = """\
.chatnb-code{direction:ltr;unicode-bidi:isolate;text-align:left;overflow-x:auto;padding:.6em .8em;color:var(--chatnb-text);\
background:var(--chatnb-ground)}
.chatnb-code code{font-family:monospace;white-space:pre;tab-size:4}
.chatnb-bidi::after{content:"\\21C4";color:var(--chatnb-deleted)}
.chatnb-deleted{text-decoration:line-through}
.chatnb-table{overflow-x:auto}
.chatnb-left{text-align:left}
.chatnb-center{text-align:center}
.chatnb-right{text-align:right}
.chatnb-formula{display:block;overflow-x:auto}
.chatnb-done,.chatnb-undone{list-style:none}
.chatnb-note{font-size:.9em}
"""


def _coloured(code: str, language: str) -> str:
    name = _OTHER_NAMES.get(language.lower(), language.lower())
    if name not in _LANGUAGES or len(code) > LONGEST or _is_odd(code):
        return _marked(code)
    # 80 ms, and most sessions begin with prose.
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415

    lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    return "".join(_span(kind, value) for kind, value in _merged(lexer.get_tokens(code)))


def _is_odd(code: str) -> bool:
    # Pygments would take a byte order mark away.
    return (
        code.startswith("\ufeff")
        or _EMPTY_LINES.search(code) is not None
        or any(len(line) > _LONGEST_LINE for line in code.split("\n"))
    )


def _merged(tokens: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for kind, value in tokens:
        role = _role(kind)
        if found and found[-1][0] == role:
            found[-1] = (role, found[-1][1] + value)
        else:
            found.append((role, value))
    return found


def _role(kind: Any) -> str:
    name = str(kind).removeprefix("Token.")
    return next((role for prefix, role in _ROLES if name == prefix or name.startswith(prefix + ".")), "")


def _span(role: str, text: str) -> str:
    shown = _marked(text)
    return f'<span class="chatnb-{role}">{shown}</span>' if role and not text.isspace() else shown


def _marked(code: str) -> str:
    return _BIDI.sub(lambda found: f'<span class="chatnb-bidi">{found[0]}</span>', plain(code))
