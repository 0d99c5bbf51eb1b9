"""The tools of whoever asks: which a question may call, and what their user allows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .asking import AllowedFolder, asked
from .chat import Chat, sessions_folder
from .config import ChatConfig
from .context.gather import Gatherer
from .errors import ChatInterrupted
from .messages import Context, Session, ToolResult
from .servers import Reached, Servers
from .toolkit import BUILT_IN, SETS, Kernel, Toolkit
from .tools.approval import Approval, Proposal, Verdict
from .tools.toolbox import Toolbox
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
    ) -> None:
        self._config, self._chat, self._is_attended = config, chat, is_attended
        self._shell, self._gatherer = shell, gatherer
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
        kernel = Kernel(self._shell, self._gatherer(), self.undo, is_tried)
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

    def allowance(self) -> Approval:
        """Return who decides about calls, by the settings of now."""
        home = sessions_folder(self._config.settings()).parent
        folder = AllowedFolder(home / "allowed.json", Path.cwd())
        self._approval.use(self._config.approve, self._ask if self._is_attended() else None, folder)
        return self._approval

    def toolbox(self, names: Sequence[str] = (), session: Session | None = None, *, is_tried: bool = False) -> Toolbox:
        """Return the tools for one question.

        Parameters
        ----------
        names
            Those that are chosen, or their sets; none: what the settings say.
        session
            Instead of the current one. Long results in it can be read on, and the text of strangers makes distrustful.

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
            self._chat.portal.on_kernel,
            approval=self.allowance(),
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
        return await self._chat.portal.on_kernel(asked, proposal, input, print)
