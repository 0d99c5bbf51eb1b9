"""Commands about tools: what a model may call, and taking back what it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..bench import Offered
from ..desk import Desk
from ..errors import SettingsError
from ..listing import Listing
from .base import no_words, parser

_IS = {"always": "run", "ask": "asked about", "never": "refused"}


def list_tools(desk: Desk, words: Sequence[str]) -> Listing[Offered]:
    """List what a model may call, in which set (-t SET), what it may touch, and whether it asks first."""
    no_words("tools", list_tools, words)
    columns: dict[str, Callable[[Offered], str]] = {
        "": lambda row: "→" if row.is_chosen else "",
        "set": lambda row: row.set or "yours",
        "tool": lambda row: row.tool.spec.name if row.tool else "",
        "may": lambda row: ", ".join(sorted(row.tool.effects)) if row.tool else "",
        "is": lambda row: _IS[row.rule] if row.tool else "not here",
        "does": lambda row: row.tool.spec.description.partition("\n")[0] if row.tool else row.trouble,
    }
    return Listing(
        desk.bench.offered(),
        columns,
        caption="`%%chat -t SET` or `-t TOOL` chooses; → are told to the model without -t.",
    )


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
