"""The tools of whoever asks: which a question may call, and what their user allows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asking import AllowedFolder, asked
from .chat import Chat
from .config import ChatConfig
from .context.gather import Gatherer
from .errors import ChatInterrupted, SettingsError
from .folders import data_folder
from .messages import Context, Session, ToolResult
from .servers import Reached, Servers
from .toolkit import BUILT_IN, SETS, Kernel, Toolkit
from .tools.approval import Approval, Asker, Proposal, Rule, Verdict
from .tools.cell import Page
from .tools.tool import Tool
from .tools.toolbox import OnKernel, Toolbox
from .tools.undo import Undo


def tools_for(chat: Chat, *names: str, is_attended: bool = False) -> Toolbox:
    """Return tools for a chat of your own, chosen as by `-t`: of the built-in sets and of MCP servers.

    Parameters
    ----------
    names
        Sets such as "files", MCP servers, and single tools of them.
    is_attended
        Whether somebody is there to answer when a call needs a yes; otherwise it is refused, unless
        `ChatConfig.approve` allows it.

    Raises
    ------
    SettingsError
        If something is chosen that is not there.

    Examples
    --------
    >>> from chatnb.models.scripted import ScriptedModel
    >>> from chatnb.stores.memory import MemoryStore
    >>> chat = Chat(ScriptedModel(["Hello"]), store=MemoryStore())
    >>> chat.tools = tools_for(chat, "read_file", "read_json")
    >>> [spec.name for spec in chat.tools.specs]
    ['read_file', 'read_json']
    >>> chat.close()
    """
    return Bench(ChatConfig.instance(), chat, lambda: is_attended).toolbox(names)


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool that can be chosen, or what keeps the tools of a set away.

    Attributes
    ----------
    set
        The set that it is in; empty for the user's own.
    rule
        Whether a call of it is run, asked about or refused.
    is_chosen
        Whether models are told of it where nothing else is chosen.
    trouble
        Why the tools of the set are not here; then there is no tool.
    """

    set: str
    tool: Tool | None
    rule: Rule = "never"
    is_chosen: bool = False
    trouble: str = ""


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
    asks
        Asks the user whether a call may be made, on the thread that waits for the answer.
    page
        Shows its notebook.

    Attributes
    ----------
    undo
        What the last run of a model's code replaced.
    servers
        The MCP servers that the user has set up.
    """

    def __init__(
        self,
        config: ChatConfig,
        chat: Chat,
        is_attended: Callable[[], bool],
        shell: Any = None,
        gatherer: Callable[[], Gatherer] = lambda: Gatherer(()),
        *,
        asks: Callable[[Proposal], Verdict] = lambda proposal: asked(proposal, input, print),
        page: Page | None = None,
    ) -> None:
        self._config, self._chat, self._is_attended = config, chat, is_attended
        self._shell, self._gatherer, self._asks, self._page = shell, gatherer, asks, page
        self.undo = Undo({} if shell is None else shell.user_ns)
        self._approval = Approval()
        self.servers = Servers(config, chat.mcp, {*SETS, *BUILT_IN})

    def toolkit(self, *, is_tried: bool = False) -> Toolkit:
        """Return all tools that can be chosen now, but those of MCP servers.

        Parameters
        ----------
        is_tried
            Whether code is run in a fork before it is asked about.
        """
        config = self._config
        if self._shell is None:
            return Toolkit(Path.cwd(), search=config.search, has_shell=config.shell)
        own = Toolbox.of_namespace(self._shell.user_ns).tools
        kernel = Kernel(self._shell, self._gatherer(), self.undo, self._page, is_tried)
        return Toolkit(Path.cwd(), own, kernel, search=config.search, has_shell=config.shell)

    def reach(self, kit: Toolkit, names: Sequence[str] | None = None) -> Reached:
        """Connect with the MCP servers that are chosen and return what their tools are.

        Parameters
        ----------
        kit
            Whose names are not theirs.
        names
            What was chosen; None: everything that there is.

        Raises
        ------
        SettingsError
            If they are not to be found out, or the package for it is missing.
        ChatInterrupted
            At an interrupt.
        """
        theirs = names if names is None else [name for name in names if not kit.has(name)]
        if theirs is not None and not theirs:  # the rule: nothing is read, started or imported for it
            return Reached()
        try:
            return self._chat.portal.call(self.servers.reach(theirs, kit.reserved))
        except KeyboardInterrupt:
            raise ChatInterrupted("Stopped while the MCP servers were connected with.") from None

    def names(self) -> list[str]:
        """Return what can be chosen, as far as that is known without starting or asking anybody."""
        return [*self.toolkit().names(), *self.servers.names()]

    def allowance(self, ask: Asker | None = None) -> Approval:
        """Return who decides about calls, by the settings of now.

        Parameters
        ----------
        ask
            Asks the user; None: in the cell that waits, where somebody is there.
        """
        home = data_folder(self._config.settings())
        folder = AllowedFolder(home / "allowed.json", Path.cwd())
        ask = ask or (self._ask if self._is_attended() else None)
        return self._approval.using(self._config.approve, ask, folder)

    def offered(self) -> list[Offered]:
        """Return every tool that can be chosen now, and what keeps others away; waits for MCP servers."""
        kit, allowance = self.toolkit(), self.allowance()
        try:
            reached = self.reach(kit)
        except SettingsError as error:  # the others are here
            reached = Reached(failures={"mcp": str(error)})
        kit.add(reached.sets)
        chosen = {tool.spec.name for tool in kit.chosen(self._config.tools, is_lost=lambda _: True)}
        return [
            *(
                Offered(name, tool, allowance.rule(tool), tool.spec.name in chosen)
                for name, tools in kit.all().items()
                for tool in tools
            ),
            *(Offered(name, None, trouble=why) for name, why in reached.failures.items()),
        ]

    def require(self, names: Sequence[str]) -> None:
        """Raise SettingsError if one of these names neither a tool nor a set; nobody is started or asked for it."""
        theirs = set(self.servers.names())
        self.toolkit().chosen([name for name in names if name not in theirs])

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
        kit, names = self.toolkit(is_tried=is_tried), names or self._config.tools
        reached = self.reach(kit, names)
        kit.add(reached.sets)
        chosen = kit.chosen(names, is_lost=reached.is_lost)
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
                part.is_networked if isinstance(part, ToolResult) else part.ref.startswith("url:")
                for part in parts
                if isinstance(part, ToolResult | Context)
            ),
            notes=reached.notes,
        )

    async def _ask(self, proposal: Proposal) -> Verdict:
        """Ask on the thread that waits for the answer."""
        return await self._chat.portal.on_kernel(self._asks, proposal)
