"""Pages of the web, fetched from a server on loopback that does what servers should not."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from chatnb.context.base import Reference
from chatnb.context.download import Bounds, is_public
from chatnb.context.web import Page, WebSource
from chatnb.context.web import fetch as fetch_public
from chatnb.errors import ContextNotFound, ContextRefused
from tests.ports import free_port

ARTICLE = "<html><head><title>Teas</title></head><body><nav>Home About</nav><article><h1>On tea</h1>" + (
    "<p>Oolong is a tea between green and black, and has been drunk for some hundreds of years now.</p>" * 5
    + "</article><footer>Imprint</footer></body></html>"
)

Answer = Callable[[BaseHTTPRequestHandler], None]


def is_loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_loopback


def fetch(url: str, bounds: Bounds | None = None) -> Page:
    return fetch_public(url, is_loopback, bounds)


class Server:
    """Answers each path as it was told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                try:
                    server.answers[self.path](self)
                except OSError:  # the client had enough
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.stopping = threading.Event()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
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
        self.answers[path] = answer
        return self.url + path

    def close(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_an_article_is_read_without_what_stands_around_it(server: Server) -> None:
    url = server.says("/", ARTICLE.encode(), Content_Type="text/html; charset=utf-8")

    page = fetch(url)

    assert page.text.startswith("# On tea\n\nOolong is a tea")
    assert "Imprint" not in page.text
    assert "Home" not in page.text


def test_a_page_that_is_no_article_gives_all_its_text(server: Server) -> None:
    html = "<div>one<script>x()</script></div><div>two<b>!</b></div>"
    url = server.says("/", html.encode(), Content_Type="text/html")

    page = fetch(url)

    assert page.text == "one\ntwo!"


@pytest.mark.parametrize("html", ["<p>word</p>" * 200_000, "<div>" * 200_000 + "x", "<p>" + "x" * 3_000_000, ""])
def test_a_huge_or_strange_page_gives_text_or_a_sentence(server: Server, html: str) -> None:
    url = server.says("/", html.encode(), Content_Type="text/html")

    try:
        text = fetch(url).text
    except ContextRefused as error:
        text = str(error)

    assert "word" in text or "xxx" in text or "holds no text" in text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", "größer"),
        ("text/plain; charset=latin-1", "größer"),
        ("text/plain; charset=ascii", "größer"),
        ("text/plain; charset=hex", "größer"),
        ('text/csv; charset="UTF-8"; header=present', "größer"),
        ("application/json", '{"a": "größer"}'),
        ("application/feed+json", '{"a": "größer"}'),
        ("", "größer"),
    ],
)
def test_text_comes_as_it_is_whatever_the_server_says_of_its_encoding(server: Server, kind: str, body: str) -> None:
    url = server.says("/", body.encode("latin-1" if "latin" in kind else "utf-8"), Content_Type=kind)

    assert fetch(url).text == body


def test_the_encoding_that_a_page_declares_is_used(server: Server) -> None:
    html = '<html><head><meta charset="shift_jis"></head><body><p>お茶</p></body></html>'
    url = server.says("/", html.encode("shift_jis"), Content_Type="text/html")

    assert fetch(url).text == "お茶"


def test_a_pdf_is_read_as_a_document(server: Server, tmp_path: Path) -> None:
    figure = Figure()
    figure.text(0.1, 0.5, "A page on paper.")
    figure.savefig(tmp_path / "a.pdf")
    url = server.says("/a.pdf", (tmp_path / "a.pdf").read_bytes(), Content_Type="application/pdf")

    assert fetch(url).text == "[page 1 of 1]\n\nA page on paper."


def test_what_is_no_text_is_refused(server: Server) -> None:
    picture = server.says("/a", b"\x89PNG", Content_Type="image/png")
    liar = server.says("/b", b"\x00\x01\x02" * 99, Content_Type="text/plain")

    for url in (picture, liar):
        with pytest.raises(ContextRefused, match=r"not read as text|is binary"):
            fetch(url)


def test_redirects_are_followed_and_the_last_address_is_told(server: Server) -> None:
    server.says("/c", b"here", Content_Type="text/plain")
    server.says("/b", b"", 307, Location=f"{server.url}/c#part")
    url = server.says("/a", b"", 301, Location="b")

    assert fetch(url) == Page(f"{server.url}/c", "here")


