"""Commands about tools: what a model may call, and taking back what it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..desk import Desk
from ..errors import SettingsError
from ..listing import Listing
from ..tools.tool import Tool
from .base import no_words, parser


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


def call(desk: Desk, words: Sequence[str]) -> None:
    """Make the calls of tools that the last answer only prints: all, or `%chat call 2`."""
    options = parser("call", call)
    options.add_argument("numbers", nargs="*", type=int, metavar="N", help="as the line below the answer has them")
    options.add_argument("-t", "--tool", dest="tools", metavar="NAME", action="append", default=[], help="of this tool")
    chosen = options.parse_args(words)
    calls, box = desk.printed(chosen.tools)
    if not calls:
        names = ", ".join(spec.name for spec in box.specs) or "none"
        raise SettingsError(
            f"The last answer prints no call that is not made yet, of these tools: {names}. `%chat call -t NAME` looks for "
            "one of another tool."
        )
    for number in chosen.numbers:
        if not 1 <= number <= len(calls):
            raise SettingsError(f"There is no call {number}: the last answer prints {len(calls)}.")
    desk.call([calls[number - 1] for number in dict.fromkeys(chosen.numbers)] or calls, box)


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
