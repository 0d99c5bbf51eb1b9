"""What the outputs of a cell keep of their turn, and back: so a session can be rebuilt from an .ipynb alone.

Each output that shows a page of an answer has `metadata["chatnb"]`::

    {"version": 1, "turn": "20261121T094501123456-1f0c9a2b"}

from the second page on with its number, and the last one holds the turn's messages, the question first, as wire.py writes them, and what was made in between, such
as a summary::

    {"version": 1, "turn": ..., "page": 1, "session": "2026...", "messages": [...], "made": [...]}

Nothing is sent and saved twice, since all of it goes through IOPub. What follows from the rest is left out: session_id,
turn_id, and whatever a reply shares with its question or derives from it (`_derived`). Where the session has more of its
own than an id and a title made of its first question, "session" is an object of that::

    {"id": "2026...", "title": "Plans", "model": "qwen3:8b", "pins": ["df"], "place": "notebook"}

Its place is told as "notebook" or "folder", which is where the notebook is found: no path of this machine travels. In
place of a "text" that a reader sees stands "shown", a list of strings and of `[page, start, end]`: a range of characters
of that page's text/markdown. Where it was changed to be safe to show, the original stands between.

The output of a command that changed a session has no turn but all of that session, with "updated_at", and "messages" where
the command has made some, such as a summary. So has that of a panel, whose messages are the newest of the conversation::

    {"version": 1, "session": {"id": "2026...", "updated_at": ..., ...}, "messages": [...]}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .branches import grouped_by_turn
from .errors import SettingsError
from .messages import Json, Message, Session, title_of
from .wire import VERSION, message_from_json, session_from_json, to_json

_OWN = ("title", "model", "system", "pins", "hidden", "tip", "forked", "tags", "state", "options", "think")
"""Fields of a session that do not follow from its messages."""

# A range that is shorter takes as much room as what it stands for.
_WORTH = 24
# How far a change reaches: the joiners, entities and dollars of markdown/safe.py.
_NEAR = 80
_FAR = 400


def page_imprint(turn_id: str, page: int) -> dict[str, Json]:
    """Return what an output keeps that shows one page of several, but for the last one."""
    return {"version": VERSION, "turn": turn_id} | ({"page": page} if page else {})


def turn_imprint(
    messages: Sequence[Message], pages: Sequence[str], session: Session | None = None, made: Sequence[Message] = ()
) -> dict[str, Json]:
    """Return what the last output of a turn keeps.

    Parameters
    ----------
    messages
        The question and all that the turn added to the session.
    pages
        The text/markdown of each output of the turn, the last one included.
    session
        What the turn was asked in, where nothing else in the notebook tells of it.
    made
        What was kept between the question and its answer, such as a summary of what no longer fitted.
    """
    question = messages[0]
    written = [to_json(message) for message in messages]
    search = _Search(pages)
    own = _own(session, question) if session else {}
    told = {"id": question.session_id, **own} if own else question.session_id
    whole = page_imprint(question.turn_id, len(pages) - 1) | {"session": told}
    derived = list(_derived(whole, written))
    for message, values in zip(written, derived, strict=True):
        for name, value in values.items():
            if message.get(name, "") == value:
                message.pop(name, None)
            else:
                message.setdefault(name, "")
        for part in message["parts"] if message is not written[0] else ():
            if part["type"] == "Text":
                part["shown"] = list(search.pieces(part.pop("text")))
    return _sendable(whole | {"messages": written} | ({"made": list(map(to_json, made))} if made else {}))


def session_imprint(session: Session, *messages: Message) -> dict[str, Json]:
    """Return what the output of a command or a panel keeps: the session as it is now, and some messages of it."""
    told = to_json(replace(session, messages=(), place=_kind_of_place(session)))
    kept = {"messages": list(map(to_json, messages))} if messages else {}
    return _sendable({"version": VERSION, "session": told} | kept)


def newest_turns(messages: Sequence[Message], characters: int) -> tuple[Message, ...]:
    """Return the messages of the newest turns that take no more room than `characters` of JSON; at least one turn."""
    kept: list[Message] = []
    for turn in reversed(grouped_by_turn(messages)):
        characters -= sum(len(json.dumps(to_json(message), ensure_ascii=False)) for message in turn)
        if characters < 0 and kept:
            break
        kept[:0] = turn
    return tuple(kept)


def changed_session(kept: Mapping[str, Json], place: Path | None = None) -> Session:
    """Return the session that `session_imprint` keeps, with the messages; `place` is the notebook."""
    session = session_from_json(kept["session"])
    messages = tuple(map(message_from_json, kept.get("messages", ())))
    return replace(session, place=_places(place).get(session.place, ""), messages=messages)


def session_of(outputs: Sequence[Mapping[str, Json]], place: Path | None = None) -> Session:
    """Return what is known of the session of a turn, without its messages; `outputs` are those of `messages_of`.

    Parameters
    ----------
    place
        The notebook.
    """
    question = messages_of(outputs)[0]
    (told,) = [kept["session"] for output in outputs if "messages" in (kept := _kept(output) or {})]
    own = told if isinstance(told, dict) else {}
    fields = {
        "id": question.session_id,
        "created_at": (_time_in(question.session_id) or question.created_at).isoformat(),
        "place": _places(place).get(own.get("place", ""), ""),
        "user_id": question.user_id,
    }
    return session_from_json(fields | {name: own[name] for name in _OWN if name in own})


def messages_of(outputs: Sequence[Mapping[str, Json]]) -> tuple[Message, ...]:
    """Return the messages of one turn, the question first.

    Parameters
    ----------
    outputs
        The outputs of its cell as an .ipynb holds them (a text may be a list of lines), others among them or not.

    Raises
    ------
    SettingsError
        If there is no turn in them, or not all of it, or it was written by a newer chatnb.
    """
    pages: dict[int, str] = {}
    last: Mapping[str, Json] | None = None
    for output in outputs:
        kept = _kept(output)
        if kept is None:
            continue
        if kept["version"] > VERSION:
            raise SettingsError(f"A newer chatnb wrote this answer (version {kept['version']}). Update chatnb.")
        markdown = output["data"]["text/markdown"]
        pages[kept.get("page", 0)] = markdown if isinstance(markdown, str) else "".join(markdown)
        if "messages" in kept:
            last = kept
    if last is None:
        raise SettingsError("These outputs hold no answer of chatnb that came to its end. Run the cell again.")
    derived = _derived(last, last["messages"])
    question, *replies = (
        message_from_json(values | _restored(message, pages))
        for values, message in zip(derived, last["messages"], strict=True)
    )
    return (question, *map(message_from_json, last.get("made", ())), *replies)


def turn_in(output: Mapping[str, Json]) -> str | None:
    """Return the id of the turn of which an output shows a page; None if it shows none."""
    kept = _kept(output)
    return kept["turn"] if kept else None


def _kept(output: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return what an output keeps of a turn; None if it shows none."""
    kept: Mapping[str, Json] = (output.get("metadata") or {}).get("chatnb") or {}
    return kept if "turn" in kept else None


