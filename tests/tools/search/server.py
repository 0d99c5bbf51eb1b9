"""A web server on loopback that says what it is told to, also in the name of others.

Asked to CONNECT, as a proxy is, it is the server at the other end itself, with a certificate of its own authority. So what
only speaks with one server of the internet can be tested as it is.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each path as it was told to, all others with 404, and keeps what it was asked.

    `came` is set once somebody asked, `left` once somebody went away before the answer's end.

    Parameters
    ----------
    certificates
        Where the certificate of its authority is written.
    host
        The number of loopback to listen at.
    """

    def __init__(self, certificates: Path | None = None, host: str = "127.0.0.1") -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.came = threading.Event()
        self.tunnels: list[str] = []
        self.stopping = threading.Event()
        self.left = threading.Event()
        self._authority = trustme.CA() if certificates else None
        if self._authority and certificates:
            self._authority.cert_pem.write_to_path(str(certificates))
        self._http = ThreadingHTTPServer((host, 0), _handler(self))
        self._http.daemon_threads = True
        self.port = self._http.server_port
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def says(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        """Let it answer a path, and return the URL."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name.replace("_", "-"), value)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        return self.does(path, answer)

    def does(self, path: str, answer: Answer) -> str:
        """Let a function answer a path, and return the URL."""
        self.answers[path] = answer
        return self.url + path

    def hangs(self, path: str) -> str:
        """Let it never answer a path."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            while not self.stopping.is_set():
                if not request.connection.recv(1):
                    self.left.set()
                    return

        return self.does(path, answer)

    def drips(self, path: str, kind: str) -> str:
        """Let it answer a path with a byte now and then, without an end."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Type", kind)
            request.end_headers()
            while not self.stopping.wait(0.01):
                request.wfile.write(b" ")

        return self.does(path, answer)

    def floods(self, path: str, kind: str) -> str:
        """Let it answer a path without an end, as fast as it can."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Type", kind)
            request.end_headers()
            while not self.stopping.is_set():
                request.wfile.write(b" " * 65_536)

        return self.does(path, answer)

    def tunnel(self, host: str) -> ssl.SSLContext:
        """Return what it proves to be `host` with."""
        assert self._authority is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host).configure_cert(context)
        return context

    def close(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            server.tunnels.append(self.path)
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            context = server.tunnel(self.path.rpartition(":")[0])
            try:
                self.connection = self.request = context.wrap_socket(self.connection, server_side=True)
            except OSError:  # the client does not trust it
                self.close_connection = True
                return
            self.setup()
            self.handle_one_request()
            self.close_connection = True

        def do_GET(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            server.asked.append(Asked(self.command, self.path, headers, body))
            server.came.set()
            try:
                server.answers.get(self.path.partition("?")[0], _missing)(self)
            except OSError:  # the client had enough
                server.left.set()
            self.close_connection = True

        do_POST = do_GET  # noqa: N815 - the base class looks for that name

        def finish(self) -> None:
            super().finish()
            if isinstance(self.request, ssl.SSLSocket):
                self.request.close()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


def _missing(request: BaseHTTPRequestHandler) -> None:
    request.send_error(404)
