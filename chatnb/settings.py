"""What a user can set, with its defaults, as one frozen value.

Where a value comes from (option, %config, environment, default) is decided in config.py and options.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_HOST = re.compile(r"(https?://)?([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?(/\S*)?")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a model is asked again before its first token.

    The wait before attempt n + 1 is `initial_delay_s * multiplier**(n - 1)`, at most `max_delay_s`, plus up to `jitter`
    of itself at random. A server's `Retry-After` is obeyed instead.

    Attributes
    ----------
    attempts
        All in all, the first one included.
    """

    attempts: int = 3
    initial_delay_s: float = 0.5
    max_delay_s: float = 8.0
    multiplier: float = 2.0
    jitter: float = 0.1


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks OpenAI's protocol, as the settings name it (models/endpoints.py reads them).

    It holds no key: only where the key is found each time that one is sent.

    Attributes
    ----------
    base_url
        With its path, which is "/v1" as a rule.
    api_key_env
        The variable of the environment that holds the key; empty: none is sent.
    api_key_keyring
        The name in the system's keyring, under the service "chatnb", where the environment does not have it.
    headers
        What is sent besides. `${NAME}` in a value stands for a variable of the environment.
    continues
        Whether the server lets a model go on from an assistant's message; None: as far as the server is known.
    """

    name: str
    base_url: str
    api_key_env: str = ""
    api_key_keyring: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    continues: bool | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that shapes one turn.

    Attributes
    ----------
    model
        A model's name, or several with commas between them: the rest are asked when the first cannot answer. Empty:
        the first that the server has. A name may end with the hosts that have the model: `qwen3:8b@gpu1,gpu2`.
    host
        Ollama's address, in any form that Ollama itself accepts; empty: the local one.
    endpoints
        Servers that speak OpenAI's protocol, by the prefix of their models: "lab" for `lab:mixtral`.
    parallel
        Most asks at once at each server; 0: a few where a model names its hosts, else as many as come.
    options
        Ollama's options, such as temperature, seed, num_ctx.
    think
        Whether the model is to think first; None leaves it to the model.
    keep_alive
        How long the model stays in memory, in Ollama's form ("5m", "-1"); None leaves it to the server.
    timeout_s
        Seconds to wait for the first token; loading a large model may take minutes.
    stall_s
        Seconds of silence in mid-answer before the stream counts as broken.
    history
        How many of the session's earlier messages the model reads, at most; 0 asks without any.
    max_context
        Upper limit of the window that is asked of the server, in tokens.
    compact
        Whether turns that no longer fit into the window are summarised by the model rather than left out.
    rules
        Whether the project's rules beside the notebook (`.chatnb.md`, else `AGENTS.md`) belong to the system prompt.
    secrets
        Which models get placeholders in place of keys, tokens and passwords: "remote", "always" or "never". A model is
        remote if it runs neither on this machine nor in its private network.
    tool_rounds
        How many times a model may call tools in one turn.
    replay
        "strict": a recording answers, and nobody else. "record": models answer, and a recording is made of it.
    replay_pace
        Whether it answers as slowly as it was recorded.
    recording
        Its file; empty: recordings.DEFAULT beside the notebook.
    save
        Whether the session is kept on disk.
    footer
        Whether an answer in a cell ends with the line of figures.
    home
        The folder of the sessions; empty: the user's data folder.
    """

    model: str = ""
    host: str = ""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    parallel: int = 0
    system: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    think: bool | None = None
    keep_alive: str | None = None
    timeout_s: float = 300.0
    stall_s: float = 60.0
    retry: RetryPolicy = RetryPolicy()
    history: int = 1_000
    max_context: int = 32_768
    compact: bool = False
    rules: bool = True
    secrets: Literal["remote", "always", "never"] = "remote"
    tool_rounds: int = 20
    replay: Literal["", "record", "strict"] = ""
    replay_pace: bool = False
    recording: str = ""
    save: bool = True
    footer: bool = True
    home: str = ""
    user_id: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """The models to ask, in order."""
        return split_models(self.model, self.providers)

    @property
    def providers(self) -> tuple[str, ...]:
        """What models may have before their names, besides Ollama, as far as it is known here."""
        return (*self.endpoints, "openai", "scripted")


def split_models(text: str, providers: Collection[str] = ()) -> tuple[str, ...]:
    """Return the models that a text names, with commas between them.

    After an "@" come hosts, with commas as well. The next model is the first name that is no host: it has a ":" with
    something else than a port behind it. The models of some `providers` have an "@" of their own.

    Examples
    --------
    >>> split_models("qwen3:8b, mistral")
    ('qwen3:8b', 'mistral')
    >>> split_models("qwen3:8b@gpu1,gpu2:8080,ollama:mistral")
    ('qwen3:8b@gpu1,gpu2:8080', 'ollama:mistral')
    """
    models: list[str] = []
    for name in filter(None, map(str.strip, text.split(","))):
        if models and has_hosts(models[-1], providers) and _HOST.fullmatch(name):
            models[-1] += f",{name}"
        else:
            models.append(name)
    return tuple(models)


def has_hosts(name: str, providers: Collection[str] = ()) -> bool:
    """Return whether a model's name ends with hosts, rather than having an "@" of its own.

    Examples
    --------
    >>> has_hosts("qwen3:8b@gpu1"), has_hosts("cloud:@cf/model"), has_hosts("lab:model@2024", ["lab"])
    (True, False, False)
    """
    model, at, _ = name.partition("@")
    return bool(at) and model[-1:] not in ("", ":", "/") and model.partition(":")[0] not in providers


def without_hosts(name: str, providers: Collection[str] = ()) -> str:
    """Return a model's name alone.

    Examples
    --------
    >>> without_hosts("qwen3:8b@gpu1,gpu2"), without_hosts("cloud:@cf/model")
    ('qwen3:8b', 'cloud:@cf/model')
    """
    return name.partition("@")[0] if has_hosts(name, providers) else name


def without_password(host: str) -> str:
    """Return an address as it may be shown, be it one or not.

    Examples
    --------
    >>> without_password("http://ada:hunter2@gpu:11434")
    'http://…@gpu:11434'
    """
    head, at, rest = host.rpartition("@")
    scheme, slashes, _ = head.rpartition("://")
    return f"{scheme}{slashes}…@{rest}" if at else host
