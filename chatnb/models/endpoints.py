"""Servers that speak OpenAI's protocol, as the settings name them, and their keys, which no setting may hold.

A key is read where it is each time one is sent (`key_of`): from the environment, else from the system's keyring. So it
is neither in a notebook, nor in a configuration file, nor in anything that chatnb keeps or shows.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import ModelRefused, SettingsError
from ..settings import Endpoint

OPENAI = "openai"
OPENAI_URL = "https://api.openai.com/v1"

SERVICE = "chatnb"
"""Under which a key is kept in the keyring: `keyring set chatnb NAME`."""

RESERVED = ("ollama", "scripted")

_OPENAI_HEADERS = (("OpenAI-Organization", "OPENAI_ORG_ID"), ("OpenAI-Project", "OPENAI_PROJECT_ID"))
_KNOWN = ("base_url", "api_key_env", "api_key_keyring", "headers", "continues")
_NAME = re.compile(r"[A-Za-z][\w.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_FIELD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # https://www.rfc-editor.org/rfc/rfc9110#name-tokens
_SECRET_FIELD = re.compile(r"auth|cookie|key|token|secret|passw|credential|signature", re.IGNORECASE)
_KEY_SHAPED = re.compile(r"(bearer|basic)\s+\S|(sk|gsk|pk|hf|xai|nvapi|ghp)[-_]\S{8}", re.IGNORECASE)
_LONG_NAME = 20


def endpoints_of(value: Mapping[str, Any]) -> dict[str, Endpoint]:
    """Return what `ChatConfig.endpoints` says.

    Raises
    ------
    SettingsError
        If something in it cannot be, above all a key. The text repeats no value that may be one.

    Examples
    --------
    >>> endpoints_of({"lab": {"base_url": "gpu:8000", "api_key_env": "LAB_KEY"}})["lab"].base_url
    'http://gpu:8000/v1'
    """
    return {name: _endpoint(name, said) for name, said in value.items()}


def openai_endpoint(environment: Mapping[str, str] | None = None) -> Endpoint:
    """Return OpenAI itself, or what OPENAI_BASE_URL names in its place.

    The variables are those of OpenAI's own clients. A server of one's own, named so, may need no key.
    """
    environment = os.environ if environment is None else environment
    base_url = environment.get("OPENAI_BASE_URL", "").strip()
    is_keyless = base_url and not environment.get("OPENAI_API_KEY", "").strip()
    where: dict[str, Any] = {} if is_keyless else {"api_key_env": "OPENAI_API_KEY", "api_key_keyring": OPENAI}
    headers = {field: f"${{{name}}}" for field, name in _OPENAI_HEADERS if environment.get(name, "").strip()}
    return _endpoint(OPENAI, {"base_url": base_url or OPENAI_URL, "headers": headers, **where})


def key_of(endpoint: Endpoint, environment: Mapping[str, str] | None = None) -> str:
    """Return an endpoint's key, or nothing where none is named; blocks for as long as the keyring does.

    Raises
    ------
    ModelRefused
        If it is named and not to be found, or cannot be one.
    """
    if not (endpoint.api_key_env or endpoint.api_key_keyring):
        return ""
    environment = os.environ if environment is None else environment
    found = environment.get(endpoint.api_key_env, "").strip() if endpoint.api_key_env else ""
    if not found and endpoint.api_key_keyring:
        found = _in_keyring(endpoint.api_key_keyring)
    if not found:
        raise ModelRefused(_no_key(endpoint))
    if not _is_line(found):
        raise ModelRefused(f"The key of {endpoint.name} holds characters that no key has.\n{where_key(endpoint)}")
    return found


def headers_of(endpoint: Endpoint, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an endpoint's own headers, with the variables that they name filled in.

    Raises
    ------
    ModelRefused
        If a variable is not set, or cannot be in a header.
    """
    environment = os.environ if environment is None else environment

    def filled(match: re.Match[str]) -> str:
        if not (found := environment.get(match[1], "").strip()):
            raise ModelRefused(
                f"{endpoint.name} needs the variable {match[1]} of the environment in its headers, and it is not set.\n"
                f"Set it before the kernel starts, or in it: os.environ[{match[1]!r}] = getpass.getpass()"
            )
        if not _is_line(found):
            raise ModelRefused(
                f"The variable {match[1]} of the environment, which {endpoint.name} needs in its headers, holds "
                "characters that no header has."
            )
        return found

    return {name: _PLACEHOLDER.sub(filled, value) for name, value in endpoint.headers}


def where_key(endpoint: Endpoint) -> str:
    """Say where the key is to be put, without ever writing it into a cell."""
    ways = []
    if endpoint.api_key_env:
        variable = endpoint.api_key_env
        ways.append(f"Set {variable} before the kernel starts, or in it: os.environ[{variable!r}] = getpass.getpass()")
    if endpoint.api_key_keyring:
        ways.append(
            f"Keep it in the keyring: `pip install keyring`, then `keyring set {SERVICE} {endpoint.api_key_keyring}`."
        )
    return "\n".join(ways)


