"""What a hint tells to type: the magics of a notebook, as they are called at the console's prompt and in a shell."""

from __future__ import annotations

import re
from collections.abc import Container

_AT_PROMPT = (
    (r"a question goes below `%%chat`, or after `%ask`", "a blank before the slash makes it a question"),
    (r"(?:below|after) `%%?(?:chat|ask)`", "at the prompt"),
    (r"%config ChatConfig\.(\w+) = ", r"/set \1="),
    (r"%%?(?:chat|ask) -", "/ask -"),
    (r"%chat (?=\w)", "/"),
    (r"%%chat|%ask", "/ask"),
)
_IN_SHELL = (
    (r"below `%%chat`", "with `chatnb ask`"),
    (r"%config ChatConfig\.(\w+) = ", r"--set \1="),
    (r"%chat use -", "chatnb -"),
)


def at_prompt(text: str) -> str:
    """Return a text of ours as it is said in a conversation in the terminal.

    Examples
    --------
    >>> at_prompt("No session is called 'a'. `%chat sessions` lists them all.")
    "No session is called 'a'. `/sessions` lists them all."
    >>> at_prompt('Choose another folder: %config ChatConfig.home = "..."')
    'Choose another folder: /set home="..."'
    >>> at_prompt("`%%chat -t SET` chooses. Ask something below `%%chat`.")
    '`/ask -t SET` chooses. Ask something at the prompt.'
    """
    for pattern, words in _AT_PROMPT:
        text = re.sub(pattern, words, text)
    return text


def in_shell(text: str, commands: Container[str]) -> str:
    """Return a text of ours as it is said to somebody who runs `chatnb` in a shell.

    Parameters
    ----------
    commands
        What can stand behind `chatnb`; the rest can be typed at the prompt of a conversation.

    Examples
    --------
    >>> in_shell("To download it: %chat pull a; then %chat again", ("pull",))
    'To download it: chatnb pull a; then /again'
    >>> in_shell('Set another: %config ChatConfig.host = "..."', ())
    'Set another: --set host="..."'
    """
    for pattern, words in _IN_SHELL:
        text = re.sub(pattern, words, text)
    return re.sub(r"%chat (\w+)", lambda found: f"{'chatnb ' if found[1] in commands else '/'}{found[1]}", text)
