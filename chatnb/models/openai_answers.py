"""Events from the forms in which servers of OpenAI's protocol send an answer.

https://platform.openai.com/docs/api-reference/chat-streaming says what OpenAI sends; what others add:
https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md (timings).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..events import ModelEvent, ThinkingDelta, TokensCounted, ToolStarted
from ..messages import Json, ToolCall, Usage
from .thoughts import Thoughts


@dataclass(slots=True)
class _Call:
    """A tool's call whose pieces still come."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""
    whole: Mapping[str, Json] | None = None  # where a server sends an object in place of its text


class Answer:
    """Makes events of the chunks of one answer.

    All methods raise AttributeError, KeyError, TypeError or ValueError where a chunk has another form than any known.

    Attributes
    ----------
    ended_by
        The server's reason for the end; empty until it comes. What follows it are counts.
    """

    def __init__(self) -> None:
        self.ended_by = ""
        self._thoughts = Thoughts()
        self._calls: list[_Call] = []
        self._usage: Mapping[str, Any] = {}
        self._timings: Mapping[str, Any] = {}

    def add(self, chunk: Mapping[str, Any]) -> Iterator[ModelEvent]:
        """Yield what a chunk tells."""
        self._usage = chunk.get("usage") or self._usage
        self._timings = chunk.get("timings") or self._timings
        for choice in (chunk.get("choices") or ())[:1]:
            # A server that does not stream sends the whole as a "message".
            delta = choice.get("delta") or choice.get("message") or {}
            # https://api-docs.deepseek.com/guides/reasoning_model, https://openrouter.ai/docs/use-cases/reasoning-tokens
            if thought := delta.get("reasoning_content") or delta.get("reasoning"):
                yield ThinkingDelta(_text(thought))
            if content := delta.get("content") or delta.get("refusal"):
                yield from self._said(content)
            for call in delta.get("tool_calls") or ():
                self._take(call)
            if reason := choice.get("finish_reason"):
                self.ended_by = self.ended_by or _text(reason)

    def end(self) -> Iterator[ModelEvent]:
        """Yield what is known only at the end: calls of tools, and the counts."""
        yield from self._thoughts.end()
        is_cut = self.ended_by == "length"
        taken: set[str] = set()
        for call in self._calls:
            try:
                arguments = call.whole or json.loads(call.arguments or "{}")
            except ValueError:
                if is_cut:  # the last one was being written
                    break
                raise
            if not isinstance(arguments, dict) or not call.name:
                raise TypeError
            name = call.id if call.id and call.id not in taken else f"call_{secrets.token_hex(4)}"
            taken.add(name)
            yield ToolStarted(ToolCall(name, call.name, arguments))
        yield TokensCounted(_usage(self._usage, self._timings), "length" if is_cut else "stop")

    def _said(self, content: Any) -> Iterator[ModelEvent]:
        if isinstance(content, str):
            yield from self._thoughts.add(content)
            return
        for part in content:  # Mistral's form: https://docs.mistral.ai/capabilities/reasoning
            if part.get("type") == "thinking":
                yield from (ThinkingDelta(_text(each["text"])) for each in part["thinking"] if each.get("text"))
            elif text := part.get("text"):
                yield from self._thoughts.add(_text(text))

    def _take(self, piece: Mapping[str, Any]) -> None:
        """Add a piece to the call that it belongs to.

        Pieces of a call share its index. There are servers without an index, or with 0 for each call: there a new id
        begins a new call.
        """
        index, name_, function = piece.get("index"), piece.get("id") or "", piece.get("function") or {}
        call = next((each for each in reversed(self._calls) if each.index == index), None)
        if call is None or (name_ and call.id and name_ != call.id and function.get("name")):
            call = _Call(index)
            self._calls.append(call)
        call.id = call.id or _text(name_)
        call.name += _text(function.get("name") or "")
        arguments = function.get("arguments") or ""
        if isinstance(arguments, dict):
            call.whole = arguments
        else:
            call.arguments += _text(arguments)


def _text(sent: object) -> str:
    if not isinstance(sent, str):
        raise TypeError
    return sent


def _usage(usage: Mapping[str, Any], timings: Mapping[str, Any]) -> Usage:
    def seconds(name: str) -> float | None:
        milliseconds = timings.get(name)
        return None if milliseconds is None else milliseconds / 1e3

    prompt_tokens, reply_tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not usage and timings:
        prompt_tokens = timings.get("prompt_n", 0) + timings.get("cache_n", 0)
        reply_tokens = timings.get("predicted_n")
    return Usage(prompt_tokens, reply_tokens, prompt_s=seconds("prompt_ms"), reply_s=seconds("predicted_ms"))
