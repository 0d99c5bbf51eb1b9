"""Finds the files below a folder that fit a pattern, and not those that nobody means."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from .guarded import is_made_up, is_secret, is_secret_folder
from .ignoring import Ignoring

ALWAYS_SKIPPED = frozenset({".git", "__pycache__", ".ipynb_checkpoints", "node_modules", ".venv", "venv"})
"""Folders whose files nobody wrote; one that is named itself is read."""

ALL_FILES = ("**", "*")
"""The pattern of all files below a folder, at any depth."""

WILD = frozenset("*?[")
"""What makes a name a pattern."""

_States = frozenset[int]


@dataclass(slots=True)
class Walk:
    """One search, which goes folder by folder, the upper ones first.

    What is left out: what `.gitignore` ignores, `ALWAYS_SKIPPED`, hidden files and folders unless the pattern itself
    says the dot (`.github/*.yml`), files that usually hold secrets, what is no regular file, and links that lead out
    of `inside`. A link to a folder is never followed: what lies there is found where it is, and a loop has no end.

    Attributes
    ----------
    base
        Where it begins, itself without links.
    pattern
        One for each part of a path below `base`, as the shell knows them; "**" stands for any number of folders.
    inside
        The folder that links may not lead out of, itself without links.
    max_entries, max_s
        The walk stops after so many entries of folders, or seconds.
    left_out
        What was not returned although it fits, by reason: "secret", "link", "special", "unreadable", "ignored".
    is_cut
        Whether it stopped early.
    """

    base: Path
    pattern: tuple[str, ...]
    inside: Path
    max_entries: int
    max_s: float
    left_out: Counter[str] = field(default_factory=Counter)
    is_cut: bool = False

    def files(self) -> Iterator[Path]:
        """Yield the files, each as a path that begins with `base`."""
        give_up_at = time.monotonic() + self.max_s
        left = self.max_entries
        folders = deque([(self.base, _begin(self.pattern), Ignoring.at(self.base, self.inside))])
        while folders:
            folder, states, ignoring = folders.popleft()
            try:
                with os.scandir(folder) as entries:
                    listed = list(islice(entries, left + 1))
            except OSError:
                self.left_out["unreadable"] += 1
                continue
            for entry in sorted(listed, key=lambda entry: entry.name):
                left -= 1
                if left < 0 or time.monotonic() > give_up_at:
                    self.is_cut = True
                    return
                after = _after(states, self.pattern, entry.name)
                if not after or not self._is_wanted(entry, states, after, ignoring):
                    continue
                path = folder / entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append((path, after, ignoring.within(path)))
                else:
                    yield path

    def _is_wanted(self, entry: os.DirEntry[str], states: _States, after: _States, ignoring: Ignoring) -> bool:
        """Tell whether a file is one of those that are looked for, or a folder one to look into; else count it."""
        try:
            reason = self._against(entry, states, after, ignoring)
        except OSError:
            reason = "unreadable"
        if reason:
            self.left_out[reason] += 1
        return reason == ""

    def _against(self, entry: os.DirEntry[str], states: _States, after: _States, ignoring: Ignoring) -> str | None:
        """Return why an entry is left out, "" if it is not, and None if it does not fit."""
        path = Path(entry.path)
        is_link = entry.is_symlink()
        real = Path(os.path.realpath(path, strict=True)) if is_link else path
        is_folder = real.is_dir() if is_link else entry.is_dir()
        if not is_folder and len(self.pattern) not in after:
            return None
        if is_folder and (entry.name.casefold() in ALWAYS_SKIPPED or is_made_up(path)):
            return None
        is_secret_one = is_secret_folder if is_folder else is_secret
        if is_secret_one(path) or is_secret_one(real):
            return "secret"
        if _is_hidden(entry.name, states, self.pattern):
            return None
        if ignoring.ignores(path, is_folder=is_folder):
            return "ignored"
        if is_link and (is_folder or not real.is_relative_to(self.inside)):
            return "link"
        return "" if is_folder or real.is_file() else "special"


def split_pattern(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the folder that a pattern names exactly, and the rest of it part by part.

    Examples
    --------
    >>> split_pattern("src/**/*.py")
    ('src', ('**', '*.py'))
    >>> split_pattern("*.md")
    ('.', ('*.md',))
    """
    parts = Path(path).parts
    at = next((at for at, part in enumerate(parts) if not WILD.isdisjoint(part)), len(parts))
    return str(Path(*parts[:at])), parts[at:]


# A pattern is followed part by part: a state is the number of its parts that fit so far, and "**" lets several be
# possible at once. Where none is left, nothing below can fit, and the folder is not even opened.


def _begin(pattern: tuple[str, ...]) -> _States:
    return _beside(0, pattern)


def _after(states: _States, pattern: tuple[str, ...], name: str) -> _States:
    reached: set[int] = set()
    for state in states:
        if state < len(pattern) and pattern[state] == "**":
            reached |= _beside(state, pattern)
        elif state < len(pattern) and fnmatch(name, pattern[state]):
            reached |= _beside(state + 1, pattern)
    return frozenset(reached)


def _beside(state: int, pattern: tuple[str, ...]) -> _States:
    """Return a state and those that are reached from it without a further part: "**" may stand for no folder."""
    last = state
    while last < len(pattern) and pattern[last] == "**":
        last += 1
    return frozenset(range(state, last + 1))


def _is_hidden(name: str, states: _States, pattern: tuple[str, ...]) -> bool:
    says_dot = any(state < len(pattern) and pattern[state].startswith(".") for state in states)
    return name.startswith(".") and not says_dot
