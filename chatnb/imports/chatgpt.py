"""Read the conversations.json of a ChatGPT export: the branch of each conversation that was shown last.

The file is a list of conversations, each with `id` (older: `conversation_id`), `title`, `create_time` in seconds, and
`mapping`, a tree of nodes by id with `parent`, `children` and `message`, whose last shown leaf is `current_node`. A
message has `author.role`, `create_time`, `metadata.model_slug`, `recipient` ("all", or the tool that is called) and
`content`: of `content_type` "text" and "multimodal_text" the `parts`, texts and pointers to pictures, which lie beside the
file under names of their own and are not read; of "code" a `text`; of "thoughts" a list `thoughts` with a `content`
each. Messages with `metadata.is_visually_hidden_from_conversation` were never shown.

OpenAI publishes no description. Taken from those of programs that read the exports of their users:
https://github.com/mitkury/chatgpt-export-parser/blob/main/docs/chatgpt-data-export-format.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ..messages import Json, Part, Session, Text, Thinking, ToolResult
from .base import Form, Line, said, session_from, text_of, time_of

_POINTERS = {
    "image_asset_pointer": "picture",
    "audio_asset_pointer": "recording",
    "video_container_asset_pointer": "video",
}


def fits(data: Json) -> bool:
    """Tell whether it is a ChatGPT export, or one conversation of one."""
    found = data if isinstance(data, list) else [data]
    return bool(found) and all(isinstance(one, dict) and isinstance(one.get("mapping"), dict) for one in found)


def read(data: Json, _: Path) -> Sequence[Session]:
    """Return a session for each conversation."""
    return [_session(one) for one in (data if isinstance(data, list) else [data])]


FORM = Form("export of ChatGPT", fits, read)


def _session(one: Mapping[str, Json]) -> Session:
    title, at = text_of(one.get("title")), time_of(one.get("create_time"))
    key = text_of(one.get("id")) or text_of(one.get("conversation_id")) or f"{title}\0{at}"
    lines = [line for node in _branch(one) if (line := _line(node.get("message") or {}))]
    return session_from("chatgpt", key, title, lines, at=at)


def _branch(one: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    mapping = one["mapping"]
    node_id = one.get("current_node")
    if node_id not in mapping:  # the newest leaf
        leaves = [key for key, node in mapping.items() if not node.get("children")]
        node_id = max(leaves, key=lambda key: (mapping[key].get("message") or {}).get("create_time") or 0, default=None)
    branch, seen = [], set()
    while node_id in mapping and node_id not in seen:
        seen.add(node_id)
        branch.append(mapping[node_id])
        node_id = mapping[node_id].get("parent")
    return branch[::-1]


def _line(message: Mapping[str, Json]) -> Line | None:
    if not message:
        return None
    metadata = message.get("metadata") or {}
    role = text_of(message["author"]["role"])
    if metadata.get("is_visually_hidden_from_conversation") or (role == "system" and not _shown(message)):
        return None
    at: datetime | None = time_of(message.get("create_time"))
    if role == "tool":
        text = "".join(part.text for part in _parts(message) if isinstance(part, Text))
        return Line("tool", (ToolResult("", text_of(message["author"].get("name")), text),) if text else (), at)
    return Line(role, tuple(_parts(message)), at, text_of(metadata.get("model_slug")) if role == "assistant" else "")


def _shown(message: Mapping[str, Json]) -> bool:
    return any(isinstance(part, Text) and part.text.strip() for part in _parts(message))


def _parts(message: Mapping[str, Json]) -> Iterator[Part]:
    content = message["content"]
    match content.get("content_type"):
        case "thoughts":
            thoughts = "\n\n".join(text_of(thought.get("content")) for thought in content.get("thoughts") or ())
            if thoughts:
                yield Thinking(thoughts)
        case "code" | "execution_output":
            text = text_of(content.get("text"))
            # What it writes for a tool is no answer, but shows what was done.
            yield from said(f"```\n{text}\n```" if text and content["content_type"] == "code" else text)
        case "reasoning_recap":  # "Thought for 5 s"
            return
        case _:
            texts = [_part_text(part) for part in content.get("parts") or ()]
            yield from said("\n\n".join(filter(None, texts)) or text_of(content.get("text")))


def _part_text(part: Json) -> str:
    if not isinstance(part, dict):
        return text_of(part)
    kind = part.get("content_type")
    if kind in _POINTERS:
        return f"({_POINTERS[kind]})"
    return text_of(part.get("text"))
