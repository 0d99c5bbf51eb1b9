"""What the magics of one kernel, or the lines of one console, work with: chat, settings, and screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .asking import asked
from .attendance import is_attended, is_live, is_of_kernel
from .bench import Bench
from .bridge import Bridge
from .chat import Chat
from .config import ChatConfig
from .context.base import Confirm, Reading
from .context.cells import CellsSource
from .context.failure import ErrorSource
from .context.gather import Gatherer
from .context.recorder import Recorder
from .context.summaries import summarize
from .context.variables import VariablesSource
from .errors import ChatInterrupted, SessionError, SettingsError
from .grammar import HelpAsked, parse_line, parse_question
from .handover import named, next_cells
from .history import summary_in
from .imprint import newest_turns, session_imprint
from .listing import Said
from .messages import TRASHED, Json, Message, Session, ToolCall
from .models.base import Provider
from .options import Options
from .place import notebook_path, place_of
from .planner import Ask
from .questions import again, provider_for, read_anew, settings_in
from .receipt import Receipt
from .reply import Reply
from .resuming import go_on
from .rows.each_row import EachRow
from .rows.over import ask_rows, bar_in
from .schema import Schema
from .settings import Settings
from .sources import ask_user, outside
from .tools.approval import Proposal, Verdict
from .tools.printed import printed_calls
from .tools.toolbox import Toolbox
from .views.base import View
from .views.follow import follow
from .views.notebook import NotebookView
from .views.terminal import TerminalView


class Desk:
    """Asks for whoever reads the user's lines, and shows what comes.

    Lives on the kernel thread. The chat is made at the first use, with the settings of that moment; its folder of
    sessions and its place stay what they were.

    Parameters
    ----------
    shell
        IPython's; or what has no more of it than `user_ns` and `set_next_input`, in a console.
    recorder
        Knows the cells of the shell; None where there are none.
    chat
        Whose lines they are; None: one for this notebook, which goes on where it was.
    view
        Makes what shows an answer; None: what suits the shell.
    """

    def __init__(
        self,
        shell: Any,
        config: ChatConfig,
        recorder: Recorder | None = None,
        *,
        chat: Chat | None = None,
        view: Callable[[Settings], View] | None = None,
    ) -> None:
        self.shell = shell
        self.config = config
        self._recorder = recorder
        self._bridge = Bridge(shell, lambda: recorder.asking_id if recorder else "", lambda: self.is_attended)
        self.closing: list[Callable[[], object]] = [self._bridge.close]  # of what works with it
        self._hosts: set[str] = set()  # whose pages the user wants read
        self._agreed: set[str] = set()  # questions that the user has said yes to
        self._options = Options()  # of the last question
        # Which session was the current one at the last question, and which was asked in.
        self._asked_in: tuple[str, Session] | None = None
        self._own_view = view
        self._shown: View | None = None  # the last answer
        self.chat = chat or Chat(
            settings=config.settings(), place=place_of(config.notebook, shell.user_ns, is_live=self.is_live)
        )
        if chat is None and (notice := go_on(self.chat.sessions, self._notebook())):
            self._tell(notice)
        self._tell_notices()
        page = self._bridge if hasattr(shell, "kernel") else None
        kernel = shell if recorder else None
        self.bench = Bench(
            config, self.chat, lambda: self.is_attended, kernel, self.gatherer, asks=self._asks, page=page
        )

    @property
    def is_live(self) -> bool:
        """Whether a person sees the answer while it comes."""
        return is_live(self.shell, self.config.stream)

    @property
    def is_attended(self) -> bool:
        """Whether a person is there to answer a question."""
        return is_attended(self.shell)

    @property
    def last_session(self) -> Session:
        """The session of the last question: another one than the current one after `-s`, until one is opened."""
        current = self.chat.sessions.current
        was_current, asked_in = self._asked_in or ("", current)
        return asked_in if was_current == current.id != asked_in.id else current

    def settings(self, session: Session | None = None) -> Settings:
        """Return what is set now: the (current) session's own model and system prompt before the configuration's."""
        return settings_in(self.config, session or self.chat.sessions.current)

    def kept(self, session_id: str = "", *messages: Message, newest: int = 0) -> dict[str, Json]:
        """Return what the output of a command keeps of the session that it changed, by default the current one.

        Nothing where that is not on disk: what is not begun is told with its first question.

        Parameters
        ----------
        messages
            Which the command has made.
        newest
            Characters: so much of what was said last is kept, too.
        """
        try:
            session = self.chat.sessions.store.load(session_id or self.chat.sessions.current.id)
        except SessionError:
            return {}
        if session.state == TRASHED:
            return {}
        last = newest_turns(session.messages, newest) if newest else ()
        return {"chatnb": session_imprint(session, *last, *messages)}

    def provider(self) -> Provider:
        """Return the server of the model that is asked now."""
        return provider_for(self.chat, self.settings())

    def ask_cell(self, line: str, text: str) -> object:
        """Ask the body of a `%%chat` cell; return what would be sent with --dry-run, and the answers to rows."""
        try:
            options = parse_question(line)
        except HelpAsked as asked:
            print(asked)  # noqa: T201 - help is printed, as every magic's is
            return None
        return self.ask(options, text.removesuffix("\n"), "Write a question below `%%chat`.")

    def ask_line(self, line: str) -> object:
        """Ask the text of a `%ask` line; return what `ask_cell` does."""
        try:
            options, text = parse_line(line)
        except HelpAsked as asked:
            print(asked)  # noqa: T201
            return None
        return self.ask(options, text, "Write a question after `%ask`.")

    def ask(
        self,
        options: Options,
        text: str,
        how: str = "Write one.",
        *,
        typed: str | None = None,
        carried: Reading = Reading(),  # noqa: B008 - frozen
    ) -> object:
        """Ask a text; with --dry-run return what would be sent.

        Parameters
        ----------
        how
            Tells how to ask, where there is no text.
        typed
            What of the text its user wrote: what it mentions is looked for. None: all of it.
        carried
            What goes along besides.
        """
        if not text.strip():
            raise SettingsError(f"There is no question. {how}")
        sessions = self.chat.sessions
        session = sessions.find_or_new(options.session) if options.session else sessions.current
        if options.summary:
            summary = sessions.summarise(text, session)
            return Said("This stands for what was said before, from now on.", self.kept(session.id, summary))
        if options.table:
            return self._ask_rows(options, text, session)
        if options.answers or options.key or options.prefix or options.price or options.retry_failed:
            raise SettingsError(
                "--answers, --key, --prefix, --price and --retry-failed are about rows: name a table with --over."
            )
        schema = self._schema(options)
        ask = self.chat.prepare(
            text,
            carried
            + self.gatherer(options.ext).gather(options.context, text if typed is None else typed, session.pins),
            settings=options.over(self.settings(session)),
            session=session,
            schema=schema.json if schema else None,
            tools=self.bench.toolbox(options.tools, session, is_tried=options.trial),
            chosen=options.chosen,
            instead_of=sessions.question(options.instead, session)[1].turn_id if options.instead else "",
            is_cached=options.cache,
        )
        if options.dry_run:
            return Receipt(self.chat.portal.call(self.chat.plan(ask)), is_sent=False)
        self._follow(ask, options, schema)
        return None

    def again(
        self, question: Message, session: Session, *, model: str = "", is_fresh: bool = False, fit: bool = False
    ) -> None:
        """Ask a question of a session anew, with its own options; the earlier answer to it stays as a branch.

        Parameters
        ----------
        model
            Another one than then.
        is_fresh
            Whether it carries along what it did as that is now, instead of as it was.
        """
        last = self.chat.last
        is_last = last is not None and last.question.turn_id == question.turn_id
        options = self._options if is_last else Options.of(question.chosen)
        schema = self._schema(options)
        settings = options.over(self.settings(session))
        ask = again(
            self.chat,
            question,
            self.chat.sessions.history(session),
            session=session,
            settings=replace(settings, model=model or settings.model),
            tools=self.bench.toolbox(options.tools, session, is_tried=options.trial),
            schema=schema.json if schema else None,
            reading=read_anew(question, self.gatherer(options.ext)) if is_fresh else None,
            fit=fit,
        )
        self._follow(ask, options, schema)

    def printed(self, tools: Sequence[str] = ()) -> tuple[tuple[ToolCall, ...], Toolbox]:
        """Return the calls that the last answer only prints, and the tools that it was given.

        Parameters
        ----------
        tools
            Names of other tools, or of sets, in place of those.
        """
        session = self.last_session
        box = self.bench.toolbox(tools or self._options.tools, session, is_tried=self._options.trial)
        history = self.chat.sessions.history(session)
        turn = [message for message in history if message.turn_id == history[-1].turn_id]
        if not turn or turn[-1].role != "assistant":
            return (), box
        made = [part for message in turn for part in message.parts if isinstance(part, ToolCall)]
        return printed_calls(turn[-1].text, {spec.name for spec in box.specs}, made), box

    def call(self, calls: Sequence[ToolCall], box: Toolbox) -> None:
        """Make calls as if the last answer had made them, and let its model go on; asked for with the same options."""
        # Words of ours alone: what a model printed is not what the user says.
        text = "Make the call that you printed." if len(calls) == 1 else "Make the calls that you printed."
        session = self.last_session
        settings = self._options.over(self.settings(session))
        ask = self.chat.prepare(text, settings=settings, session=session, tools=box, calls=calls)
        self._follow(ask, self._options)

    def gatherer(self, extensions: Sequence[str] = (), *, confirm: Confirm | None = None) -> Gatherer:
        """Return what finds the things of this kernel and around it.

        Parameters
        ----------
        confirm
            Asks before a file of secrets or a page of the web is read; None: in the cell that runs.
        """
        folder = Path.cwd()
        around = partial(
            outside,
            folder,
            self.chat.sessions,
            confirm=confirm or self._confirm,
            urls=self.config.urls,
            hosts=self._hosts,
            extensions=extensions,
        )
        if self._recorder is None:
            return Gatherer(around())
        cells = CellsSource(self._recorder, self._notebook, self._bridge.read)
        return Gatherer(
            [
                cells,
                ErrorSource(self.shell, self._recorder, summarize, folder),
                VariablesSource(self.shell.user_ns),
                *around(namespace=self.shell.user_ns, pictures=cells.pictures),
            ]
        )

    def _notebook(self) -> Path | None:
        """Return the path of this notebook, where it is known."""
        return notebook_path(self.config.notebook, self.shell.user_ns, os.environ, Path.cwd(), is_live=self.is_live)

    def close(self) -> None:
        """Stop what still runs, and release everything."""
        for close in self.closing:
            close()
        self.chat.close()

    def _ask_rows(self, options: Options, text: str, session: Session) -> object:
        """Ask about each row of a table; return the table with the answers, unless it goes into a variable."""
        if options.tools or options.code:
            raise SettingsError("Rows are asked side by side, without tools and without --code. Leave those out.")
        table = self._named(options.table, "--over")
        each = EachRow(
            text,
            options.over(self.settings(session)),
            self._named(options.schema, "--schema") if options.schema else None,
            Path(options.answers).expanduser() if options.answers else None,
            options.key,
            options.retry_failed,
            options.prefix,
            options.price,
            self.gatherer(options.ext).gather(options.context, text, session.pins),
        )
        if options.dry_run:
            return Receipt(each.first(table, self.chat), is_sent=False)
        asked = ask_rows(table, each, self.chat, bar_in(self.shell, is_live=self.is_live))
        if not options.into:
            return asked
        self.shell.user_ns[options.into] = asked
        return None

    def _follow(self, ask: Ask, options: Options, schema: Schema | None = None) -> None:
        """Start a turn, show it until it ends, and do with the answer what the options say."""
        self._options = options
        self._asked_in = self.chat.sessions.current.id, ask.session
        try:
            self._shown = self._view(ask)
            turn = follow(self.chat.portal, lambda: self.chat.begin(ask), self._shown)
        except KeyboardInterrupt:
            raise ChatInterrupted("Stopped twice: the answer so far is on the screen.") from None
        finally:
            self._tell_notices()
        turn.raise_for_failure()
        if turn.reply.outcome == "cancelled":
            raise ChatInterrupted("Stopped. What was said so far is kept.")
        if turn.was_stopped:
            raise ChatInterrupted("Stopped, when the answer was complete.")
        self._hand_over(turn.reply, schema, options)

    def _confirm(self, question: str) -> bool:
        """Ask the user, where there is one; a yes holds for this kernel."""
        if question not in self._agreed and self.is_attended and ask_user(question):
            self._agreed.add(question)
        return question in self._agreed

    def _asks(self, proposal: Proposal) -> Verdict:
        """Ask whether a call may be made, below what is said so far."""
        if isinstance(self._shown, TerminalView):
            self._shown.pause()
        return asked(proposal, input, print)

    def _hand_over(self, reply: Reply, schema: Schema | None, options: Options) -> None:
        value: Any = schema.parse(reply.answer) if schema else reply.answer
        if options.into:
            self.shell.user_ns[options.into] = value
        if options.code:
            next_cells(reply.answer, self.shell, self._bridge.put)

    def _schema(self, options: Options) -> Schema | None:
        return Schema.of(self._named(options.schema, "--schema")) if options.schema else None

    def _named(self, name: str, option: str) -> Any:
        return named(self.shell.user_ns, name, option)

    def _view(self, ask: Ask) -> View:
        settings = ask.settings
        if self._own_view is not None:
            return self._own_view(settings)
        if is_of_kernel(self.shell):
            return NotebookView(
                self.shell,
                is_live=self.is_live,
                footer=settings.footer,
                keeps_turn=settings.save,
                session=ask.session,
                made=partial(self._made_since, ask, self.chat.sessions.summaries),
            )
        return TerminalView(footer=settings.footer)

    def _made_since(self, ask: Ask, count: int) -> Sequence[Message]:
        """Return the summaries of a question's session since it was asked; `count` were made by then."""
        if self.chat.sessions.summaries == count:  # no need to read a long session
            return ()
        said = self.chat.sessions.whole(ask.session.id).messages
        return [message for message in said if summary_in(message) and message.id > ask.question.id]

    def _tell_notices(self) -> None:
        for notice in self.chat.sessions.store.notices():
            self._tell(notice)

    def _tell(self, notice: str) -> None:
        print(f"chatnb: {notice}", file=sys.stderr)  # noqa: T201 - a cell shows it apart from the answer
