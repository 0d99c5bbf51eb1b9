"""Take sessions out of the store into files, and files into the store: what all surfaces and Python do it with."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import NoSessions, SessionError, SessionNotFound, SettingsError, StoreError
from .exports.base import Style, file_name, title
from .exports.catalog import FORMATS, format_of
from .exports.redaction import Redaction
from .imports.files import read_sessions
from .messages import ARCHIVED, TRASHED, Message, Session
from .sessions import Sessions
from .stores.disk import write_aside
from .stores.tinydb import SAFE_ID

_ALL = 1_000_000  # places that a search finds: more than there are
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
    is_in_trash
        Whether it is there, but in the trash, where it stays.
    """

    session: Session
    message_count: int
    is_new: bool
    is_in_trash: bool = False

    @property
    def news(self) -> str:
        """What is new, in words."""
        told = f"{self.message_count} new" if self.message_count else "all there already"
        return f"{told}, in the trash" if self.is_in_trash else told


def export_sessions(
    sessions: Sessions,
    path: str | Path,
    names: Sequence[str] = (),
    *,
    every: bool = False,
    search: Sequence[str] = (),
    format_name: str = "",
    style: Style = Style(),  # noqa: B008 - frozen
    redact: Sequence[str] | None = None,
    force: bool = False,
    confirm: Callable[[str], bool] = lambda _: False,
    write: Callable[[str], object] = lambda _: None,
) -> Exported:
    """Write sessions to a file, whole or not at all, or each to a file of its own in a folder.

    Parameters
    ----------
    sessions
        Those of a chat: `chat.sessions`.
    path
        The file, or "-" where `write` takes the text; or a folder: one that is there, or a path that ends in a slash.
    names
        Titles or ids.
    every
        Whether all sessions are meant, archived ones too; not those in the trash.
    search
        Words; those sessions are meant in which they are found (`Sessions.search`). Without this, `every` and `names`
        the current session is.
    format_name
        A name of `exports.catalog.FORMATS`; by default a file's suffix tells it.
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
        If the format is unknown, a file is there and not to be replaced, or there is nothing to export.
    SessionError
        If a file cannot be written; what was there is there still.

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
    to = Path(path).expanduser()
    is_folder = str(path) != "-" and (to.is_dir() or str(path).endswith(("/", os.sep)))
    if is_folder and not format_name:
        raise SettingsError(f"{path} is a folder. Name a file in it, or say in which --format each session goes there.")
    form = format_of(str(path), format_name)
    if style != Style() and ".ipynb" not in form.suffixes:
        raise SettingsError("--as-markdown and --run-ready are for notebooks. Name a file that ends in .ipynb.")
    # Of a tree of branches a page shows the one that is read; data is all of it.
    load = sessions.whole if ".json" in form.suffixes else sessions.load
    chosen = []
    for session_id in _chosen(sessions, names, search, every=every):
        try:
            chosen.append(load(session_id))
        except SessionNotFound:  # another process has deleted it since it was listed
            if not (every or search):
                raise
    taken = ""
    if redact is not None:
        redaction = Redaction(redact)
        chosen = redaction.redacted(chosen)
        taken = redaction.taken.sentence()
    if str(path) == "-":
        for piece in form.write(chosen, style):
            write(piece)
    else:
        files = _files_in(to, chosen, form.suffixes[0]) if is_folder else {to: chosen}
        _allow(files, lambda question: force or confirm(question))
        _save({file: form.write(held, style) for file, held in files.items()}, to if is_folder else None)
    return Exported(tuple(map(title, chosen)), sum(len(session.messages) for session in chosen), taken)


def import_sessions(sessions: Sessions, *paths: str | Path) -> list[Imported]:
    """Take the sessions of files into the store, each with its own ids: importing twice changes nothing.

    A folder stands for those files in it that hold sessions. Of a session that is there already only what is missing is
    added.

    Raises
    ------
    SessionError
        If a file cannot be read or holds what no session can be. All files are read before the first one is taken in,
        so that nothing is imported then.
    """
    read = [session for path in paths for session in _read(Path(path).expanduser())]
    return [_taken_in(sessions, session) for session in read]


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add what says what to export, and how, to a parser: the same in a notebook and in the console."""
    add = parser.add_argument
    add(
        "path",
        metavar="FILE",
        help="file to write, whose suffix tells the format; FOLDER/ for a file for each session; - is standard output, in Markdown unless --format says otherwise",
    )
    add("names", nargs="*", default=[], metavar="SESSION", help="title or id; none: the session that you are in")
    add("--all", dest="every", action="store_true", help="all sessions, archived ones too")
    add(
        "--search",
        default=(),
        type=shlex.split,
        metavar="WORDS",
        help='the sessions in which these words are found: --search mean, --search "mean negative"',
    )
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