def test_redirects_in_a_circle_end(server: Server) -> None:
    url = server.says("/a", b"", 302, Location="/a")

    with pytest.raises(ContextRefused, match="more than 5 times"):
        fetch(url)

    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "target",
    [
        *("http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:1/", "http://0.0.0.0/"),
        *("http://[::ffff:192.168.0.1]/", "http://167772161/", "http://012.0.0.1/", "http://0xa.0.0.1/", "//10.0.0.1/"),
        *("file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x/", "http://user:password@127.0.0.1/"),
    ],
)
def test_a_redirect_to_what_may_not_be_read_is_refused(server: Server, target: str) -> None:
    url = server.says("/", b"", 302, Location=target)

    with pytest.raises(ContextRefused, match=r"not on the public internet|no address|name or password"):
        fetch_public(url, lambda address: address == ipaddress.ip_address("127.0.0.1"))

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f000001", "127.1", "0", "0.0.0.0"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]"),
        *("10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1"),
    ],
)
def test_only_the_public_internet_is_connected_to(server: Server, host: str) -> None:
    server.says("/", b"secret", Content_Type="text/plain")
    port = server.url.rpartition(":")[2]

    with pytest.raises((ContextRefused, ContextNotFound), match=r"not on the public internet|no server|no address"):
        fetch_public(f"http://{host}:{port}/")

    assert not server.asked


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_as_public_as_it_is_alone(address: ipaddress.IPv4Address) -> None:
    forms = (f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::")

    assert {is_public(ipaddress.ip_address(form)) for form in forms} == {is_public(address)}


def test_the_connection_goes_to_the_address_that_was_checked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.says("/", b"here", Content_Type="text/plain").replace("127.0.0.1", "rebinding.example")
    port = int(server.url.rpartition(":")[2])
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> list[object]:
        """Say this machine once, and another one to whoever asks again."""
        if host == "127.0.0.1":  # to connect to a number asks no name server
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    page = fetch(url)

    assert page.text == "here"
    assert asked == ["rebinding.example"]
    assert server.asked[0][1]["host"] == f"rebinding.example:{port}"


def test_one_private_address_among_others_is_enough_to_refuse(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in ("127.0.0.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(ContextRefused, match=r"leads to 10\.0\.0\.1"):
        fetch("http://mixed.example/")


def test_nothing_of_the_user_goes_along(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    url = server.says("/", b"here", Content_Type="text/plain", Set_Cookie="a=b")

    fetch(url)
    fetch(url)

    assert set(server.asked[1][1]) == {"host", "accept", "accept-encoding", "user-agent"}
    assert server.asked[1][1]["user-agent"] == "chatnb"


def test_an_endless_body_is_refused(server: Server) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/plain")
        request.end_headers()
        while not server.stopping.is_set():
            request.wfile.write(b"x" * 65_536)

    with pytest.raises(ContextRefused, match="larger than the 5 MB"):
        fetch(server.does("/", answer))


def test_a_body_that_unpacks_to_a_thousand_times_its_size_is_refused(server: Server) -> None:
    packed = gzip.compress(bytes(100_000_000))
    url = server.says("/", packed, Content_Type="text/plain", Content_Encoding="gzip")

    tracemalloc.start()
    with pytest.raises(ContextRefused, match="larger than the 5 MB"):
        fetch(url)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(packed) < 100_000
    assert peak < 20_000_000


def test_a_packed_body_is_unpacked_and_a_damaged_one_refused(server: Server) -> None:
    packed = gzip.compress(b"here" * 100_000)
    good = server.says("/good", packed, Content_Type="text/plain", Content_Encoding="gzip")
    bad = server.says("/bad", b"no gzip", Content_Type="text/plain", Content_Encoding="gzip")
    odd = server.says("/odd", b"x", Content_Type="text/plain", Content_Encoding="br")

    assert fetch(good).text == "here" * 100_000
    for url, why in ((bad, "damaged"), (odd, "'br'")):
        with pytest.raises(ContextRefused, match=why):
            fetch(url)


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"]
)
def test_a_server_that_drips_is_given_up(server: Server, start: bytes) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        while not server.stopping.wait(0.01):
            request.wfile.write(b"x")

    with pytest.raises(ContextRefused, match=r"did not arrive within 0\.3 s"):
        fetch(server.does("/", answer), Bounds(total_s=0.3))


def test_a_server_that_says_nothing_is_given_up(server: Server) -> None:
    def answer(_: BaseHTTPRequestHandler) -> None:
        server.stopping.wait()

    url = server.does("/", answer)

    with pytest.raises(ContextRefused, match=r"did not arrive within 0\.2 s"):
        fetch(url, Bounds(total_s=0.2))


@pytest.mark.parametrize(
    ("status", "error"), [(404, ContextNotFound), (410, ContextNotFound), (403, ContextRefused), (500, ContextRefused)]
)
def test_a_status_that_is_no_success_is_told(server: Server, status: int, error: type[Exception]) -> None:
    url = server.says("/", b"sorry", status, Content_Type="text/plain")

    with pytest.raises(error, match=str(status)):
        fetch(url)


@pytest.mark.parametrize("said", [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"])
def test_a_broken_answer_is_refused(server: Server, said: bytes) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(said)
        request.close_connection = True

    with pytest.raises(ContextRefused, match="could not be fetched"):
        fetch(server.does("/", answer))


def test_a_port_where_nobody_listens_and_a_name_that_is_none() -> None:
    with pytest.raises(ContextRefused, match="could not be fetched"):
        fetch(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(ContextNotFound, match=r"no server of the name nothing\.invalid"):
        fetch("https://nothing.invalid/")


def test_https_is_never_spoken_without_encryption(server: Server) -> None:
    with pytest.raises(ContextRefused, match="could not be fetched") as caught:
        fetch(server.url.replace("http://", "https://"))

    assert "SSL" in str(caught.value)
    assert not server.asked


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "http://[",
        "http://a b/",
        "ftp://x/",
        "http://x:99999/",
        "http://u:p@x/",
        "\0",
        "http://" + "a" * 300,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises((ContextRefused, ContextNotFound)):
        fetch(url)


def test_without_its_library_html_is_refused_with_what_installs_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.says("/", ARTICLE.encode(), Content_Type="text/html")
    monkeypatch.setitem(sys.modules, "trafilatura", None)

    with pytest.raises(ContextRefused, match=r"pip install 'chatnb\[web\]'"):
        fetch(url)


def source(answers: list[bool], *, is_allowed: bool = False, asked: list[str] | None = None) -> WebSource:
    def confirm(question: str) -> bool:
        if asked is not None:
            asked.append(question)
        return answers.pop(0)

    return WebSource(confirm, is_allowed=is_allowed, is_address_allowed=is_loopback)


def test_a_page_is_read_once_the_user_agreed_and_its_server_is_not_asked_about_again(server: Server) -> None:
    url = server.says("/", b"here", Content_Type="text/plain")
    other = server.says("/other", b"there", Content_Type="text/plain")
    asked: list[str] = []
    web = source([True], asked=asked)

    reading = web.read(Reference("url", url))
    web.read(Reference("url", other))

    assert [(part.label, part.text, part.ref) for part in reading.parts] == [(f"page {url}", "here", f"url:{url}")]  # type: ignore[union-attr]
    assert not reading.notes
    assert asked == [f"Fetch {url} from 127.0.0.1?"]
    assert list(web.names()) == [f"url:{other}", f"url:{url}"]


def test_nothing_is_sent_unless_the_user_agreed(server: Server) -> None:
    url = server.says("/", b"here", Content_Type="text/plain")

    with pytest.raises(ContextRefused, match=r"ChatConfig\.urls"):
        source([False]).read(Reference("url", url))

    assert not server.asked


def test_where_all_pages_are_allowed_nothing_is_asked(server: Server) -> None:
    url = server.says("/", b"here", Content_Type="text/plain")

    reading = source([], is_allowed=True).read(Reference("url", url))

    assert len(reading.parts) == 1


def test_a_page_that_lies_elsewhere_is_told(server: Server) -> None:
    server.says("/b", b"here", Content_Type="text/plain")
    url = server.says("/a", b"", 302, Location="/b")

    reading = source([True]).read(Reference("url", url))

    assert reading.notes == (f"{url} led to {server.url}/b.",)


def test_a_name_alone_means_https() -> None:
    asked: list[str] = []

    with pytest.raises(ContextRefused):
        source([False], asked=asked).read(Reference("url", "example.org/x"))

    assert asked == ["Fetch https://example.org/x from example.org?"]
