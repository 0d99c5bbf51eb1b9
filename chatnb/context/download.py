"""Fetches from the web what any stranger could: never from this machine, its network, or under the user's name.

A server on the user's own network trusts who is there. So a name is resolved once, every address that it has is
checked, the connection is made to those very addresses, and all of this again after each redirect.

https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import ipaddress
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from ..errors import ContextNotFound, ContextRefused

if TYPE_CHECKING:  # they take a tenth of a second to import, and few questions need them
    import httpcore
    import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({404, 410})
_OK: Final = range(200, 300)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_PIECE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a download may be.

    Attributes
    ----------
    size_bytes
        Of the body, unpacked.
    total_s
        From the first connection to the last byte, redirects included; a name server has a limit of its own.
    redirects
        How many are followed.
    """

    size_bytes: int = 5_000_000
    total_s: float = 20.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Download:
    """What a server sent.

    Attributes
    ----------
    url
        Where it was found in the end.
    content_type
        As the server calls it, in lower case, without parameters; may be empty.
    charset
        As the server calls it; may be empty, unknown or wrong.
    """

    url: str
    content_type: str
    charset: str
    data: bytes


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, also where it stands for another one.

    Examples
    --------
    >>> from ipaddress import ip_address
    >>> [is_public(ip_address(text)) for text in ("1.1.1.1", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe")]
    [True, False, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def download(
    url: str, is_address_allowed: Callable[[Address], bool] = is_public, bounds: Bounds | None = None
) -> Download:
    """Return what a URL leads to.

    Nothing of the user goes along: no cookies, no proxy and no password of the environment.

    Parameters
    ----------
    url
        Of http or https.
    is_address_allowed
        Which addresses may be connected to.
    bounds
        How much it may be.

    Raises
    ------
    ContextNotFound
        If there is no such server or page.
    ContextRefused
        If it may not be fetched, is too large or too slow, or fails.
    """
    import httpcore  # noqa: PLC0415 - see above

    from .pinned import PinnedBackend  # noqa: PLC0415 - likewise

    bounds = bounds or Bounds()
    ends_at = time.monotonic() + bounds.total_s
    target = _parsed(url)
    backend = PinnedBackend(partial(_addresses, is_address_allowed), ends_at)
    try:
        with httpcore.ConnectionPool(network_backend=backend, max_keepalive_connections=0) as pool:
            for _ in range(bounds.redirects + 1):
                with pool.stream("GET", _raw(target), headers=_HEADERS) as response:
                    headers = {
                        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
                    }
                    if response.status not in _REDIRECTS or "location" not in headers:
                        return _read(target, response, headers, bounds)
                    target = _parsed(headers["location"], target)
    except httpcore.TimeoutException as error:
        raise ContextRefused(
            f"{_shown(target)} did not arrive within {bounds.total_s:g} s. Ask again later, or save it as a file."
        ) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise ContextRefused(f"{_shown(target)} could not be fetched: {str(error) or type(error).__name__}.") from error
    raise ContextRefused(f"{url} redirects more than {bounds.redirects} times. Name the page that it should lead to.")


# What identifies no one, and only what _unpacked can unpack.
_HEADERS: Mapping[bytes | str, bytes | str] = {
    "Accept": "text/html, text/*, application/json, application/pdf, */*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "chatnb",
}


def _read(target: httpx.URL, response: httpcore.Response, headers: dict[str, str], bounds: Bounds) -> Download:
    if response.status not in _OK:
        error = ContextNotFound if response.status in _GONE else ContextRefused
        raise error(
            f"{_shown(target)} was answered with the status {response.status}. Open it in a browser to see why."
        )
    data = bytearray()
    for piece in _unpacked(response.iter_stream(), headers.get("content-encoding", ""), target):
        data += piece
        if len(data) > bounds.size_bytes:
            raise ContextRefused(
                f"{_shown(target)} is larger than the {bounds.size_bytes / 1e6:g} MB that are read of a page. "
                "Download it, and name the file."
            )
    kind, _, parameters = headers.get("content-type", "").partition(";")
    _, _, charset = parameters.lower().partition("charset=")
    return Download(str(target), kind.strip().lower(), charset.partition(";")[0].strip(" \"'"), bytes(data))


def _unpacked(pieces: Iterable[bytes], encoding: str, target: httpx.URL) -> Iterator[bytes]:
    """Yield a body piece by piece; what unpacks to a thousand times its size does so in small pieces, too."""
    match encoding.strip().lower():
        case "" | "identity":
            yield from pieces
            return
        case "gzip" | "x-gzip":
            unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        case other:
            raise ContextRefused(f"{_shown(target)} came packed as {other[:40]!r}, which was not asked for.")
    try:
        for piece in pieces:
            left = piece
            while left:
                yield unpacking.decompress(left, _PIECE_BYTES)
                left = unpacking.unconsumed_tail
        yield unpacking.flush()
    except zlib.error as error:
        raise ContextRefused(f"{_shown(target)} came damaged: {error}. Ask again.") from error


def _parsed(url: str, base: httpx.URL | None = None) -> httpx.URL:
    import httpx  # noqa: PLC0415 - see above

    try:
        parsed = base.join(url) if base else httpx.URL(url.strip())
        host = parsed.host
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise ContextRefused(f"{url[:200]!r} is no address of a page: {error}.") from error
    whence = f"{_shown(base)} redirects to {url[:200]!r}, which" if base else repr(url[:200])
    if parsed.scheme not in {"http", "https"} or not host:
        raise ContextRefused(f"{whence} is no address of a page. One begins with https:// and the name of a server.")
    if parsed.userinfo:
        raise ContextRefused(f"{whence} holds a user's name or password, which chatnb does not send. Leave them out.")
    return parsed.copy_with(fragment=None)


def _shown(url: httpx.URL | None) -> str:
    return str(url)[:200]


def _raw(url: httpx.URL) -> httpcore.URL:
    import httpcore  # noqa: PLC0415 - see above

    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _addresses(is_allowed: Callable[[Address], bool], host: str, port: int) -> list[str]:
    """Return where a name leads, if all of that may be connected to.

    Also the forms `2130706433`, `0x7f.1` and `127.1` are numbers to the system, which is why its answer is checked.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ContextNotFound(f"There is no server of the name {host}, or no network. Check both.") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_allowed(ipaddress.ip_address(address)):
            raise ContextRefused(
                f"{host} leads to {address}, which is not on the public internet: chatnb does not fetch from there. "
                "Fetch it in a cell, and ask about the variable."
            )
    return addresses
