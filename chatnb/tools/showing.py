"""Show a text that a model wrote as what it is: what would not show, or would move what does, is escaped."""

from __future__ import annotations

from ..context.cell import clipped
from ..context.guarded import one_line

CHARACTERS = 20_000


def plainly(text: str) -> str:
    r"""Return code or a command as it can be shown to whoever decides about it.

    Examples
    --------
    >>> print(plainly("x = 1\n# \u202eedoc \x1b[2J"))
    x = 1
    # \u202eedoc \x1b[2J
    """
    return clipped("\n".join(one_line(line.replace("\t", "    ")) for line in text.split("\n")), CHARACTERS)
