"""Read a server's address in every form that people write it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ..errors import SettingsError
from ..settings import without_password

DEFAULT_PORT = 11434
_LAST_PORT = 65_535

IN_PROCESS = "built into "
"""How the address of a provider begins that asks nobody."""

_OWN_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "::1/128"),  # this machine
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),  # RFC 1918, 4193
        *("169.254.0.0/16", "fe80::/10"),  # RFC 3927, 4291: one cable
        "100.64.0.0/10",  # RFC 6598: behind a carrier's router; Tailscale numbers a user's machines so
    )
)
# RFC 6761, 6762, 8375; "internal" is reserved by ICANN, "lan" is what home routers use.
_OWN_DOMAINS = ("localhost", "local", "lan", "home.arpa", "internal")

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
        raise SettingsError(
            f"{without_password(host)!r} is not an address of Ollama: it begins neither with http:// nor https://."
        )
    if rest.casefold() == "ollama.com" and not scheme:
        scheme = "https"
    authority, _, path = rest.partition("/")
    name, port = _split(authority)
    name = _LISTENING.get(name, name) or "127.0.0.1"
    if "@" in authority:
        raise SettingsError(
            f"{without_password(host)!r} is no address for Ollama: it takes neither a user nor a password, "
            "and chatnb keeps none. One looks like http://localhost:11434."
        )
    if re.search(r"[\s?#\\]", authority) or (":" in name and not _is_ipv6(name)):
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


def is_own(url: str) -> bool:
    """Return whether an address leads to this machine or the user's own network, as far as its host tells.

    A number is looked up among the private networks; a name is own without a dot, or in a domain that is never
    public. No name is resolved: what a name server answers may change between this question and the connection. What
    cannot be understood is not own.

    Parameters
    ----------
    url
        A provider's address: a URL, or words that begin with `IN_PROCESS`.

    Examples
    --------
    >>> is_own("http://gpu:11434"), is_own("https://192.168.1.7"), is_own("https://ollama.com:443")
    (True, True, False)
    """
    if url.startswith(IN_PROCESS):
        return True
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".") if re.fullmatch(r"[!-\[\]-~]+", url) else ""
    except ValueError:
        return False
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return _is_own_name(host)
    number = getattr(number, "ipv4_mapped", None) or number
    return any(number in network for network in _OWN_NETWORKS)


def _is_own_name(name: str) -> bool:
    # Programs of the system read "134744072" and "0x8.0x8.0x8.0x8" as numbers of IPv4.
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", name, re.ASCII) or re.fullmatch(
        r"\d+|0x[0-9a-f]+", name.rpartition(".")[2]
    ):
        return False
    return "." not in name or any(name.endswith(f".{domain}") for domain in _OWN_DOMAINS)


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
