"""A menu of the sessions, to go on in one."""

from __future__ import annotations

import shutil

from prompt_toolkit.shortcuts import choice

from ..errors import ChatInterrupted, SessionNotFound
from ..messages import SessionInfo
from ..printing import printable
from ..sessions import Sessions
from ..views.words import shortened

_LISTED = 20
_BESIDE = 8  # columns of the mark and the number of an entry
_QUESTION = "Which session? (Ctrl-C leaves)"


def choose_session(sessions: Sessions) -> str:
    """Return the id of the session that the user chooses among the newest.

    Raises
    ------
    SessionNotFound
        If there is none.
    ChatInterrupted
        If the user chooses none.
    """
    newest = sessions.all()[:_LISTED]
    if not newest:
        raise SessionNotFound("There are no sessions yet. `chatnb` begins one.")
    room = shutil.get_terminal_size().columns - _BESIDE
    try:
        chosen: str = choice(_QUESTION, options=[(info.id, _entry(info, room)) for info in newest])
    except KeyboardInterrupt:
        raise ChatInterrupted("No session was chosen.") from None
    return chosen


def _entry(info: SessionInfo, room: int) -> str:
    behind = f" · {info.updated_at.astimezone():%Y-%m-%d} · {info.message_count}"
    return shortened(printable(info.title), max(room - len(behind), 10)) + behind
