"""Read the `.chat` files of jupyter-ai 3, which are those of jupyterlab-chat.

A file is a JSON object: `messages`, each with `id`, `time` in seconds, `sender`, `body`, and `deleted` where it was;
`users` by the name that `sender` gives, with `display_name`, `name` and `bot`; `attachments` and `metadata`.

Read in the source of jupyterlab-chat 0.25.3, `ychat.py` (YChat.get) and `models.py` (Message, User),
https://github.com/jupyterlab/jupyter-chat; bots were not marked before, but those of jupyter-ai have names that begin
with "jupyter-ai" (https://github.com/jupyterlab/jupyter-ai).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..messages import Json, Session
from .base import Form, Line, said, session_from, text_of, time_of


def fits(data: Json) -> bool:
    """Tell whether it is a `.chat` file."""
    return isinstance(data, dict) and isinstance(data.get("messages"), list) and isinstance(data.get("users"), dict)


def read(data: Json, path: Path) -> Sequence[Session]:
    """Return the one session of a chat, under the file's name."""
    users = data["users"]
    messages = [message for message in data["messages"] if not message.get("deleted")]
    metadata = data.get("metadata") or {}
    key = text_of(metadata.get("id")) or (text_of(messages[0]["id"]) if messages else path.name)
    return [session_from("jupyter-chat", key, path.stem, [_line(message, users) for message in messages])]


FORM = Form("chat of jupyter-ai", fits, read)


def _line(message: Mapping[str, Json], users: Mapping[str, Json]) -> Line:
    sender = text_of(message["sender"])
    user = users.get(sender) or {}
    is_bot = bool(user.get("bot")) or sender.startswith("jupyter-ai")
    name = text_of(user.get("display_name")) or text_of(user.get("name")) or sender
    text = said(text_of(message["body"]))
    return Line("assistant" if is_bot else "user", text, time_of(message["time"]), name if is_bot else "")
