"""What a JSON file of any size holds, one event after the other, and how a value of it is passed over or written out.

The events are ijson's (https://github.com/ICRAR/ijson#events): ("start_map", None), ("map_key", "a"), ("number", 1), ...
Numbers are int or Decimal, so that they are written as they stood. Several values one after the other, as in JSON
Lines, are as good as one.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")

Event = tuple[str, Any]

STARTS = frozenset({"start_map", "start_array"})

_ENDS = frozenset({"end_map", "end_array"})
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
_CHUNK_BYTES = 16_384
_LARGE_CHUNK_BYTES = 524_288
_TEXT_BYTES = 8_000_000
_MOST_DIGITS = 4_300
_QUOTE = re.compile(rb'(?<!\\)(?:\\\\)*+"')
_STRIDE = 64
_AS_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_EXCERPT_BYTES = 30  # how far yajl's message quotes what stands before an error
_MARKS = ((codecs.BOM_UTF8, ""), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Broken(ValueError):  # noqa: N818 - named after what happened
    """The file is no JSON from some place on, or was not read further; says where and why."""


def with_events(file: BinaryIO, limit_s: float, use: Callable[[Iterator[Event]], T]) -> T:
    """Return what `use` makes of an iterator over the events of a file, which ends behind its last value.

    Where something is wrong with the file, `use` is called a second time, with an iterator that takes longer, knows
    what stands before the damage, and raises Broken there.

    Parameters
    ----------
    limit_s
        Where so many seconds have passed the iterator raises Broken, too.
    """
    # Lazy: few chats read JSON with it, and loading the magics has to be instant.
    import ijson  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types

    try:
        watched = _Watched(_as_utf8(file), time.monotonic() + limit_s, is_wary=True)
        return use(ijson.basic_parse(watched, multiple_values=True))
    except (ijson.JSONError, UnicodeError, ArithmeticError, _LongText):
        return use(chain.from_iterable(_chunks(_Watched(_as_utf8(file), time.monotonic() + limit_s, is_wary=False))))


def pass_over(events: Iterator[Event], depth: int = 1) -> None:
    """Consume what is left of a list or object that has begun, or of `depth` of them, one within the other."""
    for event, value in events:
        # Most events have a value, which is seen at once.
        if value is None and event in _STEPS:
            depth += _STEPS[event]
            if not depth:
                return


def written(events: Iterator[Event], event: str, value: Any, limit: int) -> str:
    """Consume a value that begins with an event, and return it as JSON of about `limit` characters at most."""
    pieces: list[str] = []
    room, depth = limit, 0
    before = ""
    while True:
        if event in _ENDS:
            depth -= 1
            piece = "}" if event == "end_map" else "]"
        elif event in STARTS:
            depth += 1
            piece = before + ("{" if event == "start_map" else "[")
        else:
            piece = before + _scalar(value, room) + (": " if event == "map_key" else "")
        before = "" if event in STARTS or event == "map_key" else ", "
        room -= len(piece)
        pieces.append(piece)
        if not depth:
            return "".join(pieces)
        if room <= 0:
            pass_over(events, depth)
            return "".join(pieces) + " [... and more; name what is within it]"
        event, value = next(events)


def _scalar(value: Any, room: int) -> str:
    if isinstance(value, str):
        room = max(room, 1)
        # Half of a character outside of the BMP is none, and nothing that goes on from here could encode it.
        text = value[:room].encode("utf-8", "replace").decode()
        more = f" [... of {len(value):,} characters]" if len(value) > room else ""
        return json.dumps(text, ensure_ascii=False) + more
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


class _LongText(Exception):  # noqa: N818 - a finding
    """There may be a text that is too long."""


class _Watched:
    """A file that is read as long as there is time, and nothing in it that would harm the parser.

    Parameters
    ----------
    file
        In UTF-8.
    is_wary
        Whether to raise _LongText where a text may be too long for the memory.
    """

    def __init__(self, file: Any, give_up_at: float, *, is_wary: bool) -> None:
        self._file = file
        self._give_up_at = give_up_at
        self._is_wary = is_wary
        self._quiet_bytes = self._read_bytes = 0
        self._before = b""
        self._harm = ""
        self._digits = min(_MOST_DIGITS, sys.get_int_max_str_digits() or _MOST_DIGITS)

    def read(self, size: int) -> bytes:
        """Return the next bytes, as a file does."""
        if not self._harm and time.monotonic() > self._give_up_at:
            self._harm = f"There was no time to read further than byte {self._read_bytes:,}."
        if self._harm:
            raise Broken(self._harm)
        # The parser looks at a text from its beginning on with each piece of it: so the pieces become larger.
        chunk: bytes = self._file.read(max(size, min(self._quiet_bytes, _LARGE_CHUNK_BYTES)))
        if self._is_wary:
            self._listen(chunk)
        chunk = self._without_digits(chunk)
        self._before = chunk[-self._digits :]
        self._read_bytes += len(chunk)
        return chunk

    def _listen(self, chunk: bytes) -> None:
        # The parser gives nothing before the end of a text. Within one there is no quote without a backslash. There is
        # none between numbers, either, which only the slower way can tell.
        escapes = self._before[len(self._before.rstrip(b"\\")) :]
        is_quiet = _QUOTE.search(escapes + chunk) is None
        self._quiet_bytes = self._quiet_bytes + len(chunk) if is_quiet else 0
        if self._quiet_bytes > _TEXT_BYTES:
            raise _LongText

    def _without_digits(self, chunk: bytes) -> bytes:
        """Return what stands before the first digit of very many."""
        # ijson 3.6 reads a null pointer where Python refuses to make an integer of so many
        # (https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation).
        both = self._before + chunk
        # A look at each 64th byte tells nearly always that there are none.
        zeros = b"0" * (self._digits // _STRIDE - 1)
        many = rb"[0-9]{%d}" % (self._digits + 1)
        if zeros in both[::_STRIDE].translate(_AS_ZEROS) and (found := re.search(many, both)):
            at = max(found.start() - len(self._before), 0)
            place = f"from about byte {self._read_bytes + at:,} on"
            self._harm = f"More than {self._digits:,} digits in a row, {place}, are not read."
            return chunk[:at]
        return chunk


def _chunks(file: _Watched) -> Iterator[list[Event]]:
    """Yield the events of each piece of a file, those before the damage as well."""
    import ijson  # noqa: PLC0415 - see above

    events = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events, multiple_values=True)
    read_bytes = silent_bytes = lines = 0
    chunk = b""
    try:
        while chunk := file.read(max(_CHUNK_BYTES, min(silent_bytes, _LARGE_CHUNK_BYTES))):
            parser.send(chunk)
            silent_bytes = 0 if events else silent_bytes + len(chunk)
            yield events
            del events[:]
            read_bytes += len(chunk)
            lines += chunk.count(b"\n")
            if silent_bytes > _TEXT_BYTES:
                raise Broken(f"The text from about byte {read_bytes - silent_bytes:,} on is too long to be read.")
        parser.close()
        yield events
    except (ijson.JSONError, UnicodeError, ArithmeticError) as error:
        yield events
        at = _place(error, chunk)
        line = lines + chunk[:at].count(b"\n") + 1
        raise Broken(f"It is no JSON from byte {read_bytes + at:,} on, in line {line:,}: {_reason(error)}.") from error


def _as_utf8(file: BinaryIO) -> Any:
    file.seek(0)
    head = file.read(4)
    mark, encoding = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", ""))
    file.seek(0 if encoding else len(mark))
    return codecs.EncodedFile(file, "utf-8", encoding) if encoding else file


def _place(error: Exception, chunk: bytes) -> int:
    """Return at which byte of a chunk the parser gave up, as its message shows it; 0 if it does not."""
    lines = _message(error).split(b"\n")
    if len(lines) < 3:  # noqa: PLR2004 - the reason, what stands there, an arrow
        return 0
    excerpt = lines[1].strip()
    at = chunk.replace(b"\n", b" ").find(excerpt) if excerpt else len(chunk) - 1
    arrow = lines[2].find(b"^")
    start = len(lines[1]) - len(lines[1].lstrip())
    return max(max(at, 0) + min(max(arrow - start, 0), _EXCERPT_BYTES) - 1, 0)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "a text holds half of a character"
    if isinstance(error, ArithmeticError):
        return "a number is larger than any that is read"
    reason, *rest = _message(error).decode("utf-8", "replace").split("\n")
    what = " ".join(rest[:1]).strip()
    if not what:
        return "it ends too early"
    hint = "; NaN and Infinity are none in JSON" if "NaN" in what or "Infinity" in what else ""
    return f"{reason.partition(': ')[2].rstrip('.')}, near {what!r}{hint}"


def _message(error: Exception) -> bytes:
    message = error.args[0] if error.args else b""
    return message if isinstance(message, bytes) else str(message).encode()
