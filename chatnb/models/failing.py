"""What goes wrong with any server over HTTP, and how to say it."""

from __future__ import annotations

import difflib
import json
import re
import socket
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

import httpx

from ..errors import ModelBroken, ModelBusy, ModelError, ModelRefused, ModelTooLarge, ModelUnreachable

SHOWN_NAMES = 12

_SHORTEST_SECRET = 4

_MEMORY = re.compile(
    r"requires more (system )?memory|out of memory|insufficient memory|unable to allocate", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Place:
    """A server, in the words of its errors.

    Attributes
    ----------
    who
        Its name: "Ollama".
    start
        What to do where nobody answers: "Start it with `ollama serve`".
    elsewhere
        How to name another one: "set another address: ...".
    smaller
        What to do where there is no memory for a model.
    """

    who: str
    address: str
    start: str
    elsewhere: str
    smaller: str

    def of_transport(self, error: httpx.HTTPError, connect_s: float) -> ModelError:
        """Return what a failure below HTTP, or a broken stream, means."""
        who, address = self.who, self.address
        causes = list(_causes(error))
        match error:
            case httpx.ConnectTimeout():
                return ModelUnreachable(
                    f"{who} at {address} did not accept a connection within {connect_s:g} s.\n"
                    f"Check that the machine runs and that no firewall stands between, or {self.elsewhere}"
                )
            case httpx.ConnectError() if any(isinstance(cause, socket.gaierror) for cause in causes):
                return ModelUnreachable(
                    f"No machine called {httpx.URL(address).host} was found ({who}'s address is {address}).\n"
                    f"Check the name and the network, or {self.elsewhere}"
                )
            case httpx.ConnectError() if any(isinstance(cause, ssl.SSLError) for cause in causes):
                return ModelUnreachable(
                    f"No secure connection to {who} at {address}: {error}.\n"
                    f"If it speaks plain http, write http:// in its address; if its certificate is your own, name it in "
                    f"SSL_CERT_FILE; or {self.elsewhere}"
                )
            case httpx.ConnectError():
                return ModelUnreachable(f"{who} at {address} did not answer.\n{self.start}, or {self.elsewhere}")
            case httpx.UnsupportedProtocol() | httpx.TooManyRedirects():
                return ModelRefused(f"{address} does not lead to {who}: {error}.\nCorrect it, or {self.elsewhere}")
            case _:
                detail = f" ({str(error).rstrip('.')})" if str(error) else ""
                return self.broken_off(f"the connection broke{detail}")

    def broken_off(self, how: str) -> ModelBroken:
        """Return the error of a stream that ended before the answer did."""
        return ModelBroken(
            f"{self.who} at {self.address} did not finish: {how}.\nAsk again; if it stays so, the server's log says why."
        )

    def busy(self, status: int, sentence: str, headers: Mapping[str, str]) -> ModelBusy:
        """Return the error of a server that asks to come back later."""
        wait_s = retry_after_s(headers.get("retry-after", ""))
        when = "" if wait_s is None else f", and asks to come back in {round(wait_s, 2):g} s"
        return ModelBusy(
            f"{self.who} at {self.address} is busy ({status}: {sentence}){when}.\nAsk again a little later.", wait_s
        )

    def failed(self, sentence: str, model: str, status: int | None = None) -> ModelError:
        """Return what a sentence of the server means: that of a 500, or of a line in the stream."""
        if _MEMORY.search(sentence):
            return ModelTooLarge(f"{model} does not fit into the memory of {self.address}: {sentence}.\n{self.smaller}")
        code = f"{status}: " if status else ""
        return ModelBroken(
            f"{self.who} at {self.address} failed ({code}{sentence}).\n"
            "Ask again; if it stays so, the server's log says why."
        )

    def not_accepted(self, status: int, sentence: str, model: str) -> ModelRefused:
        """Return the error for a request that the server does not take."""
        return ModelRefused(
            f"{self.who} at {self.address} does not accept the request ({status}: {sentence}).\n"
            f"Check the options that were set and the name of the model, {model}."
        )


def others(name: str, names: Sequence[str]) -> str:
    """Return a line about the names that there are instead of `name`, the nearest one first; empty if none is known.

    Examples
    --------
    >>> others("lama3", ["llama3", "qwen3:8b"])
    'Did you mean llama3? It has: llama3, qwen3:8b.'
    """
    if not names:
        return ""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    more = f" and {len(names) - SHOWN_NAMES} more (`%chat models`)" if len(names) > SHOWN_NAMES else ""
    has = f"It has: {', '.join(names[:SHOWN_NAMES])}{more}."
    return f"Did you mean {near[0]}? {has}" if near else has


def sentence_of(status: int, text: str) -> str:
    """Return the server's own sentence: that of its JSON, or of plain text, or the status' name."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    said = message_of(data) if isinstance(data, dict) else "" if text.lstrip().startswith(("<", "{")) else text
    said = " ".join(said.split())[:300].rstrip(".")
    try:
        return said or HTTPStatus(status).phrase.lower()
    except ValueError:
        return "without a word"


def message_of(data: Mapping[str, object]) -> str:
    """Return the sentence of an error in the form of Ollama, of OpenAI, or of FastAPI; empty if there is none."""
    error = data.get("error") or data.get("message") or data.get("detail")
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else ""


def scrubbed(text: str, secrets: Collection[str]) -> str:
    """Return a server's words without keys, which some servers repeat, also in part, or escaped as JSON and URLs have it.

    Examples
    --------
    >>> scrubbed("Incorrect API key provided: sk-se****cret. Received=sk-secret", {"sk-secret"})
    'Incorrect API key provided: …. Received=…'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) < _SHORTEST_SECRET:
            continue
        quoted = json.dumps(secret)[1:-1]
        for form in (secret, quoted, quoted.replace("/", r"\/"), repr(secret)[1:-1], quote(secret, safe="")):
            text = text.replace(form, "…")
        text = re.sub(rf"{re.escape(secret[:3])}[\w/+=-]*[*.…]{{2,}}[\w/+=-]*", "…", text)
    return text


def retry_after_s(value: str) -> float | None:
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
