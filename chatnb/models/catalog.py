"""Find the model that a name means, and wrap it in everything that makes it dependable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from functools import partial
from importlib.metadata import entry_points
from typing import cast

from ..errors import ChatError, ModelNotFound, SettingsError
from ..settings import Endpoint, Settings, has_hosts
from .base import Model, ModelInfo, Provider
from .cassette import Cassette
from .deadline import DeadlineModel
from .demo import ScriptedProvider
from .endpoints import OPENAI, openai_endpoint
from .enveloped import EnvelopedModel
from .fallback import FallbackModel
from .host import LIMIT, Gate, Host
from .hosts import HostsModel
from .line import Line
from .replay import RecordingProvider, ReplayProvider
from .retrying import RetryingModel
from .several import HostsProvider

GROUP = "chatnb.models"
"""The entry points that name other providers: a callable without arguments that returns a Provider."""

OLLAMA = "ollama"

_AT = "@"  # between a model, or its provider, and the hosts

Tape = Callable[[str, Callable[[], Provider]], Provider]
"""Returns what stands in the place of the provider of a name; gets what makes that one."""


class Catalog:
    """All models, by name.

    A name is a model of Ollama's (`qwen3:8b`), or has a provider before it (`ollama:qwen3:8b`, `scripted:demo`), which
    may be an endpoint of the settings (`lab:mixtral`). A prefix that names no provider belongs to the model's name. One
    of Ollama's may end with the hosts that have it, each the name of an endpoint or an address of Ollama's
    (`qwen3:8b@lab,gpu2`).

    Used on one event loop.

    Parameters
    ----------
    gate
        Entered for the time of each ask, where asks are counted (host.py).
    """

    def __init__(self, gate: Gate = nullcontext) -> None:
        self._gate = gate
        self._tape: Tape | None = None
        self._providers: dict[tuple[str, str, Endpoint | None, bool], Provider] = {}
        self._left: list[Provider] = []  # used no more, and not closed yet
        self._hosts: dict[tuple[str, Provider, int], Host] = {}
        self._several: dict[tuple[Host, ...], HostsProvider] = {}
        self._line = Line()
        self._chains: dict[tuple[object, ...], FallbackModel] = {}
        self._infos: dict[tuple[str, Provider], ModelInfo] = {}
        self._firsts: dict[str, str] = {}  # by host
        self._installed: frozenset[str] | None = (
            None  # providers; to look takes some 10 ms, and each question asks often
        )

    async def model(self, settings: Settings) -> Model:
        """Return what `settings` name, with deadlines, tools, retries and fallbacks.

        The same settings give the same object, so that a fallback stays for the session. Where no model is named, the
        server's first is taken, once: one that is in memory, else the one that was changed last.

        Raises
        ------
        ModelError
            If the server has to be asked for its first model and cannot tell.
        SettingsError
            If the address cannot be one.
        """
        names = settings.models or (await self._first(settings),)
        providers = tuple(self.find(name, settings)[0] for name in names)
        key = (names, providers, settings.timeout_s, settings.stall_s, settings.retry, settings.parallel)
        if key not in self._chains:
            self._chains[key] = FallbackModel([self._dependable(name, settings) for name in names])
        return self._chains[key]

    async def info(self, name: str, settings: Settings) -> ModelInfo | None:
        """Return what is known of a model, or None if nobody says; asked once for each model, and never raises."""
        try:
            provider, short = self.find(name, settings)
            key = (short, provider)
            if key not in self._infos:
                self._infos[key] = await provider.show(short)
        except ChatError:
            return None  # the question itself will tell what is wrong
        return self._infos[key]

    async def calls_tools(self, name: str, settings: Settings) -> bool:
        """Return whether a model calls tools by itself, in its server's own form; where nobody says, that it does."""
        info = await self.info(name, settings)
        return info is None or not info.capabilities or "tools" in info.capabilities

    def capacity(self, settings: Settings) -> int:
        """Return how many asks at once the servers of the first model may have."""
        provider = self.find(settings.models[0], settings)[0] if settings.models else None
        return (settings.parallel or LIMIT) * (len(provider.hosts) if isinstance(provider, HostsProvider) else 1)

    def provider(self, settings: Settings, name: str = OLLAMA) -> Provider:
        """Return the provider called `name`: the same one as long as what the settings say of it is the same.

        Raises
        ------
        SettingsError
            If there is none of that name.
        """
        if _AT in name:
            hosts = tuple(self._host(host, settings) for host in name.partition(_AT)[2].split(","))
            return self._several.setdefault(hosts, HostsProvider(hosts, self._line))
        return self._kept(name, settings.host if name == OLLAMA else "", _endpoint(name, settings))

    def record(self, cassette: Cassette) -> None:
        """Keep from now on in a cassette what is asked and answered."""
        self._use(lambda name, make: RecordingProvider(make(), cassette, _prefix(name)))

    def replay(self, cassette: Cassette, *, keeps_pace: bool = False) -> None:
        """Let a cassette answer from now on in the place of all models."""
        self._use(lambda name, _: ReplayProvider(cassette, _prefix(name), keeps_pace=keeps_pace))

    def stop_tape(self) -> None:
        """Neither record nor replay any more."""
        self._use(None)

    def find(self, name: str, settings: Settings) -> tuple[Provider, str]:
        """Return the provider of a model, and the model's name there."""
        provider, short = self.split(name, settings)
        return self.provider(settings, provider), short

    def split(self, name: str, settings: Settings) -> tuple[str, str]:
        """Return what `find` does, but the name of the provider."""
        prefix, short = split_name(name, self._names(name, settings))
        if prefix == OLLAMA and has_hosts(short):
            short, at, hosts = short.partition(_AT)
            return prefix + at + hosts, short
        return prefix, short

    def apart(self, names: Sequence[str], settings: Settings) -> tuple[str, ...]:
        """Return the names of the same models, those with several hosts once for each of them."""
        split = [(name, *self.split(name, settings)) for name in names]
        return tuple(
            f"{short}{_AT}{host}" if host else name
            for name, prefix, short in split
            for host in prefix.partition(_AT)[2].split(",")
        )

    async def aclose(self) -> None:
        """Release all connections; a later use opens new ones, and begins with the preferred models again."""
        providers = [*self._providers.values(), *self._left]
        self._forget()
        self._left.clear()
        for provider in providers:
            await provider.aclose()

    def _use(self, tape: Tape | None) -> None:
        self._tape = tape
        self._left += self._providers.values()  # a turn may still be answered by one
        self._forget()

    def _forget(self) -> None:
        self._providers.clear()
        self._hosts.clear()
        self._several.clear()
        self._chains.clear()
        self._infos.clear()
        self._firsts.clear()

    async def _first(self, settings: Settings) -> str:
        host = settings.host
        if host not in self._firsts:
            self._firsts[host] = await self._chosen(self.provider(settings))
        return self._firsts[host]

    async def _chosen(self, provider: Provider) -> str:
        loaded, models = await asyncio.gather(provider.loaded(), provider.models())
        # An embedding model answers nothing. A server that does not tell what its models can do is taken at its word.
        able = [model.name for model in models if not model.capabilities or "completion" in model.capabilities]
        for name in [each.name for each in loaded if each.name in able] + able:
            return name
        raise ModelNotFound(
            f"Ollama at {provider.address} has no model yet.\nDownload one, for instance: %chat pull qwen3:4b\n"
            "(https://ollama.com/library has more.) Or try the built-in script: %chat use -m scripted:demo"
        )

    def _dependable(self, name: str, settings: Settings) -> Model:
        provider, short = self.find(name, settings)
        if isinstance(provider, HostsProvider):
            hosts: Sequence[Host] = provider.hosts
        else:
            hosts = [self._known("", provider, settings)] if settings.parallel else []
        if hosts:
            models = {host: self._punctual(host.provider.model(short), settings) for host in hosts}
            punctual: Model = HostsModel(short, models, self._line)
        else:
            punctual = self._punctual(provider.model(short), settings)
        # Where no envelope is needed it costs nothing: what a model can do was asked for the window's sake already.
        equipped = EnvelopedModel(punctual, partial(self.calls_tools, name, settings))
        return RetryingModel(equipped, settings.retry)

    def _punctual(self, model: Model, settings: Settings) -> Model:
        return DeadlineModel(model, settings.timeout_s, settings.stall_s)

    def _host(self, name: str, settings: Settings) -> Host:
        """Return what a name after the "@" means."""
        if _endpoint(name, settings) is not None:
            return self._known(name, self.provider(settings, name), settings)
        return self._known(name, self._kept(OLLAMA, name, is_mentioned=True), settings)

    def _known(self, name: str, provider: Provider, settings: Settings) -> Host:
        """Return the same host for the same server, as long as the limit is the same."""
        key = (name, provider, settings.parallel or LIMIT)
        return self._hosts.setdefault(key, Host(*key, gate=self._gate))

    def _names(self, name: str, settings: Settings) -> Collection[str]:
        """Return the providers that `name` may begin with."""
        known = {*_BUILT_IN, OPENAI, *settings.endpoints}
        if name.partition(":")[0] in known or ":" not in name:
            return known
        if self._installed is None:
            self._installed = frozenset(entry_points(group=GROUP).names)
        return {*known, *self._installed}

    def _kept(self, name: str, host: str, endpoint: Endpoint | None = None, *, is_mentioned: bool = False) -> Provider:
        """Return a provider, the same one for the same words; of a host that a model's name mentions errors say so."""
        key = (name, host, endpoint, is_mentioned)
        if key not in self._providers:
            make = partial(self._new, *key)
            self._providers[key] = self._tape(name, make) if self._tape else make()
        return self._providers[key]

    def _new(self, name: str, host: str, endpoint: Endpoint | None, is_mentioned: bool) -> Provider:  # noqa: FBT001 - of a key
        if endpoint is not None:
            from .openai import OpenAIProvider  # noqa: PLC0415 - costs what httpx does

            return OpenAIProvider(endpoint)
        if name in _BUILT_IN:
            return _BUILT_IN[name](host, is_mentioned)
        found = entry_points(group=GROUP, name=name)
        if not found:
            there = ", ".join((*_BUILT_IN, OPENAI))
            raise SettingsError(f"No provider of models is called {name!r}. There are: {there}.")
        return cast("Callable[[], Provider]", next(iter(found)).load())()


