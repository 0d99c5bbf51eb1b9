"""Run a real Jupyter Server in which chatnb is enabled as an installation enables it, and connect with it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastjsonschema
import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

import chatnb.server
from tests import processes
from tests.ports import free_port
from tests.seen import Json, Seen

ROOT = Path(__file__).parents[2]
ENABLED = Path(chatnb.server.__file__).with_name("chatnb.json")
PROTOCOL: Json = json.loads(ENABLED.with_name("protocol.json").read_text())

PEOPLE = """
c.ServerApp.identity_provider_class = "tests.server.people.People"
c.ServerApp.authorizer_class = "tests.server.people.Rights"
# milliseconds; a test that is busy with one client does not read what comes for the others
c.ServerApp.tornado_settings = {"ws_ping_interval": 500, "ws_ping_timeout": 600_000}
"""


def checking(definition: str) -> Callable[[Json], Json]:
    """Return what raises for a message that the protocol's definition does not allow, or that has a field it does not know."""
    definitions = {name: _strict(schema) for name, schema in PROTOCOL["definitions"].items()}
    check: Callable[[Json], Json] = fastjsonschema.compile(
        {"$ref": f"#/definitions/{definition}", "definitions": definitions}, use_formats=False
    )
    return check


def _strict(schema: Any) -> Any:
    match schema:
        case dict():
            strict = {name: _strict(value) for name, value in schema.items()}
            return {"additionalProperties": False, **strict} if isinstance(schema.get("properties"), dict) else strict
        case list():
            return [_strict(item) for item in schema]
    return schema


from_server, from_client = checking("FromServer"), checking("FromClient")


class JupyterServer:
    """A Jupyter Server on a free port of the loopback address.

    Parameters
    ----------
    home
        A folder for its settings, its log, and chatnb's data.
    config
        Its configuration, in Python.
    """

    def __init__(self, home: Path, config: str = PEOPLE, env: Mapping[str, str] | None = None) -> None:
        self.home, self._config, self._env = home, config, env or {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def sessions(self) -> Path:
        """Where the sessions are."""
        return self.home / "data" / "sessions"

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self.home / "server.log").read_text(errors="replace")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        enabled = self.home / "path" / "jupyter_server_config.d"
        config = self.home / "config"
        for folder in (enabled, config, self.home / "root"):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ENABLED, enabled)
        (config / "jupyter_server_config.py").write_text(self._config)
        folders = {
            "JUPYTER_CONFIG_DIR": config,
            "JUPYTER_CONFIG_PATH": self.home / "path",
            "JUPYTER_DATA_DIR": self.home / "jupyter",
            "JUPYTER_RUNTIME_DIR": self.home / "runtime",
            "CHATNB_HOME": self.home / "data",
            "PYTHONPATH": ROOT,
        }
        command = [
            sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.home / 'root'}",
        ]  # fmt: skip
        env = processes.environment(**{name: str(path) for name, path in folders.items()}, **self._env)
        self.process = processes.start(command, env=env, log=self.home / "server.log", cwd=self.home / "root")
        end_at = time.monotonic() + 60
        while time.monotonic() < end_at and self.process.poll() is None:
            try:
                httpx.get(f"{self.url}/api", trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        processes.kill(self.process)
        raise RuntimeError(f"Jupyter Server did not start:\n{self.log[-3000:]}")

    def stop(self) -> None:
        """Stop it as a user does."""
        if self.process is not None:
            processes.stop(self.process)
            self.process = None

    def get(self, path: str, user: str = "ada") -> httpx.Response:
        """Return what a path is answered; nobody has no token."""
        return httpx.get(self.url + path, headers=token_of(user) if user else {}, trust_env=False, timeout=30)

    def address(self, session: str, **query: str) -> str:
        """Return the address of a session's WebSocket."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return f"ws://127.0.0.1:{self.port}/chatnb/ws/{session}?{words}"


@contextmanager
def jupyter_server(home: Path, config: str = PEOPLE, **env: str) -> Iterator[JupyterServer]:
    """Run a Jupyter Server."""
    server = JupyterServer(home, config, env)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass
class Client:
    """A client of a session's WebSocket.

    Attributes
    ----------
    messages
        All that came, oldest first.
    seen
        The state that this leads to.
    """

    socket: WebSocketClientConnection
    messages: list[Json] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    feed: str = ""
    count: int = 0
    is_closed: bool = False

    async def read(self) -> Json | None:
        """Return the next message, or None at the end."""
        text = await self.socket.read_message()
        if text is None:
            self.is_closed = True
            return None
        message: Json = from_server(json.loads(text))
        self.messages.append(message)
        if message["kind"] in ("snapshot", "delta"):
            self.seen.take(message)
            self.feed = message.get("feed", self.feed)
        return message

    async def send(self, do: str, **fields: Any) -> str:
        """Give a command and return its id."""
        self.count += 1
        command = {"v": 1, "do": do, "id": f"c{self.count}", **fields}
        await self.socket.write_message(json.dumps(from_client(command)))
        return f"c{self.count}"

    async def call(self, do: str, **fields: Any) -> Json:
        """Give a command and return its answer."""
        number = await self.send(do, **fields)
        return await self.until(lambda message: message.get("id") == number)

    async def hello(self) -> None:
        """Ask for a snapshot, and read it."""
        await self.send("hello")
        await self.until(lambda message: message["kind"] == "snapshot")

    async def until(self, is_so: Callable[[Json], bool]) -> Json:
        """Read until a message is so, and return it."""
        async with asyncio.timeout(60):
            while (message := await self.read()) is not None:
                if is_so(message):
                    return message
        raise ConnectionError(f"Closed: {self.socket.close_code} {self.socket.close_reason}")

    async def finished(self) -> Json:
        """Read until a turn is over, and return what was told of it then."""
        message = await self.until(lambda message: bool(changes(message, "finished")))
        return changes(message, "finished")[0]

    @property
    def state(self) -> Json:
        assert self.seen.state is not None
        assert not self.seen.has_gap
        return self.seen.state

    @property
    def since(self) -> str:
        """What to go on from."""
        return f"{self.feed}.{self.seen.rev}"


def token_of(user: str) -> dict[str, str]:
    """Return the header by which a server knows a user."""
    return {"Authorization": f"token {user}-token"}


def changes(message: Json, kind: str) -> list[Json]:
    """Return the changes of a kind that a message tells."""
    return [change for change in message.get("changes", ()) if change["is"] == kind]


@asynccontextmanager
async def connected(
    server: JupyterServer, session: str = "new", user: str = "ada", **query: str
) -> AsyncIterator[Client]:
    """Connect, by default to a new session; ends the connection."""
    request = HTTPRequest(server.address(session, **query), headers=token_of(user))
    client = Client(await websocket_connect(request, max_message_size=64 * 1024 * 1024))
    try:
        yield client
    finally:
        client.socket.close()
        while not client.is_closed:
            client.is_closed = await client.socket.read_message() is None
