"""Connections to the addresses that were checked, and to no others, within the time that is left.

Imported only where something is fetched: httpcore takes a while.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpcore


class PinnedBackend(httpcore.NetworkBackend):
    """Connects by way of a resolver of its own.

    Parameters
    ----------
    resolve
        Returns the addresses of a host and port, at least one; what it raises is raised.
    ends_at
        When everything has to be over, in the seconds of `time.monotonic`; time limits of requests are not looked at.
        A limit for each read alone would let a server go on for ever by sending a byte now and then.
    """

    def __init__(self, resolve: Callable[[str, int], Sequence[str]], ends_at: float) -> None:
        self._resolve, self._ends_at = resolve, ends_at

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the base class's form
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        *others, last = self._resolve(host, port)
        backend = httpcore.SyncBackend()
        for each in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                # One that does not answer leaves time for the next.
                limit = _left_s(self._ends_at) / 2
                return _Stream(backend.connect_tcp(each, port, limit, local_address, socket_options), self._ends_at)
        limit = _left_s(self._ends_at)
        return _Stream(backend.connect_tcp(last, port, limit, local_address, socket_options), self._ends_at)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, ends_at: float) -> None:
        self._inner, self._ends_at = inner, ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the base class's form
        return self._inner.read(max_bytes, _left_s(self._ends_at))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - likewise
        self._inner.write(buffer, _left_s(self._ends_at))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - likewise
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left_s(self._ends_at)), self._ends_at)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left_s(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left
