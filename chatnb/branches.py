"""Branches of a conversation: a question that was asked anew stands beside the one that it was asked instead of.

Nothing is ever taken out of a session. A turn follows the one that was saved before it, or the one that its question
names (`Message.after`); what is read and shown is the path from the beginning to one turn: the newest, or the one that
was chosen (`Session.tip`) for as long as no newer turn is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .history import summary_in
from .messages import Message, Session, Summary, derived_id


@dataclass(frozen=True, slots=True)
class Branch:
    """One way through a session.

    Attributes
    ----------
    tip
        Its last turn.
    question
        What was asked last in it.
    turn_count
        Its turns from the beginning.
    is_current
        Whether the next question follows it.
    """

    tip: str
    question: Message
    turn_count: int
    is_current: bool


def node_of(message: Message) -> str:
    """Return the id of the turn of a message; what belongs to no turn, such as a summary, is one by itself."""
    return message.turn_id or message.id


def grouped_by_turn(messages: Sequence[Message]) -> list[tuple[Message, ...]]:
    """Return what was said turn by turn, each with what was kept in between, such as a summary."""
    ends = {node_of(message): index + 1 for index, message in enumerate(messages)}
    turns: list[tuple[Message, ...]] = []
    start = 0
    while start < len(messages):
        end = ends[node_of(messages[start])]
        turns.append(tuple(messages[start:end]))
        start = end
    return turns


def path(session: Session, after: str | None = None) -> tuple[Message, ...]:
    """Return what was said on the way to a turn, oldest first.

    Parameters
    ----------
    after
        That turn; "" for the beginning, None for the one that the next question follows.
    """
    parents = _parents(session.messages)
    on_path = set(_way(parents, tip_of(session) if after is None else after))
    return tuple(message for message in session.messages if node_of(message) in on_path)


def tip_of(session: Session) -> str:
    """Return the turn that the next question follows; "" at the beginning."""
    newest = node_of(session.messages[-1]) if session.messages else ""
    if session.tip:
        chosen, then = session.tip
        if then == newest:
            return chosen
    return newest


def tip_at(session: Session, turn: str) -> tuple[str, str]:
    """Return the value of `Session.tip` by which the next question follows `turn`."""
    return turn, node_of(session.messages[-1]) if session.messages else ""


def parent_of(session: Session, turn: str) -> str:
    """Return the turn that a turn follows; "" if it is the first."""
    return _parents(session.messages).get(turn, "")


def siblings(session: Session, turn: str) -> tuple[str, ...]:
    """Return the turns that were asked in the place of a turn, that one among them, oldest first."""
    parents = _parents(session.messages)
    return tuple(other for other in parents if parents[other] == parents.get(turn)) if turn in parents else ()


def places(session: Session) -> dict[str, tuple[int, int]]:
    """Return which of how many each turn is, counted from 1, that stands beside others; see `siblings`."""
    beside: dict[str, list[str]] = {}
    for node, parent in _parents(session.messages).items():
        beside.setdefault(parent, []).append(node)
    return {
        node: (number, len(nodes))
        for nodes in beside.values()
        if len(nodes) > 1
        for number, node in enumerate(nodes, 1)
    }


def newest_below(session: Session, turn: str) -> str:
    """Return the end of the branch that goes through a turn, of several the one that was written last."""
    parents = _parents(session.messages)
    return next((node for node in reversed(parents) if turn in _way(parents, node)), turn)


def branches(session: Session) -> tuple[Branch, ...]:
    """Return all ways through a session, the oldest first."""
    parents = _parents(session.messages)
    tip = tip_of(session)
    ends = dict.fromkeys((*(node for node in parents if node not in parents.values()), *filter(None, [tip])))
    questions = {node_of(message): message for message in reversed(session.messages)}  # the first of each turn
    found = []
    for end in ends:
        asked = [questions[node] for node in _way(parents, end) if summary_in(questions[node]) is None]
        if asked:
            found.append(Branch(end, asked[0], len(asked), end == tip))
    return tuple(found)


def forked(session: Session, until: str, copy: Session) -> Session:
    """Return `copy` with what was said in a session, up to one of its messages, as its own.

    The copies have ids of their own, in the same order and always the same ones: so a notebook that holds both sessions
    need not hold what they share twice.
    """
    last = next(message for message in session.messages if message.id == until)
    messages = [message for message in path(session, node_of(last)) if message.id <= until]
    turns = {
        node: derived_id(message.created_at, copy.id, node)
        for message in reversed(messages)
        for node in [node_of(message)]
    }
    ids = {message.id: message.id.replace(node_of(message), turns[node_of(message)], 1) for message in messages}
    return replace(
        copy,
        model=session.model,
        system=session.system,
        pins=session.pins,
        hidden=tuple(ids[message_id] for message_id in session.hidden if message_id in ids),
        forked=(session.id, until),
        messages=tuple(_copied(message, copy.id, ids, turns) for message in messages),
    )


def _copied(message: Message, session_id: str, ids: dict[str, str], turns: dict[str, str]) -> Message:
    parts = tuple(
        replace(part, until=ids.get(part.until, part.until)) if isinstance(part, Summary) else part
        for part in message.parts
    )
    return replace(
        message,
        id=ids[message.id],
        session_id=session_id,
        turn_id=turns[message.turn_id] if message.turn_id else "",
        after=None,
        parts=parts,
    )


def _parents(messages: Sequence[Message]) -> dict[str, str]:
    """Return the turns in the order in which they began, each with the one that it follows."""
    firsts = {node_of(message): message for message in reversed(messages)}
    order = dict.fromkeys(map(node_of, messages))
    before = {later: earlier for earlier, later in pairwise(order)}
    return {
        node: before.get(node, "") if (after := firsts[node].after) is None else after if after in order else ""
        for node in order
    }


def _way(parents: dict[str, str], turn: str) -> dict[str, None]:
    """Return the turns from one back to the beginning."""
    way: dict[str, None] = {}
    while turn in parents and turn not in way:  # a damaged file may lead in a circle
        way[turn] = None
        turn = parents[turn]
    return way
