"""Go on where a notebook was: in its newest session, or in the conversation that it holds itself."""

from __future__ import annotations

from pathlib import Path

from .errors import SessionError, SessionNotFound, StoreError
from .sessions import Sessions
from .transfer import import_sessions


def go_on(sessions: Sessions, notebook: Path | None) -> str:
    """Let the session of this place be the current one, and return what its user has to know; empty if nothing.

    Parameters
    ----------
    notebook
        Its file, where it is known: if the store does not know of a session, somebody may have given it away.
    """
    try:
        return "" if sessions.resume() else _taken_over(sessions, notebook)
    except StoreError as error:
        # The first question that is to be kept fails with it; until then `%chat doctor` has to work.
        return str(error)


def _taken_over(sessions: Sessions, notebook: Path | None) -> str:
    if notebook is None or not notebook.is_file():
        return ""
    try:
        found = import_sessions(sessions, notebook)
    except SessionError:  # it holds none, as most notebooks
        return ""
    newest = max(found, key=lambda each: each.session.messages[-1].id if each.session.messages else "")
    try:
        session = sessions.open(newest.session.id)
    except SessionNotFound:  # its user put it into the trash
        return ""
    return (
        f"Goes on in the conversation of this notebook, {session.title!r} ({len(session.messages)} messages). "
        "`%chat new` begins another."
    )