def variable_for(name: str) -> str:
    """Return how the variable with an endpoint's key may be called.

    Examples
    --------
    >>> variable_for("my-lab")
    'MY_LAB_KEY'
    """
    return re.sub(r"\W", "_", name.upper()) + "_KEY"


def _endpoint(name: Any, said: Any) -> Endpoint:
    about = f'The endpoint "{name}"'
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
        raise SettingsError(
            "The name of an endpoint begins with a letter and has letters, digits, dots and dashes; "
            f"{' and '.join(RESERVED)} are taken."
        )
    if not isinstance(said, Mapping):
        raise SettingsError(f'{about} is not of the form {{"base_url": "http://gpu:8000/v1"}}.')
    for each in said:
        if each not in _KNOWN:
            if isinstance(each, str) and _SECRET_FIELD.search(each):
                raise _key_found(name, f'"{each}"')
            raise SettingsError(f"{about} has a setting that is not known. There are: {', '.join(_KNOWN)}.")
    variable, entry = said.get("api_key_env") or "", said.get("api_key_keyring") or ""
    if not isinstance(variable, str) or (variable and not _is_variable(variable)):
        raise _key_found(name, '"api_key_env" that is no name of a variable')
    if not isinstance(entry, str) or (entry and (not _NAME.fullmatch(entry) or _is_random(entry))):
        raise _key_found(name, '"api_key_keyring" that is no name of an entry')
    continues = said.get("continues")
    if continues is not None and not isinstance(continues, bool):
        raise SettingsError(f'{about}: "continues" is True or False.')
    return Endpoint(
        name,
        _base_url(name, said.get("base_url")),
        variable,
        entry,
        _headers(name, said.get("headers", {})),
        continues,
    )


def _base_url(name: str, said: Any) -> str:
    wrong = SettingsError(
        f'The endpoint "{name}" needs a "base_url", such as "http://gpu:8000/v1": http or https, a host, perhaps a port '
        "and a path, and nothing else."
    )
    if not isinstance(said, str) or not re.fullmatch(r"[!-~]+", said.strip()):
        raise wrong
    url = said.strip() if "://" in said else f"http://{said.strip()}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # a port that is none raises
    except ValueError:
        raise wrong from None
    if parts.username is not None or parts.password is not None:
        raise _key_found(name, 'a "base_url" with a user or password in it')
    if any(_KEY_SHAPED.match(each) and _is_random(each) for each in parts.path.split("/")):
        raise _key_found(name, 'a "base_url" with a key in it')
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise wrong
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"


def _headers(name: str, said: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(said, Mapping):
        raise SettingsError(f'The endpoint "{name}": "headers" is of the form {{"X-Project": "demo"}}.')
    for field, value in said.items():
        if not isinstance(field, str) or not _FIELD.fullmatch(field):
            raise SettingsError(f'The endpoint "{name}" has a header whose name cannot be one.')
        if not isinstance(value, str) or not _is_line(value):
            raise SettingsError(f'The endpoint "{name}": the value of the header {field} has to be a line of ASCII.')
        variables = _PLACEHOLDER.findall(value)
        if any(not _is_variable(variable) for variable in variables):
            raise _key_found(name, f"a header {field} with a ${{...}} that names no variable")
        if _KEY_SHAPED.search(_PLACEHOLDER.sub("", value)) or (_SECRET_FIELD.search(field) and not variables):
            raise _key_found(name, f"a key in its header {field}", f'"{field}": "${{{variable_for(name)}}}"')
    return tuple(said.items())


def _key_found(name: str, what: str, instead: str = "") -> SettingsError:
    instead = instead or f'"api_key_env": "{variable_for(name)}"'
    return SettingsError(
        f'The endpoint "{name}" has {what}: a key does not belong into the settings. Put it into a variable of the '
        f"environment and name that: {instead}"
    )


def _is_line(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_variable(text: str) -> bool:
    return bool(_VARIABLE.fullmatch(text)) and not _KEY_SHAPED.search(text) and not _is_random(text)


def _is_random(text: str) -> bool:
    """Return whether it looks like a key and not like a name that somebody gave."""
    has_words = "_" in text and text.isupper()
    return len(text) >= _LONG_NAME and any(map(str.isdigit, text)) and not has_words


def _in_keyring(entry: str) -> str:
    if importlib.util.find_spec("keyring") is None:
        return ""
    import keyring  # noqa: PLC0415 - an optional extra, and it looks for the system's keyring when it is imported

    try:
        return (keyring.get_password(SERVICE, entry) or "").strip()
    except Exception:  # noqa: BLE001 - backends of many makers; whatever they raise may repeat what they hold
        return ""


def _no_key(endpoint: Endpoint) -> str:
    places = []
    if endpoint.api_key_env:
        places.append(f"the environment variable {endpoint.api_key_env} is not set")
    if endpoint.api_key_keyring:
        has_keyring = importlib.util.find_spec("keyring") is not None
        places.append(
            f"the keyring has nothing for {SERVICE} {endpoint.api_key_keyring}"
            if has_keyring
            else "keyring is not installed"
        )
    return f"There is no key for {endpoint.name}: {', and '.join(places)}.\n{where_key(endpoint)}"
