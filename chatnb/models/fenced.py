"""Put what a question carries along into its text: models read one text, not parts."""

from __future__ import annotations

import re

from ..messages import Context, Message, Summary, Text


def spoken(message: Message) -> str:
    r"""Return a user's message as one text: its context first, each piece in a fence, the question last, as typed.

    A fence is longer than any run of backticks inside it, so that no text can end it. Where there is no text, as of what
    stands further above already, the label says everything.

    Examples
    --------
    >>> from chatnb.messages import now
    >>> parts = (Context("cell 3", "x = 1\n"), Text("Why?"))
    >>> print(spoken(Message("1", "s", "user", parts, now())))
    Context: cell 3
    ```
    x = 1
    ```
    <BLANKLINE>
    Why?
    """
    contexts = [_fenced(part) for part in message.parts if isinstance(part, Context)]
    contexts += [f"What was said before, in short:\n{part.text}" for part in message.parts if isinstance(part, Summary)]
    question = "".join(part.text for part in message.parts if isinstance(part, Text))
    return "\n\n".join([*contexts, question])


def _fenced(context: Context) -> str:
    if not context.text:
        return f"Context: {context.label}"
    longest = max(map(len, re.findall("`+", context.text)), default=0)
    fence = "`" * max(3, longest + 1)
    text = context.text.removesuffix("\n")
    return f"Context: {context.label}\n{fence}\n{text}\n{fence}"
