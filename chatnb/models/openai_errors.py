"""What the failures of servers with OpenAI's protocol mean, and what to do about each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ..errors import ModelError, ModelNotFound, ModelRefused
from ..settings import Endpoint
from .address import is_loopback
from .endpoints import OPENAI, variable_for, where_key
from .failing import Place, message_of, others, sentence_of

_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|maximum context|prompt is too long|too many tokens|exceed_context_size",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model.*(not found|does ?n.t exist|does not exist|not exist)|(invalid|unknown|no such) model|not a valid model",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(r"not support tools|tool choice requires|tools? (is|are) not supported", re.IGNORECASE)


def place_of(endpoint: Endpoint) -> Place:
    """Return the words for an endpoint's errors."""
    is_openai = endpoint.name == OPENAI
    start = (
        "Start it"
        if is_loopback(endpoint.base_url)
        else "Check that it runs, and the network"
        if not is_openai
        else "Check the network"
    )
    elsewhere = (
        "name another address in the environment variable OPENAI_BASE_URL"
        if is_openai
        else f'correct its address: %config ChatConfig.endpoints = {{"{endpoint.name}": {{"base_url": "..."}}}}'
    )
    smaller = "Use a smaller model, or end what else needs memory there."
    return Place(endpoint.name, endpoint.base_url, start, elsewhere, smaller)


def of_status(status: int, text: str, headers: Mapping[str, str], *, endpoint: Endpoint, model: str) -> ModelError:
    """Return what an HTTP status and its body mean.

    A model that is not there gives a ModelNotFound without the names of those that are: `not_found` has them.
    """
    said, place = sentence_of(status, text), place_of(endpoint)
    about = f"({status}: {said})"
    match status:
        case 401 | 403:
            return ModelRefused(
                f"{place.who} at {place.address} does not accept the key, or needs one {about}.\n{_where(endpoint)}"
            )
        case 402:
            return ModelRefused(f"{place.who} at {place.address} asks for a payment {about}.")
        case 429 if "insufficient_quota" in text:
            return ModelRefused(f"{place.who} at {place.address} says that the key's quota is used up {about}.")
        case 408 | 409 | 425:  # a gateway that waited too long for the model, or for its turn
            return place.failed(said, model, status)
        case 429 | 503 | 529:  # the last one is Anthropic's, which gateways pass on
            return place.busy(status, said, headers)
        case 400 | 404 | 422 if _NO_MODEL.search(said):
            return not_found(model, endpoint, ())
        case 404 | 405:
            return ModelRefused(
                f"What answers at {place.address} does not speak OpenAI's protocol there {about}.\n"
                f"Its address ends with /v1 as a rule: {place.elsewhere}"
            )
        case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return ModelRefused(
                f"{place.who} at {place.address} sends one on to {headers.get('location', 'another address')} ({status}); "
                f"no key is sent there.\nIf that is the right address, {place.elsewhere}"
            )
        case _ if refused := _refused(said, model):
            return refused
        case 413:
            return ModelRefused(
                f"This is too large for {place.who} at {place.address} {about}.\nCarry along less, or smaller pictures."
            )
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return place.failed(said, model, status)
        case _:
            return place.not_accepted(status, said, model)


def of_error(error: Any, *, endpoint: Endpoint, model: str) -> ModelError:
    """Return what an error in mid-stream means.

    Parameters
    ----------
    error
        What stands under "error": an object with a message and perhaps a code and a type, or a sentence.
    """
    place = place_of(endpoint)
    said = (error if isinstance(error, str) else message_of(error) if isinstance(error, dict) else "").strip()
    said = " ".join(said.split())[:300].rstrip(".") or "it does not say why"
    code = f"{error.get('code')} {error.get('type')}" if isinstance(error, dict) else ""
    if re.search(r"429|529|rate_?limit|overloaded", code, re.IGNORECASE):
        return place.busy(429, said, {})
    return _refused(said, model) or place.failed(said, model)


def not_found(name: str, endpoint: Endpoint, names: Sequence[str]) -> ModelNotFound:
    """Return the error for a model that a server lacks, with what it has instead.

    Examples
    --------
    >>> print(not_found("mixtrl", Endpoint("lab", "http://gpu:8000/v1"), ["mixtral", "qwen3"]))
    lab at http://gpu:8000/v1 has no model "mixtrl".
    Did you mean lab:mixtral? It has: lab:mixtral, lab:qwen3.
    """
    has = others(f"{endpoint.name}:{name}", [f"{endpoint.name}:{each}" for each in names])
    lines = [f'{endpoint.name} at {endpoint.base_url} has no model "{name}".', has]
    return ModelNotFound("\n".join(filter(None, lines)))


def _refused(said: str, model: str) -> ModelRefused | None:
    if _TOO_LONG.search(said):
        return ModelRefused(
            f"This is too long for the window of {model}: {said}.\n"
            "Carry along less, begin a new session (%chat new), or tell how much it may read: "
            "%config ChatConfig.max_context = 8192"
        )
    if _NO_TOOLS.search(said):
        return ModelRefused(f"{model} cannot use tools there: {said}.\nAsk without them, or use a model that can.")
    return None


def _where(endpoint: Endpoint) -> str:
    return where_key(endpoint) or (
        f'Name the variable that holds it: %config ChatConfig.endpoints = {{"{endpoint.name}": {{"base_url": '
        f'"{endpoint.base_url}", "api_key_env": "{variable_for(endpoint.name)}"}}}}'
    )
