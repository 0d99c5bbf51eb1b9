"""Files and folders, named by `file:`, `dir:` or their bare path.

What is named is read, wherever it lies: `file:../src/load.py`, `/etc/hosts`, `dir:~/papers`, `file:../src/**/*.py` are
the user's own words. What is only found, below a folder or by a pattern, is read if it really lies there and is meant
to be seen (walking.py says what is left out). Files that usually hold secrets are read only if they are named and the
user says yes.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..errors import ContextError, ContextNotFound, ContextRefused
from ..messages import Context
from . import documents
from .base import Confirm, Reading, Reference
from .guarded import explained, is_made_up, is_secret, one_line, real_file
from .reading import PICTURES, read_lines, read_text
from .walking import ALL_FILES, WILD, Walk, split_pattern

_LINES = re.compile(r"(?P<path>.+):(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?", re.DOTALL)
_LEFT_OUT = {
    "secret": "files of keys or passwords; name one exactly to be asked about it",
    "link": "links to elsewhere; name what they lead to",
    "document": "PDF or Office documents; name one, a pattern like *.pdf, or their ending with --ext",
    "special": "pipes, sockets or devices",
    "unreadable": "no text, or not to be read",
    "time": "they take too long; name fewer at a time",
    "length": "together they are too long; name fewer at a time",
    "ignored": "named in .gitignore; name one exactly",
}
_NAMED_ENTRIES, _NAMED_S = 2_000, 0.5  # completion waits for them


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most.

    Attributes
    ----------
    file_bytes
        Of one file; of a longer one the first and the last half of it, with a mark between them.
    total_bytes
        Of all files of a folder or a pattern, in bytes of their text.
    files
        How many files of a folder or a pattern.
    entries
        How many names of files and folders a search looks at.
    search_s
        How long a search takes.
    read_s
        How long it takes to read the files of a folder or a pattern; the file in work then is the last.
    """

    file_bytes: int = 1_000_000
    total_bytes: int = 2_000_000
    files: int = 100
    entries: int = 20_000
    search_s: float = 5.0
    read_s: float = 30.0


