"""What a conversation looks like: messages as entries of JSON that front ends draw and do not have to understand.

A turn is two entries: its question, and all that followed from it. Whether an answer has just been told or comes from the
store, it is folded to the same `Reply`, so that both read the same.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from ..events import Asked, Finished, TextDelta
from ..history import summary_in
from ..markdown import html
from ..messages import Context, Image, Json, Message, Session, Text, Thinking, ToolCall, ToolResult
from ..reply import Reply
from ..retelling import retold
from ..tokens import Calibration
from ..tools.approval import Proposal
from ..views.words import closing_notes, footer, mark, opening_notes, origin, warning

Entry = dict[str, Json]

SUMMARY = "A summary of what was said before."

_RENDERED = 256  # texts whose HTML is kept: a page that is loaded again has most of them


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, with its result once that is there."""

    call: ToolCall
    result: ToolResult | None = None


Piece = Text | Thinking | Call


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of an answer only because it was told here: no message keeps it.

    Attributes
    ----------
    notes
        What had to be known before reading and after.
    durations_s
        How long each part took that is a thought, by its number.
    """

    notes: tuple[str, ...] = ()
    durations_s: tuple[tuple[int, float], ...] = ()


def entries_of(
    history: Sequence[Message],
    hidden: Collection[str] = (),
    told: Mapping[str, Told] = {},
    *,
    count: int,
    before: str = "",
    places: Mapping[str, tuple[int, int]] = {},
) -> tuple[list[Entry], bool]:
    """Return the newest entries of a history, oldest first, and whether there are earlier ones.

    Renders Markdown: not for an event loop.

    Parameters
    ----------
    hidden
        Ids of messages whose turns the model does not read.
    told
        What is known besides of turns, by their ids.
    before
        Id of the entry that the last one stands before; empty: the last ones of all.
    places
        Which of how many a turn is, where others were asked in its place.
    """
    groups = [group for group in _groups(history) if not before or group[-1].id < before]
    shown = groups[-count:]
    out_of_sight = _turns(history, hidden)
    entries = []
    for group in shown:
        turn = _turn(group[0])
        entry = _entry(group, told.get(turn, Told()), is_hidden=turn in out_of_sight)
        at, of = places.get(turn, (1, 1))
        entries.append(entry | {"branches": {"at": at, "of": of}} if of > 1 else entry)
    return entries, len(groups) > len(shown)


def question_entry(message: Message, *, is_hidden: bool = False) -> Entry:
    """Return a question as it is shown."""
    count = Calibration().count_part
    return {
        "id": message.id,
        "turn": message.turn_id,
        "role": "user",
        "at": message.created_at.isoformat(),
        "is_hidden": is_hidden,
        "text": message.text,
        "html": "".join(rendered(message.text, name_of(message.turn_id))),
        "context": [
            {"label": part.label, "ref": part.ref, "tokens": count(part), "is_stale": False}
            for part in message.parts
            if isinstance(part, Context)
        ],
        "images": [image_json(part) for part in message.parts if isinstance(part, Image)],
    }


def answer_entry(reply: Reply, told: Told, parts: Sequence[Json], *, is_hidden: bool = False) -> Entry:
    """Return an answer that is over as it is shown.

    Parameters
    ----------
    parts
        As they are drawn.
    """
    messages = reply.messages()
    last = [message for message in messages if message.role == "assistant"][-1]
    return {
        "id": messages[-1].id,
        "turn": last.turn_id,
        "role": "assistant",
        "at": last.created_at.isoformat(),
        "is_hidden": is_hidden,
        "model": reply.model,
        "outcome": reply.outcome,
        "error": last.error,
        "mark": " · ".join(filter(None, [mark(reply), origin(reply)])),
        "parts": list(parts),
        "footer": footer(reply),
        "notes": list(told.notes),
        "warning": warning(reply),
    }


def pieces_of(reply: Reply) -> list[Piece]:
    """Return what is shown of an answer, in order: thoughts, text, and calls with their results."""
    pieces: list[Piece] = []
    for part in reply.parts:
        match part:
            case Text() | Thinking():
                pieces.append(part)
            case ToolCall():
                pieces.append(Call(part))
            case ToolResult(call_id):
                for number, piece in enumerate(pieces):
                    if isinstance(piece, Call) and piece.call.id == call_id and piece.result is None:
                        pieces[number] = Call(piece.call, part)
                        break
    return pieces


def piece_json(piece: Piece, name: str = "", duration_s: float | None = None) -> dict[str, Json]:
    """Return a piece as it is drawn.

    Parameters
    ----------
    name
        See `name_of`.
    duration_s
        How long a thought took, where that is known.
    """
    match piece:
        case Text(text):
            return {"type": "text", "blocks": list(rendered(text, name))}
        case Thinking(text):
            return {"type": "thinking", "blocks": list(rendered(text, name)), "duration_s": duration_s}
        case Call(call, result):
            return {
                "type": "tool",
                "call": call.id,
                "name": call.name,
                "arguments": dict(call.arguments),
                "result": result.text if result else None,
                "is_error": result.is_error if result else False,
                "duration_s": result.duration_s if result else None,
            }


def notes_of(reply: Reply) -> tuple[str, ...]:
    """Return what has to be known of an answer besides its words."""
    return (*opening_notes(reply), *closing_notes(reply))


def session_json(session: Session) -> dict[str, Json]:
    """Return what is shown of a session itself."""
    return {
        "id": session.id,
        "title": session.title,
        "model": session.model,
        "system": session.system,
        "options": dict(session.options),
        "think": session.think,
        "pins": list(session.pins),
        "place": session.place,
    }


def proposal_json(proposal: Proposal, turn_id: str) -> dict[str, Json]:
    """Return a call that waits for a yes."""
    return {
        "call": proposal.call.id,
        "turn": turn_id,
        "name": proposal.call.name,
        "arguments": dict(proposal.call.arguments),
        "effects": list(proposal.effects),
        "preview": proposal.preview,
        "scope": proposal.scope,
        "reason": proposal.reason,
    }


def image_json(image: Image) -> dict[str, Json]:
    """Return a picture as a front end shows it."""
    return {"mime": image.mime, "data": base64.b64encode(image.data).decode("ascii")}


def name_of(turn_id: str, number: int | None = None) -> str:
    """Return what the notes of a text are told apart by on a page: of a question, or of a part of its answer."""
    return f"{turn_id}-{'q' if number is None else number}"


@lru_cache(maxsize=_RENDERED)
def rendered(text: str, name: str) -> tuple[str, ...]:
    """Return the blocks of a text as safe HTML; see `name_of`."""
    return tuple(html.blocks(text, name=name))


def _groups(history: Sequence[Message]) -> Iterator[tuple[Message, ...]]:
    """Yield the messages of each entry; those of an answer with their question before them."""
    for _, grouped in groupby(history, _turn):
        group = tuple(grouped)
        if group[0].role != "user":
            yield group
            continue
        yield group[:1]
        if len(group) > 1:
            yield group


def _entry(group: Sequence[Message], told: Told, *, is_hidden: bool) -> Entry:
    first = group[0]
    if first.role == "user" and len(group) == 1:
        return question_entry(first, is_hidden=is_hidden)
    if summary := summary_in(first):
        reply = Reply([Asked(first, ""), TextDelta(summary.text), Finished("done")])
        part = piece_json(Text(summary.text), name_of(first.id))
        entry = answer_entry(reply, Told((SUMMARY,)), [part], is_hidden=is_hidden)
        return entry | {"id": first.id}
    reply = retold(group if first.role == "user" else (first, *group))
    durations = dict(told.durations_s)
    turn_id = reply.asked.question.turn_id if reply.asked else ""
    parts = [
        piece_json(piece, name_of(turn_id, number), durations.get(number))
        for number, piece in enumerate(pieces_of(reply))
    ]
    return answer_entry(reply, told, parts, is_hidden=is_hidden) | {"id": group[-1].id}


def _turns(history: Iterable[Message], hidden: Collection[str]) -> set[str]:
    return {_turn(message) for message in history if message.id in hidden} if hidden else set()


def _turn(message: Message) -> str:
    return message.turn_id or message.id  # a summary belongs to no turn
