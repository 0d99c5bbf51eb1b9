"""What the magics of one kernel work with: its chat, its settings, and its screen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from .chat import Chat
from .config import ChatConfig
from .errors import ChatInterrupted, SettingsError, StoreError
from .markdown import code_blocks
from .messages import Message, Part, Session, Text
from .models.base import Provider
from .options import HelpAsked, Options, parse_line, parse_question
from .place import place_of
from .reply import Reply
from .schema import Schema
from .settings import Settings
from .tools.toolbox import Toolbox
from .turn import Turn
from .views.base import View
from .views.follow import follow
from .views.notebook import NotebookView
from .views.terminal import TerminalView


class Desk:
    """Asks for the magics, and shows what comes.

    Lives on the kernel thread. The chat is made at the first use, with the settings of that moment; its folder of
    sessions and its place stay what they were.
    """

    def __init__(self, shell: InteractiveShell, config: ChatConfig) -> None:
        self.shell = shell
        self.config = config
        place = place_of(config.notebook, shell.user_ns, is_live=self.is_live)
        self.chat = Chat(settings=config.settings(), place=place)
        try:
            self.chat.sessions.resume()
        except StoreError as error:
            # The first question that is to be kept fails with it; until then `%chat doctor` has to work.
            self._tell(str(error))
        self._tell_notices()

    @property
    def is_live(self) -> bool:
        """Whether a person sees the answer while it comes.

        nbclient, nbconvert, `jupyter execute` and nbval have nobody to answer a question, and say so with each request.
        """
        if not hasattr(self.shell, "get_parent"):
            return sys.stdout.isatty()
        content = self.shell.get_parent().get("content", {})
        return {"always": True, "never": False}.get(self.config.stream, bool(content.get("allow_stdin", True)))

    def settings(self, session: Session | None = None) -> Settings:
        """Return what is set now: the (current) session's own model and system prompt before the configuration's."""
        settings, session = self.config.settings(), session or self.chat.sessions.current
        return replace(settings, model=session.model or settings.model, system=session.system or settings.system)

    def provider(self) -> Provider:
        """Return the server of the model that is asked now."""
        settings = self.settings()
        name = settings.models[0] if settings.models else ""
        return self.chat.catalog.find(name, settings.host)[0]

    def ask_cell(self, line: str, text: str) -> None:
        """Ask the body of a `%%chat` cell."""
        try:
            options = parse_question(line)
        except HelpAsked as asked:
            print(asked)  # noqa: T201 - help is printed, as every magic's is
            return
        self._ask(options, text.removesuffix("\n"), "Write a question below `%%chat`.")

    def ask_line(self, line: str) -> None:
        """Ask the text of a `%ask` line."""
        try:
            options, text = parse_line(line)
        except HelpAsked as asked:
            print(asked)  # noqa: T201
            return
        self._ask(options, text, "Write a question after `%ask`.")

    def again(self, question: Message, settings: Settings) -> None:
        """Ask a question of the current session anew; the earlier answer to it is not read."""
        context = [part for part in question.parts if not isinstance(part, Text)]
        self._follow(question.text, Options(), settings, parts=context, without=question.turn_id)

    def close(self) -> None:
        """Stop what still runs, and release everything."""
        self.chat.close()

    def _ask(self, options: Options, text: str, how: str) -> None:
        if not text.strip():
            raise SettingsError(f"There is no question. {how}")
        session = self.chat.sessions.find_or_new(options.session) if options.session else None
        self._follow(text, options, options.over(self.settings(session)), session=session)

    def _follow(
        self,
        text: str,
        options: Options,
        settings: Settings,
        *,
        session: Session | None = None,
        parts: Sequence[Part] = (),
        without: str = "",
    ) -> None:
        """Start a turn, show it until it ends, and do with the answer what the options say."""
        schema = Schema.of(self._named(options.schema, "--schema")) if options.schema else None
        tools = Toolbox.of_namespace(self.shell.user_ns, self.chat.portal.on_kernel)

        def ask() -> Turn:
            return self.chat.ask(
                text,
                *parts,
                settings=settings,
                session=session,
                schema=schema.json if schema else None,
                tools=tools,
                without=without,
            )

        try:
            turn = follow(self.chat.portal, ask, self._view(settings))
        except KeyboardInterrupt:
            raise ChatInterrupted("Stopped twice: the answer so far is on the screen.") from None
        finally:
            self._tell_notices()
        turn.raise_for_failure()
        if turn.reply.outcome == "cancelled":
            raise ChatInterrupted("Stopped. What was said so far is kept.")
        self._hand_over(turn.reply, schema, options)

    def _hand_over(self, reply: Reply, schema: Schema | None, options: Options) -> None:
        value: Any = schema.parse(reply.answer) if schema else reply.answer
        if options.into:
            self.shell.user_ns[options.into] = value
        if options.code:
            blocks = code_blocks(reply.answer)
            if not blocks:
                raise SettingsError(
                    "The answer holds no block of code, so there is no next cell. Ask for code, or leave --code out."
                )
            self.shell.set_next_input("\n\n".join(block.code for block in blocks))

    def _named(self, name: str, option: str) -> Any:
        try:
            return self.shell.user_ns[name]
        except KeyError:
            raise SettingsError(
                f"{option} {name}: nothing in this notebook has that name. Run the cell that defines it."
            ) from None

    def _view(self, settings: Settings) -> View:
        if hasattr(self.shell, "get_parent"):  # a kernel's shell
            return NotebookView(self.shell, is_live=self.is_live, footer=settings.footer, keeps_turn=settings.save)
        return TerminalView(footer=settings.footer)

    def _tell_notices(self) -> None:
        for notice in self.chat.sessions.store.notices():
            self._tell(notice)

    def _tell(self, notice: str) -> None:
        print(f"chatnb: {notice}", file=sys.stderr)  # noqa: T201 - a cell shows it apart from the answer
