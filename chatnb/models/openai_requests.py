"""Requests in the form of OpenAI's protocol.

https://platform.openai.com/docs/api-reference/chat/create says what OpenAI reads; what others add:
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (continue_final_message).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping

from ..messages import Image, Json, Message, ToolCall, ToolResult
from .base import Request
from .fenced import returned, spoken
from .ollama_forms import told_of

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
