"""What Ollama's failures mean, and what to do about each."""

from __future__ import annotations

import difflib
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from ..errors import (
    ModelBroken,
    ModelBusy,
    ModelError,
    ModelNotFound,
    ModelRefused,
    ModelTooLarge,
    ModelUnreachable,
)
from .address import is_loopback

_OTHER_ADDRESS = 'set another address: %config ChatConfig.host = "..."'
_SHOWN_NAMES = 12
_MEMORY = re.compile(
    r"requires more (system )?memory|out of memory|insufficient memory|unable to allocate", re.IGNORECASE
)


def of_transport(error: httpx.HTTPError, address: str, connect_s: float) -> ModelError:
    """Return what a failure below HTTP, or a broken stream, means."""
    causes = list(_causes(error))
    match error:
        case httpx.ConnectTimeout():
            return ModelUnreachable(
                f"Ollama at {address} did not accept a connection within {connect_s:g} s.\n"
                f"Check that the machine runs and that no firewall stands between, or {_OTHER_ADDRESS}"
            )
        case httpx.ConnectError() if any(isinstance(cause, socket.gaierror) for cause in causes):
            name = httpx.URL(address).host
            return ModelUnreachable(
                f"No machine called {name} was found (Ollama's address is {address}).\n"
                f"Check the name and the network, or {_OTHER_ADDRESS}"
            )
        case httpx.ConnectError() if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return ModelUnreachable(
                f"No secure connection to Ollama at {address}: {error}.\n"
                f"If it speaks plain http, write http:// in its address; if its certificate is your own, name it in "
                f"SSL_CERT_FILE; or {_OTHER_ADDRESS}"
            )
        case httpx.ConnectError():
            start = (
                "Start it with `ollama serve`"
                if is_loopback(address)
                else "Check that it runs there and listens to the network (OLLAMA_HOST=0.0.0.0 ollama serve)"
            )
            return ModelUnreachable(f"Ollama at {address} did not answer.\n{start}, or {_OTHER_ADDRESS}")
        case httpx.UnsupportedProtocol() | httpx.TooManyRedirects():
            return ModelRefused(f"{address} does not lead to Ollama: {error}.\nCorrect it, or {_OTHER_ADDRESS}")
        case _:
            detail = f" ({str(error).rstrip('.')})" if str(error) else ""
            return broken_off(address, f"the connection broke{detail}")


def broken_off(address: str, how: str) -> ModelBroken:
    """Return the error of a stream that ended before the answer did."""
    return ModelBroken(
        f"Ollama at {address} did not finish: {how}.\nAsk again; if it stays so, the server's log says why."
    )


def of_status(status: int, text: str, headers: Mapping[str, str], *, address: str, model: str) -> ModelError:
    """Return what an HTTP status and its body mean.

    A model that is not there gives a ModelNotFound without the names of those that are: `not_found` has them.
    """
    said = _said(status, text)
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
                f"What answers at {address} is not Ollama ({status}: {said}).\nCorrect the path or port, or {_OTHER_ADDRESS}"
            )
        case 429 | 503:
            retry_after_s = _retry_after_s(headers.get("retry-after", ""))
            when = "" if retry_after_s is None else f", and asks to come back in {round(retry_after_s, 2):g} s"
            return ModelBusy(
                f"Ollama at {address} is busy ({status}: {said}){when}.\nAsk again a little later.", retry_after_s
            )
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
            return ModelRefused(
                f"Ollama at {address} does not accept the request ({status}: {said}).\n"
                f"Check the options that were set and the name of the model, {model}."
            )


def of_message(said: str, *, address: str, model: str, status: int | None = None) -> ModelError:
    """Return what a sentence of the server means: that of a 500, or of a line in the stream."""
    if _MEMORY.search(said):
        return ModelTooLarge(
            f"{model} does not fit into the memory of {address}: {said}.\n"
            "Use a smaller model or quantization (`%chat models` shows sizes), a smaller window (-o num_ctx=4096), "
            "or end what else needs memory."
        )
    code = f"{status}: " if status else ""
    return ModelBroken(
        f"Ollama at {address} failed ({code}{said}).\nAsk again; if it stays so, the server's log says why."
    )


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
    short = [each.removesuffix(":latest") for each in names]
    lines = [f'Ollama at {address} has no model "{name}".']
    if short:
        near = difflib.get_close_matches(name, short, n=1, cutoff=0.5)
        more = f" and {len(short) - _SHOWN_NAMES} more (`%chat models`)" if len(short) > _SHOWN_NAMES else ""
        has = f"It has: {', '.join(short[:_SHOWN_NAMES])}{more}."
        lines.append(f"Did you mean {near[0]}? {has}" if near else has)
    lines.append(f"To download it: %chat pull {name}")
    return ModelNotFound("\n".join(lines))


def _said(status: int, text: str) -> str:
    """Return the server's own sentence: that of its JSON, or of plain text, or the status' name."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    said = error if isinstance(error, str) else "" if text.lstrip().startswith(("<", "{")) else text
    said = " ".join(said.split())[:300].rstrip(".")
    try:
        return said or HTTPStatus(status).phrase.lower()
    except ValueError:
        return "without a word"


def _retry_after_s(value: str) -> float | None:
    """Return the seconds of a `Retry-After`, which holds seconds or a date.

    https://httpwg.org/specs/rfc9110.html#field.retry-after
    """
    if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and everything that it came from; anyio gathers the attempts to connect in a group."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            pending += each.exceptions
