"""`chatnb export` and `chatnb import`: sessions into files, and files into sessions."""

from __future__ import annotations

import argparse
import sys

from ..printing import printable
from ..sources import ask_user, nobody
from ..transfer import chosen_in, export_sessions, import_sessions
from .opening import chat_here, configured


def run(parsed: argparse.Namespace) -> int:
    """Do what the command says."""
    return (_export if parsed.command == "export" else _import)(parsed)


def _export(parsed: argparse.Namespace) -> int:
    chat = chat_here(configured(parsed))
    is_attended = sys.stdin is not None and sys.stdin.isatty()
    try:
        chat.sessions.resume()  # what was last asked here is meant where nothing is named
        done = export_sessions(
            chat.sessions,
            **chosen_in(parsed),
            confirm=ask_user if is_attended else nobody,
            # As in a file: in UTF-8, and with the line ends that the format has.
            write=lambda piece: sys.stdout.buffer.write(piece.encode()),
        )
    finally:
        chat.close()
    if parsed.path != "-":
        print(f"{parsed.path}: {'; '.join(done.titles)} ({done.message_count} messages)")
    if done.taken:
        print(done.taken, file=sys.stderr)
    return 0


def _import(parsed: argparse.Namespace) -> int:
    chat = chat_here(configured(parsed))
    try:
        found = import_sessions(chat.sessions, *parsed.paths)
    finally:
        chat.close()
    for each in found:
        print(f"{printable(each.session.title)} ({len(each.session.messages)} messages, {each.news})")
    return 0
