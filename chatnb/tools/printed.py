"""Find the calls of tools that a model printed as text; they are to be offered, and never run by themselves."""

from __future__ import annotations

import ast
import json
import re
import secrets
import warnings
from collections.abc import Collection, Iterable, Iterator

from ..markdown.fences import Fence, pieces, unified
from ..messages import Json, ToolCall

MOST_STARTS = 100
"""So many places where JSON may begin, and does not, are looked at: each takes time in proportion to the text."""

LONGEST_LINE = 20_000
"""Characters of a call in Python's form."""

# Where JSON begins: a line, perhaps with a fence's or code's backticks before it; the marks of Hermes and Qwen, Mistral, Llama.
_START = re.compile(r"(?:^[ \t`]*|<tool_call>\s*|\[TOOL_CALLS\]\s*|<\|python_tag\|>\s*)(?=[{\[])", re.MULTILINE)
_FUNCTION = re.compile(r"<function=([\w.-]{1,64})>")
_CALL = re.compile(r"\[?\s*([A-Za-z_]\w*)\s*\(")
_JSON = json.JSONDecoder(strict=False)

_NAMES = ("name", "tool", "function")
_ARGUMENTS = ("arguments", "parameters", "args")
_OTHERS = {"id", "type"}
_SCHEMA = {"type", "properties"}  # of parameters that are described, not given


def printed_calls(text: str, names: Collection[str], made: Iterable[ToolCall] = ()) -> tuple[ToolCall, ...]:
    r"""Return the calls that a text holds, each with an id of its own.

    Known are, with the models that print them:

    * JSON with a name and arguments, alone, in a list, as `calls` or `tool_calls`, in a fence or bare from a line's
      beginning (many models); after `[TOOL_CALLS]` (Mistral), after `<tool_call>` (Hermes, Qwen), after
      `<|python_tag|>` (Llama)
    * `<function=name>{...}</function>` (Llama), or with `<parameter=name>...</parameter>` in it (Qwen Coder)
    * `name(key="value")` or a list of such alone on a line, and where that stands in a fence, with nothing else in it

    Code that only mentions a tool, and the description of one, are none.

    Parameters
    ----------
    text
        What a model said. Never raises, whatever it is; the time is in proportion to its length.
    names
        The tools that there are. Calls of others are no calls.
    made
        What was really called: an answer that only tells of that offers nothing.

    Examples
    --------
    >>> [call] = printed_calls('<tool_call>{"name": "add", "arguments": {"a": 17}}</tool_call>', {"add"})
    >>> call.name, call.arguments
    ('add', {'a': 17})
    >>> printed_calls('Sure:\n\nadd(a=17, b="x")', {"add"})[0].arguments
    {'a': 17, 'b': 'x'}
    """
    text = unified(text)
    known = [(call.name, call.arguments) for call in made]
    for form in (_in_json, _in_tags, _in_python):
        calls = [
            ToolCall(f"call_{secrets.token_hex(4)}", name, arguments)
            for name, arguments in form(text)
            if name in names and (name, arguments) not in known
        ]
        if calls:
            return tuple(calls)
    return ()


Found = Iterator[tuple[str, dict[str, Json]]]


def _in_json(text: str) -> Found:
    end = failures = 0
    for start in _START.finditer(text):
        if start.end() < end:
            continue  # within what was read
        try:
            value, end = _JSON.raw_decode(text, start.end())
        except (ValueError, RecursionError):
            failures += 1
            if failures == MOST_STARTS:
                return
        else:
            yield from _called(value)


def _called(value: Json) -> Found:
    """Yield the calls that a value says."""
    match value:
        case {"calls": list(calls), **others} | {"tool_calls": list(calls), **others} if not others:
            value = calls
    for each in value if isinstance(value, list) else [value]:
        match each:
            case {"function": dict(function), **others} if not others.keys() - _OTHERS:
                yield from _one(function)
            case dict():
                yield from _one(each)


def _one(value: dict[str, Json]) -> Found:
    # Nothing else may be in it: what has a description, too, describes a tool.
    said = [(key, each) for key, each in value.items() if key not in _OTHERS]
    match sorted(said, key=lambda item: item[0] not in _NAMES):
        case [(name_key, str(name)), (key, str() | dict() as arguments)]:
            given = _mapping(arguments)
            if name_key in _NAMES and key in _ARGUMENTS and given is not None and not _SCHEMA.issubset(given):
                yield name, given


def _mapping(arguments: str | dict[str, Json]) -> dict[str, Json] | None:
    """Return arguments, which some write as a text that is JSON."""
    if isinstance(arguments, dict):
        return arguments
    try:
        value = json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _in_tags(text: str) -> Found:
    end = 0
    for start in _FUNCTION.finditer(text):
        if start.start() < end:
            continue
        end = text.find("</function>", start.end())
        if end < 0:  # what closes it is often what the model stops at
            end = len(text)
        body = text[start.end() : end].strip()
        first, *parameters = body.split("<parameter=")
        if not first:
            yield start[1], dict(map(_parameter, parameters))
        elif (arguments := _mapping(body)) is not None:
            yield start[1], arguments


def _parameter(text: str) -> tuple[str, str]:
    """Return a name and its value; a tool turns a text into the number that it takes."""
    name, _, rest = text.partition(">")
    return name.strip(), rest.partition("</parameter>")[0].removeprefix("\n").removesuffix("\n")


def _in_python(text: str) -> Found:
    for piece in pieces(text):
        if isinstance(piece, Fence):
            lines = [line for line in piece.code if line.strip()]
            found = [_line(line) for line in lines]
            if all(found):
                for calls in found:
                    yield from calls
        else:
            for line in piece.lines:
                yield from _line(line)


def _line(line: str) -> list[tuple[str, dict[str, Json]]]:
    """Return the calls that a line is made of, or nothing."""
    line = line.strip(" \t`")
    if not line.endswith((")", ")]")) or not _CALL.match(line) or len(line) > LONGEST_LINE:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape that is none warns
            body = ast.parse(line, mode="eval").body
            return [_python_call(node) for node in (body.elts if isinstance(body, ast.List) else [body])]
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return []


def _python_call(node: ast.expr) -> tuple[str, dict[str, Json]]:
    """Return a call whose arguments are all named and constant; raises ValueError if it is another."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            return name, {word.arg or "": _constant(word) for word in keywords}
    raise ValueError


def _constant(word: ast.keyword) -> Json:
    if word.arg is None:  # two asterisks
        raise ValueError
    value = ast.literal_eval(word.value)
    # What JSON does not know, such as bytes and sets, is no argument.
    return json.loads(json.dumps(value, allow_nan=False))
