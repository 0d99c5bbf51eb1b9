"""The chat panel: a widget in a cell's output, beside the work.

It is a carrier and nothing else: custom messages of its comm take commands to remote/ and bring what feed/ tells. No
trait holds what was said: a trait is sent whole at each change, and after a reload a view asks for a snapshot.

When a click reaches Python while a cell runs depends on the kernel. ipykernel 6 has one thread for messages and cells, so
it does when the cell has ended. From 7.1 on JupyterLab sends what widgets send to a subshell, so it does at once, on a
thread of that subshell; 7.4 would send it to where the comm was last used, which is undone here (`unpinned`). The first
message after a page is loaded always waits for the cell. What streams to the page never waits: it comes from the loop
thread. So a handler may run on any thread, and only hands over to the loop.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from IPython.core.getipython import get_ipython

from .desk import Desk
from .errors import SettingsError
from .feed.session import Feed
from .idle import IdleThread, quietly
from .messages import Json
from .remote import COMMANDS, Remote
from .scripts import FOLDER, module
from .tools.outcome import Outcome
from .transcript import transcript
from .wire import VERSION

try:
    import anywidget
except ImportError as error:
    msg = "The panel is a widget: pip install 'chatnb[panel]'; then restart the kernel and load the page again."
    raise ImportError(msg) from error

T = TypeVar("T")

WAITS_S = 0.3
"""What has to wait longer for the kernel's thread says so."""

KEPT_CHARACTERS = 200_000
"""Of the conversation's JSON in a saved notebook, from which an import brings it back: the newest turns."""


@dataclass(frozen=True, slots=True)
class _Transcript:
    """The conversation as the second output shows it, and what that keeps of it."""

    markdown: str
    kept: Mapping[str, Json]


class ChatPanel(anywidget.AnyWidget):
    """A conversation in the output of a cell; `%chat panel` shows one.

    All panels of a kernel, and its magics, are in the same chat.

    Parameters
    ----------
    desk
        What the kernel's magics work with; found unless given.
    """

    _esm = module()
    _css = FOLDER / "panel.css"

    def __init__(self, desk: Desk | None = None) -> None:
        self._desk = desk or _desk_here()
        self._is_alone = not self._desk.is_attended  # nobody sees a widget, or clicks
        super().__init__()
        self._counter = _counter_of(self._desk)
        self._publisher = self._desk.shell.display_pub  # `%%capture` puts another in its place for a while
        self._display_id = secrets.token_hex(8)
        self._published: _Transcript | None = None
        self._close: Callable[[], None] = lambda: None
        if not self._is_alone:
            self.on_msg(self._hear)
            self._close = self._counter.listen(self._tell)

    def __repr__(self) -> str:
        """Return the same for every panel: what tests of notebooks compare does not change."""
        return "ChatPanel()"

    def open(self) -> None:
        """Connect to the front end, where there is one."""
        if not self._is_alone:
            super().open()
            unpinned(self.comm)

    def close(self) -> None:
        """Disconnect; the conversation goes on without this panel."""
        self._close()
        super().close()

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to all views; from any thread."""
        super().send(content, buffers)
        if self.comm is not None:
            # ipykernel 7.4 remembers from where each message with an id was sent, for an answer that never comes.
            getattr(self.comm, "_reply_subshell_ids", {}).clear()

    def _ipython_display_(self) -> None:
        if not self._is_alone:
            bundle = self._repr_mimebundle_()
            self._publisher.publish(*(bundle if isinstance(bundle, tuple) else (bundle,)))
        # Shown again, it is a new output: an update reaches both.
        self._publish_transcript(self._counter.transcript(), is_new=True)

    def _hear(self, _: object, content: Any, __: object) -> None:
        """Hand a message of a view over to the loop; on whichever thread it comes."""
        try:
            self._counter.submit(content, self._tell)
        except Exception as error:  # noqa: BLE001 - it would vanish
            view, command_id = (content.get(key) for key in ("view", "id")) if isinstance(content, dict) else ("", "")
            text = f"The kernel could not take this: {error}. Run the cell again."
            self._tell({"v": VERSION, "kind": "failed", "view": view, "id": command_id, "error": text})

    def _tell(self, message: dict[str, Json]) -> None:
        """Send a message of the wire; on the loop's thread, most of the time."""
        if self.comm is None:
            return
        try:
            self.send(message)
        except Exception:  # noqa: BLE001 - the loop must go on, and a view sees a gap
            with suppress(Exception):
                self.send(_encodable(message))
        if self._published and _is_news(message):
            self._counter.publish_soon(self._publish_transcript)

    def _publish_transcript(self, said: _Transcript, *, is_new: bool = False) -> None:
        if said == self._published and not is_new:
            return
        self._published = said
        data = {"text/markdown": said.markdown, "text/plain": repr(self)}
        transient = {"display_id": self._display_id}
        self._publisher.publish(data, dict(said.kept), transient=transient, update=not is_new)