EXPORT_OPTIONS = ("--all", "--search", "--format", "--as-markdown", "--run-ready", "--redact", "--force")
"""For completion."""


def chosen_in(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return what the options of `add_export_options` say, as `export_sessions` takes it."""
    names = ("path", "names", "every", "search", "format_name", "redact", "force")
    style = Style(as_markdown=parsed.as_markdown, run_ready=parsed.run_ready)
    return {name: getattr(parsed, name) for name in names} | {"style": style}


def _chosen(sessions: Sessions, names: Sequence[str], search: Sequence[str], *, every: bool) -> list[str]:
    """Return the ids of the sessions that are meant, the one begun first first."""
    if bool(names) + bool(search) + every > 1:
        raise SettingsError("Give titles, --search or --all, but not several of them.")
    if every:
        found = {info.id for info in sessions.all("", ARCHIVED)}
        nothing = "There are no sessions yet. Ask something first."
    elif search:
        found = {info.id for info, _ in sessions.search(search, _ALL)}
        nothing = f"{' '.join(search)} was found in no session."
    elif names:
        return list(dict.fromkeys(sessions.find(name).id for name in names))  # in the order that was asked for
    else:
        found = {sessions.current.id} if sessions.history(sessions.current) else set()
        nothing = "Nothing was said in this session yet. Name another one, or give --all."
    if not found:
        raise SettingsError(nothing)
    return sorted(found)


def _files_in(folder: Path, sessions: Sequence[Session], suffix: str) -> dict[Path, list[Session]]:
    """Return what each file of a folder holds: a session, under the same name at each export."""
    files: dict[Path, list[Session]] = {}
    for session in sessions:
        name = f"{session.created_at:%Y-%m-%d}-{file_name(session)}"
        path = folder / f"{name}{suffix}"
        files[folder / f"{name}-{session.id}{suffix}" if path in files else path] = [session]
    return files


def _allow(files: Iterable[Path], confirm: Callable[[str], bool]) -> None:
    """Raise SettingsError if files are there already and may not be replaced."""
    there = [str(path) for path in files if path.exists()]
    if not there:
        return
    what, it = (f"{there[0]} is", "it") if len(there) == 1 else (f"{there[0]} and {len(there) - 1} more are", "them")
    if not confirm(f"{what} there already. Replace {it}?"):
        raise SettingsError(f"{what} there already, and nothing was changed. --force replaces {it}.")


def _save(files: Mapping[Path, Iterator[str]], folder: Path | None) -> None:
    """Write files, and create the folder that they are in if it is to be one."""
    try:
        if folder:
            folder.mkdir(exist_ok=True)
        for path, pieces in files.items():
            target = path.resolve()  # of a link what it points to is replaced
            # Rights as those of any new file: it is made to be handed on.
            write_aside(target, (piece.encode() for piece in pieces), mode=0o666)
    except OSError as error:
        raise SessionError(
            f"{folder or path} could not be written: {error.strerror or error}. What was there is there still. "
            "Choose another folder."
        ) from error


def _read(path: Path) -> list[Session]:
    """Return the sessions of a file, or of those files in a folder that hold some."""
    if not path.is_dir():
        return [_checked(session, path) for session in read_sessions(path)[1]]
    found = []
    for file in sorted(path.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            with suppress(NoSessions):
                found += _read(file)
    if not found:
        raise NoSessions(f"No file in {path} holds chat sessions.")
    return found


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
        there = sessions.whole(session.id)
    except SessionNotFound:
        try:
            sessions.store.create(session)
        except StoreError as error:
            try:  # another process may have taken it in at this moment
                there = sessions.whole(session.id)
            except SessionNotFound:
                raise error from None
        else:
            return Imported(session, len(session.messages), is_new=True)
    kept = {message.id for message in there.messages}
    missing = [message for message in session.messages if message.id not in kept]
    if missing:
        sessions.store.append(session.id, *missing)
    return Imported(session, len(missing), is_new=False, is_in_trash=there.state == TRASHED)
