"""What a model is: the protocol that every provider and every wrapper fulfils.

To write a provider is to write one class with `stream`. Retrying, continuing, falling back and timing out are
wrappers with the same protocol and come for free, as does the contract suite in tests/models.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..events import ModelEvent
from ..messages import Json, Message, ToolSpec


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked.

    Attributes
    ----------
    messages
        Oldest first; a system message, where there is one, comes first. Where the last one is the assistant's, the
        model goes on from its text and yields only what follows.
    schema
        A JSON schema that the answer has to fit, or None.
    may_shrink
        Whether the same will be asked with a smaller window where there is no memory for this one, so that no other
        model is to be asked instead.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    think: bool | None = None
    schema: Mapping[str, Json] | None = None
    keep_alive: str | None = None
    may_shrink: bool = False


class Model(Protocol):
    """Something that answers."""

    @property
    def name(self) -> str:
        """As the user writes it and as it is shown: `qwen3:8b`, `lab:mixtral`."""
        ...

    @property
    def can_continue(self) -> bool:
        """Whether a request that ends with an assistant's message is continued from it."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer as it comes.

        The last event is `TokensCounted`, exactly one; a stream that ends without it is broken, and the model says so
        by raising ModelBroken. `ToolStarted` means that the model wants the tool called.

        Closing the generator at any time closes the connection, which makes the server stop and frees the model.
        Callers close it (`aclosing`), at every hop.

        Raises
        ------
        ModelError
            And nothing else, with a text that tells the user what to do. What was yielded before stays valid.
        """
        ...

    async def explain_wait(self) -> str:
        """Say in a few words why nothing comes yet, such as "loading qwen3:8b into memory (9 GB)"; "" if unknown.

        Never raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a server has.

    Attributes
    ----------
    size_bytes
        On disk; None if unknown.
    context_length
        In tokens, what the model was made for; None if unknown.
    capabilities
        In Ollama's words: completion, tools, thinking, vision, embedding, insert.
    is_remote
        Whether the server passes what is asked on to a machine that is not the user's, whatever its own address.
    has_fixed_window
        Whether its window was chosen when the server was started, so that none can be asked of it.
    """

    name: str
    size_bytes: int | None = None
    parameters: str = ""
    quantization: str = ""
    context_length: int | None = None
    capabilities: tuple[str, ...] = ()
    is_remote: bool = False
    has_fixed_window: bool = False


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is in a server's memory now."""

    name: str
    size_bytes: int | None = None
    context_length: int | None = None
    expires_at: str = ""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a download is; `total_bytes` is None while it is not known."""

    status: str
    completed_bytes: int = 0
    total_bytes: int | None = None


@runtime_checkable
class Provider(Protocol):
    """A server of models, or anything like it: what `%chat models`, `pull` and `status` talk to.

    All methods raise ModelError and nothing else.
    """

    @property
    def address(self) -> str:
        """Where it is, as shown to the user: a URL, or words that begin with "built into " where nobody is asked.

        Secrets are hidden from its models unless that is this machine or the user's own network (address.is_own).
        """
        ...

    def model(self, name: str) -> Model:
        """Return the model of that name; whether it exists shows when it is asked."""
        ...

    async def models(self) -> Sequence[ModelInfo]:
        """Return what the server has, with what is known of each; what was changed last comes first."""
        ...

    async def show(self, name: str) -> ModelInfo:
        """Return what is known of one model."""
        ...

    async def loaded(self) -> Sequence[LoadedModel]:
        """Return what is in memory now."""
        ...

    def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Download a model; closing the generator stops it, and a later pull goes on from there."""
        ...

    async def version(self) -> str:
        """Return the server's version."""
        ...

    async def aclose(self) -> None:
        """Release all connections of the running event loop; a later use opens new ones."""
        ...
