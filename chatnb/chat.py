"""A chat: a session, the models that answer in it, and the store that keeps it.

The same engine for every surface, and for Python::

    from chatnb import Chat

    chat = Chat("qwen3:8b")
    print(chat.ask_now("What is a monad?").text)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

from . import recordings
from .attempt import attempt
from .cached import answered_before, digest_of, retold
from .calibrations import Calibrations
from .compaction import summary_of
from .config import ChatConfig
from .context.base import Reading
from .context.gather import Gatherer
from .engine import Tools
from .errors import ModelError, SessionNotFound, SettingsError
from .events import Asked, Event, Waiting
from .folders import data_folder, sessions_folder
from .history import summary_in
from .messages import Context, Image, Json, Message, Session, Text, ToolCall, new_id, now
from .models.base import Model
from .models.catalog import Catalog
from .planner import Ask, Plan, Planner
from .portal import Portal
from .reply import Reply
from .saving import HEAD_START_S, Saving
from .sessions import Sessions
from .settings import Settings
from .sources import outside
from .stopping import RUN, StopServer
from .stores.base import Store
from .stores.tinydb import TinyStore
from .tools.mcp.tools import McpTools
from .turn import Turn

_TOLD = 80  # characters of a question, where another process stops its answer


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

    Attributes
    ----------
    mcp
        The connections with MCP servers that its questions need; lives on the portal's loop, and ends with the chat.
    watchers
        Called with each turn that begins, on the loop on which it does.

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
        if self.settings.replay:
            recordings.use(self.catalog, self.settings)
        self.portal = portal or Portal()
        self.tools = tools
        self.mcp = McpTools()
        self.sessions = Sessions(store or TinyStore(sessions_folder(self.settings)), place, self.settings.user_id)
        self.last: Turn | None = None
        self.last_plan: Plan | None = None
        self.watchers: list[Callable[[Turn], object]] = []
        self._turns: list[Turn] = []  # that were not over when the last one began, oldest first
        self._listening: concurrent.futures.Future[None] | None = None  # to other processes
        # Whoever keeps sessions elsewhere has not said where else.
        home = None if store else data_folder(self.settings)
        counts = home and home / "calibration.json"
        self._stop_server = home and StopServer(home / RUN, self._stop_turns)
        self._planner = Planner(self.catalog, None if isinstance(model, str) else model, place, Calibrations(counts))
        if session:
            self.sessions.enter(session)

    def ask(
        self,
        text: str,
        *parts: Context | Image,
        context: Sequence[str] = (),
        settings: Settings | None = None,
        session: Session | None = None,
        schema: Mapping[str, Json] | None = None,
        tools: Tools | None = None,
    ) -> Turn:
        """Ask `text`, exactly as it is, and return the turn; to be called on a running event loop.

        A session has one turn at a time: a question that comes while another one is being answered waits for it.

        Parameters
        ----------
        parts
            What the question carries along: context, pictures.
        context
            References to more of it, such as "file:data.csv", "dir:docs" or "past", which are read now, as is what is
            pinned to the session. A text is never searched for mentions here: it may come from others.
        settings
            For this question instead of the chat's own.
        session
            Instead of the current one.
        schema
            A JSON schema that the answer has to fit.
        tools
            Instead of the chat's own.

        Raises
        ------
        ContextError
            If something in `context` is not there or may not be read.
        """
        session = session or self.sessions.current
        reading = self._read(context, session) + Reading(parts)
        return self.begin(self.prepare(text, reading, settings=settings, session=session, schema=schema, tools=tools))

    def prepare(
        self,
        text: str,
        reading: Reading = Reading(),  # noqa: B008 - frozen
        *,
        settings: Settings | None = None,
        session: Session | None = None,
        schema: Mapping[str, Json] | None = None,
        tools: Tools | None = None,
        chosen: Mapping[str, Json] | None = None,
        instead_of: str = "",
        fit: int = 0,
        is_cached: bool = False,
        calls: Sequence[ToolCall] = (),
    ) -> Ask:
        """Return a question that `begin` asks and `plan` looks at; most parameters are those of `ask` and of `Ask`.

        Parameters
        ----------
        reading
            All that the question carries along, and what has to be told of it.
        chosen
            The options that were given with it: `Message.chosen`.
        instead_of
            The turn in whose place it is asked: the model reads what was said before that one, which stays as a branch.
        is_cached
            Whether an earlier answer to the very same question in this session will do.
        """
        settings = settings or self.settings
        session = session or self.sessions.current
        tools = tools or self.tools
        asked_at = now()
        names = [spec.name for spec in tools.specs] if tools else []
        parts = (*reading.parts, Text(text))
        question = Message(
            id=new_id(asked_at),
            session_id=session.id,
            role="user",
            parts=parts,
            created_at=asked_at,
            user_id=settings.user_id,
            after=self.sessions.follows(session, instead_of=instead_of),
            digest=digest_of(parts, settings, schema, names, session.system) if is_cached else "",
            chosen=chosen or {},
        )
        return Ask(
            question=replace(question, turn_id=question.id),
            session=session,
            settings=settings,
            schema=schema,
            tools=tools,
            fit=fit,
            notes=(*reading.notes, *(tools.notes if tools else ())),
            calls=tuple(calls),
        )

    def begin(self, ask: Ask) -> Turn:
        """Ask what was prepared and return the turn; to be called on a running event loop."""
        self._turns = list(self.turns)
        earlier = [turn for turn in self._turns if turn.question.session_id == ask.session.id]
        saving = Saving(ask, self.sessions)
        turn = Turn(ask.question, self._tell(ask, earlier, saving), saving.end)
        saving.follow(turn)
        self._turns.append(turn)
        if self._stop_server and ask.settings.save and self._listening is None:
            self._listening = self.portal.submit(self._listen(self._stop_server))
        self.last = turn
        for watcher in tuple(self.watchers):
            watcher(turn)
        return turn

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns that are not over, oldest first."""
        return tuple(turn for turn in self._turns if not turn.is_finished)

    async def compact(self, session: Session, settings: Settings) -> Message:
        """Let the model summarise all that was said in a session; from then on it reads the summary instead.

        If nothing was said since the newest summary, that one is returned and the model is not asked.

        Raises
        ------
        ModelError
            Whatever the model failed with; nothing is changed then.
        SettingsError
            If nothing was said yet.
        """
        history = await asyncio.to_thread(self.sessions.history, session)
        if not history:
            raise SettingsError("Nothing was said in this session yet, so there is nothing to summarise.")
        if summary_in(history[-1]):
            return history[-1]
        plan = await self._planner.plan(self.prepare("", settings=settings, session=session), history)
        return await self._summarise(plan, history, plan.ask.question.after)

    async def _summarise(self, plan: Plan, messages: Sequence[Message], after: str | None = None) -> Message:
        summary = await summary_of(
            plan.model,
            messages,
            hidden=plan.ask.session.hidden,
            options=plan.request.options,
            num_ctx=plan.prompt.num_ctx,
            calibration=plan.calibration,
            keep_alive=plan.request.keep_alive,
        )
        summary = replace(summary, after=after)
        await asyncio.to_thread(self.sessions.keep, plan.ask.session, summary, save=plan.ask.settings.save)
        return summary

    def tell(self, ask: Ask) -> AsyncGenerator[Event]:
        """Yield what the models make of a question by itself, without its end: nothing is read before, nothing kept.

        Raises
        ------
        ModelError
            If none could answer.
        """
        return attempt(self._planner, ask)

    async def plan(self, ask: Ask) -> Plan:
        """Return what `begin` would send now, without sending it."""
        return await self._planner.plan(ask, await asyncio.to_thread(self._history, ask))

    def ask_now(
        self, text: str, *parts: Context | Image, context: Sequence[str] = (), schema: Mapping[str, Json] | None = None
    ) -> Reply:
        """Ask and wait for the whole reply; for scripts, and for cells that want the answer as a value.

        Raises
        ------
        ChatError
            Whatever went wrong.
        KeyboardInterrupt
            If it was interrupted; what was said by then is kept.
        """

        async def wait() -> Reply:
            return await self.begin(ask)

        ask = self.prepare(text, self._read(context, self.sessions.current) + Reading(parts), schema=schema)
        return self.portal.call(wait())

    def close(self) -> None:
        """Stop what still runs, keep what was said, and release connections, threads and files."""
        try:
            self.portal.call(self._end())
        finally:
            self.portal.close()
            self.sessions.store.close()

    def _read(self, context: Sequence[str], session: Session) -> Reading:
        """Return what is named, and what is pinned to a session, as far as it can be read without a kernel."""
        if not (context or session.pins):
            return Reading()
        sources = outside(Path.cwd(), self.sessions, urls=ChatConfig.instance().urls)
        return Gatherer(sources).gather(context, pins=session.pins)

    def _answered_before(self, ask: Ask) -> tuple[Message, ...]:
        if not ask.question.digest:
            return ()
        with suppress(SessionNotFound):  # it has not begun
            return answered_before(self.sessions.whole(ask.session.id).messages, ask.question)
        return ()

    def _history(self, ask: Ask) -> tuple[Message, ...]:
        return self.sessions.history(ask.session, ask.question.after)

    async def _listen(self, server: StopServer) -> None:
        """Let other processes stop answers; the first request goes before that."""
        await asyncio.sleep(HEAD_START_S)
        await server.listen()

    def _stop_turns(self) -> list[str]:
        """Stop all turns and return what was asked in each, in a line."""
        turns = self.turns
        for turn in turns:
            turn.cancel()
        return [" ".join(turn.question.text.split())[:_TOLD] for turn in turns]

    async def _end(self) -> None:
        if self._stop_server and self._listening:
            await asyncio.wrap_future(self._listening)
            self._stop_server.close()
        turns = self.turns
        for turn in turns:
            turn.cancel()
        for turn in turns:
            if turn.loop is asyncio.get_running_loop():  # another loop may be the very one that waits for us
                await turn.wait()
        await asyncio.gather(self.catalog.aclose(), self.mcp.aclose())

    async def _tell(self, ask: Ask, earlier: Sequence[Turn], saving: Saving) -> AsyncGenerator[Event]:
        """Yield what happens from the question to the end of the answer."""
        for turn in earlier:
            await turn.wait()
        if earlier_turn := await asyncio.to_thread(self._answered_before, ask):
            for event in retold(earlier_turn):
                yield event
            return
        history = await asyncio.to_thread(self._history, ask)
        question = asyncio.create_task(saving.question())
        try:
            async with aclosing(self._answered(ask, history)) as events:
                async for event in events:
                    if not question.done() and not isinstance(event, Asked):
                        await asyncio.shield(question)  # a stop must not leave its thread alone with the end
                    yield event
        finally:
            await asyncio.shield(question)

    async def _answered(self, ask: Ask, history: Sequence[Message]) -> AsyncGenerator[Event]:
        """Yield what the models make of a question, with as large a window as the server has memory for."""
        if ask.settings.compact:
            plan = await self._planner.plan(ask, history)
            if until := plan.prompt.left_out_until:
                yield replace(plan.asked, left_out=0, notes=())
                yield Waiting("summarising what no longer fits into the window", 0.0)
                with suppress(ModelError):  # then it is left out, and that is told
                    read = [message for message in history if message.id <= until]
                    history = (*history, await self._summarise(plan, read))
        async with aclosing(attempt(self._planner, ask, history, self._note)) as events:
            async for event in events:
                yield event

    def _note(self, plan: Plan) -> None:
        self.last_plan = plan