def _prefix(provider: str) -> str:
    """Return what stands before a model's name where it is shown."""
    return "" if provider == OLLAMA else f"{provider}:"


def _endpoint(name: str, settings: Settings) -> Endpoint | None:
    if name == OPENAI and name not in settings.endpoints:
        return openai_endpoint()
    return settings.endpoints.get(name)


def split_name(name: str, providers: Collection[str]) -> tuple[str, str]:
    """Return a model's provider and its name there.

    Examples
    --------
    >>> split_name("qwen3:8b", ["ollama", "lab"])
    ('ollama', 'qwen3:8b')
    >>> split_name("lab:mixtral:8x7b", ["ollama", "lab"])
    ('lab', 'mixtral:8x7b')
    """
    prefix, _, rest = name.partition(":")
    return (prefix, rest) if rest and prefix in providers else (OLLAMA, name)


def _ollama(host: str, is_mentioned: bool) -> Provider:  # noqa: FBT001 - as in the table
    # Costs 336 ms, and whoever asks none of its models none.
    from .ollama import OllamaProvider  # noqa: PLC0415
    from .ollama_errors import MENTION  # noqa: PLC0415

    return OllamaProvider(host, MENTION) if is_mentioned else OllamaProvider(host)


_BUILT_IN: dict[str, Callable[[str, bool], Provider]] = {
    OLLAMA: _ollama,
    "scripted": lambda *_: ScriptedProvider(),
}
