"""Record what providers answer, and answer from a recording and from nothing else."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from ..errors import ModelError, ModelNotFound
from ..events import ModelEvent, TokensCounted
from .base import LoadedModel, Model, ModelInfo, Provider, PullProgress, Request
from .cassette import Cassette, Moment
from .wrapper import Wrapper


class RecordingProvider:
    """A provider whose answers are kept in a cassette.

    Parameters
    ----------
    prefix
        What stands before the names of its models where they are shown.
    """

    def __init__(self, provider: Provider, cassette: Cassette, prefix: str = "") -> None:
        self._provider, self._cassette, self._prefix = provider, cassette, prefix

    @property
    def address(self) -> str:
        """The provider's."""
        return self._provider.address

    def model(self, name: str) -> Model:
        """Return the model, recorded."""
        return RecordingModel(self._provider.model(name), self._cassette)

    async def models(self) -> Sequence[ModelInfo]:
        """Return the provider's."""
        return await self._provider.models()

    async def show(self, name: str) -> ModelInfo:
        """Return what the provider knows, and keep it."""
        info = await self._provider.show(name)
        self._cassette.know(info, self._prefix + name)
        return info

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return the provider's."""
        return await self._provider.loaded()

    def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Download by the provider."""
        return self._provider.pull(name)

    async def version(self) -> str:
        """Return the provider's."""
        return await self._provider.version()

    async def aclose(self) -> None:
        """Close the provider."""
        await self._provider.aclose()


class RecordingModel(Wrapper):
    """Keeps each answer of `model`, whole, failed or stopped, in a cassette."""

    def __init__(self, model: Model, cassette: Cassette) -> None:
        super().__init__(model)
        self._cassette = cassette

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield what the model yields."""
        clock = asyncio.get_running_loop().time
        began_at, moments = clock(), list[Moment]()
        is_whole = False
        try:
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    moments.append(Moment(clock() - began_at, event))
                    is_whole = is_whole or isinstance(event, TokensCounted)
                    yield event
        except ModelError as error:
            moments.append(Moment(clock() - began_at, error))
            is_whole = True
            raise
        finally:
            if is_whole:  # what was stopped is no answer
                self._cassette.put(self.name, request, moments)


class ReplayProvider:
    """A provider of what a cassette holds.

    Parameters
    ----------
    prefix
        What stood before the names of its models when they were recorded.
    keeps_pace
        Whether answers come as slowly as they were recorded, rather than at once.
    """

    def __init__(self, cassette: Cassette, prefix: str = "", *, keeps_pace: bool = False) -> None:
        self._cassette, self._prefix, self._keeps_pace = cassette, prefix, keeps_pace

    @property
    def address(self) -> str:
        """Where answers come from: no machine is asked."""
        return "built into the recording"

    def model(self, name: str) -> Model:
        """Return the model as it was recorded."""
        return ReplayModel(self._prefix + name, self._cassette, keeps_pace=self._keeps_pace)

    async def models(self) -> Sequence[ModelInfo]:
        """Return the models that were recorded; raises ModelNotFound if there are none."""
        if not self._cassette.models:
            raise ModelNotFound(
                f"The recording {self._cassette.name} is empty, or there is no such file. "
                "Make it with the model: %chat record FILE, in a kernel without CHATNB_REPLAY."
            )
        return tuple(self._cassette.models.values())

    async def show(self, name: str) -> ModelInfo:
        """Return what was known of a model."""
        found = self._cassette.models.get(self._prefix + name)
        if found is None:
            known = ", ".join(self._cassette.models) or "none"
            raise ModelNotFound(f"The recording has no model {name!r}. It has: {known}. Record it with %chat record.")
        return found

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return nothing: nothing is in memory."""
        return ()

    async def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Do nothing for a model that was recorded; raise ModelNotFound for another, since nobody may be asked."""
        await self.show(name)
        yield PullProgress("success")

    async def version(self) -> str:
        """Return what stands in place of a server's version."""
        return "replay"

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""


class ReplayModel:
    """Answers what a cassette holds, and nothing else."""

    can_continue = True

    def __init__(self, name: str, cassette: Cassette, *, keeps_pace: bool = False) -> None:
        self._name, self._cassette, self._keeps_pace = name, cassette, keeps_pace

    @property
    def name(self) -> str:
        """As it was recorded."""
        return self._name

    async def explain_wait(self) -> str:
        """Say that a recording plays."""
        return "the recording plays"

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield what was recorded; raises ModelError if nothing was."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        for moment in self._cassette.take(self.name, request):
            if self._keeps_pace:
                await asyncio.sleep(max(0.0, began_at + moment.after_s - loop.time()))
            if isinstance(moment.event, ModelError):
                raise copy.copy(moment.event)
            event = moment.event
            yield replace(event, origin="recording") if isinstance(event, TokensCounted) else event
