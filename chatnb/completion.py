"""Tab completion for the magics: options, commands, models, sessions, and what a question can carry along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult

from .commands import COMMANDS
from .desk import Desk
from .errors import ChatError
from .exports.catalog import FORMATS
from .grammar import question_parser
from .messages import ARCHIVED, TRASHED
from .models.endpoints import OPENAI
from .transfer import EXPORT_OPTIONS

PATIENCE_S = 1.0
"""How long a tab may wait for the server."""


def complete(desk: Desk, event: Any) -> list[str]:
    """Return what fits where the cursor is.

    Parameters
    ----------
    event
        IPython's: `command`, `text_until_cursor`, and `symbol`, the part of the word that is replaced. A colon ends a
        symbol, so of `qwen3:8b` only `8b` is given back.
    """
    before, _, word = event.text_until_cursor.rpartition(" ")
    found = [
        candidate
        for candidate in candidates(desk, event.command, before.split()[1:], word)
        if candidate.startswith(word)
    ]
    replaced = len(event.symbol)
    return [candidate[len(word) - replaced :] for candidate in found]


def complete_mention(desk: Desk, context: CompletionContext) -> SimpleMatcherResult:
    """Return what an `@` before the cursor may name, in the text of a question; what IPython calls for a tab.

    Parameters
    ----------
    context
        IPython's. Of the word at the cursor only the last part, its `token`, is replaced.
    """
    _, mark, beginning = context.text_until_cursor.rpartition("@")
    if not mark or any(character.isspace() for character in beginning):
        return {"completions": []}
    kept = len(beginning) - len(context.token.rpartition("@")[2])
    found = [SimpleCompletion(name[kept:], type="reference") for name in desk.gatherer().names(beginning)]
    return {"completions": found, "matched_fragment": beginning[kept:], "suppress": bool(found), "ordered": True}


def candidates(desk: Desk, command: str, words: Sequence[str], word: str) -> list[str]:
    """Return what may stand after a command and words, where `word` was begun; not all of it begins so."""
    last = words[-1] if words else ""
    if last in ("-m", "--model") or (command == "%chat" and words[:1] == ["pull"]):
        return _models(desk, word)
    if last in ("-s", "--session") or (command == "%chat" and words[:1] in (["open"], ["archive"], ["delete"])):
        return [_quoted(info.title) for info in desk.chat.sessions.all()]
    if command == "%chat" and words[:1] == ["restore"]:
        return [_quoted(info.title) for info in desk.chat.sessions.all(ARCHIVED, TRASHED)]
    if command == "%chat" and words[:1] == ["untag"]:
        return list(desk.chat.sessions.current.tags)
    if last in ("-c", "--context") or (command == "%chat" and words[:1] == ["pin"]):
        listed, comma, name = word.rpartition(",")
        return [f"{listed}{comma}{found}" for found in desk.gatherer().names(name)]
    if command == "%chat" and words[:1] == ["unpin"]:
        return list(desk.chat.sessions.current.pins)
    if last in ("-t", "--tool"):
        try:
            return [_quoted(name) for name in desk.bench.names()]
        except ChatError:  # of a setting; the question says it
            return []
    if command == "%chat" and words[:1] == ["call"]:
        return [str(number) for number, _ in enumerate(desk.printed()[0], 1)]
    if last in ("--schema", "--into", "--over"):
        return [name for name in desk.shell.user_ns if not name.startswith("_")]
    if command == "%chat" and words[:1] in (["export"], ["import"]):
        return _of_transfer(desk, words, word)
    if command == "%chat":
        return list(COMMANDS) if not words else ["-m", "--model", "-s", "--session"]
    parser = question_parser(command, knows_variables=command.startswith("%"))  # a slash is the console's
    return list(parser._option_string_actions)  # noqa: SLF001 - argparse tells it nowhere else


def _of_transfer(desk: Desk, words: Sequence[str], word: str) -> list[str]:
    """Return what may follow in `export FILE [SESSION...]` and `import FILE...`."""
    if words[-1] == "--format":
        return list(FORMATS)
    if word.startswith("-") and words[0] == "export":
        return list(EXPORT_OPTIONS)
    if words[0] == "export" and [each for each in words[1:] if not each.startswith("-")]:
        return [_quoted(info.title) for info in desk.chat.sessions.all()]
    folder = Path(word).expanduser() if word.endswith("/") else Path(word).expanduser().parent
    suffixes = {suffix for form in FORMATS.values() for suffix in form.suffixes} | {".chat", ".db", ".zip"}
    head = word[: word.rfind("/") + 1]
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        f"{head}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() in suffixes)
    ]


def _quoted(title: str) -> str:
    return f'"{title}"' if " " in title else title


def _models(desk: Desk, word: str) -> list[str]:
    """Return the models of the server that the word's prefix names, else of the one that is asked now, and all prefixes.

    No models if the server does not say at once.
    """
    settings = desk.settings()
    prefix = word.partition(":")[0]
    is_named = ":" in word and prefix in (*settings.endpoints, OPENAI)
    provider = desk.chat.catalog.provider(settings, prefix) if is_named else desk.provider()
    future = desk.chat.portal.submit(provider.models())
    prefixes = [f"{name}:" for name in settings.endpoints]
    try:
        return [*prefixes, *(model.name for model in future.result(PATIENCE_S))]
    except (ChatError, TimeoutError):
        future.cancel()
        return prefixes
