"""The server-sent events of OpenAI's protocol, as a `FaultServer` writes them: pure functions of values.

Forms as in https://platform.openai.com/docs/api-reference/chat-streaming, held against OpenAI's own client by test_sse.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults.api import DETAILS, SIZE_BYTES, Messages, refusal
from tests.faults.script import Answer, tokens_of

CONTENT_TYPE = "text/event-stream; charset=utf-8"
CREATED = 1_767_312_000  # 2026-01-02, in seconds since 1970
PIECE = 5  # characters of a call's arguments in one chunk


def line(data: Mapping[str, Any]) -> bytes:
    """Return one event, with its empty line."""
    return raw(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


def raw(data: bytes) -> bytes:
    """Return an event with this data, whatever it is."""
    return b"data: " + data.rstrip(b"\n") + b"\n\n"


def deltas(model: str, answer: Answer, tokens: Sequence[str]) -> Iterator[bytes]:
    """Yield the events of an answer but the last: thinking, then the text, then the calls in pieces."""
    for token in tokens_of(answer.thinking):
        yield _chunk(model, {"reasoning_content": token})
    for token in tokens:
        yield _chunk(model, {"content": token})
    for index, call in enumerate(answer.tool_calls):
        arguments = json.dumps(call["function"]["arguments"])
        function = {"name": call["function"]["name"], "arguments": ""}
        call_id = call.get("id") or f"call_{index}"
        yield _chunk(model, {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]})
        for start in range(0, len(arguments), PIECE):
            piece = {"index": index, "function": {"arguments": arguments[start : start + PIECE]}}
            yield _chunk(model, {"tool_calls": [piece]})


def end(
    model: str, answer: Answer, sent: int, messages: Messages, elapsed_s: float = 0, *, counts: bool = True
) -> bytes:
    """Return the last events of an answer: why it ends, its counts if they were asked for, and the mark of the end."""
    reason = "tool_calls" if answer.tool_calls else answer.done_reason
    usage = _chunk(model, None, usage=_usage(answer, sent, messages)) if counts else b""
    return _chunk(model, {}, finish_reason=reason) + usage + raw(b"[DONE]")


def whole(model: str, answer: Answer, tokens: Sequence[str], messages: Messages) -> dict[str, Any]:
    """Return the whole answer to a request that does not stream."""
    message = {"role": "assistant", "content": "".join(tokens)}
    return {
        **_head(model, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": answer.done_reason}],
        "usage": _usage(answer, len(tokens), messages),
    }


def failure(message: str, status: int = 500) -> dict[str, Any]:
    """Return an error, as a body or within a stream."""
    return {"error": {"message": message, "type": "server_error", "param": None, "code": status}}


def refused(status: int, model: str) -> str:
    """Return the sentence that such a server says with a status."""
    if status == 404:
        return f"The model `{model}` does not exist."
    return refusal(status, model)


def listed(models: Sequence[str], owner: str) -> dict[str, Any]:
    """Return the answer to `/v1/models`."""
    return {
        "object": "list",
        "data": [
            {
                "id": name,
                "object": "model",
                "created": CREATED,
                "owned_by": owner,
                **({"max_model_len": 4096} if owner == "vllm" else {}),
                **(
                    {
                        "meta": {
                            "n_ctx": 4096,
                            "n_params": 1_443_456,
                            "size": SIZE_BYTES,
                            "ftype": DETAILS["quantization_level"],
                        }
                    }
                    if owner == "llamacpp"
                    else {}
                ),
            }
            for name in models
        ],
    }


def _head(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": CREATED, "model": model}


def _chunk(
    model: str, delta: Mapping[str, Any] | None, *, finish_reason: str | None = None, usage: Any = None
) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return line({**_head(model, "chat.completion.chunk"), "choices": choices, **({"usage": usage} if usage else {})})


def _usage(answer: Answer, sent: int, messages: Messages) -> dict[str, int]:
    prompt = sum(len(tokens_of(str(message.get("content") or ""))) + 4 for message in messages)
    counts = {"prompt_tokens": prompt, "completion_tokens": sent, **answer.counts}
    return {**counts, "total_tokens": counts["prompt_tokens"] + counts["completion_tokens"]}
