"""Commands about tools: what a model may call, and taking back what it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..bench import Offered
from ..desk import Desk
from ..errors import SettingsError
from ..listing import Listing
from .base import no_words, parser


def list_tools(desk: Desk, words: Sequence[str]) -> Listing[Offered]:
    """List what a model may call, in which set (-t SET), what it may touch, and whether it asks first."""
    no_words("tools", list_tools, words)
    columns: dict[str, Callable[[Offered], str]] = {
        "": lambda row: "→" if row.is_chosen else "",
        "set": lambda row: row.set or "yours",
        "tool": lambda row: row.tool.spec.name,
        "may": lambda row: ", ".join(sorted(row.tool.effects)),
        "is": lambda row: {"always": "run", "ask": "asked about", "never": "refused"}[row.rule],
        "does": lambda row: row.tool.spec.description.partition("\n")[0],
    }
    return Listing(
        desk.bench.offered(),
        columns,
        caption="`%%chat -t SET` or `-t TOOL` chooses; → are told to the model without -t.",
    )


def undo(desk: Desk, words: Sequence[str]) -> Listing[tuple[str, str]]:
    """Put back the variables that the last code run by a model has changed: `%chat undo --run`."""
    options = parser("undo", undo)
    options.add_argument("--run", action="store_true", required=True, help="what the last run of code replaced")
    options.parse_args(words)
    try:
        changes = desk.bench.undo.undo()
    except LookupError as error:
        raise SettingsError(str(error)) from error
    rows = [
        ("put back", ", ".join((*changes.replaced, *changes.changed))),
        ("brought back", ", ".join(changes.deleted)),
        ("removed", ", ".join(changes.added)),
        ("could not be put back", ", ".join(changes.failed)),
        ("too large to be seen", ", ".join(changes.unseen)),
    ]
    return Listing([row for row in rows if row[1]], {"": lambda row: row[0], "variables": lambda row: row[1]})
