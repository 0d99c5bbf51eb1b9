"""Read a server's address in every form that people write it."""

from __future__ import annotations

import ipaddress
import re

from ..errors import SettingsError

DEFAULT_PORT = 11434
_LAST_PORT = 65_535

_LISTENING = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens: these are translated


def address(host: str = "") -> str:
    """Return `host` as a URL that a client can connect to.

    All forms of Ollama's own OLLAMA_HOST are understood: a name or number alone, with a port, with `http://` or
    `https://`, with a path, an IPv6 number with or without brackets, a port alone, quotes and blanks around it. As
    there, the port is 11434, but 80 or 443 where a scheme is written and no port. What a server listens on (`0.0.0.0`,
    `::`) is no place to connect to: this machine is meant.

    https://github.com/ollama/ollama/blob/main/envconfig/config.go

    Raises
    ------
    SettingsError
        If nothing can be connected to at `host`.

    Examples
    --------
    >>> address("")
    'http://127.0.0.1:11434'
    >>> address("gpu.lab:8080/ollama/")
    'http://gpu.lab:8080/ollama'
    >>> address("https://ollama.com")
    'https://ollama.com:443'
    >>> address("::")
    'http://[::1]:11434'
    """
    text = host.strip().strip("\"'").strip()
    scheme, _, rest = text.partition("://") if "://" in text else ("", "", text)
    scheme = scheme.lower()
    if scheme not in ("", "http", "https"):
        raise SettingsError(f"{host!r} is not an address of Ollama: it begins neither with http:// nor https://.")
    if rest.casefold() == "ollama.com" and not scheme:
        scheme = "https"
    authority, _, path = rest.partition("/")
    name, port = _split(authority)
    name = _LISTENING.get(name, name) or "127.0.0.1"
    if re.search(r"[\s@?#\\]", authority) or (":" in name and not _is_ipv6(name)):
        raise SettingsError(f"{host!r} is not an address of Ollama. One looks like http://localhost:11434.")
    default = {"http": 80, "https": 443}.get(scheme, DEFAULT_PORT)
    number = int(port) if port.isdecimal() and int(port) <= _LAST_PORT else default
    shown = f"[{name}]" if _is_ipv6(name) else name
    path = path.strip("/")
    return f"{scheme or 'http'}://{shown}:{number}" + (f"/{path}" if path else "")


def is_loopback(url: str) -> bool:
    """Return whether a URL of `address` leads to this very machine.

    Examples
    --------
    >>> is_loopback("http://localhost:11434"), is_loopback("http://gpu.lab:11434")
    (True, False)
    """
    name = _split(url.partition("://")[2].partition("/")[0])[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.casefold() == "localhost"


def _split(authority: str) -> tuple[str, str]:
    """Return the host without brackets, and the port or nothing."""
    if bracketed := re.fullmatch(r"\[([^\]]*)\](?::(.*))?", authority):
        return bracketed[1], bracketed[2] or ""
    if authority.count(":") > 1:  # an IPv6 number without brackets
        return authority, ""
    name, _, port = authority.partition(":")
    return name, port


def _is_ipv6(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).version == 6  # noqa: PLR2004 - the protocol's number
    except ValueError:
        return False
