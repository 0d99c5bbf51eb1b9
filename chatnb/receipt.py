"""What a question sends, to be looked at: every item with its tokens, and every message word by word."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from .listing import Listing
from .messages import Message, ToolCall, ToolResult
from .models.fenced import spoken
from .planner import Plan
from .prompt import Item


class Receipt:
    """Shows a plan: in a notebook as a table with each message folded below it, elsewhere as text.

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
            "": lambda item: item.fate,
            "because": lambda item: item.reason,
        }
        caption = (
            f"About {prompt.tokens:,} tokens {verb} to {plan.model.name}, in a window of {prompt.num_ctx:,}. "
            + " ".join(plan.asked.notes)
        )
        self.items = Listing(prompt.items, columns, caption=caption.strip())
        self.messages = tuple((message.role, plan.count(message), _words(message)) for message in plan.messages)

    def __repr__(self) -> str:
        return "\n\n".join(
            [repr(self.items), *(f"--- {_title(*message[:2])}\n{message[2]}" for message in self.messages)]
        )

    def _repr_html_(self) -> str:
        folded = "".join(
            f"<details><summary>{escape(_title(role, tokens))}</summary>"
            f'<pre style="white-space:pre-wrap">{escape(text)}</pre></details>'
            for role, tokens, text in self.messages
        )
        return self.items._repr_html_() + folded


def _title(role: str, tokens: int) -> str:
    return f"{role}, {tokens:,} tokens"


def _words(message: Message) -> str:
    """Return a message as the model reads it."""
    if message.role in ("user", "system"):
        return spoken(message)
    said = [message.text] if message.text else []
    for part in message.parts:
        match part:
            case ToolCall(_, name, arguments):
                said.append(f"calls {name}({arguments})")
            case ToolResult(_, name, text):
                said.append(f"{name} returned: {text}")
    return "\n".join(said)
