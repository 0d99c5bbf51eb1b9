"""A model server that says real Markdown in tokens of four characters, as small models do."""

from __future__ import annotations

from ..faults.script import Answer
from ..faults.server import FaultServer
from .cells import ANSWER

TOKEN_CHARS = 4
LAST_WORD = "finis"


def tokens(count: int) -> list[str]:
    """Return the answer of the benchmarks, over and over up to so many tokens; its last word stands nowhere else."""
    text = ANSWER.read_text(encoding="utf-8") + "\n\n"
    size = count * TOKEN_CHARS
    ending = f"\n\n{LAST_WORD}"
    text = (text * (size // len(text) + 1))[: size - len(ending)] + ending
    return [text[start : start + TOKEN_CHARS] for start in range(0, size, TOKEN_CHARS)]


def speaking(count: int, rate: int | None) -> FaultServer:
    """Return a server that says so many tokens at so many a second, or as fast as it can."""
    return FaultServer([Answer()], text=tokens(count), rate=rate)
