"""Text of strangers without what is not seen: it may steer a terminal, or tell a model what its reader is not shown."""

from __future__ import annotations

import re

# What a terminal obeys: sequences with parameters (CSI), with a text (OSC and its like), and short ones. ECMA-48.
# Of a text without an end only the beginning is taken out, or it could hide what follows it.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?:[^\x07\x1b\x90\x98\x9c-\x9f\n]*(?:\x07|\x1b\\|\x9c))?"
    r"|\x1b[ -/]*[0-~]?"
)
_LINE_END = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Controls, marks that turn the direction of writing, what has no width, lone surrogates, and the tags of Unicode, in which
# whole sentences can be hidden. Joiners (U+200C, U+200D) stay: Persian and emoji are written with them.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    r"""Return a text without escape sequences and what is not seen; all ends of lines become "\n".

    Examples
    --------
    >>> clean("a\x1b[31mred\x1b[0m\r\nb\u202e\U000e0041")
    'ared\nb'
    """
    return _UNSEEN.sub("", _LINE_END.sub("\n", _ESCAPE.sub("", text)))


def line(text: str, limit: int) -> str:
    r"""Return a text, cleaned, as one line of at most `limit` characters.

    Examples
    --------
    >>> line(" one\n two\tthree ", 9)
    'one two …'
    """
    words = " ".join(clean(text).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
