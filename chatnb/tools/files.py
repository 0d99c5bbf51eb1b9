"""The tools `files`: list, read and search the files of the notebook's folder.

What `.gitignore` names is neither listed nor searched, and said to be there; it is read if it is named, since data
usually lies there. The lines of a text carry no numbers: small models copy those into what they write.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TextIO

from ..context import documents
from ..context.guarded import read_ends
from ..context.reading import PICTURES, read_text
from ..context.texts import decode, encoding_of
from ..context.walking import ALL_FILES, Walk
from ..errors import ContextError, ContextNotFound, ContextRefused
from .confined import ConfinedFolder, is_folder
from .json_reader import read
from .searching import matching_lines
from .tool import Tool

ROOM_CHARACTERS = 7_000
"""What a result has at most, about: less than what the toolbox shortens, so that it ends where it can be read on."""

_CONVERTED = documents.SUFFIXES | {".ipynb", ".parquet"}
_CONVERTED_CHARS = 10_000_000
_SNIFFED_BYTES = 65_536
_PIECE = 20_000  # of a line, so that a file without line ends is no burden
_WALK_ENTRIES, _WALK_S = 50_000, 10.0
_LISTED = 200
_MATCHES = 100
_SEARCH_S = 20.0
_BATCH_CHARACTERS = 4_000_000
_SEARCHED_CHARACTERS = 10_000_000  # of one file


def files_tools(folder: Path) -> tuple[Tool, ...]:
    """Return the tools that read files in a folder, and none outside."""
    files = Files(ConfinedFolder.of(folder))
    functions = (files.read_file, files.list_files, files.search_files, files.read_json)
    return tuple(Tool.of(function, effects=("reads",), scope=lambda _: ".") for function in functions)


@dataclass(frozen=True, slots=True)
class Files:
    """What the tools do; the docstrings are what a model reads of them."""

    folder: ConfinedFolder

    def read_file(self, path: str, first_line: int = 1, last_line: int | None = None) -> str:
        """Read a text file, a notebook (as its cells), or the text of a PDF or Office document.

        Parameters
        ----------
        path
            From the notebook's folder on, such as src/load.py.
        first_line
            Where to begin; lines are counted from 1.
        last_line
            Where to end; by default as far as there is room.
        """
        if first_line < 1 or (last_line is not None and last_line < first_line):
            raise ValueError("first_line is at least 1, and last_line is not before it.")
        real = self.folder.file(path)
        name = self.folder.name(real)
        with self._text(real) as text:
            lines = _lines(text)
            passed = sum(1 for _ in islice(lines, first_line - 1))
            shown, is_more = _fitting(lines, None if last_line is None else last_line - first_line + 1)
        if not shown:
            if first_line == 1:
                return f"{name} is empty."
            raise ContextNotFound(f"{name} ends before line {first_line:,}: it has {passed:,} lines.")
        last = first_line + len(shown) - 1
        more = f"\n[{name} goes on: read_file with first_line={last + 1}]" if is_more else "\n[the end]"
        return "\n".join([f"[{name}, lines {first_line}-{last}]", *shown]) + more

    def list_files(self, path: str = ".", pattern: str = "") -> str:
        """List files with their sizes, those of folders within too.

        Parameters
        ----------
        path
            A folder, from the notebook's folder on.
        pattern
            Which files, such as *.csv (at any depth) or src/**/*.py.
        """
        base = self.folder.folder(path)
        walk = self._walk(base, pattern)
        shown: list[str] = []
        more: Counter[str] = Counter()
        room = ROOM_CHARACTERS
        for file in walk.files():
            line = f"{self.folder.name(file)}  {_size(file)}"
            room -= len(line) + 1
            if room < 0 or len(shown) == _LISTED:
                more[self.folder.name(base.joinpath(*file.relative_to(base).parts[:-1][:1]))] += 1
            else:
                shown.append(line)
        shown += [f"[{count:,} more in {name}: list that, or give a pattern]" for name, count in more.most_common(20)]
        return "\n".join([*(shown or [f"There are no such files in {self.folder.name(base)}."]), *_notes(walk)])

    def search_files(self, pattern: str, path: str = ".", files: str = "") -> str:
        r"""Search text files for a regular expression, line by line; give each line with its file and number.

        Parameters
        ----------
        pattern
            A regular expression of Python, such as def \w+_price; (?i) at its beginning ignores case.
        path
            A folder, or a single file.
        files
            Which files of the folder, such as *.py.
        """
        walk = None
        if is_folder(place := self.folder.place(path)):
            walk = self._walk(place, files)
            found: Iterable[Path] = walk.files()
        else:
            found = [self.folder.file(path)]
        shown: list[str] = []
        room = ROOM_CHARACTERS
        give_up_at = time.monotonic() + _SEARCH_S
        notes: list[str] = []
        for names, texts in self._batches(found, notes):
            left_s = max(give_up_at - time.monotonic(), 0.1)
            try:
                matches = matching_lines(pattern, texts, _MATCHES + 1 - len(shown), left_s)
            except ValueError as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
            except TimeoutError:
                notes.append(
                    f"[stopped after {_SEARCH_S:.0f} s, at {names[0]}: search fewer files, "
                    "or without repetitions of repetitions such as (a+)+]"
                )
                break
            for number, line, excerpt in matches:
                room -= len(names[number]) + len(excerpt) + 10
                if room < 0 or len(shown) == _MATCHES:
                    notes.append("[there are more: search for something rarer, or in fewer files]")
                    return "\n".join([*shown, *notes])
                shown.append(f"{names[number]}:{line}: {excerpt}")
        return "\n".join([*(shown or [f"No line fits {pattern!r}."]), *notes, *(_notes(walk) if walk else ())])

    def read_json(self, path: str, filter: str = "", max_entries: int = 50, first_entry: int = 1) -> str:  # noqa: A002 - what a model understands at once
        """Read a part of a JSON or JSON Lines file of any size; without a filter, its structure.

        Parameters
        ----------
        path
            From the notebook's folder on, such as data/chats.json.
        filter
            Which part, such as conversations[*].messages[*].content, items[3].name, [0:10].id or a["odd key"]. The
            lines of JSON Lines are a list.
        max_entries
            How many of the values that fit are given at most.
        first_entry
            Which of them is the first, to read on; counted from 1.
        """
        real = self.folder.file(path)
        name = self.folder.name(real)
        with self.folder.opened(real) as file:
            return read(file, name, filter, first=first_entry, most=max_entries, room=ROOM_CHARACTERS)

    def _walk(self, base: Path, pattern: str) -> Walk:
        parts = PurePosixPath(pattern).parts
        if len(parts) == 1:
            parts = ("**", *parts)
        return Walk(base, parts or ALL_FILES, self.folder.root, _WALK_ENTRIES, _WALK_S)

    def _batches(self, found: Iterable[Path], notes: list[str]) -> Iterator[tuple[list[str], list[str]]]:
        """Yield names and texts of files, not too much at once; a file that is no text is passed over."""
        names: list[str] = []
        texts: list[str] = []
        for file in found:
            if file.suffix.lower() in PICTURES | documents.SUFFIXES:
                continue
            try:
                with self._text(self.folder.file(str(file))) as text:
                    content = text.read(_SEARCHED_CHARACTERS)
                    is_more = bool(text.read(1))
            except ContextError:
                continue
            names.append(self.folder.name(file))
            texts.append(content)
            if is_more:
                notes.append(f"[of {names[-1]} the first {_SEARCHED_CHARACTERS:,} characters were searched]")
            if sum(map(len, texts)) > _BATCH_CHARACTERS:
                yield names, texts
                names, texts = [], []
        if names:
            yield names, texts

    @contextmanager
    def _text(self, real: Path) -> Iterator[TextIO]:
        """Open a file as the text that it is, or that is made of it; lines are the same to each tool."""
        name = self.folder.name(real)
        if real.suffix.lower() in _CONVERTED:
            yield io.StringIO(read_text(real, _CONVERTED_CHARS, name)[0])
            return
        ends = read_ends(real, _SNIFFED_BYTES, name)
        if decode(ends.head, ends.tail) is None:
            raise ContextRefused(f"{name} is no text ({ends.size_bytes:,} bytes). Load it in a cell.")
        encoding, mark_bytes = encoding_of(ends.head, ends.tail)
        with self.folder.opened(real) as file:
            file.seek(mark_bytes)
            yield io.TextIOWrapper(file, encoding, errors="replace")


def _lines(text: TextIO) -> Iterator[str]:
    """Yield the lines without their ends; of a very long one the beginning, and how much that leaves out."""
    while piece := text.readline(_PIECE):
        left_out = 0
        line = piece
        while not piece.endswith("\n") and (piece := text.readline(_PIECE)):
            left_out += len(piece.rstrip("\n"))
        yield line.rstrip("\n") + (f" [... {left_out:,} characters left out ...]" if left_out else "")


def _fitting(lines: Iterator[str], most: int | None) -> tuple[Sequence[str], bool]:
    """Return the lines that there is room for, and whether the file has more."""
    shown: list[str] = []
    room = ROOM_CHARACTERS
    for line in lines:
        if most is not None and len(shown) == most:
            return shown, True
        room -= len(line) + 1
        if room < 0:
            if not shown:  # one long line: its beginning is better than nothing, for ever
                cut = f"{line[:ROOM_CHARACTERS]} [... {len(line) - ROOM_CHARACTERS:,} characters left out ...]"
                return [cut], next(lines, None) is not None
            return shown, True
        shown.append(line)
    return shown, False


def _size(path: Path) -> str:
    try:
        return f"{path.stat().st_size:,} bytes"
    except OSError:
        return "gone"


def _notes(walk: Walk) -> Iterator[str]:
    told = {
        "ignored": "files or folders that .gitignore names; read_file reads what is named",
        "link": "links out of the folder",
        "unreadable": "folders that may not be read",
    }
    yield from (f"[not among them: {walk.left_out[why]:,} {what}]" for why, what in told.items() if walk.left_out[why])
    if walk.is_cut:
        yield "[the folder holds too much to look at all of it: name one within]"
