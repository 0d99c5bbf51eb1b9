"""Requests in the form that Ollama takes, and events from the form that it sends: pure functions."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import ModelBroken
from ..events import ModelEvent, TextDelta, ThinkingDelta, TokensCounted, ToolStarted
from ..messages import Image, Json, Message, ToolCall, ToolResult, ToolSpec, Usage
from .base import ModelInfo, Request
from .fenced import returned, spoken


def body_of(model: str, request: Request) -> dict[str, Json]:
    """Return the body of a chat request."""
    body: dict[str, Json] = {
        "model": model,
        "stream": True,
        "messages": [sent for message in request.messages for sent in _messages(message)],
        "options": dict(request.options),
    }
    if request.tools:
        body["tools"] = [told_of(tool) for tool in request.tools]
    if request.think is not None:
        body["think"] = request.think
    if request.schema is not None:
        body["format"] = request.schema
    if request.keep_alive is not None:
        body["keep_alive"] = _duration(request.keep_alive)
    return body


def told_of(tool: ToolSpec) -> dict[str, Json]:
    """Return a tool as a model is told of it; the form is OpenAI's, and everybody's."""
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }


def events_of(line: Mapping[str, Json], address: str) -> Sequence[ModelEvent]:
    """Return what one line of the stream tells.

    Raises
    ------
    ModelBroken
        If it has another form than Ollama's.
    """
    try:
        return list(_events(line))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelBroken(
            f"Ollama at {address} sent something that chatnb cannot read: {str(line)[:200]}\n"
            "Ask again; if it stays so, something else than Ollama answers there, or a version that is too new."
        ) from error


def info_of(name: str, shown: Mapping[str, Json]) -> ModelInfo:
    """Return what the answer of `/api/show` tells of a model.

    `remote_host` is where Ollama passes questions on to, as a copy under another name keeps it, too.

    Raises
    ------
    AttributeError, TypeError
        If it has another form than Ollama's.
    """
    details, known = shown.get("details") or {}, shown.get("model_info") or {}
    length = known.get(f"{known.get('general.architecture', '')}.context_length")
    return ModelInfo(
        name,
        parameters=details.get("parameter_size") or "",
        quantization=details.get("quantization_level") or "",
        context_length=length if isinstance(length, int) else None,
        capabilities=tuple(shown.get("capabilities") or ()),
        is_remote=bool(shown.get("remote_host") or shown.get("remote_model")) or names_cloud(name),
    )


def full_name(name: str) -> str:
    """Return a model's name with its tag, `latest` if it has none.

    Examples
    --------
    >>> full_name("qwen3"), full_name("lab.local:5000/qwen3"), full_name("qwen3:8b")
    ('qwen3:latest', 'lab.local:5000/qwen3:latest', 'qwen3:8b')
    """
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def human_size(size_bytes: int) -> str:
    """Return a size as `ollama list` shows it.

    Examples
    --------
    >>> human_size(9_000_000_000), human_size(4_683_087_332), human_size(815_319_791)
    ('9 GB', '4.7 GB', '815 MB')
    """
    unit, name = (1e9, "GB") if size_bytes >= 1e9 else (1e6, "MB")  # noqa: PLR2004 - the unit itself
    return (
        f"{float(f'{size_bytes / unit:.2g}'):g} {name}" if size_bytes < 10 * unit else f"{size_bytes / unit:.0f} {name}"
    )


def names_cloud(name: str) -> bool:
    """Return whether a model's name says that Ollama passes questions on to its cloud.

    https://github.com/ollama/ollama/blob/main/internal/modelref/modelref.go

    Examples
    --------
    >>> names_cloud("gpt-oss:120b-cloud"), names_cloud("glm-5:cloud"), names_cloud("my-cloud:8b")
    (True, True, False)
    """
    tag = name.strip().lower().rpartition(":")[2] if ":" in name else ""
    return tag == "cloud" or (tag.endswith("-cloud") and "/" not in tag)


def _messages(message: Message) -> Iterator[dict[str, Json]]:
    match message.role:
        case "tool":
            for part in message.parts:
                if isinstance(part, ToolResult):
                    gave: dict[str, Json] = {
                        "role": "tool",
                        "content": returned(part),
                        "tool_name": part.name,
                        "tool_call_id": part.call_id,
                    }
                    yield gave | _pictures(part.images)
        case "assistant":
            said: dict[str, Json] = {"role": "assistant", "content": message.text}
            if message.thinking:
                said["thinking"] = message.thinking
            calls = [part for part in message.parts if isinstance(part, ToolCall)]
            if calls:
                said["tool_calls"] = [
                    {"id": call.id, "function": {"name": call.name, "arguments": dict(call.arguments)}}
                    for call in calls
                ]
            yield said
        case _:
            said = {"role": message.role, "content": spoken(message)}
            yield said | _pictures(part for part in message.parts if isinstance(part, Image))


def _pictures(images: Iterable[Image]) -> dict[str, Json]:
    """Return what a message has besides, whatever its role."""
    encoded = [base64.b64encode(image.data).decode() for image in images]
    return {"images": encoded} if encoded else {}


def _duration(text: str) -> str | float:
    """Return a keep_alive as Ollama takes it: seconds as a number ("-1": for ever), else with a unit ("5m")."""
    try:
        return float(text)
    except ValueError:
        return text


def _events(line: Mapping[str, Any]) -> Iterator[ModelEvent]:
    message = line.get("message") or {}
    if thinking := message.get("thinking"):
        yield ThinkingDelta(_text(thinking))
    if content := message.get("content"):
        yield TextDelta(_text(content))
    for call in message.get("tool_calls") or ():
        yield ToolStarted(_call(call))
    if line.get("done"):
        yield TokensCounted(_usage(line), "length" if line.get("done_reason") == "length" else "stop")


def _text(sent: object) -> str:
    if not isinstance(sent, str):
        raise TypeError
    return sent


def _call(sent: Mapping[str, Any]) -> ToolCall:
    """Return a call with an id, which Ollama gives only in its newer versions."""
    function = sent["function"]
    arguments = function.get("arguments") or {}
    if isinstance(arguments, str):  # the form of OpenAI's API, which some that stand in for Ollama keep
        arguments = json.loads(arguments)
    if not isinstance(arguments, dict):
        raise TypeError
    return ToolCall(_text(sent.get("id") or f"call_{secrets.token_hex(4)}"), _text(function["name"]), arguments)


def _usage(line: Mapping[str, Any]) -> Usage:
    def seconds(name: str) -> float | None:
        nanoseconds = line.get(name)
        return None if nanoseconds is None else nanoseconds / 1e9

    return Usage(
        prompt_tokens=line.get("prompt_eval_count"),
        reply_tokens=line.get("eval_count"),
        load_s=seconds("load_duration"),
        prompt_s=seconds("prompt_eval_duration"),
        reply_s=seconds("eval_duration"),
    )