class FilesSource:
    """Reads text files.

    Parameters
    ----------
    folder
        Where relative paths begin: the notebook's folder.
    confirm
        Asked before a file that usually holds secrets is read.
    extensions
        Endings such as "md", with or without a dot; of folders and patterns only files with one of them are read.
    limits
        How much is read at most.
    """

    kinds: Sequence[str] = ("file", "dir", "")

    def __init__(
        self, folder: Path, confirm: Confirm, extensions: Sequence[str] = (), limits: Limits | None = None
    ) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._confirm = confirm
        self._endings = tuple("." + extension.strip().lstrip(".").casefold() for extension in extensions)
        self._limits = limits or Limits()

    def read(self, reference: Reference) -> Reading:
        """Return one part for each file that the reference names.

        * `file:PATH`: a file, from the notebook's folder on, absolute, or from the home folder (`~`).
        * `file:PATH:10-20`, `file:PATH:10`: those lines of a text file.
        * `file:src/**/*.py`: the files that fit, if there is none of that very name.
        * `dir:PATH`: the text files below a folder.
        * a bare path: any of these, if it exists and holds a slash or a dot; a mere word (`@todo`, `@docs`) is none.

        Raises
        ------
        ContextNotFound
            If there is nothing of that name.
        ContextRefused
            If it is no text, may not be read, or is a secret that the user did not agree to.
        """
        target = reference.target
        path = self._path(target)
        if not target or (not reference.kind and not _looks_like_path(target)):
            raise ContextNotFound(f"{one_line(target) or 'Nothing'} is no path. Write file:PATH or dir:PATH.")
        with explained(one_line(target)):
            exists, is_folder = os.path.lexists(path), path.is_dir()
        if reference.kind == "dir" or (not reference.kind and is_folder):
            return self._read_found(reference, path, ALL_FILES)
        if not exists and (lines := _LINES.fullmatch(target)):
            return self._read_lines(lines)
        if not exists and not WILD.isdisjoint(target):
            base, pattern = split_pattern(str(path))
            return self._read_found(reference, Path(base), pattern)
        return self._read_named(path)

    def names(self) -> Iterator[str]:
        """Yield the files of the notebook's folder and the folders that they lie in, those near the top first."""
        folders = {self._folder}
        for path in Walk(self._folder, ALL_FILES, self._folder, _NAMED_ENTRIES, _NAMED_S).files():
            if path.suffix.lower() in PICTURES or not self._name(path).isprintable():
                continue
            if path.parent not in folders:
                folders.add(path.parent)
                yield f"dir:{self._name(path.parent)}"
            yield f"file:{self._name(path)}"

    def _read_named(self, path: Path) -> Reading:
        name = self._name(path)
        text, notes = read_text(self._allowed(path, name), self._limits.file_bytes, one_line(name))
        return Reading((_part(name, text),), notes)

    def _read_lines(self, found: re.Match[str]) -> Reading:
        path = self._path(found["path"])
        name = self._name(path)
        first, last = int(found["first"]), int(found["last"] or found["first"])
        text = read_lines(self._allowed(path, name), first, last, self._limits.file_bytes, one_line(name))
        return Reading((_part(f"{name}:{first}-{last}" if found["last"] else f"{name}:{first}", text),))

    def _read_found(self, reference: Reference, path: Path, pattern: tuple[str, ...]) -> Reading:
        shown = one_line(str(reference))
        base = self._base(path, shown)
        inside = self._folder if base.is_relative_to(self._folder) else base
        walk = Walk(base, pattern, inside, self._limits.entries, self._limits.search_s)
        found = list(islice(self._asked_for(walk), self._limits.files + 1))
        parts, notes = self._read_all(sorted(found[: self._limits.files]), base, path, walk.left_out)
        if len(found) > self._limits.files:
            notes.append(f"{shown} is more than the {self._limits.files} files that are read. Name a smaller folder.")
        if walk.is_cut:
            notes.append(f"{shown} holds too much to search all of it. Name a smaller folder.")
        if parts:
            del walk.left_out["ignored"]  # who names a folder means what is worked on
        notes += [f"Left out of {shown}: {count} ({_LEFT_OUT[why]})." for why, count in walk.left_out.items()]
        if parts:
            return Reading(parts, tuple(notes))
        error = ContextRefused if notes else ContextNotFound
        raise error(" ".join((f"{shown} names no text file that is read.", *notes)))

    def _read_all(
        self, found: Sequence[Path], base: Path, path: Path, left_out: Counter[str]
    ) -> tuple[tuple[Context, ...], list[str]]:
        parts: dict[Path, Context] = {}
        notes: list[str] = []
        left, give_up_at = self._limits.total_bytes, time.monotonic() + self._limits.read_s
        for number, each in enumerate(found):
            real = Path(os.path.realpath(each))
            if real in parts:  # a link beside what it leads to
                continue
            if time.monotonic() > give_up_at:
                left_out["time"] = len(found) - number
                break
            name = self._name(path / each.relative_to(base))
            try:
                text, more = read_text(real, self._limits.file_bytes, one_line(name))
            except ContextError:
                left_out["unreadable"] += 1
                continue
            left -= len(text)
            if left < 0:
                left_out["length"] = len(found) - number
                break
            parts[real] = _part(name, text)
            notes += more
        return tuple(parts.values()), notes

    def _asked_for(self, walk: Walk) -> Iterator[Path]:
        """Yield the files with the right endings; documents, which take seconds each, only where these are said."""
        says_ending = self._endings or not walk.pattern[-1].endswith("*")
        for path in walk.files():
            if self._endings and not path.name.casefold().endswith(self._endings):
                continue
            if path.suffix.lower() in documents.SUFFIXES and not says_ending:
                walk.left_out["document"] += 1
            else:
                yield path

    def _allowed(self, path: Path, name: str) -> Path:
        """Return where the file really is, once it may be read."""
        shown = one_line(name)
        real = real_file(path, shown)
        if (is_secret(path) or is_secret(real)) and not self._confirm(
            f"{shown} looks like a file of keys or passwords. Let the model read it?"
        ):
            raise ContextRefused(f"{shown} looks like a file of keys or passwords, and nobody agreed that it is read.")
        return real

    def _base(self, path: Path, shown: str) -> Path:
        with explained(shown):
            base = Path(os.path.realpath(path, strict=True))
        if not base.is_dir():
            raise ContextRefused(f"{shown} is no folder. Write file:{one_line(self._name(path))}.")
        if is_made_up(base):
            raise ContextRefused(f"{shown} is no folder on a disk: the system makes up what is in it.")
        return base

    def _path(self, target: str) -> Path:
        with explained(one_line(target)):
            # Path.expanduser raises where there is no such user.
            return self._folder / os.path.expanduser(target)  # noqa: PTH111

    def _name(self, path: Path) -> str:
        """Return a path as it is shown and named again: from the folder on, where it was given so."""
        return (path.relative_to(self._folder) if path.is_relative_to(self._folder) else path).as_posix()


def _part(name: str, text: str) -> Context:
    return Context.of(f"file {one_line(name)}", text, f"file:{name}")


def _looks_like_path(target: str) -> bool:
    return not {"/", ".", os.sep}.isdisjoint(target) and any(char.isalnum() for char in target)
