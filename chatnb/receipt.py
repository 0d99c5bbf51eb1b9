"""What a question sends, to be looked at: every item with its tokens, and every word of what the model reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape

from .lines import Item
from .listing import Listing, size
from .messages import Image, Json, Message, ToolCall, ToolResult
from .models.fenced import returned, spoken
from .planner import Plan


class Receipt:
    """Shows a plan: in a notebook as a table with what is read folded below it, elsewhere as text.

    Parameters
    ----------
    is_sent
        Whether it was sent, rather than only planned.
    """

    def __init__(self, plan: Plan, *, is_sent: bool) -> None:
        self.plan = plan
        prompt = plan.prompt
        verb = "were sent" if is_sent else "would be sent"
        columns: dict[str, Callable[[Item], str]] = {
            "item": lambda item: item.label,
            "tokens": lambda item: f"{item.tokens:,}",
            "is": lambda item: item.fate,
            "because": _reason,
        }
        about = f"About {prompt.tokens:,} tokens {verb} to {plan.model.name}, in a window of {prompt.num_ctx:,}."
        self.items = Listing(prompt.items, columns, caption="\n".join([about, *plan.asked.notes]))
        self.read = tuple(_read(plan))

    def __repr__(self) -> str:
        return "\n\n".join([repr(self.items), *(f"--- {title}\n{text}" for title, text in self.read)])

    def _repr_html_(self) -> str:
        folded = "".join(
            f"<details><summary>{escape(title)}</summary>"
            f'<pre style="white-space:pre-wrap;margin:0.5em 0 1em 1.2em">{escape(text)}</pre></details>'
            for title, text in self.read
        )
        return self.items._repr_html_() + folded


def _reason(item: Item) -> str:
    size = f" ({item.full_tokens:,} tokens)" if item.fate == "left out" and item.full_tokens else ""
    return item.reason.removeprefix("shortened ") + size


def _read(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield a title and the words of each thing that the model reads."""
    count = plan.calibration.count
    for tool in plan.read.tools:
        yield f"tool {tool.name}", f"{tool.description}\n{_json(tool.parameters)}"
    for message in plan.read.messages:
        yield f"{message.role}, {count(message):,} tokens", _words(message)
    if plan.read.schema is not None:
        yield "the form of the answer, which the server enforces", _json(plan.read.schema)


def _words(message: Message) -> str:
    """Return a message as the model reads it."""
    said = [spoken(message) if message.role in ("user", "system") else message.text]
    for part in message.parts:
        match part:
            case Image(data, mime):
                said.append(f"[a picture: {mime}, {size(len(data))}]")
            case ToolCall(_, name, arguments):
                said.append(f"calls {name}({_json(arguments)})")
            case ToolResult(_, name, images=images):
                said.append(f"{name} returned: {returned(part)}")
                said += [f"[a picture: {image.mime}, {size(len(image.data))}]" for image in images]
    return "\n".join(filter(None, said))


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, default=dict)
