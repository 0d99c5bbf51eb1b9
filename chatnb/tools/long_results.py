"""Results that are too long to be given whole: their middle is left out, and the model may read on in it."""

from __future__ import annotations

from collections.abc import Mapping

from .tool import Tool

READER = "read_result"
"""The tool by which a model reads on in a result that was shortened."""

RESULT_CHARACTERS = 8_000
"""What of one result the model reads, at most: about 2,700 tokens."""

WHOLE_CHARACTERS = 2_000_000
"""What is kept of a result that the model may read on in; of a longer one, its beginning and its end."""


class LongResults:
    """Results that had to be shortened.

    Parameters
    ----------
    characters
        Upper limit of what the model is given at once.
    wholes
        Earlier ones, by the ids of their calls.
    """

    def __init__(self, characters: int = RESULT_CHARACTERS, wholes: Mapping[str, str] | None = None) -> None:
        self._characters = characters
        self._wholes = dict(wholes or {})

    @property
    def reader(self) -> Tool | None:
        """The tool that reads on in them; None while there are none."""
        return Tool.of(self._read, name=READER, where="loop") if self._wholes else None

    def cut(self, call_id: str, text: str) -> tuple[str, str]:
        """Return what the model is given of a result, and all that is kept of it if that is more; else ""."""
        if len(text) <= self._characters:
            return text, ""
        self._wholes[call_id] = shortened(text, WHOLE_CHARACTERS)
        how = f'{READER}(call_id="{call_id}", start={self._characters // 2})'
        return shortened(text, self._characters, how), self._wholes[call_id]

    def _read(self, call_id: str, start: int = 0) -> str:
        """Read on in a result that was too long to be given whole.

        Parameters
        ----------
        call_id
            Of the call that gave it.
        start
            Number of the first character.
        """
        if call_id not in self._wholes:
            raise LookupError(f"No result of {call_id!r} is kept. There are: {', '.join(self._wholes)}.")
        whole = self._wholes[call_id]
        piece = whole[max(start, 0) :][: self._characters - 200]
        end = max(start, 0) + len(piece)
        return piece if end >= len(whole) else f"{piece}\n[It goes on at start={end} and ends at {len(whole)}.]"


def shortened(text: str, characters: int, how: str = "") -> str:
    """Return a text of at most `characters`, and what says how much of its middle is left out and how to read on.

    Examples
    --------
    >>> print(shortened("abcdefghij", 4))
    ab
    [... 6 characters left out ...]
    ij
    """
    if len(text) <= characters:
        return text
    head, tail = (characters + 1) // 2, characters // 2
    more = f"; {how} reads on" if how else ""
    mark = f"\n[... {len(text) - characters:,} characters left out{more} ...]\n"
    return text[:head] + mark + text[len(text) - tail :]
