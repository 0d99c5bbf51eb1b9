"""What Ollama's failures mean, and what to do about each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import httpx

from ..errors import (
    ModelBroken,
    ModelError,
    ModelNotFound,
    ModelRefused,
    ModelTooLarge,
    ModelUnreachable,
)
from .address import is_loopback
from .failing import Place, others, scrubbed, sentence_of

SETTING = 'set another address: %config ChatConfig.host = "..."'
MENTION = 'name another host after the "@": an address of Ollama, or one of ChatConfig.endpoints'
"""How to name another server, where the settings name it and where the model's name does."""


def of_transport(error: httpx.HTTPError, address: str, connect_s: float, elsewhere: str = SETTING) -> ModelError:
    """Return what a failure below HTTP, or a broken stream, means.

    Parameters
    ----------
    elsewhere
        How to name another server.
    """
    return _place(address, elsewhere).of_transport(error, connect_s)


def broken_off(address: str, how: str) -> ModelBroken:
    """Return the error of a stream that ended before the answer did."""
    return _place(address).broken_off(_without_key(how))


def of_status(
    status: int, text: str, headers: Mapping[str, str], *, address: str, model: str, elsewhere: str = SETTING
) -> ModelError:
    """Return what an HTTP status and its body mean.

    A model that is not there gives a ModelNotFound without the names of those that are: `not_found` has them.
    """
    said = sentence_of(status, _without_key(text))
    match status:
        case 401 | 403:
            return ModelRefused(
                f"Ollama at {address} does not accept the key, or needs one ({status}: {said}).\n"
                "Put the right one into the environment variable OLLAMA_API_KEY before the kernel starts."
            )
        case 404 if "not found" in said.lower() and "model" in said.lower():
            return not_found(model, address, ())
        case 404 | 405:
            return ModelRefused(
                f"What answers at {address} is not Ollama ({status}: {said}).\nCorrect the path or port, or {elsewhere}"
            )
        case 429 | 503:
            return _place(address).busy(status, said, headers)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return of_message(said, address=address, model=model, status=status)
        case _ if "does not support tools" in said:
            return ModelRefused(
                f"{model} cannot use tools.\nAsk without them, or use a model that can: `%chat models` shows which do."
            )
        case _ if "does not support thinking" in said:
            return ModelRefused(
                f"{model} cannot think before it answers.\n"
                "Ask with --no-think, or use a model that can: `%chat models` shows which do."
            )
        case _:
            return _place(address).not_accepted(status, said, model)


def of_message(said: str, *, address: str, model: str, status: int | None = None) -> ModelError:
    """Return what a sentence of the server means: that of a 500, or of a line in the stream."""
    return _place(address).failed(_without_key(said), model, status)


def of_pull(said: str, name: str, address: str) -> ModelError:
    """Return what a failed download's sentence means."""
    if "file does not exist" in said or "not found" in said:
        return ModelNotFound(
            f'There is no model "{name}" to download ({said}).\nhttps://ollama.com/library lists those that are.'
        )
    if re.search(r"no such host|dial tcp|connection refused|timeout|network is unreachable", said):
        return ModelUnreachable(
            f"Ollama at {address} could not reach the library of models: {said}.\n"
            "The machine that Ollama runs on needs the network for this; what was downloaded so far is kept."
        )
    if "no space left" in said:
        return ModelTooLarge(f'"{name}" does not fit on the disk of {address}: {said}.\nMake room, then pull again.')
    return ModelBroken(
        f'Ollama at {address} could not download "{name}": {said}.\nTry again: it goes on where it ended.'
    )


def not_found(name: str, address: str, names: Sequence[str]) -> ModelNotFound:
    """Return the error for a model that a server lacks, with what it has instead.

    Parameters
    ----------
    names
        What the server has; empty if that is not known.

    Examples
    --------
    >>> print(not_found("lama3", "http://127.0.0.1:11434", ["llama3:latest", "qwen3:8b"]))
    Ollama at http://127.0.0.1:11434 has no model "lama3".
    Did you mean llama3? It has: llama3, qwen3:8b.
    To download it: %chat pull lama3
    """
    has = others(name, [each.removesuffix(":latest") for each in names])
    lines = [f'Ollama at {address} has no model "{name}".', has, f"To download it: %chat pull {name}"]
    return ModelNotFound("\n".join(filter(None, lines)))


def _without_key(said: str) -> str:
    """Return a server's words without the key that the `ollama` package sends it, should it repeat that."""
    return scrubbed(said, [os.environ.get("OLLAMA_API_KEY", "").strip()])


def _place(address: str, elsewhere: str = SETTING) -> Place:
    start = (
        "Start it with `ollama serve`"
        if is_loopback(address)
        else "Check that it runs there and listens to the network (OLLAMA_HOST=0.0.0.0 ollama serve)"
    )
    smaller = (
        "Use a smaller model or quantization (`%chat models` shows sizes), a smaller window (-o num_ctx=4096), "
        "or end what else needs memory."
    )
    return Place("Ollama", address, start, elsewhere, smaller)