def _sendable(imprint: dict[str, Json]) -> dict[str, Json]:
    """Return an imprint with a question mark for each half of a character, which can neither be sent nor saved."""
    whole: dict[str, Json] = json.loads(json.dumps(imprint, ensure_ascii=False).encode(errors="replace"))
    return whole


def _own(session: Session, question: Message) -> dict[str, Json]:
    """Return what of a session does not follow from its messages."""
    written = to_json(session)
    if session.title == title_of(question.text):
        written.pop("title", None)
    own = {name: written[name] for name in _OWN if name in written}
    return own | {"place": _kind_of_place(session)} if session.place else own


def _kind_of_place(session: Session) -> str:
    if not session.place:
        return ""
    return "notebook" if session.place.endswith(".ipynb") else "folder"


def _places(notebook: Path | None) -> dict[str, str]:
    if notebook is None:
        return {}
    notebook = notebook.absolute()
    return {"notebook": str(notebook), "folder": str(notebook.parent)}


def _time_in(session_id: str) -> datetime | None:
    """Return when a session began, as its id says (`new_id`)."""
    try:
        return datetime.strptime(session_id.partition("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None


def _derived(whole: Mapping[str, Json], messages: Sequence[Mapping[str, Json]]) -> Iterator[dict[str, Json]]:
    """Yield for each message what it has where it does not say otherwise, as Reply.messages makes it."""
    question, *replies = messages
    told = whole["session"]
    shared = {"session_id": told["id"] if isinstance(told, dict) else told, "turn_id": whole["turn"]}
    yield shared | {"id": whole["turn"], "role": "user"}
    question_id = question.get("id", whole["turn"])
    duration_s = max((reply.get("duration_s") or 0 for reply in replies), default=0)
    answered_at = datetime.fromisoformat(question["created_at"])
    with suppress(OverflowError):  # the year 10000
        answered_at += timedelta(seconds=duration_s)
    shared |= {"role": "assistant", "user_id": question.get("user_id", ""), "created_at": answered_at.isoformat()}
    for number in range(1, len(messages)):
        yield shared | {"id": f"{question_id}.{number:03d}"}


def _restored(message: Mapping[str, Json], pages: Mapping[int, str]) -> dict[str, Json]:
    parts: list[Json] = []
    for part in message["parts"]:
        shown = part.get("shown")
        if shown is None:
            parts.append(part)
            continue
        missing = {piece[0] for piece in shown if not isinstance(piece, str)} - set(pages)
        if missing:
            raise SettingsError("An output of this answer was deleted, so its text is not whole. Run the cell again.")
        text = "".join(piece if isinstance(piece, str) else pages[piece[0]][piece[1] : piece[2]] for piece in shown)
        parts.append({"type": part["type"], "text": text})
    return {**message, "parts": parts}


class _Search:
    """Finds texts on the pages that show them, going on where it found the last."""

    def __init__(self, pages: Sequence[str]) -> None:
        self._pages = pages
        self._page = self._at = 0

    def pieces(self, text: str) -> Iterator[Json]:
        """Yield ranges of the pages, and the strings between them that stand on none."""
        done = at = 0
        while at < len(text):
            found = self._next(text, at)
            if found is None:
                at = text.find("\n", at) + 1 or len(text)
                continue
            start, page, place = found
            length = _common(text, start, self._pages[page], place)
            if start > done:
                yield text[done:start]
            yield [page, place, place + length]
            self._page, self._at = page, place + length
            done = at = start + length
        if done < len(text):
            yield text[done:]

    def _next(self, text: str, at: int) -> tuple[int, int, int] | None:
        """Return where the text goes on in a page: soon behind the last place, or from here anywhere later."""
        page = self._pages[self._page]
        for start in range(at, min(at + _NEAR, len(text) - _WORTH + 1)):
            place = page.find(text[start : start + _WORTH], self._at, self._at + _FAR)
            if place >= 0:
                return start, self._page, place
        start = at + len(text[at:]) - len(text[at:].lstrip())
        needle = text[start : start + _WORTH]
        if len(needle) < _WORTH:
            return None
        for number in range(self._page, len(self._pages)):
            place = self._pages[number].find(needle, self._at if number == self._page else 0)
            if place >= 0:
                return start, number, place
        return None


def _common(text: str, start: int, page: str, place: int) -> int:
    """Return how many characters the two have in common from there on."""
    length, step = 0, 4096
    while step:
        piece = text[start + length : start + length + step]
        if len(piece) == step and page.startswith(piece, place + length):
            length += step
        else:
            step //= 2
    return length
