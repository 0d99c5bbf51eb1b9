"""Commands of a front end as JSON, and what they are answered.

What a command does is done by the chat, its sessions, the gatherer and the bench, as it is for the magics. Each is answered
once: with `done`, or with `failed` and a sentence that says what to do, whatever happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ..errors import ChatError, SettingsError
from ..feed.session import Feed
from ..messages import Json
from ..wire import VERSION
from .base import Command, Fields, Office, OnKernel, Place, Result
from .keeping import copy, delete, earlier, export, hide, new, open_session, rename, search, sessions, take_in
from .reading import complete, pin, plan, preview, stale, suggest
from .server import choose, configure, models, tools
from .talk import again, approve, ask, cancel, edit
from .ways import branch, fork, undo

__all__ = ["COMMANDS", "OnKernel", "Place", "Remote"]

COMMANDS: Mapping[str, Command] = {
    "ask": ask,
    "cancel": cancel,
    "approve": approve,
    "again": again,
    "edit": edit,
    "undo": undo,
    "branch": branch,
    "fork": fork,
    "hide": hide,
    "pin": pin,
    "models": models,
    "sessions": sessions,
    "open": open_session,
    "new": new,
    "rename": rename,
    "delete": delete,
    "search": search,
    "export": export,
    "import": take_in,
    "configure": configure,
    "tools": tools,
    "choose": choose,
    "complete": complete,
    "preview": preview,
    "plan": plan,
    "suggest": suggest,
    "copy": copy,
    "earlier": earlier,
    "stale": stale,
}
"""What front ends may ask for, besides `hello`, `here` and `bye`; `can` in the state."""

_IN_ORDER = {"ask", "again", "edit", "undo", "branch"}


class Remote:
    """Does what front ends ask for; lives on the loop.

    Parameters
    ----------
    commands
        What they may ask for.
    """

    def __init__(
        self, feed: Feed, place: Place, on_kernel: OnKernel, commands: Mapping[str, Command] = COMMANDS
    ) -> None:
        self._office, self._commands = Office(feed, place, on_kernel), commands
        self._asking = asyncio.Lock()  # questions stay in their order, though some wait for what they carry along
        self._unanswered: dict[tuple[str, str], asyncio.Task[Result]] = {}

    async def handle(self, fields: Fields) -> dict[str, Json] | None:
        """Do what a command says, and return the message that answers it, if one does.

        Parameters
        ----------
        fields
            The command's message.
        """
        view, name, number = str(fields.get("view", "")), str(fields.get("do")), str(fields.get("id", ""))
        self._office.feed.approvals.heard()
        try:
            result = await self._done(name, fields, (view, number))
        except ChatError as error:
            return _answer("failed", view, number, error=str(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _answer("failed", view, number, error="Stopped before it was asked.")
        except Exception as error:  # noqa: BLE001 - nobody else would tell
            text = f"chatnb itself failed ({type(error).__name__}: {error}). This is a bug: please report it."
            return _answer("failed", view, number, error=text)
        if name in ("here", "bye"):
            return None
        return {**result, "view": view} if name == "hello" else _answer("done", view, number, **result)

    async def _done(self, name: str, fields: Fields, key: tuple[str, str]) -> Result:
        if fields.get("v") != VERSION:
            raise SettingsError(
                f"This command is of another version than chatnb's {VERSION}. Run the cell again, or load the page anew."
            )
        if name == "hello":
            return await self._office.feed.snapshot()
        if name in ("here", "bye"):
            return {}
        if name not in self._commands:
            raise SettingsError(f"This kernel knows no command {name!r}. A newer chatnb may: pip install -U chatnb")
        if name == "cancel" and (task := self._unanswered.get((key[0], str(fields.get("turn"))))):
            task.cancel()
            return {}
        task = asyncio.ensure_future(self._in_order(name, fields))
        self._unanswered[key] = task
        try:
            return await task
        finally:
            self._unanswered.pop(key, None)

    async def _in_order(self, name: str, fields: Fields) -> Result:
        if name not in _IN_ORDER:
            return await self._commands[name](self._office, fields)
        async with self._asking:
            return await self._commands[name](self._office, fields)


def _answer(kind: str, view: str, number: str, **fields: Any) -> dict[str, Json]:
    return {"v": VERSION, "kind": kind, "view": view, "id": number, **fields}
