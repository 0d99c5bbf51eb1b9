"""Commands that take sessions out into files and in from files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from ..desk import Desk
from ..listing import Listing
from ..sources import ask_user
from ..transfer import Imported, add_export_options, chosen_in, export_sessions, import_sessions
from .base import parser


def export(desk: Desk, words: Sequence[str]) -> Listing[tuple[str, str]] | None:
    """Write sessions to a file, as a notebook, Markdown, data or text: `%chat export chat.ipynb`; - prints it."""
    options = parser("export", export)
    add_export_options(options)
    parsed, rest = options.parse_mixed(words)
    if rest:
        options.error(f"unrecognized arguments: {' '.join(rest)}")
    done = export_sessions(
        desk.chat.sessions,
        **chosen_in(parsed),
        confirm=lambda question: desk.is_attended and ask_user(question),
        write=sys.stdout.write,
    )
    if parsed.path == "-":
        if done.taken:
            print(done.taken, file=sys.stderr)  # noqa: T201 - apart from what was asked for
        return None
    rows = [
        ("file", parsed.path),
        ("sessions", "; ".join(done.titles)),
        ("messages", str(done.message_count)),
        ("redaction", done.taken),
    ]
    return Listing([row for row in rows if row[1]], {"": lambda row: row[0], "written": lambda row: row[1]})


def take_in(desk: Desk, words: Sequence[str]) -> Listing[Imported]:
    """Read sessions from a notebook, our JSON, or an export of Open WebUI, llm, ChatGPT or jupyter-ai."""
    options = parser("import", take_in)
    options.add_argument(
        "paths", nargs="+", metavar="FILE", help="whose content tells its form; importing twice is safe"
    )
    found = import_sessions(desk.chat.sessions, *options.parse_args(words).paths)
    columns: dict[str, Callable[[Imported], str]] = {
        "title": lambda each: each.session.title,
        "messages": lambda each: str(len(each.session.messages)),
        "new": lambda each: each.news,
        "id": lambda each: each.session.id,
    }
    return Listing(found, columns, caption="`%chat open TITLE` goes on in one.", empty="No conversation is in it.")
