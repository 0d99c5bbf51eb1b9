"""Sessions as one HTML file: readable anywhere, in light and dark and on paper, without network and scripts."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape

from ..markdown.html import stylesheet, to_html
from ..messages import Context, Image, Message, Part, Session, Text, Thinking, ToolCall, ToolResult
from ..printing import printable
from ..views.words import call_line, thought
from .base import Style, about, speaker, title, when
from .markdown import PICTURES

# Nothing may be fetched or run, whatever a browser would find to fetch or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #ffffff; --dim: #59636e; --line: #d1d9e0; --asked: #f3f6fa; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --dim: #9198a1; --line: #3d444d; --asked: #161b22; }
}
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
article { margin: 1.5rem 0; }
article.user { padding: 0.5rem 1rem 0.1rem; background: var(--asked); border-radius: 0.5rem; }
header, small, summary { color: var(--dim); font-size: 0.85rem; }
header b { color: var(--ink); }
pre { overflow-x: auto; padding: 0.7rem; border: 1px solid var(--line); border-radius: 0.4rem; font-size: 0.85rem; }
pre.plain { white-space: pre-wrap; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: 0.25rem 0.6rem; }
blockquote { margin-left: 0; padding-left: 1rem; border-left: 0.25rem solid var(--line); }
img { max-width: 100%; }
section + section { margin-top: 4rem; border-top: 1px solid var(--line); }
@media print {
  :root { --ink: #000000; color-scheme: light; }
  body { max-width: none; margin: 0; }
  pre, pre.plain { white-space: pre-wrap; break-inside: avoid; }
  section + section { break-before: page; border: 0; }
}
"""


def as_html(sessions: Sequence[Session], style: Style = Style()) -> Iterator[str]:  # noqa: ARG001, B008 - as every exporter
    """Yield the sessions as one page: code is highlighted, mathematics is MathML, pictures are in the file."""
    name = _plain(title(sessions[0])) if len(sessions) == 1 else "Chat sessions"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{stylesheet()}{_STYLE}</style>\n</head>\n<body>\n"
    )
    number = 0
    for session in sessions:
        yield f"<section>\n<h1>{_plain(title(session))}</h1>\n<small>{_plain(about(session))}</small>\n"
        for message in session.messages:
            number += 1
            yield _article(message, f"m{number}")
        yield "</section>\n"
    yield "</body>\n</html>\n"


def _article(message: Message, name: str) -> str:
    kind = "user" if message.role == "user" else "reply"
    blocks = [_block(part, f"{name}-{number}") for number, part in enumerate(message.parts)]
    if message.outcome not in (None, "done"):
        blocks.append(f"<p><small>{_plain(': '.join(filter(None, (message.outcome, message.error))))}</small></p>")
    header = f"<header><b>{_plain(speaker(message))}</b> · {when(message.created_at)}</header>"
    return f'<article class="{kind}">\n{header}\n{"".join(blocks)}\n</article>\n'


def _block(part: Part, name: str) -> str:
    match part:
        case Image(data, mime) if mime in PICTURES:
            return f'<p><img alt="" src="data:{mime};base64,{base64.b64encode(data).decode()}"></p>'
        case Image(_, mime):
            return f"<p><small>A picture ({_plain(mime)})</small></p>"
        case Context(label, text):
            return _folded(f"Carried along: {label}", text)
        case Thinking(text):
            return _folded(thought(text), text.strip())
        case ToolCall():
            return f"<p><code>{_plain(call_line(part))}</code></p>"
        case ToolResult(_, tool, text):
            return _folded(f"{tool} failed" if part.is_error else tool, text)
        case Text(text):
            return to_html(text, name=name)
    return to_html(part.text, name=name)


def _folded(summary: str, text: str) -> str:
    return f'<details><summary>{_plain(summary)}</summary><pre class="plain">{_plain(text)}</pre></details>'


def _plain(text: str) -> str:
    """Return a text as HTML that means nothing but itself."""
    return escape(printable(text))
