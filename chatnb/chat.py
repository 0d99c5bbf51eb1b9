"""A chat: a session, the models that answer in it, and the store that keeps it.

The same engine for every surface, and for Python::

    from chatnb import Chat

    chat = Chat("qwen3:8b")
    print(chat.ask_now("What is a monad?").text)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from . import prompt
from .config import ChatConfig
from .engine import Tools, answer
from .errors import SessionError, SettingsError
from .events import Asked, Event
from .messages import Json, Message, Part, Session, Text, new_id, now
from .models.base import Model, ModelInfo, Request
from .models.catalog import Catalog
from .portal import Portal
from .reply import Reply
from .sessions import Sessions
from .settings import Settings
from .stores.base import Store
from .stores.tinydb import TinyStore
from .turn import Turn

HEAD_START_S = 0.002
"""Seconds from when a request is made until its question is saved."""

CHECKPOINT_S = 3.0
"""Seconds between two savings of an answer that is still coming."""

RESULTS_TOKENS = 8_192
"""Room in the window for what tools give back: about three results of the greatest length."""


class Chat:
    """Ask, and remember.

    Parameters
    ----------
    model
        A model's name, several with commas between them, or a Model of your own; empty: the settings' one.
    session
        Id or title of a session to go on in; a new one with that title where there is none.
    settings
        Everything else that shapes an answer; by default what `%config`, files and the environment say (config.py).
    store
        Where sessions are kept; by default in one file each, under the user's data folder.
    tools
        What the model may call.
    place
        What a new session belongs to, such as the notebook's path.

    Examples
    --------
    >>> from chatnb.models.scripted import ScriptedModel
    >>> from chatnb.stores.memory import MemoryStore
    >>> chat = Chat(ScriptedModel(["Hello ", "there"]), store=MemoryStore())
    >>> chat.ask_now("Hi").text
    'Hello there'
    >>> chat.close()
    """

    def __init__(
        self,
        model: str | Model = "",
        *,
        session: str = "",
        settings: Settings | None = None,
        store: Store | None = None,
        tools: Tools | None = None,
        catalog: Catalog | None = None,
        portal: Portal | None = None,
        place: str = "",
    ) -> None:
        self.settings = settings or ChatConfig.instance().settings()
        if isinstance(model, str) and model:
            self.settings = replace(self.settings, model=model)
        self.catalog = catalog or Catalog()
        self.portal = portal or Portal()
        self.tools = tools
        self.sessions = Sessions(store or TinyStore(sessions_folder(self.settings)), place, self.settings.user_id)
        self.last: Turn | None = None
        self._model = None if isinstance(model, str) else model
        self._turns: list[Turn] = []  # that are not over, oldest first
        self._windows: dict[str, int] = {}  # num_ctx that each model was asked with last
        if session:
            self.sessions.enter(session)

    def ask(
        self,
        text: str,
        *parts: Part,
        settings: Settings | None = None,
        session: Session | None = None,
        schema: Mapping[str, Json] | None = None,
        tools: Tools | None = None,
        without: str = "",
    ) -> Turn:
        """Ask `text`, exactly as it is, and return the turn; to be called on a running event loop.

        A session has one turn at a time: a question that comes while another one is being answered waits for it.

        Parameters
        ----------
        parts
            What the question carries along: context, pictures.
        settings
            For this question instead of the chat's own.
        session
            Instead of the current one.
        schema
            A JSON schema that the answer has to fit.
        tools
            Instead of the chat's own.
        without
            Id of an earlier turn that the model is not to read: when its question is asked again.
        """
        settings = settings or self.settings
        session = session or self.sessions.current
        asked_at = now()
        question = Message(
            id=new_id(asked_at),
            session_id=session.id,
            role="user",
            parts=(*parts, Text(text)),
            created_at=asked_at,
            user_id=settings.user_id,
        )
        question = replace(question, turn_id=question.id)
        ask = _Ask(question, session, settings, schema, tools or self.tools, without)
        over = asyncio.Event()

        async def keep(messages: Sequence[Message]) -> None:
            over.set()
            await asyncio.wait([saver])  # a checkpoint that came after the end would look like a crash
            # The question, too: it may have been stopped before it was saved, or the disk was full then.
            await asyncio.to_thread(self.sessions.keep, session, question, *messages, save=settings.save)

        self._turns = [turn for turn in self._turns if not turn.is_finished]
        earlier = [turn for turn in self._turns if turn.question.session_id == session.id]
        turn = Turn(question, self._tell(ask, earlier), keep)
        saver = turn.loop.create_task(self._checkpoint(turn, ask, over))
        self._turns.append(turn)
        self.last = turn
        return turn

    def ask_now(self, text: str, *parts: Part, schema: Mapping[str, Json] | None = None) -> Reply:
        """Ask and wait for the whole reply; for scripts, and for cells that want the answer as a value.

        Raises
        ------
        ChatError
            Whatever went wrong.
        KeyboardInterrupt
            If it was interrupted; what was said by then is kept.
        """

        async def wait() -> Reply:
            return await self.ask(text, *parts, schema=schema)

        return self.portal.call(wait())

    def close(self) -> None:
        """Stop what still runs, keep what was said, and release connections, threads and files."""
        try:
            self.portal.call(self._end())
        finally:
            self.portal.close()
            self.sessions.store.close()

    async def _end(self) -> None:
        turns = [turn for turn in self._turns if not turn.is_finished]
        for turn in turns:
            turn.cancel()
        for turn in turns:
            if turn.loop is asyncio.get_running_loop():  # another loop may be the very one that waits for us
                await turn.wait()
        await self.catalog.aclose()

    async def _tell(self, ask: _Ask, earlier: Sequence[Turn]) -> AsyncGenerator[Event]:
        """Yield what happens from the question to the end of the answer."""
        for turn in earlier:
            await turn.wait()
        settings = ask.settings
        history = await asyncio.to_thread(self.sessions.history, ask.session)
        saving = asyncio.create_task(self._keep_question(ask))
        try:
            model = self._model or await self.catalog.model(settings)
            info = await self.catalog.info(model.name, settings) if self._model is None else None
            tools, withheld = _callable_by(info, ask.tools)
            composed = self._compose(ask, model, info, tools, history)
            options = {**settings.options, "num_ctx": composed.num_ctx}
            request = Request(
                messages=composed.messages,
                options=options,
                think=settings.think,
                schema=ask.schema,
                keep_alive=settings.keep_alive,
            )
            yield Asked(ask.question, model.name, options, composed.num_ctx, composed.left_out, withheld)
            async with aclosing(answer(model, request, tools, settings.tool_rounds)) as events:
                async for event in events:
                    if not saving.done():
                        await saving
                    yield event
        finally:
            await asyncio.shield(saving)

    async def _keep_question(self, ask: _Ask) -> None:
        """Save the question: before the first token is told, but not before the model begins to read."""
        # Two threads of Python hold each other up, and the request goes first.
        await asyncio.sleep(HEAD_START_S)
        with suppress(SessionError):  # the end of the turn saves again, and says so if it still cannot
            await asyncio.to_thread(self.sessions.keep, ask.session, ask.question, save=ask.settings.save)

    def _compose(
        self, ask: _Ask, model: Model, info: ModelInfo | None, tools: Tools | None, history: Sequence[Message]
    ) -> prompt.Prompt:
        settings = ask.settings
        most = settings.max_context
        composed = prompt.compose(
            ask.question,
            [message for message in history if not ask.without or message.turn_id != ask.without],
            system=settings.system or ask.session.system,
            limit=settings.history,
            answer_tokens=max(_whole(settings, "num_predict") or 0, 0) or prompt.ANSWER_TOKENS,
            spare_tokens=_room_for(tools),
            num_ctx=_whole(settings, "num_ctx"),
            # Another window would make the server load the model anew.
            at_least=self._windows.get(model.name, 0),
            at_most=min(most, (info and info.context_length) or most),
        )
        self._windows[model.name] = composed.num_ctx
        return composed

    async def _checkpoint(self, turn: Turn, ask: _Ask, over: asyncio.Event) -> None:
        """Save the unfinished answer every few seconds, until `over`."""
        saved = 0
        while not over.is_set():
            try:
                async with asyncio.timeout(CHECKPOINT_S):
                    await over.wait()
            except TimeoutError:
                messages = turn.reply.messages()
                if ask.settings.save and messages and len(turn.log) > saved:
                    saved = len(turn.log)
                    with suppress(SessionError):  # as above
                        await asyncio.to_thread(self.sessions.store.checkpoint, ask.session.id, *messages)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One question with all that shapes its answer."""

    question: Message
    session: Session
    settings: Settings
    schema: Mapping[str, Json] | None
    tools: Tools | None
    without: str


def _callable_by(info: ModelInfo | None, tools: Tools | None) -> tuple[Tools | None, tuple[str, ...]]:
    """Return the tools that a model is told of, and the names of those that it is not."""
    if tools is None or info is None or not info.capabilities or "tools" in info.capabilities:
        return tools, ()
    return None, tuple(spec.name for spec in tools.specs)


def _room_for(tools: Tools | None) -> int:
    """Return how many tokens tools take, by estimate, with what they give back."""
    if tools is None or not tools.specs:
        return 0
    return RESULTS_TOKENS + sum(len(str(spec)) // 3 for spec in tools.specs)


def _whole(settings: Settings, name: str) -> int | None:
    """Return an option that has to be a whole number, where it is given."""
    value = settings.options.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise SettingsError(f"The option {name} is {value!r}, but it has to be a whole number.")


def sessions_folder(settings: Settings) -> Path:
    """Return the folder of the session files."""
    home = Path(settings.home).expanduser() if settings.home else platformdirs.user_data_path("chatnb", appauthor=False)
    return home / "sessions"
