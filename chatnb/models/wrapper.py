"""What every wrapper of one model says of itself: what that model says."""

from __future__ import annotations

from .base import Model


class Wrapper:
    """The part of a Model that a wrapper does not change; `stream` is its own."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    @property
    def can_continue(self) -> bool:
        """Whether the model can."""
        return self._model.can_continue

    async def explain_wait(self) -> str:
        """Say what the model says."""
        return await self._model.explain_wait()
