"""Nothing that matters happens without a yes: which calls are run, which are asked about, which are refused.

What a tool does is told by its effects (tool.py). A policy says for each effect, or for a tool by its name, whether it is
done at once ("always"), asked about ("ask") or refused ("never"); of several effects the strictest counts. A yes can be
remembered, for that tool and that scope alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..messages import ToolCall
from .tool import Tool

Rule = Literal["always", "ask", "never"]

Verdict = Literal["once", "session", "folder", "no", "never"]
"""What a user answers: yes to this call, to its like in this session or in this folder; no; no to its like in this session."""

POLICY: Mapping[str, Rule] = {"reads": "always", "writes": "ask", "runs": "ask", "network": "ask"}
"""What holds where the user says nothing else."""

_ORDER: tuple[Rule, ...] = ("always", "ask", "never")
_DISTRUSTED = frozenset({"writes", "runs"})


class Refused(PermissionError):  # noqa: N818 - named after what happened
    """A call that is not run; the model reads why."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call that waits for a yes.

    Attributes
    ----------
    call
        With the very arguments that it would be run with.
    effects
        What it may do, sorted.
    preview
        What it would do, as far as the tool can tell: a diff, or what code would touch; may be empty.
    scope
        What a remembered yes covers, such as a folder or a host; empty: this very call.
    reason
        Why it is asked about although it was allowed; empty where there is no such reason.
    """

    call: ToolCall
    effects: tuple[str, ...]
    preview: str = ""
    scope: str = ""
    reason: str = ""


Asker = Callable[[Proposal], Awaitable[Verdict]]
"""Asks the user; a surface gives it. Where nobody is there, there is none."""


class Folder(Protocol):
    """What was allowed in the notebook's folder, for good."""

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Tell whether calls of that tool and scope are allowed."""
        ...

    def add(self, key: tuple[str, str]) -> None:
        """Allow them."""
        ...


class Approval:
    """Decides about calls; lives as long as a session of a kernel, and remembers what was answered.

    Parameters
    ----------
    policy
        By effect or tool; what it does not say is taken from `POLICY`.
    ask
        None where nobody is there: whatever would be asked about is refused then.
    folder
        What a yes for the folder is kept in.
    """

    def __init__(
        self, policy: Mapping[str, Rule] | None = None, ask: Asker | None = None, folder: Folder | None = None
    ) -> None:
        self._verdicts: dict[tuple[str, str], bool] = {}
        self.policy = {**POLICY, **(policy or {})}
        self.ask = ask
        self._folder = folder

    def using(self, policy: Mapping[str, Rule], ask: Asker | None, folder: Folder | None) -> Approval:
        """Return one with other settings that shares what is answered for the session, both ways."""
        other = Approval(policy, ask, folder)
        other._verdicts = self._verdicts
        return other

    def rule(self, tool: Tool) -> Rule:
        """Return what the policy says of a tool."""
        if tool.spec.name in self.policy:
            return self.policy[tool.spec.name]
        return max((self.policy[effect] for effect in tool.effects), key=_ORDER.index, default="always")

    async def check(
        self,
        tool: Tool,
        call: ToolCall,
        arguments: Mapping[str, Any],
        preview: Callable[[], Awaitable[str]],
        *,
        is_tainted: bool,
        order: asyncio.Lock | None = None,
    ) -> None:
        """Return if the call may run now.

        Parameters
        ----------
        arguments
            As the tool's function gets them.
        preview
            Returns what the tool says that the call would do; asked only if the user is.
        is_tainted
            Whether the model has read text from the network: it may carry instructions, so that writing and running is
            asked about again even where it was allowed.
        order
            Shared by the calls of one answer: the user is asked about one after the other, in the order of the answer.

        Raises
        ------
        Refused
            If it may not; says why, for the model and the user.
        """
        rule = self.rule(tool)
        if rule == "never":
            raise Refused(f"{tool.spec.name} is not allowed here (ChatConfig.approve).")
        distrusted = is_tainted and bool(tool.effects & _DISTRUSTED)
        scope = tool.scope(arguments) if tool.scope else ""
        key = (tool.spec.name, scope or repr(sorted(call.arguments.items())))
        if self._is_allowed(key, rule) and not distrusted:
            return
        async with order or nullcontext():
            if self._is_allowed(key, rule) and not distrusted:
                return  # by what the user said of the call before
            if self.ask is None:
                raise Refused(f"{tool.spec.name} needs a yes, and nobody is here to give it.")
            reason = "text from the network was read since, and it may carry instructions" if distrusted else ""
            verdict = await self.ask(Proposal(call, tuple(sorted(tool.effects)), await preview(), scope, reason))
            self._remember(key, verdict)
        if verdict in ("no", "never"):
            raise Refused(f"The user said no to this call of {tool.spec.name}.")

    def _is_allowed(self, key: tuple[str, str], rule: Rule) -> bool:
        """Tell whether such a call needs no question; raises `Refused` where the user wants none of its like."""
        known = self._verdicts.get(key)
        if known is False:
            raise Refused(f"The user does not want {key[0]} to be called like this.")
        return rule == "always" or bool(known) or (self._folder is not None and key in self._folder)

    def _remember(self, key: tuple[str, str], verdict: Verdict) -> None:
        if verdict == "never":
            self._verdicts[key] = False
        if verdict in ("session", "folder"):
            self._verdicts[key] = True
        if verdict == "folder" and self._folder is not None:
            self._folder.add(key)
