"""Context that stands in the conversation already is not sent again."""

from __future__ import annotations

from dataclasses import replace

from .messages import Context, Message, Part
from .tokens import Calibration

REPEATED_TOKENS = 256
"""Context of at least this size is not sent again where it stands in the history already. Smaller ones are: they cost
little, and small models find best what stands beside the question."""


class Repeats:
    """Replaces context that stood already by one line that says so, which leaves alone what the server has cached.

    The one place of this rule. Called for the messages from the first to the last it makes the prompt; called from the
    last to the first it gives what each adds to the later ones, and the sum of both is the same.
    """

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._seen: set[tuple[str, str]] = set()

    def copy(self) -> Repeats:
        """Return one that knows the same, and goes on by itself."""
        copy = Repeats(self._calibration)
        copy._seen = set(self._seen)
        return copy

    def message(self, message: Message) -> Message:
        """Return the message as it is sent."""
        parts = tuple(map(self.part, message.parts))
        return message if parts == message.parts else replace(message, parts=parts)

    def part(self, part: Part) -> Part:
        """Return the part as it is sent."""
        if not isinstance(part, Context) or not part.sha256 or self._calibration.count_part(part) < REPEATED_TOKENS:
            return part
        key = (part.label, part.sha256)
        if key in self._seen:
            return replace(part, label=f"{part.label} (unchanged, above)", text="")
        self._seen.add(key)
        return part
