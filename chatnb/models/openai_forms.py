"""Requests in the form of OpenAI's protocol, and events from the forms that its servers send: pure functions.

https://platform.openai.com/docs/api-reference/chat/create and .../chat-streaming say what OpenAI sends. What others add:
https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md (timings, meta),
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (max_model_len, continue_final_message),
https://lmstudio.ai/docs/developer/rest/endpoints (types, states and windows of models).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..events import ModelEvent, ThinkingDelta, TokensCounted, ToolStarted
from ..messages import Image, Json, Message, ToolCall, ToolResult, Usage
from .base import ModelInfo, Request
from .fenced import returned, spoken
from .ollama_forms import told_of
from .thoughts import Thoughts

# https://github.com/ollama/ollama/blob/main/docs/modelfile.mdx#parameter and api/types.go
OLLAMAS_OWN = frozenset(
    [
        "num_ctx",
        "num_batch",
        "num_gpu",
        "main_gpu",
        "num_thread",
        "num_keep",
        "use_mmap",
        "use_mlock",
        "low_vram",
        "numa",
        "vocab_only",
        "f16_kv",
        "logits_all",
        "embedding_only",
        "rope_frequency_base",
        "rope_frequency_scale",
        "top_k",
        "min_p",
        "typical_p",
        "tfs_z",
        "repeat_last_n",
        "repeat_penalty",
        "penalize_newline",
        "mirostat",
        "mirostat_tau",
        "mirostat_eta",
        "draft_num_predict",
    ]
)
"""Options that other servers do not know, or refuse; all else is sent as it is."""

CONTINUING = ("vllm", "llamacpp", "sglang", "library")
"""Whose servers, as `owned_by` tells, let a model go on from an assistant's message; "library" is Ollama's word."""


def body_of(model: str, request: Request, *, is_openai: bool = False, counts: bool = True) -> dict[str, Json]:
    """Return the body of a chat request.

    Parameters
    ----------
    is_openai
        Whether it goes to OpenAI itself, which refuses what it does not know.
    counts
        Whether the tokens are asked for; there are servers that refuse the question.
    """
    body: dict[str, Json] = {
        "model": model,
        "stream": True,
        "messages": [sent for message in request.messages for sent in _messages(message)],
        **_options(request.options, "max_completion_tokens" if is_openai else "max_tokens"),
    }
    if counts:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = [told_of(tool) for tool in request.tools]
    if request.think is not None and is_openai:
        body["reasoning_effort"] = "medium" if request.think else "none"
    elif request.think is not None:
        # vLLM, SGLang and llama.cpp hand it to the model's template; the others pass it over.
        body["chat_template_kwargs"] = {"enable_thinking": request.think}
    if request.schema is not None:
        body["response_format"] = _response_format(request.schema)
    if request.messages and request.messages[-1].role == "assistant" and not is_openai:
        # vLLM's and SGLang's way to go on from it; llama.cpp and Ollama do so anyway.
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


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


def entries_of(listed: Any) -> list[Mapping[str, Any]]:
    """Return the entries of a list of models; Together sends it bare.

    Raises
    ------
    TypeError
        If it is none.
    """
    data = listed.get("data") if isinstance(listed, dict) else listed
    if not isinstance(data, list) or not all(
        isinstance(each, dict) and isinstance(each.get("id"), str) for each in data
    ):
        raise TypeError
    return data


def info_of(name: str, entry: Mapping[str, Any], more: Mapping[str, Any], *, is_remote: bool = False) -> ModelInfo:
    """Return what a server tells of one of its models.

    Parameters
    ----------
    name
        As the user writes it.
    entry
        Of its list of models.
    more
        What llama.cpp's `/props` says, or LM Studio's own list of the model; empty where there is neither.
    """
    meta = entry.get("meta") or {}
    told = (
        more.get("loaded_context_length"),
        more.get("max_context_length"),
        (more.get("default_generation_settings") or {}).get("n_ctx"),
        meta.get("n_ctx"),
        *(entry.get(key) for key in ("max_model_len", "context_length", "context_window", "max_context_length")),
    )
    return ModelInfo(
        name,
        size_bytes=meta.get("size") if isinstance(meta.get("size"), int) else None,
        parameters=_human_count(meta.get("n_params")),
        quantization=str(more.get("quantization") or meta.get("ftype") or ""),
        context_length=next((each for each in told if isinstance(each, int) and each > 0), None),
        capabilities=_capabilities(entry, more),
        is_remote=is_remote,
        has_fixed_window=True,
    )


def _capabilities(entry: Mapping[str, Any], more: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a model can, in Ollama's words; nothing where not all of it is told."""
    kind = more.get("type")  # LM Studio's
    if kind == "embeddings":
        return ("embedding",)
    sees = "image" in ((entry.get("architecture") or {}).get("input_modalities") or ())  # OpenRouter's, llama.cpp's
    if kind in ("llm", "vlm"):
        if "capabilities" not in more:
            return ()
        calls, sees = "tool_use" in more["capabilities"], kind == "vlm"
    elif "modalities" in more:  # llama.cpp has a form of its own for models without one
        calls, sees = True, bool(more["modalities"].get("vision"))
    elif "supported_parameters" in entry:  # OpenRouter
        calls = "tools" in entry["supported_parameters"]
    else:
        return ()
    return ("completion", *(["tools"] if calls else []), *(["vision"] if sees else []))


