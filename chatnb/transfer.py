"""Take sessions out of the store into files, and files into the store: what all surfaces and Python do it with."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import SessionError, SessionNotFound, SettingsError, StoreError
from .exports.base import Style, title
from .exports.catalog import FORMATS, format_of
from .exports.redaction import Redaction
from .imports.files import read_sessions
from .messages import Message, Session
from .sessions import Sessions
from .stores.disk import write_aside
from .stores.tinydb import SAFE_ID

_ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported: titles, how many messages, and what was taken out, in a sentence."""

    titles: tuple[str, ...]
    message_count: int
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought.

    Attributes
    ----------
    session
        As it was read.
    message_count
        How many of its messages were not there yet.
    is_new
        Whether the session was not there.
    """

    session: Session
    message_count: int
    is_new: bool


def export_sessions(
    sessions: Sessions,
    path: str | Path,
    names: Sequence[str] = (),
    *,
    every: bool = False,
    format_name: str = "",
    style: Style = Style(),  # noqa: B008 - frozen
    redact: Sequence[str] | None = None,
    force: bool = False,
    confirm: Callable[[str], bool] = lambda _: False,
    write: Callable[[str], object] = lambda _: None,
) -> Exported:
    """Write sessions to a file, whole or not at all.

    Parameters
    ----------
    sessions
        Those of a chat: `chat.sessions`.
    path
        The file, or "-" where `write` takes the text.
    names
        Titles or ids; none: the current session is meant.
    every
        Whether all sessions are meant.
    format_name
        A name of `exports.catalog.FORMATS`; by default the suffix tells it.
    style
        How a notebook is written.
    redact
        None to take nothing out; else secrets and home folders are, and names that these regular expressions match.
    force
        Whether a file that is there is replaced.
    confirm
        Asks whether it is, otherwise.

    Raises
    ------
    SessionNotFound
        If a name is that of no session.
    SettingsError
        If the format is unknown, the file is there and not to be replaced, or nothing was said yet.
    SessionError
        If the file cannot be written; what was there is there still.

    Examples
    --------
    >>> from chatnb.chat import Chat
    >>> from chatnb.models.scripted import ScriptedModel
    >>> from chatnb.stores.memory import MemoryStore
    >>> chat = Chat(ScriptedModel(["Hello"]), store=MemoryStore())
    >>> reply = chat.ask_now("Hi")
    >>> done = export_sessions(chat.sessions, "-", format_name="jsonl", write=print)
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    <BLANKLINE>
    >>> chat.close()
    """
    form = format_of(str(path), format_name)
    if style != Style() and ".ipynb" not in form.suffixes:
        raise SettingsError("--as-markdown and --run-ready are for notebooks. Name a file that ends in .ipynb.")
    # Of a tree of branches a page shows the one that is read; data is all of it.
    load = sessions.whole if ".json" in form.suffixes else sessions.load
    chosen = _chosen(sessions, load, names, every=every)
    taken = ""
    if redact is not None:
        redaction = Redaction(redact)
        chosen = redaction.redacted(chosen)
        taken = redaction.taken.sentence()
    pieces = form.write(chosen, style)
    if str(path) == "-":
        for piece in pieces:
            write(piece)
    else:
        _save(Path(path).expanduser(), pieces, lambda question: force or confirm(question))
    return Exported(tuple(map(title, chosen)), sum(len(session.messages) for session in chosen), taken)


def import_sessions(sessions: Sessions, *paths: str | Path) -> list[Imported]:
    """Take the sessions of files into the store, each with its own ids: importing twice changes nothing.

    Of a session that is there already only what is missing is added.

    Raises
    ------
    SessionError
        If a file cannot be read or holds what no session can be. All files are read before the first one is taken in,
        so that nothing is imported then.
    """
    read = [_checked(session, path) for path in map(Path, paths) for session in read_sessions(path.expanduser())[1]]
    return [_taken_in(sessions, session) for session in read]


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add what says what to export, and how, to a parser: the same in a notebook and in the console."""
    add = parser.add_argument
    add(
        "path",
        metavar="FILE",
        help="file to write; its suffix tells the format; - is standard output, in Markdown unless --format says otherwise",
    )
    add("names", nargs="*", default=[], metavar="SESSION", help="title or id; none: the session that you are in")
    add("--all", dest="every", action="store_true", help="all sessions")
    add("--format", dest="format_name", default="", metavar="NAME", help=f"one of {', '.join(FORMATS)}")
    add("--as-markdown", action="store_true", help="in a notebook: answers as cells of Markdown, not as outputs")
    add("--run-ready", action="store_true", help="in a notebook: Python code in answers as cells of code")
    add(
        "--redact",
        nargs="*",
        metavar="PATTERN",
        help="take out secrets, home folders and names that match a regular expression; to be given last",
    )
    add("--force", action="store_true", help="replace a file that is there")


