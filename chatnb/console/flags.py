"""The words and flags of `chatnb`: one table of its commands, from which its help comes as well."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import __version__
from ..grammar import HelpAsked, Parser, add_lasting_options, add_question_options


@dataclass(frozen=True, slots=True)
class Command:
    """What can stand behind `chatnb`.

    Attributes
    ----------
    home
        The module of this folder whose `run` does it.
    add
        Adds its flags to a parser.
    has_own_words
        Whether what is not among these flags is looked at by what it calls, which has a help of its own.
    """

    help: str
    home: str
    add: Callable[[Parser], None]
    has_own_words: bool = False


def understood(words: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """Return the command that is meant and its flags; those it does not know are in `rest`.

    Raises
    ------
    SettingsError
        If the words are not understood.
    HelpAsked
        If they ask for help.
    """
    name = words[0] if words and words[0] in COMMANDS else ""
    command = COMMANDS[name] if name else TALK
    if name:
        parser = Parser(prog=f"chatnb {name}", description=_sentence(command.help), allow_abbrev=False, add_help=False)
    else:
        parser = Parser(
            prog="chatnb", usage=_USAGE, description=_sentence(command.help), allow_abbrev=False, add_help=False
        )
        parser.epilog, parser.formatter_class = _epilog(), argparse.RawDescriptionHelpFormatter
    if not command.has_own_words or name == "lab":
        parser.add_argument("-h", "--help", action="help", help="show this help")
    command.add(parser)
    if name != "mcp":  # which has no chat
        _add_setting_flags(parser)
    said = words[1:] if name else words
    parsed, rest = parser.parse_known_args(said) if command.has_own_words else parser.parse_mixed(said)
    parsed.command, parsed.rest = name, rest
    if getattr(parsed, "version", False):
        raise HelpAsked(f"chatnb {__version__}\n")
    if rest and not command.has_own_words:
        parser.error(_unknown(name, rest))
    return command, parsed


def _unknown(name: str, rest: Sequence[str]) -> str:
    """Return what is told of words that are no flags of a command, or name none."""
    if name or rest[0].startswith("-"):
        return f"unrecognized arguments: {' '.join(rest)}"
    if rest[0] in COMMANDS:
        return f"a command stands first: `chatnb {rest[0]} ...`, then what it is told"
    if rest[0].split()[1:]:  # as other programs are asked
        return "a question stands behind `chatnb ask`"
    near = difflib.get_close_matches(rest[0], COMMANDS, n=1)
    return f"there is no command {rest[0]!r}" + (f"; did you mean `chatnb {near[0]}`?" if near else "")


def _add_answer_flags(parser: Parser) -> None:
    parser.add_argument("--web", action="store_true", help="let the model search the web and read pages (asked first)")
    parser.add_argument("--retries", metavar="N", help="how often a model that fails is asked, the first time included")
    parser.add_argument("--log", metavar="FILE", help="append what is asked and answered to a file")


def setting_help() -> str:
    """Return the help of `--home` and `--set`, for a command that writes its own."""
    parser = Parser(usage=argparse.SUPPRESS, add_help=False)
    _add_setting_flags(parser)
    return parser.format_help().replace("options:", "more options:")


def _add_setting_flags(parser: Parser) -> None:
    parser.add_argument("--home", metavar="FOLDER", help="where the sessions are, instead of your data folder")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="any setting of `chatnb config`, such as retry_max_delay=30; may be given several times",
    )


def _add_talk(parser: Parser) -> None:
    _add_continue(parser)
    parser.add_argument("--select", action="store_true", help="choose a session from a menu, and go on in it")
    parser.add_argument("-l", "--list", dest="lists", action="store_true", help="list the sessions")
    add_lasting_options(parser)
    _add_answer_flags(parser)
    parser.add_argument("--version", action="store_true", help="say which version this is")
    parser.set_defaults(name=[])


def _add_continue(parser: Parser) -> None:
    parser.add_argument(
        "--continue", dest="goes_on", action="store_true", help="go on in the last session of this folder"
    )


def _add_open(parser: Parser) -> None:
    parser.add_argument("name", nargs="*", metavar="SESSION", help="title or id; none: a menu")
    add_lasting_options(parser)
    _add_answer_flags(parser)
    parser.set_defaults(goes_on=False, select=False, lists=False)


def _add_ask(parser: Parser) -> None:
    parser.add_argument("words", nargs="*", metavar="QUESTION", help="without one, what is piped in is the question")
    _add_continue(parser)
    add_question_options(parser)
    _add_answer_flags(parser)


def _add_over(parser: Parser) -> None:
    # Lazy: what reads tables is behind it.
    from .over import add_over_flags  # noqa: PLC0415

    add_over_flags(parser)


def _add_export(parser: Parser) -> None:
    # Lazy: what writes the formats is behind it.
    from ..transfer import add_export_options  # noqa: PLC0415

    add_export_options(parser)


def _add_import(parser: Parser) -> None:
    parser.add_argument("paths", nargs="+", metavar="FILE", help="whose content tells its form")


def _add_mcp(parser: Parser) -> None:
    parser.add_argument(
        "--kernel",
        default="",
        metavar="FILE_OR_ID",
        help="the kernel's connection file, or a part of its name; else the newest",
    )
    parser.add_argument("--allow-run", action="store_true", help="let clients run code in it, too")


def _add_lab(parser: Parser) -> None:
    parser.epilog = "All other options are JupyterLab's own, such as --no-browser or --port 8899."


def _add_none(_: Parser) -> None:
    """Add nothing: there is nothing to say."""


TALK = Command("talk with a model in the terminal", "talk", _add_talk)
COMMANDS = {
    "ask": Command("ask one question; what is piped in goes along with it", "ask", _add_ask),
    "open": Command("go on in a session", "talk", _add_open),
    "sessions": Command("list the sessions", "desk_command", _add_none, has_own_words=True),
    "search": Command("find what was said in all sessions", "desk_command", _add_none, has_own_words=True),
    "over": Command("ask one question about each row of a table, and keep each answer", "over", _add_over),
    "export": Command("write sessions to a file: a notebook, Markdown, data, text", "transfer", _add_export),
    "import": Command("read sessions from a notebook or another program's export", "transfer", _add_import),
    "models": Command("list the models that the server has", "desk_command", _add_none, has_own_words=True),
    "pull": Command("download a model", "desk_command", _add_none, has_own_words=True),
    "config": Command(
        "list the settings, and where each value came from", "desk_command", _add_none, has_own_words=True
    ),
    "doctor": Command("check each thing that can be wrong", "doctor", _add_none),
    "stop": Command("stop the answers that are coming, in all your kernels and consoles", "stop", _add_none),
    "lab": Command(
        "open JupyterLab on a first notebook, with the models that are there", "lab", _add_lab, has_own_words=True
    ),
    "mcp": Command("offer a running kernel to MCP clients over stdin and stdout, to be looked into", "mcp", _add_mcp),
}
"""In the order of the help."""

_USAGE = "chatnb [options]\n       chatnb COMMAND [options]"


def _epilog() -> str:
    lines = [f"  {name:<10}{command.help}" for name, command in COMMANDS.items()]
    return "\n".join(["commands (`chatnb COMMAND --help` shows more):", *lines])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