def unpinned(comm: Any) -> None:
    """Let what a front end sends over a comm go to the subshell that it names.

    ipykernel 7.4 sends it to the shell that last published on the comm, and so to the main one, where it waits for the
    running cell (https://github.com/ipython/ipykernel, `BaseComm._reply_subshell_for`).
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _, default: default  # noqa: SLF001 - there is no other way in


class _Counter:
    """What all panels of one kernel share: the feed, the remote, and the way to the kernel's thread."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._portal = desk, desk.chat.portal
        self._is_closed = False
        self._idle = IdleThread(desk.shell, asyncio.get_running_loop())
        self._portal.tend(self._idle.call_soon)
        self._feed, self._remote = self._portal.call(self._begin())
        desk.config.observe(self._look)

    async def _begin(self) -> tuple[Feed, Remote]:
        feed = Feed(self._desk.chat, list(COMMANDS), lambda: (self._desk.settings().models or ("",))[0])
        return feed, Remote(feed, self._desk, self._on_kernel)

    def close(self) -> None:
        """End the feed, and leave the kernel's thread alone."""

        async def end() -> None:
            self._feed.close()

        self._is_closed = True
        self._desk.config.unobserve(self._look)
        self._portal.tend(None)
        self._idle.close()
        self._portal.call(end())

    def submit(self, content: Any, tell: Callable[[dict[str, Json]], object]) -> None:
        """Do what a view says, and tell it the answer."""

        async def answer() -> None:
            if (message := await self._remote.handle(content)) is not None:
                tell(message)

        if self._is_closed:  # the portal would begin anew
            raise SettingsError("chatnb was unloaded since")
        if not isinstance(content, Mapping):
            raise SettingsError("it is no command")
        self._portal.submit(answer())

    def listen(self, tell: Callable[[dict[str, Json]], object]) -> Callable[[], None]:
        """Tell a panel all that happens, until what is returned is called."""
        return self._feed.listen(tell)

    def transcript(self) -> _Transcript:
        """Return the conversation as it may be published."""
        sessions = self._desk.chat.sessions
        markdown = transcript(sessions.history(sessions.current), sessions.current.title)
        return _Transcript(markdown, self._desk.kept(newest=KEPT_CHARACTERS))

    def publish_soon(self, publish: Callable[[_Transcript], object]) -> None:
        """Publish the conversation as it is now; on the loop.

        A front end draws all of it anew, on the page's main thread: not while an answer is being written, whose end comes.
        """

        async def render() -> None:
            publish(await asyncio.to_thread(self.transcript))

        if not self._feed.is_answering:
            self._feed.spawn(render())

    async def _on_kernel(self, function: Callable[[], T], say: Callable[[str], object]) -> T:
        begun = asyncio.Event()
        beginning = asyncio.ensure_future(begun.wait())
        job = asyncio.ensure_future(
            self._portal.on_idle_kernel(partial(_with_printed, function, self._desk.shell), begun.set)
        )
        try:
            done, _ = await asyncio.wait([job, beginning], timeout=WAITS_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                say("waits until the running cell has ended")
                await asyncio.wait([job, beginning], return_when=asyncio.FIRST_COMPLETED)
                say("")
            return await job
        except asyncio.CancelledError:
            if begun.is_set():  # who stops the turn stops its tool, too
                self._idle.interrupt()
            raise
        finally:
            beginning.cancel()
            job.cancel()

    def _look(self, _: object) -> None:
        self._feed.look_soon()


_counters: dict[Desk, _Counter] = {}


def _counter_of(desk: Desk) -> _Counter:
    if desk not in _counters:
        _counters[desk] = _Counter(desk)
        desk.closing.append(lambda: _counters.pop(desk).close())
    return _counters[desk]


def _desk_here() -> Desk:
    """Return what the magics of this kernel work with; they are loaded if need be."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        raise SettingsError("A panel needs a notebook. In a terminal ask with %ask, or run `chatnb`.")
    if (extensions := shell.extension_manager) is not None:
        extensions.load_extension("chatnb")  # unlike the magic it does not say so where it is loaded
    desk: Desk = shell.magics_manager.registry["ChatMagics"].desk
    return desk


def _with_printed(function: Callable[[], T], shell: Any) -> T:
    """Call a function of the kernel's thread; what a tool printed besides belongs to its result."""
    result, printed = quietly(function, shell)
    if isinstance(result, Outcome) and printed and printed not in result.text:
        return replace(result, text=f"{result.text}\n[it printed]\n{printed}")
    return result


def _is_news(message: Mapping[str, Json]) -> bool:
    """Whether the conversation that is over, or what is kept of its session, is another one after a message."""
    is_another = message["kind"] == "snapshot" and message["view"] is None
    return is_another or any(change["is"] in ("finished", "session") for change in message.get("changes", ()))


def _encodable(value: Any) -> Any:
    """Return JSON without halves of characters, which no message can hold."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case Mapping():
            return {_encodable(key): _encodable(item) for key, item in value.items()}
        case list() | tuple():
            return [_encodable(item) for item in value]
    return value
