"""What each `%chat` command does.

A command takes the words after its name and returns a value that shows itself, or None. It runs on the kernel thread;
what has to wait for a server goes through the portal, where an interrupt ends it.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from .config import Setting
from .desk import Desk
from .doctor import Finding, examine
from .errors import ChatInterrupted, ModelError, SettingsError
from .listing import Listing, size
from .messages import Message, SessionInfo
from .models.base import LoadedModel, ModelInfo, Provider
from .options import HelpAsked, Parser
from .views.progress import ProgressLine

Command = Callable[[Desk, Sequence[str]], object]


def run(line: str, desk: Desk) -> object:
    """Do what `%chat line` says and return what it shows.

    Raises
    ------
    SettingsError
        If there is no such command; the nearest name is told.
    ChatError
        Whatever the command failed with.
    """
    try:
        name, *words = shlex.split(line) or ["help"]
    except ValueError as error:
        raise SettingsError(f"The command cannot be read ({error}): {line}") from error
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f" Did you mean `%chat {near[0]}`?" if near else ""
        msg = f"There is no command {name!r}.{hint} `%chat help` lists them; a question goes below `%%chat`, or after `%ask`."
        raise SettingsError(msg)
    try:
        return COMMANDS[name](desk, words)
    except HelpAsked as asked:
        print(asked)  # noqa: T201 - help is printed, as every magic's is
        return None


def show_status(desk: Desk, words: Sequence[str]) -> Listing[tuple[str, str]]:
    """Who answers, which session, which server, what is loaded, what was used."""
    _no_words("status", words)
    chat, settings = desk.chat, desk.settings()
    session = chat.sessions.current
    history = chat.sessions.history(session)
    version, loaded = chat.portal.call(_server(desk.provider()))
    spent = [m.usage for m in history if m.usage]
    rows = [
        ("model", settings.model or "the first that the server has"),
        ("session", f"{session.title or 'new'} ({len(history)} messages)"),
        ("server", f"{desk.provider().address}, {version}"),
        ("loaded", "; ".join(map(_loaded, loaded)) or "nothing"),
        ("tokens read", str(sum(usage.prompt_tokens or 0 for usage in spent))),
        ("tokens written", str(sum(usage.reply_tokens or 0 for usage in spent))),
    ]
    return Listing(rows, {"": lambda row: row[0], "now": lambda row: row[1]})


def list_models(desk: Desk, words: Sequence[str]) -> Listing[ModelInfo]:
    """List what the server really has."""
    _no_words("models", words)
    models = desk.chat.portal.call(desk.provider().models())
    columns: dict[str, Callable[[ModelInfo], str]] = {
        "model": lambda m: m.name,
        "size": lambda m: size(m.size_bytes),
        "parameters": lambda m: " ".join(filter(None, (m.parameters, m.quantization))),
        "context": lambda m: f"{m.context_length:,}" if m.context_length else "",
        "can": lambda m: ", ".join(m.capabilities),
    }
    return Listing(models, columns, empty="The server has no models. `%chat pull llama3.2` gets a small one (2 GB).")


def pull(desk: Desk, words: Sequence[str]) -> None:
    """Download a model; an interrupt stops it, and the next pull goes on from there."""
    parser = _parser("pull")
    parser.add_argument("name", help="such as llama3.2 or qwen3:8b")
    name = parser.parse_args(words).name
    provider, short = desk.chat.catalog.find(name, desk.settings().host)
    try:
        with closing(ProgressLine(is_live=desk.is_live)) as show:
            desk.chat.portal.follow(lambda: provider.pull(short), show)
    except KeyboardInterrupt:
        raise ChatInterrupted(f"Stopped. `%chat pull {name}` goes on from here.") from None


def use(desk: Desk, words: Sequence[str]) -> Listing[tuple[str, str]]:
    """Choose the model, the session, or both, from now on."""
    parser = _parser("use")
    parser.add_argument("-m", "--model", default="", help="model to ask in this session, or several with commas")
    parser.add_argument("-s", "--session", default="", help="id or title of the session; a new one where there is none")
    chosen = parser.parse_args(words)
    if not (chosen.model or chosen.session):
        parser.error("give -m MODEL, -s SESSION, or both")
    if chosen.session:
        desk.chat.sessions.enter(chosen.session)
    if chosen.model:
        desk.chat.sessions.update(model=chosen.model)
    return show_status(desk, ())


def new(desk: Desk, words: Sequence[str]) -> None:
    """Begin a new session."""
    desk.chat.sessions.new(" ".join(words))


def list_sessions(desk: Desk, words: Sequence[str]) -> Listing[SessionInfo]:
    """All sessions, the one changed last first."""
    _no_words("sessions", words)
    current = desk.chat.sessions.current.id
    columns: dict[str, Callable[[SessionInfo], str]] = {
        "": lambda s: "→" if s.id == current else "",
        "title": lambda s: s.title,
        "messages": lambda s: str(s.message_count),
        "changed": lambda s: _local(s.updated_at),
        "place": lambda s: s.place,
        "id": lambda s: s.id,
    }
    return Listing(desk.chat.sessions.all(), columns, empty="No sessions yet. Ask something below `%%chat`.")


def open_session(desk: Desk, words: Sequence[str]) -> Listing[Message]:
    """Go on in a session, named by its title or id; shows what was said in it."""
    if not words:
        raise SettingsError("Which session? `%chat sessions` lists them; `%chat open TITLE` goes on in one.")
    session = desk.chat.sessions.open(" ".join(words))
    columns: dict[str, Callable[[Message], str]] = {
        "": lambda m: m.model or m.role,
        "said": lambda m: m.text if len(m.text) <= _SHOWN else m.text[:_SHOWN] + "…",
    }
    return Listing(session.messages[-_LAST:], columns, caption=session.title, empty="Nothing was said in it yet.")


def again(desk: Desk, words: Sequence[str]) -> None:
    """Ask the last question again."""
    parser = _parser("again")
    parser.add_argument("-m", "--model", default="", help="another model")
    model = parser.parse_args(words).model
    history = desk.chat.sessions.history(desk.chat.sessions.current)
    question = next((message for message in reversed(history) if message.role == "user"), None)
    if question is None:
        raise SettingsError("Nothing was asked in this session yet. Ask something below `%%chat`.")
    settings = desk.settings()
    desk.again(question, replace(settings, model=model or settings.model))


def run_doctor(desk: Desk, words: Sequence[str]) -> Listing[Finding]:
    """Check each thing that can be wrong."""
    _no_words("doctor", words)
    findings = desk.chat.portal.call(examine(desk.settings(), desk.chat.catalog))
    columns: dict[str, Callable[[Finding], str]] = {
        "": lambda f: {"ok": "✓", "warning": "!", "wrong": "✗"}[f.verdict],
        "about": lambda f: f.about,
        "found": lambda f: f.found,
        "next step": lambda f: f.step,
    }
    return Listing(findings, columns)


def list_settings(desk: Desk, words: Sequence[str]) -> Listing[Setting]:
    """Every setting, its value, and where that came from."""
    _no_words("config", words)
    columns: dict[str, Callable[[Setting], str]] = {
        "setting": lambda s: s.name,
        "value": lambda s: repr(s.value),
        "from": lambda s: s.origin,
        "meaning": lambda s: s.help,
    }
    return Listing(desk.config.origins(), columns, caption="%config ChatConfig.NAME = VALUE sets one.")


def show_help(_: Desk, words: Sequence[str]) -> Listing[tuple[str, str]]:
    """List the commands."""
    _no_words("help", words)
    rows = [(name, (command.__doc__ or "").splitlines()[0]) for name, command in COMMANDS.items()]
    columns: dict[str, Callable[[tuple[str, str]], str]] = {"%chat": lambda r: r[0], "": lambda r: r[1]}
    return Listing(rows, columns, caption="A question goes below %%chat (%%chat -h shows its options), or after %ask.")


COMMANDS: dict[str, Command] = {
    "status": show_status,
    "models": list_models,
    "pull": pull,
    "use": use,
    "new": new,
    "sessions": list_sessions,
    "open": open_session,
    "again": again,
    "doctor": run_doctor,
    "config": list_settings,
    "help": show_help,
}
"""Each command's name and what it does; the order is that of the help."""

_SHOWN = 120  # characters of a message, in a list of them
_LAST = 20  # messages of a session that is opened


def _parser(name: str) -> Parser:
    return Parser(prog=f"%chat {name}", description=COMMANDS[name].__doc__, allow_abbrev=False)


def _no_words(name: str, words: Sequence[str]) -> None:
    _parser(name).parse_args(words)


async def _server(provider: Provider) -> tuple[str, Sequence[LoadedModel]]:
    """Return a server's version and what it has loaded; where it does not answer, why."""
    try:
        return f"version {await provider.version()}", await provider.loaded()
    except ModelError as error:
        return str(error), ()


def _loaded(model: LoadedModel) -> str:
    details = [size(model.size_bytes), f"window {model.context_length:,}" if model.context_length else ""]
    return f"{model.name} ({', '.join(filter(None, details))})"


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
