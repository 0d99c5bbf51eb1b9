"""Commands that ask, stop and decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from ..context.base import Reading
from ..context.mentions import Mention, mentions
from ..errors import SettingsError
from ..messages import Context, Image, Json
from ..options import Options
from ..planner import Ask
from ..questions import again as asked_again
from ..tools.approval import Verdict
from ..tools.toolbox import Toolbox
from ..turn import Turn
from .base import Fields, Office, Result, question_of, text_in, texts_in


async def ask(office: Office, fields: Fields) -> Result:
    """Ask a question."""
    text = text_in(fields, "text")
    if not text.strip():
        raise SettingsError("There is no question. Write one first.")
    visit = Visit(office)
    return visit.begin(await prepared(office, fields, text, visit, may_ask=True))


async def again(office: Office, fields: Fields) -> Result:
    """Ask a question again, as it was; perhaps another model."""
    history, session, visit = await office.history(), office.session, Visit(office)
    question = question_of(history, text_in(fields, "turn"))
    options = Options.of(question.chosen)
    settings = options.over(office.settings())
    settings = replace(settings, model=text_in(fields, "model", "") or settings.model)
    tools = await visit.toolbox(options.tools)
    return visit.begin(asked_again(office.chat, question, history, session=session, settings=settings, tools=tools))


async def edit(office: Office, fields: Fields) -> Result:
    """Ask another question in the place of one; what that one carried along goes along as it was.

    Only what the new text mentions besides is read, and what it no longer mentions stays behind.
    """
    text = text_in(fields, "text")
    if not text.strip():
        raise SettingsError("There is no question. Write one first.")
    session, settings, visit = office.session, office.settings(text_in(fields, "model", "")), Visit(office)
    question = question_of(await office.history(), text_in(fields, "turn"))
    before, now = mentions(question.text), mentions(text)
    known = {mention.text for mention in before}
    besides = " ".join(mention.text for mention in now if mention.text not in known)
    reading = await office.read(fields, besides, may_ask=True)
    left = _named(before) - _named(now) | {part.ref for part in reading.parts if isinstance(part, Context)}
    carried = tuple(
        part
        for part in question.parts
        if isinstance(part, Image) or (isinstance(part, Context) and not _names(part.ref) & left)
    )
    reading = Reading(carried) + reading
    tools = await visit.toolbox(texts_in(fields, "tools"))
    ask = office.chat.prepare(
        text,
        reading,
        settings=settings,
        session=session,
        tools=tools,
        chosen=_chosen(fields),
        instead_of=question.turn_id,
    )
    return visit.begin(ask)


async def cancel(office: Office, fields: Fields) -> Result:
    """Stop a turn, or take it out of the queue."""
    if turn := office.feed.find(text_in(fields, "turn")):
        turn.cancel()
    return {}


async def approve(office: Office, fields: Fields) -> Result:
    """Answer a call that waits for a yes."""
    verdict: Verdict = text_in(fields, "verdict")  # type: ignore[assignment]  # looked at in the next line
    if verdict not in get_args(Verdict):
        raise SettingsError(f"{verdict!r} is no answer. It is one of {', '.join(get_args(Verdict))}.")
    if not office.feed.approvals.decide(text_in(fields, "call"), verdict):
        raise SettingsError("This call does not wait any more: it was answered, or stopped, or nobody was there.")
    return {}


async def prepared(office: Office, fields: Fields, text: str, visit: Visit, *, may_ask: bool = False) -> Ask:
    """Return the question that a command asks, with all that it carries along.

    Parameters
    ----------
    may_ask
        See `Office.read`.
    """
    session, settings = office.session, office.settings(text_in(fields, "model", ""))
    reading = await office.read(fields, text, session.pins, may_ask=may_ask)
    tools = await visit.toolbox(texts_in(fields, "tools"))
    return office.chat.prepare(text, reading, settings=settings, session=session, tools=tools, chosen=_chosen(fields))


def _chosen(fields: Fields) -> Mapping[str, Json]:
    """Return what a front end has chosen for this question alone, as the question keeps it."""
    return Options(model=text_in(fields, "model", ""), tools=tuple(texts_in(fields, "tools"))).chosen


def _named(found: Iterable[Mention]) -> set[str]:
    return {reference for mention in found for reference in mention.references}


def _names(ref: str) -> set[str]:
    """Return what mentions may call a reference: `@df` is `var:df`, too."""
    return {ref, ref.partition(":")[2]} - {""}


class Visit:
    """What one question of a front end needs of the kernel: its tools run there, and are approved in the front end."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._turn_id = ""

    async def toolbox(self, names: Sequence[str] = ()) -> Toolbox:
        """Return the tools for the question; reading a long session for them may take a moment."""
        office = self._office
        return await asyncio.to_thread(
            office.place.bench.toolbox, names, office.session, ask=office.feed.approve, on_kernel=self.run
        )

    def begin(self, ask: Ask) -> Result:
        """Ask what was prepared."""
        self._turn_id = ask.question.turn_id
        self._office.feed.spawn(self._tell_notices(self._office.chat.begin(ask)))
        return {"turn": self._turn_id}

    async def _tell_notices(self, turn: Turn) -> None:
        """Tell what the store has to say when a turn is over; after a cell's the cell does."""
        await turn.wait()
        for notice in self._office.chat.sessions.store.notices():
            self._office.feed.notice(notice)

    async def run(self, function: Callable[[], str]) -> str:
        """Run a tool's function on the kernel's thread."""
        office = self._office
        return await office.on_kernel(function, lambda words: office.feed.say(words, self._turn_id))
