"""The tools of whoever asks: which a question may call, and what their user allows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asking import AllowedFolder, asked
from .chat import Chat, sessions_folder
from .config import ChatConfig
from .context.gather import Gatherer
from .messages import Context, Session, ToolResult
from .toolkit import NETWORKED, Kernel, Toolkit
from .tools.approval import Approval, Asker, Proposal, Rule, Verdict
from .tools.tool import Tool
from .tools.toolbox import OnKernel, Toolbox
from .tools.undo import Undo


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool that can be chosen.

    Attributes
    ----------
    set
        The set that it is in; empty for the user's own.
    rule
        Whether a call of it is run, asked about or refused.
    is_chosen
        Whether models are told of it where nothing else is chosen.
    """

    set: str
    tool: Tool
    rule: Rule
    is_chosen: bool


class Bench:
    """Lays out the tools for each question; lives on the thread that asks.

    Parameters
    ----------
    is_attended
        Tells whether somebody is there to answer a question.
    shell
        IPython's, in a kernel; without it there are neither the user's functions nor the sets that need one.
    gatherer
        Returns what finds the things of a kernel.

    Attributes
    ----------
    undo
        What the last run of a model's code replaced.
    """

    def __init__(
        self,
        config: ChatConfig,
        chat: Chat,
        is_attended: Callable[[], bool],
        shell: Any = None,
        gatherer: Callable[[], Gatherer] = lambda: Gatherer(()),
    ) -> None:
        self._config, self._chat, self._is_attended = config, chat, is_attended
        self._shell, self._gatherer = shell, gatherer
        self.undo = Undo({} if shell is None else shell.user_ns)
        self._approval = Approval()

    def toolkit(self, *, is_tried: bool = False) -> Toolkit:
        """Return all tools that can be chosen now.

        Parameters
        ----------
        is_tried
            Whether code is run in a fork before it is asked about.
        """
        config = self._config
        if self._shell is None:
            return Toolkit(Path.cwd(), search=config.search, has_shell=config.shell)
        own = Toolbox.of_namespace(self._shell.user_ns).tools
        kernel = Kernel(self._shell, self._gatherer(), self.undo, is_tried)
        return Toolkit(Path.cwd(), own, kernel, search=config.search, has_shell=config.shell)

    def allowance(self, ask: Asker | None = None) -> Approval:
        """Return who decides about calls, by the settings of now.

        Parameters
        ----------
        ask
            Asks the user; None: in the cell that waits, where somebody is there.
        """
        home = sessions_folder(self._config.settings()).parent
        folder = AllowedFolder(home / "allowed.json", Path.cwd())
        ask = ask or (self._ask if self._is_attended() else None)
        return self._approval.using(self._config.approve, ask, folder)

    def offered(self) -> list[Offered]:
        """Return every tool that can be chosen now."""
        toolkit, allowance = self.toolkit(), self.allowance()
        chosen = {tool.spec.name for tool in toolkit.chosen(self._config.tools)}
        return [
            Offered(name, tool, allowance.rule(tool), tool.spec.name in chosen)
            for name, tools in toolkit.all().items()
            for tool in tools
        ]

    def toolbox(
        self,
        names: Sequence[str] = (),
        session: Session | None = None,
        *,
        is_tried: bool = False,
        ask: Asker | None = None,
        on_kernel: OnKernel | None = None,
    ) -> Toolbox:
        """Return the tools for one question.

        Parameters
        ----------
        names
            Those that are chosen, or their sets; none: what the settings say.
        session
            Instead of the current one. Long results in it can be read on, and text from the network makes distrustful.
        ask
            See `allowance`.
        on_kernel
            Runs what has to run on the kernel's thread; None: the cell that waits does.

        Raises
        ------
        SettingsError
            If something is chosen that is not there.
        """
        chosen = self.toolkit(is_tried=is_tried).chosen(names or self._config.tools)
        sessions = self._chat.sessions
        # Reading a long session takes as long as asking it: not where there is nothing to call.
        history = sessions.history(session or sessions.current) if chosen else ()
        parts = [part for message in history for part in message.parts]
        return Toolbox(
            chosen,
            on_kernel or self._chat.portal.on_kernel,
            approval=self.allowance(ask),
            wholes={part.call_id: part.whole for part in parts if isinstance(part, ToolResult) and part.whole},
            is_tainted=any(
                part.name in NETWORKED if isinstance(part, ToolResult) else part.ref.startswith("url:")
                for part in parts
                if isinstance(part, ToolResult | Context)
            ),
        )

    async def _ask(self, proposal: Proposal) -> Verdict:
        """Ask on the thread that waits for the answer."""
        return await self._chat.portal.on_kernel(asked, proposal, input, print)
