"""Find the lines that a regular expression fits, in a process of its own.

A pattern such as `(a+)+$` keeps `re` busy for years, and meanwhile no other thread of the kernel runs; only another
process can be ended. So this file is also that process's program, and imports nothing but the standard library.
"""

from __future__ import annotations

import faulthandler
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

LINE_CHARACTERS = 10_000
"""So much of a line is searched; longer ones are data that a machine wrote."""

EXCERPT_CHARACTERS = 300
"""So much of a line is shown, around what fits."""

Match = tuple[int, int, str]
"""The text, counted from 0, the line, counted from 1, and what stands there."""


def matching_lines(pattern: str, texts: Sequence[str], limit: int, timeout_s: float) -> list[Match]:
    """Return the first `limit` lines that a regular expression fits somewhere, as `re` understands it.

    Raises
    ------
    ValueError
        If it is no regular expression; says why.
    TimeoutError
        If that takes longer than `timeout_s`.
    """
    try:
        done = subprocess.run(  # noqa: S603 - this file, by this Python
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            input=json.dumps([pattern, texts, limit, timeout_s]),
            capture_output=True,
            encoding="ascii",
            timeout=timeout_s,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{timeout_s:.0f} s were not enough") from error
    if done.returncode:
        raise RuntimeError(f"The search ended with the code {done.returncode}: {done.stderr[-500:]}")
    matches, reason = json.loads(done.stdout)
    if reason:
        raise ValueError(reason)
    return [(text, line, excerpt) for text, line, excerpt in matches]


def _found(pattern: re.Pattern[str], texts: Sequence[str]) -> Iterator[Match]:
    for number, text in enumerate(texts):
        for at, line in enumerate(text.split("\n"), 1):
            if found := pattern.search(line, 0, LINE_CHARACTERS):
                start = max(0, found.start() - EXCERPT_CHARACTERS // 3)
                yield number, at, "…" * (start > 0) + line[start : start + EXCERPT_CHARACTERS]


def _main() -> None:
    # A kernel that is killed leaves this process alone with its pattern: it ends by itself then, even within `re`.
    pattern, texts, limit, timeout_s = json.load(sys.stdin)
    faulthandler.dump_traceback_later(timeout_s + 1, exit=True)
    matches: list[Match] = []
    reason = ""
    try:
        for match in _found(re.compile(pattern), texts):
            matches.append(match)
            if len(matches) == limit:
                break
    except (re.error, OverflowError, RecursionError) as error:
        reason = str(error) or type(error).__name__
    json.dump([matches, reason], sys.stdout)


if __name__ == "__main__":
    _main()
