"""What `.gitignore` says of the files below a folder, with or without git."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ContextError
from .guarded import read_ends

_RULES_BYTES = 100_000
_MAX_WILD = 4  # with five of them the regular expression takes 12 s for one name of 255 letters


@dataclass(frozen=True, slots=True)
class Ignoring:
    """The rules that hold in one folder.

    Attributes
    ----------
    rules
        Folders and what their rules say of a path below: True ignored, False not, None nothing. The last that says
        something is right.
    """

    rules: tuple[tuple[Path, Callable[[str], bool | None]], ...] = ()

    @classmethod
    def at(cls, base: Path, top: Path) -> Ignoring:
        """Return the rules for what lies in `base`.

        They are those of its repository: `.git/info/exclude`, and each `.gitignore` from the repository's top down.
        Where there is no repository they begin at `top`, or in `base` if that lies elsewhere. The rules that hold for
        all repositories of a user are not read. If `base` itself is ignored, who names it wants to see what is there:
        only the rules within it count.
        """
        above = [base, *base.parents]
        first = next((each for each in above if (each / ".git").exists()), top if top in above else base)
        ignoring = cls(tuple(_rules(first / ".git" / "info" / "exclude", first))).within(first)
        for folder in reversed(above[: above.index(first)]):
            if ignoring.ignores(folder, is_folder=True):
                return cls().within(base)
            ignoring = ignoring.within(folder)
        return ignoring

    def within(self, folder: Path) -> Ignoring:
        """Return the rules for what lies in a folder for which these hold."""
        added = tuple(_rules(folder / ".gitignore", folder))
        return Ignoring(self.rules + added) if added else self

    def ignores(self, path: Path, *, is_folder: bool) -> bool:
        """Tell whether a file or folder, of which no folder above is ignored, is so."""
        for folder, says in reversed(self.rules):
            verdict = says(path.relative_to(folder).as_posix() + "/" * is_folder)
            if verdict is not None:
                return verdict
        return False


def _rules(path: Path, folder: Path) -> list[tuple[Path, Callable[[str], bool | None]]]:
    try:
        data = read_ends(path, _RULES_BYTES, str(path)).head
    except ContextError:
        return []
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - loading the magics has to be instant

    patterns: list[Any] = []
    for line in data.decode("utf-8-sig", "replace").splitlines():
        if _wild(line) <= _MAX_WILD:
            with suppress(ValueError):  # git passes over what it does not understand, too
                patterns += GitIgnoreSpec.from_lines([line]).patterns
    spec = GitIgnoreSpec(patterns)
    return [(folder, lambda name: spec.check_file(name).include)] if patterns else []


def _wild(line: str) -> int:
    return sum(1 if part == "**" else part.count("*") for part in line.split("/"))
