"""Read the chats that Open WebUI exports, one or all of them.

An export is a list of chats, as JSON or one a line. A chat has `id`, `title`, `created_at` and `updated_at` in seconds
(older versions wrote nanoseconds) and `chat`, whose `history` is a tree: `messages` by id, each with `parentId` and
`childrenIds`, and `currentId`, the end of the branch that is shown. Chats from before there was a tree have a list
`messages` only. A message has `role`, `content`, `timestamp`, `model`, `usage`, `error` and `files`; thoughts stand in a
newer one's `output`, as items of type "reasoning", in an older one's `content`, as <details type="reasoning">.

Read in the source of open-webui 0.12.4, `models/chats.py` (ChatModel), `routers/chats.py` (`/all`), `utils/misc.py`
(get_message_list, get_output_text), https://github.com/open-webui/open-webui
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..messages import Image, Json, Part, Session, Thinking, Usage
from .base import Form, Line, said, session_from, text_of, time_of

_REASONING = re.compile(r"<details type=\"reasoning\"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*", re.DOTALL)
_QUOTED = re.compile(r"^> ?", re.MULTILINE)
_PICTURE = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)


def fits(data: Json) -> bool:
    """Tell whether it is an export of Open WebUI."""
    chats = data if isinstance(data, list) else [data]
    return bool(chats) and all(isinstance(chat, dict) and isinstance(chat.get("chat"), dict) for chat in chats)


def read(data: Json, _: Path) -> Sequence[Session]:
    """Return a session for each chat: the branch that it shows."""
    return [_session(chat) for chat in (data if isinstance(data, list) else [data])]


FORM = Form("export of Open WebUI", fits, read)


def _session(chat: Mapping[str, Json]) -> Session:
    inner = chat["chat"]
    title = text_of(chat.get("title")) or text_of(inner.get("title"))
    at = time_of(chat.get("created_at")) or time_of(inner.get("timestamp"))
    messages = list(_branch(inner))
    key = text_of(chat.get("id")) or text_of(inner.get("id")) or f"{title}\0{at}"
    system = text_of(inner.get("system")) or text_of((inner.get("params") or {}).get("system"))
    return session_from("open-webui", key, title, map(_line, messages), at=at, system=system)


def _branch(inner: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    history = inner.get("history") or {}
    known = history.get("messages") or {}
    message_id = history.get("currentId")
    if not known or message_id not in known:
        return list(inner.get("messages") or known.values())
    branch, seen = [], set()
    while message_id in known and message_id not in seen:
        seen.add(message_id)
        branch.append(known[message_id])
        message_id = known[message_id].get("parentId")
    return branch[::-1]


def _line(message: Mapping[str, Json]) -> Line:
    usage = message.get("usage") or (message.get("info") or {}).get("usage") or {}
    error = message.get("error")
    error = error.get("content") if isinstance(error, dict) else error if isinstance(error, str) else ""
    return Line(
        role=text_of(message["role"]),
        parts=tuple(_parts(message)),
        at=time_of(message.get("timestamp")),
        model=text_of(message.get("model")) if message["role"] == "assistant" else "",
        usage=_usage(usage),
        error=text_of(error),
    )


def _parts(message: Mapping[str, Json]) -> Iterator[Part]:
    for file in message.get("files") or ():
        picture = _PICTURE.fullmatch(text_of(file.get("url"))) if file.get("type") == "image" else None
        if picture:  # others lie on the server
            yield Image(base64.b64decode(picture[2], validate=True), picture[1])
    thoughts = [_output_text(item) for item in message.get("output") or () if item.get("type") == "reasoning"]
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(text_of(part.get("text")) for part in content if part.get("type") == "text")
    text = text_of(content)
    if message["role"] == "assistant":
        thoughts += [html.unescape(_QUOTED.sub("", found)).strip() for found in _REASONING.findall(text)]
        text = _REASONING.sub("", text)
    if not text:
        answers = [_output_text(item) for item in message.get("output") or () if item.get("type") == "message"]
        text = "\n".join(filter(None, answers))
    if thinking := "\n\n".join(filter(None, thoughts)):
        yield Thinking(thinking)
    yield from said(text)


def _output_text(item: Mapping[str, Json]) -> str:
    parts = item.get("content") or item.get("summary") or ()
    return "".join(text_of(part.get("text")) for part in parts)


def _usage(usage: Mapping[str, Json]) -> Usage | None:
    read = usage.get("prompt_eval_count", usage.get("prompt_tokens", usage.get("input_tokens")))
    written = usage.get("eval_count", usage.get("completion_tokens", usage.get("output_tokens")))
    known = [value if isinstance(value, int) else None for value in (read, written)]
    return Usage(*known) if any(known) else None
