"""The console: `chatnb lab`, `chatnb ask`, `chatnb doctor`.

Exit codes: 0 all is well, 1 something failed and stderr says what, 2 the words were not understood, 130 stopped.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .bench import Bench
from .chat import Chat
from .config import ChatConfig
from .context.gather import Gatherer
from .doctor import examine
from .errors import ChatError, SettingsError
from .labextension import install
from .mcp_server import serve
from .models.base import ModelInfo
from .options import HelpAsked, Parser, add_question_options, options_of
from .receipt import Receipt
from .settings import Settings
from .sources import ask_user, nobody, outside
from .transfer import add_export_options, chosen_in, export_sessions, import_sessions
from .views.base import View
from .views.follow import follow
from .views.plain import PlainView
from .views.terminal import TerminalView
from .views.words import printable

FIRST_NOTEBOOK = "01_first_chat.ipynb"
BUILT_IN_MODEL = "scripted:demo"
STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words after `chatnb` say and return the exit code."""
    try:
        parser = _parser()
        parsed, rest = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
        if rest and parsed.run is not _open_lab:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        parsed.rest = rest
        settings = ChatConfig.instance().settings()
        code: int = parsed.run(parsed, settings)
    except HelpAsked as asked:
        print(asked, end="")
        return 0
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except ChatError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. What was said so far is kept.", file=sys.stderr)
        return STOPPED
    return code


