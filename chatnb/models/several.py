"""Several hosts as one server of models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from ..errors import ModelError
from .base import LoadedModel, Model, ModelInfo, Provider, PullProgress
from .fallback import summed_up
from .host import Host
from .hosts import HostsModel
from .line import Line

T = TypeVar("T")


class HostsProvider:
    """What the hosts of `@gpu1,gpu2` have, all in all; each belongs to a provider that is closed elsewhere.

    Parameters
    ----------
    line
        Where the asks wait for them.
    """

    def __init__(self, hosts: Sequence[Host], line: Line) -> None:
        self.hosts, self._line = tuple(hosts), line

    @property
    def address(self) -> str:
        """Their addresses."""
        return ", ".join(host.provider.address for host in self.hosts)

    def model(self, name: str) -> Model:
        """Return the model of that name, on all of them."""
        return HostsModel(name, {host: host.provider.model(name) for host in self.hosts}, self._line)

    async def models(self) -> Sequence[ModelInfo]:
        """Return what any of them has."""
        answers = await self._all(lambda provider: provider.models())
        return tuple({info.name: info for _, infos in reversed(answers) for info in infos}.values())

    async def show(self, name: str) -> ModelInfo:
        """Return what the first one knows that has the model."""
        errors: list[tuple[str, ModelError]] = []
        for host in self.hosts:
            try:
                return await host.tell(lambda host=host: host.provider.show(name))  # type: ignore[misc]
            except ModelError as error:
                errors.append((host.shown, error))
        raise summed_up(errors, "hosts")

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return what is in memory of any of them."""
        return tuple(model for _, models in await self._all(lambda provider: provider.loaded()) for model in models)

    async def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Download a model to each of them, one after the other."""
        for host in self.hosts:
            async with aclosing(host.provider.pull(name)) as steps:
                async for step in steps:
                    yield replace(step, status=f"{host.shown}: {step.status}") if len(self.hosts) > 1 else step

    async def version(self) -> str:
        """Return their versions, or the only one."""
        answers = await self._all(lambda provider: provider.version())
        return ", ".join(f"{version} ({host.shown})" if len(self.hosts) > 1 else version for host, version in answers)

    async def aclose(self) -> None:
        """Do nothing: the hosts' own providers are closed by whoever made them."""

    async def _all(self, question: Callable[[Provider], Awaitable[T]]) -> list[tuple[Host, T]]:
        """Return the answers of those that answer; raises ModelError if none does."""
        answers, errors = [], []
        for host in self.hosts:
            try:
                answers.append((host, await question(host.provider)))
            except ModelError as error:
                host.failed(error)
                errors.append((host.shown, error))
            else:
                host.breaker.succeed()
        if not answers:
            raise summed_up(errors, "hosts")
        return answers
