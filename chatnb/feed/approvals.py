"""Calls of tools that wait for the yes of whoever looks at a front end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..messages import Json
from ..tools.approval import Proposal, Verdict
from .entries import proposal_json

PATIENCE_S = 300.0
"""Without any sign of a front end for so long, a call that waits for a yes gets a no."""


class Approvals:
    """All that wait, in the order in which they came; lives on one event loop.

    Parameters
    ----------
    tell
        Called whenever one begins or ends to wait.
    """

    def __init__(self, tell: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        self._tell, self._patience_s = tell, patience_s
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, tuple[dict[str, Json], asyncio.Future[Verdict]]] = {}
        self._heard_s = self._loop.time()

    def json(self) -> list[Json]:
        """Return them as front ends show them."""
        return [proposal for proposal, _ in self._waiting.values()]

    def heard(self) -> None:
        """Note a sign of life of a front end."""
        self._heard_s = self._loop.time()

    async def ask(self, proposal: Proposal, turn_id: str) -> Verdict:
        """Wait for the verdict; where no front end gives a sign of life for a while, it is a no."""
        verdict: asyncio.Future[Verdict] = self._loop.create_future()
        self._waiting[proposal.call.id] = proposal_json(proposal, turn_id), verdict
        self._tell()
        self.heard()
        try:
            while not verdict.done():
                left_s = self._heard_s + self._patience_s - self._loop.time()
                if left_s <= 0:
                    return "no"
                await asyncio.wait([verdict], timeout=left_s)
            return verdict.result()
        finally:
            del self._waiting[proposal.call.id]
            self._tell()

    def decide(self, call_id: str, verdict: Verdict) -> bool:
        """Answer a call that waits for a yes; return whether it still did."""
        _, future = self._waiting.get(call_id, (None, None))
        if future is None or future.done():
            return False
        future.set_result(verdict)
        return True