def _human_count(number: Any) -> str:
    """Return a number of parameters as models' names have it.

    Examples
    --------
    >>> _human_count(8_030_261_248), _human_count(1_443_456), _human_count(None)
    ('8B', '1.4M', '')
    """
    if not isinstance(number, int) or number <= 0:
        return ""
    unit, letter = (1e9, "B") if number >= 1e9 else (1e6, "M")  # noqa: PLR2004 - the unit itself
    return f"{float(f'{number / unit:.2g}'):g}{letter}"


def _messages(message: Message) -> Iterator[dict[str, Json]]:
    match message.role:
        case "tool":
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            for part in results:
                yield {"role": "tool", "tool_call_id": part.call_id, "content": returned(part)}
            # The result of a tool is text there: pictures come behind all of them, as if the user showed them.
            for part in results:
                if part.images:
                    shown = [{"type": "text", "text": f"What {part.name} shows:"}, *map(_picture, part.images)]
                    yield {"role": "user", "content": shown}
        case "assistant":  # without its thoughts: there are servers that refuse them, and models do not need them
            calls = [part for part in message.parts if isinstance(part, ToolCall)]
            said: dict[str, Json] = {"role": "assistant", "content": message.text}
            if calls:
                said["content"] = message.text or None
                said["tool_calls"] = [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
                    }
                    for call in calls
                ]
            yield said
        case _:
            text = spoken(message)
            images = [_picture(part) for part in message.parts if isinstance(part, Image)]
            # Text alone as a string: not every server knows the other form.
            yield {"role": message.role, "content": [{"type": "text", "text": text}, *images] if images else text}


def _picture(image: Image) -> dict[str, Json]:
    url = f"data:{image.mime};base64,{base64.b64encode(image.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _options(options: Mapping[str, Json], limit: str) -> dict[str, Json]:
    """Return the options that such a server knows; `num_predict` as the limit of tokens that it means."""
    sent = {name: value for name, value in options.items() if name not in OLLAMAS_OWN and name != "num_predict"}
    most = options.get("num_predict")
    if isinstance(most, int) and most > 0 and not {"max_tokens", "max_completion_tokens"} & set(sent):
        sent[limit] = most  # below 1 it means: no limit
    return sent


def _response_format(schema: Mapping[str, Json]) -> dict[str, Json]:
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(schema.get("title") or "answer"))[:64]
    form: dict[str, Json] = {"name": name, "schema": schema}
    if _is_strict(schema):
        form["strict"] = True
    return {"type": "json_schema", "json_schema": form}


def _is_strict(schema: Json) -> bool:
    """Return whether OpenAI can hold a model to a schema to the letter.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas: each object lists all of its fields as
    required and allows no others. Else it is refused if strictness is asked for.
    """
    match schema:
        case dict():
            if schema.get("type") == "object":
                fields = schema.get("properties", {})
                if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(fields):
                    return False
            return all(map(_is_strict, schema.values()))
        case list():
            return all(map(_is_strict, schema))
        case _:
            return True


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
