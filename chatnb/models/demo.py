"""The built-in demonstration: a first try of chatnb where there is no Ollama yet.

Not a model: a few answers, written by hand, the same every time. It says so itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from ..errors import ModelNotFound, ModelRefused
from ..events import ModelEvent
from ..messages import Json, Message
from .base import LoadedModel, ModelInfo, PullProgress, Request
from .scripted import ScriptedModel

NAME = "demo"
RATE = 60.0
"""Words a second: a pace that can be read along, and soon over."""


class DemoModel:
    """Answers from a page of ready answers, at a natural pace."""

    def __init__(self, name: str = f"scripted:{NAME}", rate: float | None = RATE) -> None:
        self._name, self._rate = name, rate

    @property
    def name(self) -> str:
        """As the user writes it: `scripted:demo`."""
        return self._name

    @property
    def can_continue(self) -> bool:
        """It begins anew."""
        return False

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer that fits best, word by word."""
        words = re.findall(r"\s*\S+|\s+$", answer(request))
        script = ScriptedModel(words, name=self._name, rate=self._rate)
        async with aclosing(script.stream(request)) as events:
            async for event in events:
                yield event

    async def explain_wait(self) -> str:
        """Say nothing: it never waits."""
        return ""


class ScriptedProvider:
    """Has one model, the demonstration; nothing can be downloaded."""

    def __init__(self, rate: float | None = RATE) -> None:
        self._rate = rate

    @property
    def address(self) -> str:
        """Where it is."""
        return "built into chatnb"

    def model(self, name: str) -> DemoModel:
        """Return the demonstration."""
        if name != NAME:
            raise ModelNotFound(f'There is no model "scripted:{name}"; the built-in one is "scripted:{NAME}".')
        return DemoModel(rate=self._rate)

    async def models(self) -> Sequence[ModelInfo]:
        """Return the demonstration's entry."""
        # It may be given tools, and calls none: asked for JSON that holds a call, it would not know which.
        return (ModelInfo(NAME, parameters="none", capabilities=("completion", "tools")),)

    async def show(self, name: str) -> ModelInfo:
        """Return the demonstration's entry."""
        self.model(name)
        return (await self.models())[0]

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return the demonstration: it is always there."""
        return (LoadedModel(NAME),)

    async def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Do nothing for the demonstration, which is there; raise ModelRefused for anything else."""
        if name != NAME:
            raise ModelRefused(f"The built-in demonstration cannot download {name!r}.\n{GET_OLLAMA}")
        yield PullProgress("success")

    async def version(self) -> str:
        """Return the script's version."""
        return "1"

    async def aclose(self) -> None:
        """Do nothing: there is nothing open."""


GET_OLLAMA = "Install Ollama from https://ollama.com/download, then run `%chat pull qwen3:4b`."


def answer(request: Request) -> str:
    """Return what the demonstration says to a request: a function of its words alone."""
    if request.schema is not None:
        return _blank(request.schema)
    questions = [message.text.strip() for message in request.messages if message.role == "user"]
    question = questions[-1] if questions else ""
    if re.search(r"\b(what|which).*\b(i|my)\b.*\b(ask|question|say|said|before|last)", question, re.IGNORECASE):
        return _recalled(request.messages, questions[:-1])
    for pattern, said in _PAGE:
        if re.search(pattern, question, re.IGNORECASE):
            return said
    return _ELSE


def _recalled(messages: Sequence[Message], earlier: Sequence[str]) -> str:
    if not earlier:
        return "This is your first question in this session, so there is nothing before it.\n"
    asked = earlier[-1].splitlines()[0]
    count = sum(message.role == "user" for message in messages) - 1
    return (
        f"Before this you asked:\n\n> {asked}\n\n"
        f"That was question {count} of this session. A session remembers what was said, "
        "and it is still there after the kernel restarts.\n"
    )


def _blank(schema: Mapping[str, Json]) -> str:
    """Return JSON that fits the common forms of a schema: each field with an empty value."""
    if "enum" in schema:
        return json.dumps(schema["enum"][0])
    if schema.get("$ref") or schema.get("anyOf"):
        return "null"
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return "{" + ", ".join(f"{json.dumps(name)}: {_blank(field)}" for name, field in fields.items()) + "}"
        case "array":
            return "[]"
        case "integer" | "number":
            return "0"
        case "boolean":
            return "false"
        case "null":
            return "null"
        case _:
            return '"demo"'


_PAGE = (
    (
        r"key ?error",
        """\
A `KeyError` means that you asked a dictionary, or a table, for a key that it does not have.
`KeyError: 'price'` says that there is **no** `'price'` in it.

Look at what is there:

```python
print(list(data))      # the keys of a dictionary
print(df.columns)      # the columns of a pandas DataFrame
```

Often it is one of three things:

1. The name is spelled another way: `'Price'`, or `'price '` with a blank at its end.
2. The column was dropped, or became the index, in an earlier step.
3. Some entries have the key and others do not: `data.get("price")` gives `None` for those.
""",
    ),
    (
        r"\b(who|what) are you\b|\bare you\b.*\b(model|real)\b|\byour name\b",
        """\
I am the **demonstration** that is built into chatnb: a page of answers written by hand, not a language model.
I am here so that you can try the notebook before you have Ollama.
""",
    ),
    (
        r"\b(ollama|install|real model|download)\b",
        """\
I am only a script. A real model runs on your own machine with **Ollama**:

1. Install it from <https://ollama.com/download> and start it.
2. In a cell, get a model: `%chat pull qwen3:4b`
3. Use it: `%chat use -m qwen3:4b`

`%chat doctor` checks each step and says what is missing.
""",
    ),
    (
        r"\b(python|code|function|example|plot|table|markdown|formula)\b",
        """\
Here is a little of everything that an answer may hold. Code:

```python
def mean(values):
    return sum(values) / len(values)
```

a table:

| value | square |
|------:|-------:|
| 2     | 4      |
| 3     | 9      |

and a formula: $\\bar{x} = \\frac{1}{n} \\sum_i x_i$.

With `%%chat --code` the code block becomes your next cell.
""",
    ),
    (
        r"\b(hello|hi|hey|good (morning|day|evening))\b",
        """\
Hello! I am the **demonstration** that is built into chatnb: a script, not a model.

Ask me what a `KeyError` is, for an example in Python, or how to get Ollama.
""",
    ),
    (r"\bthank", "You are welcome!\n"),
)

_ELSE = f"""\
I cannot answer that: I am the **demonstration** that is built into chatnb, a script and not a model.

I know what a `KeyError` is, I have an example in Python, and I remember what you asked before.
{GET_OLLAMA}
"""
