"""Read a file whose form is found out by its content."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import NoSessions, SessionError, SettingsError
from ..messages import Json, Session
from . import chatgpt, jupyter_ai, llm, notebook, open_webui, ours
from .base import DAMAGE, Form

FORMS: tuple[Form, ...] = (
    notebook.FORM,
    ours.JSON,
    jupyter_ai.FORM,
    chatgpt.FORM,
    open_webui.FORM,
    ours.LINES,
    llm.FORM,
)
"""All forms, in the order in which they are tried: the plainest last."""

LARGEST = 2_000_000_000
"""Bytes of a file, or of one in an archive: what is larger would not fit into memory several times."""


def read_sessions(path: Path) -> tuple[Form, Sequence[Session]]:
    """Return the sessions of a file, and which form it has.

    Raises
    ------
    NoSessions
        If it has no form that is known, or no conversation is in it.
    SessionError
        If it cannot be read or is damaged; then nothing of it is returned.
    """
    content = _content(path)
    form = next((form for form in FORMS if form.fits(content)), None)
    if form is None and isinstance(content, dict):  # the only line of JSON Lines looks like a whole
        content = [content]
        form = next((form for form in FORMS if form.fits(content)), None)
    if form is None:
        known = ", ".join(form.name for form in FORMS)
        raise NoSessions(f"{path} holds no chat sessions in a form that is known: {known}.")

    try:
        sessions = form.read(content, path)
    except NoSessions as error:
        raise NoSessions(f"{path}: {error}") from error
    except SettingsError as error:
        raise SessionError(f"{path} cannot be imported, and nothing was. {error}") from error
    except DAMAGE as error:
        raise SessionError(
            f"{path} looks like a {form.name} but is damaged or has an unknown form ({_reason(error)}), so nothing was "
            "imported. Export it once more."
        ) from error
    return form, sessions


def _content(path: Path) -> Json:
    """Return what a file holds: JSON, a list of the lines of JSON Lines, or the first bytes of a database."""
    try:
        with path.open("rb") as file:
            head = file.read(len(llm.MAGIC))
        if head == llm.MAGIC:
            return head
        data = _unpacked(path) if head.startswith(b"PK\3\4") else _whole(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SessionError(f"{path} could not be read: {reason}. Check the name and whether it may be read.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoSessions(f"{path} is no text in UTF-8, so it is no export of chat sessions.") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        try:
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        except (ValueError, RecursionError):
            known = ", ".join(form.name for form in FORMS)
            raise NoSessions(
                f"{path} is neither JSON nor a line of JSON after the other ({error}). What can be imported: {known}."
            ) from error


def _whole(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise SessionError(f"{path} has more than {LARGEST:,} bytes. Export fewer sessions at a time.")
    return path.read_bytes()


def _unpacked(path: Path) -> bytes:
    """Return the conversations.json of an archive, as ChatGPT sends it."""
    with zipfile.ZipFile(path) as archive:
        found = next((info for info in archive.infolist() if Path(info.filename).name == "conversations.json"), None)
        if found is None:
            raise SessionError(f"{path} has no conversations.json in it. Unpack it, and import the file you mean.")
        if found.file_size > LARGEST:
            raise SessionError(f"{found.filename} in {path} has more than {LARGEST:,} bytes.")
        with archive.open(found) as file:
            return file.read(LARGEST)


def _reason(error: BaseException) -> str:
    reason = f"{error}" if str(error) else type(error).__name__
    return f"no {reason}" if isinstance(error, KeyError) else reason[:200]
