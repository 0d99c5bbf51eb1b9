"""Show a text that a model wrote as what it is.

What would not show, or would move what does, is escaped; so is a letter that looks like a Latin one in a word of these.
"""

from __future__ import annotations

import re

from ..context.cell import clipped
from ..context.guarded import one_line

CHARACTERS = 20_000

# Of the Cyrillic, Greek and Armenian alphabets those that most fonts draw as Latin letters, and all wide ones. Whole words
# of them are somebody's language: https://www.unicode.org/reports/tr39/#Mixed_Script_Confusables
_LOOKALIKES = (
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u04cf"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405\u050c"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd"
    "\u0570\u0578\u057d\u0585\uff21-\uff3a\uff41-\uff5a"
)
_MIXED = re.compile(f"(?<=[A-Za-z])[{_LOOKALIKES}]+|[{_LOOKALIKES}]+(?=[A-Za-z])")


def plainly(text: str) -> str:
    r"""Return code or a command as it can be shown to whoever decides about it.

    Examples
    --------
    >>> print(plainly("x = 1\n# \u202eedoc \x1b[2J"))
    x = 1
    # \u202eedoc \x1b[2J
    >>> print(plainly("curl ex\u0430mple.com"))
    curl ex\u0430mple.com
    """
    shown = "\n".join(one_line(line.replace("\t", "    ")) for line in text.split("\n"))
    return clipped(_MIXED.sub(_escaped, shown), CHARACTERS)


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in found[0])
