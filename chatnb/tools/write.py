"""The tools `write`: write and edit files of the notebook's folder, each file whole or not at all."""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any

from ..context.guarded import read_ends
from ..context.texts import decode, encoding_of
from ..errors import ContextRefused
from .confined import ConfinedFolder
from .differences import difference
from .tool import Tool

_LARGEST_BYTES = 10_000_000
_PREVIEWS = 100  # that are remembered: more calls than wait for an answer at once
_TOLD = 10  # places, of a piece that is there more than once
_NEAR_LINES = 20
_NEAR_TEXT_LINES = 2_000
_NEAR_CHARACTERS = 300
_MARK = "\ufeff"
_LINE_END = re.compile("\r\n|[\r\n]")


def write_tools(folder: Path) -> tuple[Tool, ...]:
    """Return the tools that change files in a folder, and none outside.

    What was previewed is what is written: a file that has changed since is refused. A yes to one call, if it is
    remembered, covers the folder of the file, and none within it.
    """
    writer = Writer(ConfinedFolder.of(folder))
    return (
        Tool.of(
            writer.write_file,
            effects=("reads", "writes"),
            preview=lambda arguments: writer.preview(writer.whole(**arguments), arguments),
            scope=writer.scope,
        ),
        Tool.of(
            writer.edit_file,
            effects=("reads", "writes"),
            preview=lambda arguments: writer.preview(writer.edit(**arguments), arguments),
            scope=writer.scope,
        ),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What one call would make of a file.

    Attributes
    ----------
    place
        Where the file is, without links.
    before
        Its bytes; None if there is none yet.
    after
        Its bytes then.
    encoding
        Of both.
    """

    place: Path
    before: bytes | None
    after: bytes
    encoding: str


class Writer:
    """What the tools do; remembers what the files were whose changes were previewed. Any thread may use it."""

    def __init__(self, folder: ConfinedFolder) -> None:
        self._folder = folder
        self._previewed: dict[str, bytes] = {}

    def write_file(self, path: str, text: str) -> str:
        """Write a whole text file; it is made if there is none, and replaced if there is one.

        Parameters
        ----------
        path
            From the notebook's folder on, such as src/load.py.
        text
            All that the file is to hold.
        """
        change = self.whole(path, text)
        self._save(change, {"path": path, "text": text})
        return f"{self._folder.name(change.place)} {'is new' if change.before is None else 'was replaced'}."

    def edit_file(self, path: str, old: str, new: str) -> str:
        """Replace a piece of a text file that occurs in it exactly once.

        Parameters
        ----------
        path
            From the notebook's folder on, such as src/load.py.
        old
            The piece as it stands in the file, with its blanks and line ends, and with so many lines around it that
            there is only one.
        new
            What it becomes.
        """
        change = self.edit(path, old, new)
        self._save(change, {"path": path, "old": old, "new": new})
        return f"{self._folder.name(change.place)} was edited."

    def whole(self, path: str, text: str) -> Change:
        """Return what `write_file` would do.

        Raises
        ------
        ContextRefused, ContextNotFound
            If it may not be done.
        """
        place = self._folder.place(path)
        if not os.path.lexists(place):
            return Change(place, None, _encoded(text, "utf-8", self._folder.name(place)), "utf-8")
        before, old, encoding = self._text(path)
        after = _MARK + text if old.startswith(_MARK) and not text.startswith(_MARK) else text
        return Change(place, before, _encoded(after, encoding, self._folder.name(place)), encoding)

    def edit(self, path: str, old: str, new: str) -> Change:
        """Return what `edit_file` would do; raises as `whole` does, and ValueError if `old` is not there once."""
        place = self._folder.file(path)
        name = self._folder.name(place)
        if place.suffix.lower() == ".ipynb":
            raise ContextRefused(f"{name} is a notebook: its cells are changed with the tools for notebooks.")
        before, text, encoding = self._text(path)
        if not old or old == new:
            raise ValueError("old is empty, or new is the same. write_file writes a whole file.")
        plain, wanted = _LINE_END.sub("\n", text), _LINE_END.sub("\n", old)
        starts = list(islice(_occurrences(plain, wanted), _TOLD + 1))
        if not starts:
            raise ValueError(f"old is not in {name}.{_nearest(plain, wanted)}")
        if len(starts) > 1:
            times = f"{len(starts)}" if len(starts) <= _TOLD else f"more than {_TOLD}"
            lines = ", ".join(str(plain.count("\n", 0, start) + 1) for start in starts[:_TOLD])
            raise ValueError(f"old is {times} times in {name}, at the lines {lines}. Give more lines around it.")
        # Where a line end has two characters, what follows stands further on than in the plain text.
        doubles = [found.start() - number for number, found in enumerate(re.finditer("\r\n", text))]
        start, end = (at + bisect_left(doubles, at) for at in (starts[0], starts[0] + len(wanted)))
        after = text[:start] + _LINE_END.sub(_line_end(text), new) + text[end:]
        return Change(place, before, _encoded(after, encoding, name), encoding)

    def preview(self, change: Change, arguments: Mapping[str, Any]) -> str:
        """Return the diff that a user sees before a call, and remember what the file was then."""
        while len(self._previewed) >= _PREVIEWS:
            self._previewed.pop(next(iter(self._previewed)), None)
        self._previewed[_key(arguments)] = _state(change)
        before = (change.before or b"").decode(change.encoding, "replace")
        return difference(self._folder.name(change.place), before, change.after.decode(change.encoding))

    def scope(self, arguments: Mapping[str, Any]) -> str:
        """Return the folder of the file that a call changes."""
        return self._folder.name(self._folder.place(arguments["path"]).parent)

    def _text(self, path: str) -> tuple[bytes, str, str]:
        """Return a file's bytes, its text with the line ends that it has, and its encoding."""
        place = self._folder.file(path)
        name = self._folder.name(place)
        ends = read_ends(place, _LARGEST_BYTES, name)
        encoding, _ = encoding_of(ends.head, ends.tail)
        if ends.left_out_bytes or decode(ends.head, ends.tail) is None:
            raise ContextRefused(f"{name} is too large or no text ({ends.size_bytes:,} bytes), so it is not changed.")
        text = ends.head.decode(encoding, "replace")
        if text.encode(encoding, "replace") != ends.head:
            raise ContextRefused(f"{name} holds bytes that are no {encoding}, and would not stay what they are.")
        return ends.head, text, encoding

    def _save(self, change: Change, arguments: Mapping[str, Any]) -> None:
        name = self._folder.name(change.place)
        if self._previewed.pop(_key(arguments), _state(change)) != _state(change):
            raise ContextRefused(f"{name} has changed since this was shown to the user, so nothing was written.")
        try:
            if change.before is not None:
                change.place.open("r+b").close()  # a name may be given to another file although its own is read-only
            change.place.parent.mkdir(parents=True, exist_ok=True)
            _replace(change.place, change.after)
        except OSError as error:
            raise ContextRefused(f"{name} could not be written ({error.strerror}); it is what it was.") from error


def _replace(place: Path, data: bytes) -> None:
    """Give a file new content: whoever reads it, even after a crash, finds the old or the new, whole."""
    new = place.with_name(f".{token_hex(8)}.new")
    flags = sum(getattr(os, name, 0) for name in ("O_WRONLY", "O_CREAT", "O_EXCL", "O_BINARY", "O_NOFOLLOW"))
    try:
        with os.fdopen(os.open(new, flags, 0o666), "wb") as file:
            file.write(data)
            with suppress(FileNotFoundError):
                new.chmod(stat.S_IMODE(place.stat().st_mode))
            file.flush()
            os.fsync(file.fileno())
        new.replace(place)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    if os.name != "nt":
        descriptor = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _encoded(text: str, encoding: str, name: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        lacks = error.object[error.start]
        raise ValueError(f"{name} is in {encoding}, which has no {lacks!r}. Write it without.") from error


def _key(arguments: Mapping[str, Any]) -> str:
    return sha256(repr(sorted(arguments.items())).encode("utf-8", "surrogatepass")).hexdigest()


def _state(change: Change) -> bytes:
    return (
        str(change.place).encode("utf-8", "surrogatepass")
        + b"\0"
        + (b"none" if change.before is None else sha256(change.before).digest())
    )


def _occurrences(text: str, piece: str) -> Iterator[int]:
    """Yield where a piece begins, even where it overlaps with itself; never slow, as a regular expression may be."""
    at = text.find(piece)
    while at >= 0:
        yield at
        at = text.find(piece, at + 1)


def _line_end(text: str) -> str:
    """Return the line end that a text has, the most frequent one."""
    windows = text.count("\r\n")
    counts = {"\n": text.count("\n") - windows, "\r\n": windows, "\r": text.count("\r") - windows}
    return max(counts, key=counts.__getitem__)


def _nearest(text: str, old: str) -> str:
    """Return a sentence with the lines of a text that are most like the ones that were looked for."""
    lines = text.split("\n")
    wanted = [line.strip()[:_NEAR_CHARACTERS] for line in old.strip().split("\n")[:_NEAR_LINES]]
    stripped = [line.strip()[:_NEAR_CHARACTERS] for line in lines]
    start = max(range(len(lines)), key=lambda at: _likeness(stripped[at : at + len(wanted)], wanted))
    if not _likeness(stripped[start : start + len(wanted)], wanted):
        near = get_close_matches(wanted[0], stripped[:_NEAR_TEXT_LINES], n=1)
        if not near:
            return " Read it again with read_file."
        start = stripped.index(near[0])
    shown = "\n".join(line[:_NEAR_CHARACTERS] for line in lines[start : start + len(wanted)])
    return f" The nearest lines are these, from line {start + 1} on:\n{shown}"


def _likeness(lines: Sequence[str], wanted: Sequence[str]) -> int:
    return sum(len(line) for line, like in zip(lines, wanted, strict=False) if line == like)
