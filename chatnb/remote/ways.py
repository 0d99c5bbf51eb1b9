"""Commands about the ways through a session: back, to another branch, into a session of its own."""

from __future__ import annotations

import asyncio

from ..branches import newest_below, node_of, path, siblings
from ..errors import SettingsError
from .base import Fields, Office, Result, text_in, turn_of


async def undo(office: Office, _: Fields) -> Result:
    """Go back by one question, and return its text; nothing is deleted."""
    _wait_for_none(office)
    question = await asyncio.to_thread(office.chat.sessions.undo)
    return {"text": question.text}


async def branch(office: Office, fields: Fields) -> Result:
    """Go on in the branch of another turn that was asked in the place of this one; `to` is its number, from 1."""
    _wait_for_none(office)
    turn, number, sessions = text_in(fields, "turn"), fields.get("to"), office.chat.sessions
    whole = await asyncio.to_thread(sessions.whole, office.session.id)
    among = siblings(whole, turn)
    if not isinstance(number, int) or not 1 <= number <= len(among):
        raise SettingsError(f"There are {len(among)} branches here: branch takes to as one of their numbers, from 1.")
    await asyncio.to_thread(sessions.follow, newest_below(whole, among[number - 1]))
    return {}


async def led_to(office: Office, message_id: str) -> str:
    """Go on in the branch of the current session where a message stands, and return its turn."""
    sessions = office.chat.sessions
    whole = await asyncio.to_thread(sessions.whole, office.session.id)
    turn = node_of(turn_of(whole.messages, message_id)[0])
    if turn not in map(node_of, path(whole)):
        _wait_for_none(office)
        await asyncio.to_thread(sessions.follow, newest_below(whole, turn))
    return turn


async def fork(office: Office, fields: Fields, *, enter: bool = True) -> Result:
    """Begin a session with a copy of what was said, up to the turn of a message or all of it, and go on in it.

    Parameters
    ----------
    enter
        Whether every surface goes on in it.
    """
    until, title = text_in(fields, "message", ""), " ".join(text_in(fields, "title", "").split())
    if until:
        until = turn_of(await office.history(), until)[-1].id
    else:
        _wait_for_none(office)
    copy = await asyncio.to_thread(office.chat.sessions.fork, until, title, enter=enter)
    return {"session": copy.id}


def _wait_for_none(office: Office) -> None:
    """Raise SettingsError while something is being answered: it is not known yet what there will be to go back from."""
    if office.feed.is_answering:
        raise SettingsError("An answer is still being written. Stop it, or wait for its end, first.")
