"""Commands about tools: what a model may call, and taking back what it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..desk import Desk
from ..listing import Listing
from ..tools.tool import Tool
from .base import no_words


def list_tools(desk: Desk, words: Sequence[str]) -> Listing[tuple[str, Tool]]:
    """List what a model may call, in which set (-t SET), what it may touch, and whether it asks first."""
    no_words("tools", list_tools, words)
    toolkit, allowance = desk.bench.toolkit(), desk.bench.allowance()
    rows = [(name, tool) for name, tools in toolkit.all().items() for tool in tools]
    chosen = {tool.spec.name for tool in toolkit.chosen(desk.config.tools)}
    columns: dict[str, Callable[[tuple[str, Tool]], str]] = {
        "": lambda row: "→" if row[1].spec.name in chosen else "",
        "set": lambda row: row[0] or "yours",
        "tool": lambda row: row[1].spec.name,
        "may": lambda row: ", ".join(sorted(row[1].effects)),
        "is": lambda row: {"always": "run", "ask": "asked about", "never": "refused"}[allowance.rule(row[1])],
        "does": lambda row: row[1].spec.description.partition("\n")[0],
    }
    return Listing(rows, columns, caption="`%%chat -t SET` or `-t TOOL` chooses; → are told to the model without -t.")
