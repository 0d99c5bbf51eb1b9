"""Read an envelope while it is being written: the answer's text as it comes, the calls once they are whole."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from ..events import TextDelta, ToolStarted
from ..messages import Json, ToolCall

T = TypeVar("T")

Reader = Generator[None, str, T]
"""Is sent one character after the other."""

_KEYS = ("answer", "calls")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"


class Opening:
    r"""An envelope (envelope.py) that comes in pieces.

    What is no envelope, or breaks off within its calls, is text like any other: a model that does not keep to the form
    is shown as it speaks, and nothing that it said is lost.

    Parameters
    ----------
    keeps_json
        Whether the answer is given as the JSON that it is written in, as whoever asked for a schema reads it. Else a
        string is given as its text.

    Examples
    --------
    >>> opening = Opening()
    >>> [*opening.add('{"answer": "It is 2'), *opening.add('0\\u00'), *opening.add('b0."}'), *opening.end()]
    [TextDelta(text='It is 2'), TextDelta(text='0'), TextDelta(text='°.')]
    """

    def __init__(self, *, keeps_json: bool = False) -> None:
        self._keeps_json = keeps_json
        self._held: list[str] = []  # what was read and is neither told nor known to be of the envelope itself
        self._said: list[str] = []
        self._calls: list[ToolCall] = []
        self._is_within = True  # whether an end here would be a break
        self._reader: Reader[None] | None = self._read()
        next(self._reader)

    def add(self, text: str) -> Sequence[TextDelta | ToolStarted]:
        """Take in more of it, and return what is certain by now."""
        for at, character in enumerate(text):
            if self._reader is None:
                self._said.append(text[at:])
                break
            self._held.append(character)
            try:
                self._reader.send(character)
            except _ForeignError:
                self._reader = None
                self._say("".join(self._held))
        return self._told()

    def end(self) -> Sequence[TextDelta | ToolStarted]:
        """Return what was held back, now that nothing follows it."""
        if self._is_within:
            self._say("".join(self._held))
        return self._told()

    def _told(self) -> list[TextDelta | ToolStarted]:
        text = "".join(self._said)
        told: list[TextDelta | ToolStarted] = [TextDelta(text)] if text else []
        told += map(ToolStarted, self._calls)
        self._said.clear()
        self._calls.clear()
        return told

    def _say(self, text: str) -> None:
        self._said.append(text)
        self._held.clear()

    def _read(self) -> Reader[None]:
        """Read the envelope; raises _ForeignError at the first character that does not belong to one."""
        character = yield from _past_space()
        _expect(character == "{")
        while character != "}":
            key = yield from _key()
            self._is_within = True
            after = yield from (self._answer() if key == "answer" else self._called())
            self._is_within = False
            character = after.strip() or (yield from _past_space())
            _expect(character in ",}")
            self._held.clear()
        yield from _past_space()
        raise _ForeignError  # it goes on after its end

    def _answer(self) -> Reader[str]:
        """Read and tell the answer; return the character after it where that had to be read."""
        first = yield from _past_space()
        self._held.clear()
        if first == '"' and not self._keeps_json:
            yield from self._text()
            return ""
        return (yield from _value(first, self._say))

    def _called(self) -> Reader[str]:
        """Read and tell the calls, all or none; return the character after them where that had to be read."""
        taken: list[str] = []
        after = yield from _value((yield from _past_space()), taken.append)
        self._calls += _calls("".join(taken))
        self._held.clear()
        return after

    def _text(self) -> Reader[None]:
        """Read a string to its closing quote and tell what it says.

        A character beyond the basic plane is two escapes, perhaps; half of one is no character.
        """
        high = ""
        while (character := (yield)) != '"':
            if character == "\\":
                character = yield from _escaped()
            if high:
                if "\udc00" <= character <= "\udfff":
                    character = (high + character).encode("utf-16", "surrogatepass").decode("utf-16")
                else:
                    self._say(_NO_CHARACTER)
                high = ""
            if "\ud800" <= character <= "\udbff":
                high = character
            else:
                self._say(_NO_CHARACTER if "\udc00" <= character <= "\udfff" else character)
        if high:
            self._said.append(_NO_CHARACTER)


class _ForeignError(Exception):
    """What was read is no envelope."""


def _expect(is_so: bool) -> None:  # noqa: FBT001 - as an assertion
    if not is_so:
        raise _ForeignError


def _past_space() -> Reader[str]:
    """Return the next character that is no white space."""
    while (character := (yield)).isspace():
        pass
    return character


def _key() -> Reader[str]:
    """Read one of the known keys, with its quotes and the colon."""
    _expect((yield from _past_space()) == '"')
    key = ""
    while (character := (yield)) != '"':
        key += character
        _expect(any(known.startswith(key) for known in _KEYS))
    _expect(key in _KEYS)
    _expect((yield from _past_space()) == ":")
    return key


def _escaped() -> Reader[str]:
    """Return what stands for an escape after its backslash; one that JSON does not know stands for itself."""
    character = yield
    if character != "u":
        return _ESCAPES.get(character, "\\" + character)
    digits = ""
    while len(digits) < 4:  # noqa: PLR2004 - what JSON says
        digits += yield
        _expect(digits[-1] in _HEXADECIMAL)
    return chr(int(digits, 16))


def _value(character: str, take: Callable[[str], object]) -> Reader[str]:
    """Read a value that begins with `character`; return the one after it if only that told its end, else nothing."""
    depth = 0
    while True:
        take(character)
        match character:
            case '"':
                yield from _string(take)
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
        if depth == 0 and character in '"]}':
            return ""
        character = yield
        if depth == 0 and (character in ",}" or character.isspace()):
            return character


def _string(take: Callable[[str], object]) -> Reader[None]:
    """Read the rest of a string as it is written."""
    character = ""
    while character != '"':
        character = yield
        take(character)
        if character == "\\":
            take((yield))


def _calls(text: str) -> list[ToolCall]:
    """Return the calls that a list of them says; whether there are such tools is not for here to know."""
    try:
        value: Json = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        raise _ForeignError from None
    _expect(isinstance(value, list) and bool(value))
    calls = []
    for each in value:
        match each:
            case {"name": str(name), "arguments": dict(arguments)}:
                calls.append(ToolCall(f"call_{secrets.token_hex(4)}", name, arguments))
            case _:
                raise _ForeignError
    return calls
