"""One grammar of options for the magics and the console.

The text of a question is never parsed: `%%chat` has it in the cell's body, and `%ask` takes everything after the
leading options as it is.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, NoReturn

from .errors import SettingsError
from .messages import Json
from .options import Options


class HelpAsked(Exception):  # noqa: N818 - no error: `-h` was given, and `text` answers it
    """The user asked for help; `str()` of it is the help."""


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises SettingsError and HelpAsked where others end the process."""

    def error(self, message: str) -> NoReturn:
        """Raise SettingsError; what argparse calls for a wrong line."""
        end = "" if message.endswith("?") else "."
        raise SettingsError(f"{message[:1].upper()}{message[1:]}{end} `{self.prog} -h` shows what can stand there.")

    def parse_mixed(self, words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """Return what `parse_known_args` does, but words may stand on both sides of flags: `export - --format md Work`."""
        if "--" in words:  # which argparse does not know there
            return self.parse_known_args(words)
        if self.usage is None:  # argparse takes what it writes itself for a template, where "%chat" is none
            self.usage = self.format_usage().removeprefix("usage: ").replace("%", "%%")
        return self.parse_known_intermixed_args(words)

    def print_help(self, file: object = None) -> NoReturn:  # noqa: ARG002 - argparse's own signature
        """Raise HelpAsked; what argparse calls for `-h`."""
        raise HelpAsked(self.format_help())


@cache  # it takes longer to make than to use
def question_parser(prog: str, *, knows_variables: bool = True) -> Parser:
    """Return the parser of a question's options.

    Parameters
    ----------
    prog
        What usage lines begin with.
    knows_variables
        Whether it is asked in a notebook: else what needs its variables or cells is not offered.
    """
    parser = Parser(
        prog=prog, description="Ask a model; the question is sent exactly as it is written.", allow_abbrev=False
    )
    add_question_options(parser)
    if knows_variables:
        _add_notebook_options(parser)
    _add_session_options(parser)
    return parser


def add_question_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a question to a parser, as they are wherever one asks."""
    add_lasting_options(parser)
    add = parser.add_argument
    add("--dry-run", action="store_true", help="show exactly what would be sent, and send nothing")
    add("--cache", action="store_true", help="an earlier answer in this session will do if nothing has changed")
    add("--no-history", dest="history", action="store_false", help="ask without what was said before")


def add_lasting_options(parser: argparse.ArgumentParser) -> None:
    """Add those of them that a whole conversation can have."""
    add_model_options(parser)
    add_context_options(parser)
    add = parser.add_argument
    add(
        "-t",
        "--tool",
        dest="tools",
        metavar="NAME",
        action="append",
        default=[],
        help="tool, or set of tools, that the model may call: files, write, notebook, python, web, shell, or an MCP server; may be given several times",
    )
    add("-s", "--session", default="", help="id or title of the session to ask in; a new one where there is none")
    add("--no-save", dest="save", action="store_false", help="leave nothing of this question on disk")


def add_context_options(parser: argparse.ArgumentParser) -> None:
    """Add those of them that say what goes along."""
    add = parser.add_argument
    add(
        "-c",
        "--context",
        metavar="REF",
        action="append",
        default=[],
        help="what the question carries along: a variable, cells:-3:, file:PATH, dir:DIR, error, past, ...; may be given several times",
    )
    add("--ext", default=(), type=_suffixes, metavar="md,txt", help="suffixes of the files that are taken from folders")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add those of them that say who answers, and how: all that a question about rows has."""
    add = parser.add_argument
    add("-m", "--model", default="", help="model to ask, or several with commas: the rest are fallbacks")
    add("--system", default="", help="system prompt for this question")
    add(
        "-o",
        "--option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_pair,
        help="option of Ollama, such as temperature=0, seed=1, num_ctx=8192; may be given several times",
    )
    add("--think", action=argparse.BooleanOptionalAction, help="let the model think before it answers, or not")
    add("--keep-alive", default="", metavar="TIME", help="how long the model stays in memory: 10m, 0, -1 for ever")
    add("--timeout", type=_seconds, metavar="SECONDS", help="how long to wait for the first token")


def _add_notebook_options(parser: argparse.ArgumentParser) -> None:
    """Add what only has a meaning where there are variables and cells."""
    add = parser.add_argument
    add(
        "--schema",
        default="",
        metavar="NAME",
        help="pydantic class or JSON schema in the namespace that the answer has to fit",
    )
    add("--into", default="", metavar="NAME", help="put the answer, or the validated object, into this variable")
    add("--trial", action="store_true", help="try code that the model wants run in a fork before it is asked about")
    add("--code", action="store_true", help="make the answer's code the next cell, or several")
    add(
        "--over",
        dest="table",
        default="",
        metavar="NAME",
        help="ask about each row of this table; {column} in the text is what the row has there",
    )
    add_row_options(parser)


def _add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add what only has a meaning within a conversation."""
    add = parser.add_argument
    add("--instead", type=int, default=0, metavar="N", help="ask in place of message N, which stays as a branch")
    add("--summary", action="store_true", help="let this text stand for all that was said before; nothing is asked")


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Add what only has a meaning where the rows of a table are asked about."""
    add = parser.add_argument
    add("--answers", default="", metavar="FILE", help="where the answers to rows are kept; else in the data folder")
    add("--key", default="", metavar="COLUMN", help="column that tells rows apart; else their prompts do")
    add("--prefix", default="", metavar="TEXT", help="what the names of the new columns begin with")
    add("--price", type=_price, metavar="IN,OUT", help="of a million tokens, read and written; then the cost is told")
    add("--retry-failed", action="store_true", help="ask rows again that failed earlier")


def parse_question(line: str, prog: str = "%%chat") -> Options:
    """Return the options on the first line of a `%%chat` cell.

    Raises
    ------
    SettingsError
        If the line is not made of options.
    HelpAsked
        If it asks for help.

    Examples
    --------
    >>> parse_question("-m qwen3:8b -o temperature=0 --no-think").option
    (('temperature', 0),)
    """
    return options_of(question_parser(prog).parse_args(_split(line)))


def parse_line(line: str, prog: str = "%ask", *, knows_variables: bool = True) -> tuple[Options, str]:
    """Return the leading options of a line, and all that follows them exactly as it is; for a parser of these parameters.

    Examples
    --------
    >>> options, text = parse_line("-m tiny what's {this} -- and that?")
    >>> options.model, text
    ('tiny', "what's {this} -- and that?")
    """
    parser = question_parser(prog, knows_variables=knows_variables)
    takes_value = {name for action in parser._actions for name in action.option_strings if action.nargs != 0}  # noqa: SLF001 - argparse has no other way to tell
    words, rest = [], line.strip()
    while rest.startswith("-"):
        word, rest = _first_word(rest)
        if word == "--":
            break
        words.append(word)
        if word in takes_value and rest:
            word, rest = _first_word(rest)
            words.append(word)
    return options_of(parser.parse_args(words)), rest


def options_of(parsed: argparse.Namespace) -> Options:
    """Return the options of a question among what was parsed."""
    values = {field.name: getattr(parsed, field.name) for field in fields(Options) if hasattr(parsed, field.name)}
    # What may be given several times comes as a list.
    said: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Options(**said)


def flags_of(chosen: Mapping[str, Json]) -> str:
    r"""Return what a question kept as it is typed on the line of a cell; what takes more than a line is left out.

    Examples
    --------
    >>> flags_of({"model": "tiny", "option": {"stop": "END"}, "think": False, "tools": ["files", "web"]})
    '--model tiny --option \'stop="END"\' --no-think --tool files --tool web'
    """
    words: list[str] = []
    for name, value in Options.of(chosen).chosen.items():
        match name, value:
            case _, bool():
                words.append(f"--{name}" if value else f"--no-{name}")
            case "option", dict():
                words += [f"--option={key}={json.dumps(each)}" for key, each in value.items()]
            case "tools" | "context", list():
                words += [f"--{name.removesuffix('s')}={each}" for each in value]
            case "ext", list():
                words.append(f"--ext={','.join(map(str, value))}")
            case _:
                words.append(f"--{name.replace('_', '-')}={value}")
    return " ".join(map(_typed, (word for word in words if len(word.splitlines()) == 1)))


def _typed(word: str) -> str:
    flag, equals, value = word.partition("=")
    # A value that looks like a flag has to stay one word with its own.
    return f"{flag} {shlex.quote(value)}" if equals and not value.startswith("-") else shlex.quote(word)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise SettingsError(f"The options cannot be read ({error}): {line}") from error


def _first_word(text: str) -> tuple[str, str]:
    """Return the first word, without its quotes, and the text after it."""
    stream = io.StringIO(text)
    lexer = shlex.shlex(stream, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        word = lexer.get_token() or ""
    except ValueError as error:
        raise SettingsError(f"The options cannot be read ({error}): {text}") from error
    return word, text[stream.tell() :].lstrip()


def _pair(text: str) -> tuple[str, Any]:
    """Return a key and its value; the value is read as JSON where it can be.

    Examples
    --------
    >>> _pair("stop=[1]"), _pair("stop=END")
    (('stop', [1]), ('stop', 'END'))
    """
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, such as temperature=0.2")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _price(text: str) -> tuple[float, float]:
    """Return two prices.

    Examples
    --------
    >>> _price("0.15,0.6")
    (0.15, 0.6)
    """
    read, _, written = text.partition(",")
    try:
        return float(read), float(written)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not two prices with a comma, such as 0.15,0.60") from None


def _suffixes(text: str) -> tuple[str, ...]:
    """Return suffixes without their dots.

    Examples
    --------
    >>> _suffixes("md, .txt")
    ('md', 'txt')
    """
    return tuple(word.strip().lstrip(".") for word in text.split(",") if word.strip())


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
