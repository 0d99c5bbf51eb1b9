"""A real HTTP server that speaks Ollama's API, or OpenAI's protocol below /v1, and fails as its script says.

    with FaultServer([Answer(Reset(after=3)), Answer()]) as server:
        client = ollama.Client(server.url)

It runs on a loop thread of its own, so any test may use it: a plain one, an async one, one with a kernel.
`process.py` runs it as a process of its own.
"""

import asyncio
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from tests.faults import api, sse
from tests.faults.connection import ClientLeft, Connection, Head
from tests.faults.exchange import Exchange
from tests.faults.script import (
    TEXT,
    Answer,
    Instruction,
    NoReply,
    Refuse,
    Status,
    tokens_of,
)
from tests.faults.speech import OPENAI_CHAT, Speech, pause
from tests.ports import free_port

Partial = Literal["continue", "restart", "overlap"]


class FaultServer:
    """Answers `/api/chat` and `/v1/chat/completions` by a script, and the rest of both APIs plausibly.

    Parameters
    ----------
    script
        One instruction for each chat request, the last one for all further ones; or such a list for each model,
        where a model that is not named gets 404.
    text
        What `Answer` says; a sequence is taken as tokens.
    rate
        Tokens a second; None is as fast as the client reads.
    partial
        What becomes of a request whose last message is the assistant's: `continue` goes on from it, as Ollama does;
        `restart` begins the text again; `overlap` begins some characters before its end.
    overlap
        How many characters that is.
    models
        The names that `/api/tags` lists; those of the script if it has them.
    capabilities
        What `/api/show` says that a model can do; None: it does not say.
    pull_steps, pull_delay_s, pull_error
        The progress of `/api/pull`: how many steps, the time between two lines, and the error that ends it half-way.
    owner
        Who made the server, as `/v1/models` says in `owned_by`.
    port
        0 takes a free one.
    """

    def __init__(
        self,
        script: Sequence[Instruction] | Mapping[str, Sequence[Instruction]] = (Answer(),),
        *,
        text: str | Sequence[str] = TEXT,
        rate: float | None = None,
        partial: Partial = "continue",
        overlap: int = 12,
        models: Sequence[str] = ("tinychat",),
        capabilities: Sequence[str] | None = ("completion", "tools", "thinking"),
        pull_steps: int = 4,
        pull_delay_s: float = 0,
        pull_error: str | None = None,
        owner: str = "vllm",
        port: int = 0,
    ) -> None:
        self._by_model = isinstance(script, Mapping)
        named = script if isinstance(script, Mapping) else {"": script}
        self._scripts = {api.full_name(name) if name else "": list(steps) for name, steps in named.items()}
        if self._by_model and any(isinstance(step, Refuse) for steps in self._scripts.values() for step in steps):
            raise ValueError("A port is refused before the model's name is known: use Refuse in a plain script.")
        self._tokens = tokens_of(text) if isinstance(text, str) else list(text)
        self._rate, self._partial, self._overlap = rate, partial, overlap
        self._models = list(named) if isinstance(script, Mapping) else list(models)
        self._capabilities = capabilities
        self._pull_steps, self._pull_delay_s, self._pull_error = pull_steps, pull_delay_s, pull_error
        self._port, self._owner = port, owner
        self._connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._reopening: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="fault-server", daemon=True)
        self._ready = threading.Event()
        self._finish = asyncio.Event()
        self.exchanges: list[Exchange] = []

    @property
    def url(self) -> str:
        """The address, as `OLLAMA_HOST` takes it."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def text(self) -> str:
        """The whole text that `Answer` says."""
        return "".join(self._tokens)

    @property
    def chats(self) -> list[Exchange]:
        """The chat requests so far, oldest first."""
        return [exchange for exchange in self.exchanges if exchange.path in ("/api/chat", OPENAI_CHAT)]

    @property
    def open_connections(self) -> int:
        """How many clients hold a connection now."""
        return len(self._connections)

    def refuse(self) -> None:
        """Close the port and every connection, as a server that ends."""
        self._call(self._close_port)

    def open(self) -> None:
        """Listen again on the same port."""
        self._call(self._open_port)

    def _call(self, function: Callable[[], Any]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(function(), self._loop).result(10)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("The fault server did not start within 10 s.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish.set)
        self._thread.join(10)
        if self._thread.is_alive():
            raise RuntimeError("The fault server did not end within 10 s.")

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self._port:
            self._port = free_port()
        await self._open_port()
        await self._refuse_if_next()
        self._ready.set()
        await self._finish.wait()
        await self._close_port()
        if self._reopening is not None:
            self._reopening.cancel()
        # Every connection is closed, so their tasks end by themselves.
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=5)

    async def _open_port(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self._port, reuse_address=True)

    async def _close_port(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            connection.reset()

    async def _close_port_for(self, seconds: float) -> None:
        await self._close_port()
        if math.isfinite(seconds):
            self._reopening = asyncio.ensure_future(self._open_port_after(seconds))

    async def _open_port_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._open_port()

    async def _refuse_if_next(self) -> None:
        """Close the port now if the next request is to find it closed."""
        script = self._scripts.get("")
        if script and isinstance(script[0], Refuse):
            seconds = script[0].seconds
            del script[0]
            for connection in self._connections:
                await connection.delivered()
            await self._close_port_for(seconds)

    def _next(self, model: str) -> Instruction:
        script = self._scripts.get(api.full_name(model) if self._by_model else "")
        if script is None:
            return Status(404)
        if not script:
            return Answer()
        return script.pop(0) if len(script) > 1 else script[0]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        self._connections.add(connection)
        try:
            while (head := await connection.request()) is not None:
                exchange = Exchange(head.method, head.path, head.json(), head.headers)
                self.exchanges.append(exchange)
                try:
                    await self._answer(connection, head, exchange)
                except ClientLeft:
                    exchange.client_left()
                    break
                finally:
                    exchange.end()
        except ConnectionError:
            pass
        finally:
            self._connections.discard(connection)
            connection.close()
            await connection.closed()

    async def _answer(self, connection: Connection, head: Head, exchange: Exchange) -> None:
        body = exchange.body
        match head.method, head.path:
            case "POST", "/api/chat" | "/v1/chat/completions" if body.get("messages"):
                await self._chat(connection, exchange)
                await self._refuse_if_next()
            case "POST", "/api/chat":
                await connection.respond(200, api.loaded(body["model"]), "application/json")
            case "GET", "/api/tags":
                await connection.respond_json(200, api.tags(self._models))
            case "GET", "/v1/models":
                await connection.respond_json(200, sse.listed(self._models, self._owner))
            case "GET", "/version":
                await connection.respond_json(200, {"version": "0.9.3"})
            case "GET", "/api/ps":
                await connection.respond_json(200, api.running(self._models))
            case "GET", "/api/version":
                await connection.respond_json(200, {"version": "0.9.3"})
            case "POST", "/api/show":
                if api.full_name(body["model"]) in map(api.full_name, self._models):
                    await connection.respond_json(200, api.shown(self._capabilities))
                else:
                    await connection.respond_json(404, {"error": f"model '{body['model']}' not found"})
            case "POST", "/api/pull":
                await self._pull(connection, exchange)
            case "GET", "/exchanges":  # not Ollama's: for benchmarks with this server in another process
                seen = [each.as_json() for each in self.exchanges if each is not exchange]
                await connection.respond_json(200, {"exchanges": seen, "open_connections": self.open_connections})
            case "GET", "/":
                await connection.respond(200, b"Ollama is running", "text/plain; charset=utf-8")
            case "HEAD", "/":
                await connection.respond(200, b"", "text/plain; charset=utf-8")
            case _:
                await connection.respond(404, b"404 page not found", "text/plain")

    async def _chat(self, connection: Connection, exchange: Exchange) -> None:
        exchange.instruction = instruction = self._next(exchange.body["model"])
        match instruction:
            case Status():
                model = exchange.body["model"]
                code, is_openai = instruction.code, exchange.path == OPENAI_CHAT
                error = instruction.error or (sse.refused if is_openai else api.refusal)(code, model)
                headers = connection.retry_after(instruction.retry_after, as_date=instruction.as_date)
                body = sse.failure(error, code) if is_openai else {"error": error}
                await connection.respond_json(code, body, headers)
            case NoReply():
                connection.close()
            case Answer():
                tokens = self._tokens_for(instruction, exchange.messages)
                speech = Speech(connection, exchange, instruction, tokens, instruction.rate or self._rate)
                restart_s = await connection.while_client_stays(speech.speak())
                if restart_s is not None:
                    await self._close_port_for(restart_s)
            case Refuse():
                raise AssertionError("A request came through a closed port.")

    def _tokens_for(self, answer: Answer, messages: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        if answer.text is not None:
            return tokens_of(answer.text) if isinstance(answer.text, str) else answer.text
        partial = messages[-1].get("content") or "" if messages[-1]["role"] == "assistant" else ""
        if not partial or self._partial == "restart" or not self.text.startswith(partial):
            return self._tokens
        start = len(partial) - (self._overlap if self._partial == "overlap" else 0)
        return _tokens_from(self._tokens, max(0, start))

    async def _pull(self, connection: Connection, exchange: Exchange) -> None:
        lines = list(api.pulled(self._pull_steps))
        if self._pull_error is not None:
            lines = [*lines[: len(lines) // 2], api.line({"error": self._pull_error})]
        if exchange.body.get("stream") is False:
            await connection.respond(200, lines[-1], "application/json")
            return

        async def progress() -> None:
            await connection.begin(api.CONTENT_TYPE)
            for each in lines:
                await connection.send(each)
                await pause(self._pull_delay_s)
            await connection.end()

        await connection.while_client_stays(progress())


def _tokens_from(tokens: Sequence[str], start: int) -> list[str]:
    """Return the tokens after `start` characters, the first one perhaps cut."""
    rest: list[str] = []
    for token in tokens:
        if start < len(token):
            rest.append(token[max(0, start) :])
        start -= len(token)
    return rest
