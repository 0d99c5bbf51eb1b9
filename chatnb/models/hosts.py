"""Ask one of several hosts that have the same model, and another one where that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from ..errors import ModelError
from ..events import ModelEvent, TokensCounted, Waiting
from .base import Model, Request
from .fallback import summed_up
from .host import Host
from .line import Line
from .retrying import first_line


class HostsModel:
    """One model on several hosts.

    Each ask goes to the host that `choose` (host.py) takes, once that has room. Where a host fails before the first
    word, the next one is asked at once. A stream that breaks after it raises: to be put below retries, which ask to go
    on from there, and that goes to another host, since the one that broke is left alone for a while (breaker.py). To be
    put around deadlines: who waits for a host is not late.

    Parameters
    ----------
    model
        Its name on the hosts.
    models
        The same model on each host, each with its deadlines.
    line
        Where asks wait; the same one for all models that share hosts.
    """

    def __init__(self, model: str, models: Mapping[Host, Model], line: Line) -> None:
        self._model, self._models, self._line = model, dict(models), line

    @property
    def name(self) -> str:
        """With the hosts, as the user writes it; that of the model where there is only one, which has no name."""
        names = ",".join(host.name for host in self._models)
        return f"{self._model}@{names}" if names else next(iter(self._models.values())).name

    @property
    def can_continue(self) -> bool:
        """Whether all can: which one will be asked is not known."""
        return all(model.can_continue for model in self._models.values())

    async def explain_wait(self) -> str:
        """Say what the first host says that is not left alone."""
        hosts = [host for host in self._models if host.breaker.allows] or list(self._models)
        return await self._models[hosts[0]].explain_wait()

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer of one host; `TokensCounted` says of which.

        Raises
        ------
        ModelError
            The error of the host that broke off; or of the only host; or what each of them said, if none began.
        """
        errors: list[tuple[Host, ModelError]] = []
        while hosts := [host for host in self._models if host not in [failed for failed, _ in errors]]:
            if errors:
                failed, error = errors[-1]
                yield Waiting(f"{failed.shown} could not answer ({first_line(error)}) Another host is asked", 0.0)
            if len(self._models) > 1:
                await asyncio.gather(*(host.look() for host in hosts))
            place = self._line.join(_session_of(request), self._model, hosts)
            try:
                async with aclosing(place.waits()) as waits:
                    async for waiting in waits:
                        yield waiting
                async with aclosing(self._asked(place.host, request)) as events:
                    async for event in events:
                        if isinstance(event, TokensCounted):
                            self._line.leave(place)  # whoever reads may take a while over the end
                        yield event
            except _NotBegunError as error:
                errors.append((place.host, error.reason))
            else:
                return
            finally:
                self._line.leave(place)
        told = [(host.shown, error) for host, error in errors]
        raise summed_up(told, "hosts") from errors[0][1]

    async def _asked(self, host: Host, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer of a host, and note how it is; raises _NotBegunError before the first word."""
        has_begun = False
        try:
            async with host.gate(), aclosing(self._models[host].stream(request)) as events:
                async for event in events:
                    if not (has_begun or isinstance(event, Waiting)):
                        has_begun = True
                        host.breaker.succeed()
                    yield replace(event, host=host.name) if isinstance(event, TokensCounted) else event
        except ModelError as error:
            host.failed(error)
            if has_begun:
                raise
            raise _NotBegunError(error) from error


class _NotBegunError(Exception):
    """A host failed before its first word."""

    def __init__(self, reason: ModelError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _session_of(request: Request) -> str:
    """Return whose ask it is; what was said of an answer so far belongs to nobody yet."""
    return next((message.session_id for message in reversed(request.messages) if message.session_id), "")
