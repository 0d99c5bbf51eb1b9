"""Texts of others as they may be printed: without anything that a terminal would obey."""

from __future__ import annotations

import re

# With what belongs to them: colours, titles, links, and those that nothing ends.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?",
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return the text without anything that a terminal would obey: escape sequences, control characters, lone surrogates.

    Examples
    --------
    >>> printable("a\x1b[31mred\x1b[0m\tb\x07")
    'ared\tb'
    """
    return _CONTROL.sub("", _ESCAPE.sub("", text.replace("\r\n", "\n")))