def _parser() -> Parser:
    parser = Parser(
        prog="chatnb", description="Chat with a language model, from the notebook or from here.", allow_abbrev=False
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    lab = commands.add_parser("lab", help="open JupyterLab on a first notebook, with the models that are there")
    lab.epilog = "All other options are JupyterLab's own, such as --no-browser or --port 8899."
    lab.set_defaults(run=_open_lab)

    ask = commands.add_parser("ask", help="ask one question; text from a pipe is asked too")
    add_question_options(ask)
    ask.add_argument("words", nargs="*", metavar="QUESTION")
    ask.set_defaults(run=_ask)

    mcp = commands.add_parser(
        "mcp", help="offer a running kernel to MCP clients over stdin and stdout, to be looked into"
    )
    mcp.add_argument(
        "--kernel",
        default="",
        metavar="FILE_OR_ID",
        help="the kernel's connection file, or a part of its name; else the newest",
    )
    mcp.add_argument("--allow-run", action="store_true", help="let clients run code in it, too")
    mcp.set_defaults(run=_offer)

    export = commands.add_parser("export", help="write sessions to a file: a notebook, Markdown, data, text")
    add_export_options(export)
    export.set_defaults(run=_export)

    taken_in = commands.add_parser("import", help="read sessions from a notebook or from an export of another program")
    taken_in.add_argument("paths", nargs="+", metavar="FILE")
    taken_in.set_defaults(run=_import)

    doctor = commands.add_parser("doctor", help="check each thing that can be wrong")
    doctor.set_defaults(run=_examine)
    return parser


def _ask(parsed: argparse.Namespace, settings: Settings) -> int:
    words = " ".join(parsed.words)
    piped = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    text = "\n\n".join(filter(None, (words, piped.rstrip("\n"))))
    if not text.strip():
        raise SettingsError("There is no question. Write it after `chatnb ask`, or pipe it in.")
    options = options_of(parsed)
    settings = options.over(settings)
    chat = Chat(settings=settings, place=str(Path.cwd()), session=options.session)
    view: View = TerminalView(footer=settings.footer) if sys.stdout.isatty() else PlainView(sys.stdout)
    config = ChatConfig.instance()
    is_attended = sys.stdin is not None and sys.stdin.isatty()
    confirm = ask_user if is_attended else nobody
    try:
        sources = outside(Path.cwd(), chat.sessions, confirm=confirm, urls=config.urls, extensions=options.ext)
        # What comes through a pipe is not the user's own words, so that nothing is looked up for it.
        reading = Gatherer(sources).gather(options.context, words, chat.sessions.current.pins)
        tools = Bench(config, chat, lambda: is_attended).toolbox(options.tools)
        ask = chat.prepare(text, reading, tools=tools, is_cached=options.cache)
        if options.dry_run:
            print(Receipt(chat.portal.call(chat.plan(ask)), is_sent=False))
            return 0
        turn = follow(chat.portal, lambda: chat.begin(ask), view)
        turn.raise_for_failure()
    finally:
        chat.close()
    return STOPPED if turn.reply.outcome == "cancelled" else 0


def _export(parsed: argparse.Namespace, settings: Settings) -> int:
    chat = Chat(settings=settings, place=str(Path.cwd()))
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
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    finally:
        chat.close()
    if parsed.path != "-":
        print(f"{parsed.path}: {'; '.join(done.titles)} ({done.message_count} messages)")
    if done.taken:
        print(done.taken, file=sys.stderr)
    return 0


def _import(parsed: argparse.Namespace, settings: Settings) -> int:
    chat = Chat(settings=settings)
    try:
        found = import_sessions(chat.sessions, *parsed.paths)
    finally:
        chat.close()
    for each in found:
        news = f"{each.message_count} new" if each.message_count else "all there already"
        print(f"{printable(each.session.title)} ({len(each.session.messages)} messages, {news})")
    return 0


def _examine(_: argparse.Namespace, settings: Settings) -> int:
    chat = Chat(settings=settings)
    try:
        servers = Bench(ChatConfig.instance(), chat, lambda: False).servers
        findings = chat.portal.call(examine(settings, chat.catalog, servers))
    finally:
        chat.close()
    for finding in findings:
        mark = {"ok": "ok     ", "warning": "warning", "wrong": "wrong  "}[finding.verdict]
        print(f"{mark}  {finding.about}: {finding.found}")
        if finding.step:
            print(f"         {finding.step}")
    return int(any(finding.verdict == "wrong" for finding in findings))


def _offer(parsed: argparse.Namespace, _: Settings) -> int:
    serve(parsed.kernel, allow_run=parsed.allow_run)
    return 0


def _open_lab(parsed: argparse.Namespace, settings: Settings) -> int:
    """Open JupyterLab on a copy of the first notebook, with a model that answers."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise SettingsError("JupyterLab is not installed here. `pip install 'chatnb[lab]'` brings it.")
    environment = dict(os.environ)
    models, trouble = _models(settings)
    if models:
        chosen = settings.model or f"{models[0].name} (the first)"
        print(f"Ollama is there, with {len(models)} models; {chosen} will answer.")
    else:
        print(f"{trouble}\nUntil then chatnb's built-in script answers, so that you can look around.")
        environment["CHATNB_MODEL"] = BUILT_IN_MODEL
    notebook = Path(FIRST_NOTEBOOK)
    if not notebook.exists():
        shutil.copyfile(_first_notebook(), notebook)
    with tempfile.TemporaryDirectory() as labextensions:
        install(Path(labextensions))
        extended = f"--LabApp.extra_labextensions_path={labextensions}"
        command = [sys.executable, "-m", "jupyter", "lab", str(notebook), extended, *parsed.rest]
        try:
            return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - the user's own JupyterLab
        except KeyboardInterrupt:
            return 0  # Ctrl-C is how a JupyterLab is ended


def _models(settings: Settings) -> tuple[Sequence[ModelInfo], str]:
    """Return the models that Ollama has, or none and why."""
    chat = Chat(settings=replace(settings, model=""))
    try:
        models = chat.portal.call(chat.catalog.provider(settings).models())
    except ChatError as error:
        return (), f"Ollama was not found. {error}"
    finally:
        chat.close()
    return (
        models,
        "" if models else "Ollama is there but has no models. `ollama pull llama3.2` gets a small one (2 GB).",
    )


def _first_notebook() -> Path:
    """Return where the first notebook lies: beside the package in a checkout, else where the wheel put it."""
    beside = Path(__file__).parent.parent / "notebooks" / FIRST_NOTEBOOK
    installed = Path(sysconfig.get_path("data")) / "share" / "chatnb" / "notebooks" / FIRST_NOTEBOOK
    return beside if beside.exists() else installed
