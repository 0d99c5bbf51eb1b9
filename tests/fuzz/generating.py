"""Make up hostile answers from the pieces that renderers disagree about."""

from __future__ import annotations

from random import Random

# Each is a way in, if a renderer takes it for what it looks like.
PAYLOADS = (
    "<img src=x onerror=1>",
    "<script>1</script>",
    "<b onclick=1>",
    "</p><svg/onload=1>",
    "<details open ontoggle=1>",
    "<button data-commandlinker-command=x>",
    "<!--x-->",
    "<!-- ",
    "-->",
    "<?php x?>",
    "<![CDATA[x]]>",
    "<!doctype x>",
    "<style>*{}</style>",
    "<a href='javascript:1'>x</a>",
    "<x-y>",
    "</div>",
    "<div\n",
    "<pre>",
    "<textarea>",
    "<iframe src=//x>",
    "![a](http://x/y)",
    "![a][r]",
    "![a]",
    "![",
    "[a](javascript:1)",
    "[a](<javascript:1>)",
    "[a](&#106;avascript:1)",
    "[a](java\nscript:1)",
    "[a]( javascript:1)",
    "[a](data:text/html,x)",
    "[a](vbscript:1 'x')",
    "[a](x/y)",
    "[a](//x)",
    "[a](\\j)",
    '[a](https://x "t" onx=1)',
    '[a](https://x/$" onx=1 y="$)',
    '[a](https://x "$" onx=1 y="$")',
    "[a](https://x '\" onx=1')",
    'https://x.y/$" onx=1 y="$',
    'www.x.y/\\\\(" onx=1 y="\\\\)',
    '$" onx=1 y="$',
    '\\begin{a}" onx=1 y="\\end{a}',
    "<javascript:1>",
    "<ftp://x.y>",
    '<https://x.y/$" onx=1 y="$>',
    "<https://x.y>",
    "<a@b.cd>",
    "[r]: javascript:1\n",
    '[r]: https://x.y/$"onx=1$\n',
    "[r]: https://x.y\n",
    "[r]: https://x.y '\" onx=1'\n",
    "'$\" onx=1 y=\"$'",
    "[r]:\n  javascript:1\n",
    "[^1]: <img src=x>\n",
    "*[x]: <img src=x>\n",
    "ftp://x.y/z",
    "a@@0@@b",
    "https://x.y/@@0@@",
    "@\\@0@@",
    "&#64;@0@@",
)
MARKS = (
    *("`", "``", "```", "````", "~~~", "~~~~", "`a`", "~", "~~"),
    *(
        "$",
        "$$",
        "\\\\(",
        "\\\\)",
        "\\\\[",
        "\\\\]",
        "\\begin{a}",
        "\\end{a}",
        "{",
        "}",
        "\\",
        "\\`",
        "\\$",
        "\\<",
        "\\\\",
    ),
    *(
        "[",
        "]",
        "(",
        ")",
        "](",
        "]:",
        "[a]",
        "[r]",
        "[a][r]",
        "!",
        "<",
        ">",
        "&",
        "&lt;",
        "&#60;",
        "|",
        "@",
        "@@0@@",
        '"',
    ),
    *(
        "*",
        "**",
        "_",
        "==",
        "^",
        "^^",
        ">!",
        "!<",
        "#",
        "a",
        "b c",
        "python",
        "\u2060",
        "\ufeff",
        "\u00a0",
        "\u2028",
        "\x0b",
    ),
    *("\x0c", "\x1c", "\x85", "\x00", "\r", "\r\n", "\t", "é", "\U0001f600"),
)
STARTS = (
    *("", "", "", " ", "  ", "   ", "    ", "     ", "      ", "\t", " \t"),
    *(
        "- ",
        "* ",
        "+ ",
        "1. ",
        "2. ",
        "3) ",
        "10. ",
        "-\t",
        "-     ",
        "- [ ] ",
        "> ",
        ">",
        ">> ",
        "> > ",
        ">\t",
        ": ",
        "    - ",
    ),
    *("| ", "# ", "## ", "---", "===", "***", "|---|---|", "[^1]: ", "::: ", "\x0c", "\u00a0", "[r]: "),
)
FENCES = (
    "```",
    "```",
    "````",
    "~~~",
    "~~~~",
    "```py",
    "``` py x",
    '```"onx=1 y="',
    "```$",
    "~~~`",
    "```a`b",
    "```mermaid",
    "``` ",
)
FENCE_LINES = (
    "```",
    "```",
    "````",
    "~~~",
    "``` ",
    "```\t",
    "```~",
    "~~~`",
    "```x",
    " ```",
    "    ```",
    "  ```",
    "`````",
    "\u2028```",
)


def hostile(random: Random) -> str:
    """Return one answer.

    Parameters
    ----------
    random
        Its state decides everything.
    """
    match random.randrange(4):
        case 0:
            return "".join(
                random.choice((PAYLOADS, MARKS, MARKS, ("\n", "\n\n", " "))[random.randrange(4)])
                for _ in range(_size(random))
            )
        case 1:
            return "\n".join(_line(random) for _ in range(_size(random)))
        case 2:
            return "\n".join(_block(random) for _ in range(random.randint(1, 4)))
        case _:
            head = _block(random) if random.random() < 0.5 else _line(random)
            gap = random.choice(("\n", "\n\n", "\n\n\n"))
            return f"{head}{gap}{_block(random)}\n{_line(random)}\n{_block(random)}"


def _size(random: Random) -> int:
    return random.randint(1, 12)


def _line(random: Random) -> str:
    if random.random() < 0.15:
        return random.choice(("", " ", "\t", ">", "    "))
    start = "".join(random.choice(STARTS) for _ in range(random.choice((1, 1, 1, 2, 2, 3))))
    if random.random() < 0.3:
        return start + random.choice(FENCES)
    return start + "".join(random.choice(random.choice((PAYLOADS, MARKS, MARKS))) for _ in range(random.randint(0, 3)))


def _block(random: Random) -> str:
    """Return a fence that is nearly right, in a container that is nearly right, with payloads in it and around it."""
    start = "".join(random.choice(STARTS) for _ in range(random.choice((0, 1, 1, 2))))
    later = start if random.random() < 0.3 else "".join(c if c == ">" else " " for c in start)
    if random.random() < 0.2:
        later = random.choice(STARTS)
    lines = [start + random.choice(FENCES)]
    for _ in range(random.randint(0, 4)):
        if random.random() < 0.2:
            lines.append(random.choice(("", later, later.rstrip())))
        elif random.random() < 0.25:
            lines.append(later + random.choice(FENCE_LINES))
        else:
            lines.append((later if random.random() < 0.9 else "") + _inline(random))
    if random.random() < 0.8:
        lines.append((later if random.random() < 0.9 else "") + random.choice(FENCE_LINES))
    lines.append(random.choice(("", later, "", random.choice(STARTS))) + _inline(random))
    if random.random() < 0.3:
        lines.insert(0, random.choice(STARTS) + _inline(random))
    return "\n".join(lines)


def _inline(random: Random) -> str:
    return "".join(random.choice(random.choice((PAYLOADS, MARKS))) for _ in range(random.randint(1, 3)))
