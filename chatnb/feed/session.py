"""One session as front ends see it: a snapshot with a revision, then numbered deltas.

The store and the log of each turn are the truth. What a front end was told is a function of these, whenever it came: a
page that is loaded again asks for a snapshot and goes on from there. Every surface of a kernel works on the same chat, so
that what a cell asks is seen here as well.

What is here is JSON; how it travels is its carrier's business (panel.py, server/).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..branches import path, places
from ..chat import Chat
from ..errors import SessionNotFound
from ..messages import Json, ToolCall, new_id
from ..tools.approval import Proposal, Verdict
from ..turn import Turn
from ..wire import VERSION
from .approvals import PATIENCE_S, Approvals
from .drawing import Change
from .entries import Entry, Told, session_json
from .forms import Drawn, Form, Showing

Send = Callable[[dict[str, Json]], object]
"""Takes a message to a front end; called on the loop, returns at once and never raises."""

SHOWN = 50
"""Entries of a snapshot; `earlier` brings the rest."""


class Feed:
    """Tells front ends what happens in the current session of a chat.

    Lives on the loop of the chat's portal and is touched only there, but for `look_soon`.

    Parameters
    ----------
    can
        The commands that front ends may offer.
    model
        Tells who would be asked now.
    form
        What front ends are told as.

    Attributes
    ----------
    rev
        Number of the last delta, which the next one and a snapshot go on from.
    approvals
        Calls that wait for a yes.
    """

    def __init__(
        self,
        chat: Chat,
        can: Sequence[str] = (),
        model: Callable[[], str] = lambda: "",
        *,
        form: Form | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.chat = chat
        self._form: Form = form or Drawn()
        self.rev = 0
        self.approvals = Approvals(self._push_approvals, patience_s)
        self._can, self._model = list(can), model
        self._loop = asyncio.get_running_loop()
        self._sends: set[Send] = set()
        self._turns: list[Showing] = []  # that are not over, oldest first
        self._told: dict[str, Told] = {}
        self._notices: deque[str] = deque(maxlen=10)
        self._tasks: set[asyncio.Task[None]] = set()
        self._epoch = 0  # of what is in the store
        self._session = chat.sessions.current
        self._summaries = chat.sessions.summaries
        self._head = self._described()
        chat.watchers.append(self._begin)
        chat.sessions.watchers.append(self.look_soon)
        self._follow_all()

    def close(self) -> None:
        """Tell nothing any more."""
        self.chat.watchers.remove(self._begin)
        self.chat.sessions.watchers.remove(self.look_soon)
        self._sends.clear()
        for task in self._tasks:
            task.cancel()

    def listen(self, send: Send) -> Callable[[], None]:
        """Give `send` all deltas from now on; return what ends this."""
        self._sends.add(send)
        return lambda: self._sends.discard(send)

    async def snapshot(self) -> dict[str, Json]:
        """Return the message with all that is to be seen now; the next delta goes on from it."""
        while True:
            epoch = self._epoch
            entries, has_more = await self.earlier()
            if epoch == self._epoch:
                break
        shown = self._turns
        state = {
            **self._head,
            "can": self._can,
            "entries": entries,
            "has_more": has_more,
            "live": shown[0].live() if shown else None,
            "waiting": self._queue(),
            "approvals": self.approvals.json(),
            "notices": list(self._notices),
        }
        return {"v": VERSION, "kind": "snapshot", "view": None, "rev": self.rev, "state": state}

    async def earlier(self, before: str = "", count: int = SHOWN) -> tuple[list[Entry], bool]:
        """Return entries of what is over, oldest first, and whether there are earlier ones."""
        busy = {shown.turn.question.turn_id for shown in self._turns}
        session = self._session
        # What is said on the way to the turn in flight, whether the store has that one already or not.
        after = self._turns[0].turn.question.after if self._turns else None

        def read() -> tuple[list[Entry], bool]:
            try:
                whole = replace(self.chat.sessions.whole(session.id), tip=session.tip)
            except SessionNotFound:  # nothing was said in it yet
                return [], False
            over = [message for message in path(whole, after) if message.turn_id not in busy]
            told = self._told
            return self._form.entries(over, session.hidden, told, count=count, before=before, places=places(whole))

        return await asyncio.to_thread(read)

    @property
    def is_answering(self) -> bool:
        """Whether a turn of this session is not over."""
        return bool(self._turns)

    def find(self, turn_id: str) -> Turn | None:
        """Return a turn of this session that is not over."""
        return next((shown.turn for shown in self._turns if shown.turn.question.turn_id == turn_id), None)

    def look_soon(self) -> None:
        """Look whether the session, or what is known of it, is another one now; from any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._look)

    def say(self, status: str, turn_id: str = "") -> None:
        """Say why nothing happens at the moment, in the turn that is being answered."""
        for shown in self._turns:
            if not turn_id or shown.turn.question.turn_id == turn_id:
                self._push(*shown.say(status))
                return

    def notice(self, text: str) -> None:
        """Tell something that has no place in the conversation."""
        self._notices.append(text)
        self._push({"is": "notice", "text": text})

    def refresh(self) -> None:
        """Show every front end all anew, since the store holds something else than was told."""

        async def tell() -> None:
            snapshot = await self.snapshot()
            self.rev += 1  # who missed this one has a gap
            self._send({**snapshot, "rev": self.rev})

        self._epoch += 1
        self.spawn(tell())

    async def approve(self, proposal: Proposal) -> Verdict:
        """Ask the front ends whether a tool may do what a model wants; an `Asker`."""
        turn = next((turn for turn in self.chat.turns if proposal.call in turn.reply.open_calls), None)
        return await self.approvals.ask(proposal, turn.question.turn_id if turn else "")

    async def confirm(self, question: str) -> bool:
        """Ask the front ends a question that yes or no answers, such as whether a page of the web may be read."""
        verdict = await self.approve(Proposal(ToolCall(new_id(), "read", {}), ("reads",), question))
        return verdict not in ("no", "never")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends with the feed."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _push(self, *changes: Change) -> None:
        if changes:
            self.rev += 1
            self._send({"v": VERSION, "kind": "delta", "rev": self.rev, "changes": list(changes)})

    def _send(self, message: dict[str, Json]) -> None:
        for send in tuple(self._sends):
            send(message)

    def _described(self) -> dict[str, Json]:
        session = self.chat.sessions.current
        return {"session": session_json(session), "model": self._model()}

    def _queue(self) -> list[Entry]:
        return [self._form.question(shown.turn.question) for shown in self._turns[1:]]

    def _push_approvals(self) -> None:
        self._push({"is": "approvals", "proposals": self.approvals.json()})

    def _look(self) -> None:
        before, self._session = self._session, self.chat.sessions.current
        head, self._head = self._head, self._described()
        if before.id != self._session.id:
            self._follow_all()
        elif head != self._head:
            self._push({"is": "session", **self._head})
        summaries, self._summaries = self._summaries, self.chat.sessions.summaries
        now = self._session
        if (before.id, before.hidden, before.tip, summaries) != (now.id, now.hidden, now.tip, self._summaries):
            self.refresh()

    def _follow_all(self) -> None:
        """Follow the turns of the session that is the current one now, and no others."""
        for shown in self._turns:
            shown.is_followed = False
        self._turns = []
        for turn in self.chat.turns:
            self._add(turn)

    def _begin(self, turn: Turn) -> None:
        self._look()
        if any(shown.turn is turn for shown in self._turns):  # its session has just become the current one
            return
        if shown := self._add(turn):
            self._epoch += 1
            is_first = shown is self._turns[0]
            self._push(
                {"is": "began", "live": shown.live()} if is_first else {"is": "waiting", "entries": self._queue()}
            )
            if is_first:
                self._turn_aside(shown)

    def _add(self, turn: Turn) -> Showing | None:
        if turn.question.session_id != self._session.id:
            return None
        shown = self._form.begin(turn)
        self._turns.append(shown)
        self.spawn(self._follow(shown))
        return shown

    async def _follow(self, shown: Showing) -> None:
        turn = shown.turn
        async for batch in turn.batches(shown.interval_s):
            if not shown.is_followed:
                return
            changes = shown.take(batch, self._loop.time())
            if shown.reply.finished is not None:
                changes += self._finish(shown)
            elif shown is not self._turns[0]:  # it waits, and has nothing to say yet
                changes = []
            self._push(*changes)
            # What comes meanwhile comes in one batch, however urgent it is.
            await asyncio.sleep(self._form.least_s)

    def _finish(self, shown: Showing) -> list[Change]:
        """Take a turn off, and return what has to change."""
        turn_id = shown.turn.question.turn_id
        was_first = self._turns[0] is shown
        self._turns.remove(shown)
        self._epoch += 1
        self._told[turn_id] = shown.told()
        changes: list[Change] = [{"is": "finished", "turn": turn_id, "entries": shown.entries(is_drawn=was_first)}]
        if not was_first or self._turns:
            changes.append({"is": "waiting", "entries": self._queue()})
        if was_first and self._turns:
            changes.append({"is": "began", "live": self._turns[0].live()})
            self._turn_aside(self._turns[0])
        self._turn_aside(shown)
        return changes

    def _turn_aside(self, shown: Showing) -> None:
        """Show all anew where a turn does not follow what was said last, or nothing will follow it: others are seen then."""
        question = shown.turn.question
        if question.after is not None or self._session.tip[1:] == (question.turn_id,):
            self.refresh()
