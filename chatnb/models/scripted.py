"""A model that follows a script: for tests, for documentation, and below the built-in demonstration (demo.py)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Sequence

from ..errors import ModelError
from ..events import ModelEvent, TextDelta, TokensCounted
from ..messages import Usage
from .base import Request

Step = str | float | int | ModelEvent | ModelError
"""Text that is said, seconds that pass, an event that is told, an error that is raised."""


class ScriptedModel:
    """Answers each request with the next script, and with the last one for ever after.

    Where a script comes to its end without a TokensCounted, one is added.

    Parameters
    ----------
    scripts
        Sequences of steps. None at all: the answers are empty.
    rate
        Steps of text in a second; None is as fast as they are read.

    Attributes
    ----------
    requests
        What was asked, oldest first.
    open_streams
        How many answers are being given now; 0 once every generator is exhausted or closed.

    Examples
    --------
    >>> from chatnb.errors import ModelUnreachable
    >>> model = ScriptedModel(["Hel", ModelUnreachable("gone")], ["Hello"])
    """

    def __init__(
        self,
        *scripts: Sequence[Step],
        name: str = "scripted",
        can_continue: bool = True,
        rate: float | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.open_streams = 0
        self._scripts = scripts or ((),)
        self._name, self._can_continue, self._rate = name, can_continue, rate

    @property
    def name(self) -> str:
        """What the script calls itself."""
        return self._name

    @property
    def can_continue(self) -> bool:
        """As it was told."""
        return self._can_continue

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield what the next script says."""
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        self.open_streams += 1
        try:
            async for event in self._played(script):
                yield event
                if isinstance(event, TokensCounted):
                    return
        finally:
            self.open_streams -= 1

    async def explain_wait(self) -> str:
        """Say that it is the script's will."""
        return "the script pauses"

    async def _played(self, script: Sequence[Step]) -> AsyncGenerator[ModelEvent]:
        loop = asyncio.get_running_loop()
        began_at, said = loop.time(), 0
        for step in script:
            match step:
                case str():
                    if self._rate:
                        # Each has its own time, so that a late one does not delay those after it.
                        await asyncio.sleep(max(0.0, began_at + said / self._rate - loop.time()))
                    said += 1
                    yield TextDelta(step)
                case float() | int():
                    began_at += step
                    await asyncio.sleep(step)
                case ModelError():
                    raise copy.copy(step)  # a script is read many times, and an error that is raised changes
                case _:
                    yield step
        yield TokensCounted(Usage(reply_tokens=said))