EXPORT_OPTIONS = ("--all", "--format", "--as-markdown", "--run-ready", "--redact", "--force")
"""For completion."""


def chosen_in(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return what the options of `add_export_options` say, as `export_sessions` takes it."""
    names = ("path", "names", "every", "format_name", "redact", "force")
    style = Style(as_markdown=parsed.as_markdown, run_ready=parsed.run_ready)
    return {name: getattr(parsed, name) for name in names} | {"style": style}


def _chosen(sessions: Sessions, load: Callable[[str], Session], names: Sequence[str], *, every: bool) -> list[Session]:
    if every:
        infos = sorted(sessions.all(), key=lambda info: info.id)
        if not infos:
            raise SettingsError("There are no sessions yet. Ask something first.")
        return [load(info.id) for info in infos]
    if names:
        return [load(found) for found in dict.fromkeys(sessions.find(name).id for name in names)]
    if not sessions.history(sessions.current):
        raise SettingsError("Nothing was said in this session yet. Name another one, or give --all.")
    return [load(sessions.current.id)]


def _save(path: Path, pieces: Iterator[str], confirm: Callable[[str], bool]) -> None:
    target = path.resolve()  # of a link what it points to is replaced
    if target.is_dir():
        raise SettingsError(f"{path} is a folder. Name a file in it.")
    if target.exists() and not confirm(f"{path} is there already. Replace it?"):
        raise SettingsError(f"{path} is there already, and was left as it is. --force replaces it.")
    try:
        # Rights as those of any new file: it is made to be handed on.
        write_aside(target, (piece.encode() for piece in pieces), mode=0o666)
    except OSError as error:
        raise SessionError(
            f"{path} could not be written: {error.strerror or error}. Nothing was changed. Choose another folder."
        ) from error


def _checked(session: Session, path: Path) -> Session:
    """Return a session as it can be kept; raises SessionError if it cannot."""
    where = f"{path} holds a session that cannot be kept, so nothing was imported"
    if not SAFE_ID.fullmatch(session.id):
        raise SessionError(f"{where}: {session.id!r:.60} is no id of one.")
    times = [session.created_at, session.updated_at or session.created_at]
    times += [message.created_at for message in session.messages]
    if any(time.tzinfo is None for time in times):
        raise SessionError(f"{where}: a time in it has no time zone.")
    if unknown := next((message.role for message in session.messages if message.role not in _ROLES), None):
        raise SessionError(f"{where}: {unknown!r:.60} is no role.")
    # The first one counts, as in a store, if an id is there twice.
    messages: dict[str, Message] = {}
    for message in session.messages:
        messages.setdefault(message.id, replace(message, session_id=session.id))
    return replace(session, messages=tuple(messages.values()))


def _taken_in(sessions: Sessions, session: Session) -> Imported:
    try:
        kept = {message.id for message in sessions.whole(session.id).messages}
    except SessionNotFound:
        try:
            sessions.store.create(session)
        except StoreError as error:
            try:  # another process may have taken it in at this moment
                kept = {message.id for message in sessions.whole(session.id).messages}
            except SessionNotFound:
                raise error from None
        else:
            return Imported(session, len(session.messages), is_new=True)
    missing = [message for message in session.messages if message.id not in kept]
    if missing:
        sessions.store.append(session.id, *missing)
    return Imported(session, len(missing), is_new=False)
