"""The JSON of Ollama's API, as a `FaultServer` writes it: pure functions of values.

Forms as in https://github.com/ollama/ollama/blob/main/docs/api.md, compared with a real server by test_server.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.faults.script import Answer, tokens_of

Messages = Sequence[Mapping[str, Any]]

CONTENT_TYPE = "application/x-ndjson"
DIGEST = "sha256:" + "4f2a" * 16
SIZE_BYTES = 2_927_104


def line(data: Mapping[str, Any]) -> bytes:
    """Return one line as Go's encoder writes it: UTF-8 as it is, but no bare angle bracket or ampersand."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode() + b"\n"


def now() -> str:
    """Return the time in Ollama's form."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def deltas(model: str, answer: Answer, tokens: Sequence[str]) -> Iterator[bytes]:
    """Yield the lines of an answer but the last: thinking, then the text, then the calls."""
    created_at = now()

    def said(**message: Any) -> bytes:
        body = {"role": "assistant", "content": "", **message}
        return line({"model": model, "created_at": created_at, "message": body, "done": False})

    for token in tokens_of(answer.thinking):
        yield said(thinking=token)
    for token in tokens:
        yield said(content=token)
    if answer.tool_calls:
        yield said(tool_calls=[dict(call) for call in answer.tool_calls])


def end(model: str, answer: Answer, sent: int, messages: Messages, elapsed_s: float = 0) -> dict[str, Any]:
    """Return the last message of an answer, with its counts and durations (nanoseconds)."""
    elapsed_ns = int(elapsed_s * 1e9)
    return {
        "model": model,
        "created_at": now(),
        "message": {"role": "assistant", "content": ""},
        "done_reason": answer.done_reason,
        "done": True,
        "total_duration": elapsed_ns + 2_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": sum(len(tokens_of(message.get("content") or "")) + 4 for message in messages),
        "prompt_eval_duration": 1_000_000,
        "eval_count": sent,
        "eval_duration": elapsed_ns,
        **answer.counts,
    }


def whole(model: str, answer: Answer, tokens: Sequence[str], messages: Messages) -> dict[str, Any]:
    """Return the whole answer to a request that does not stream."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(tokens)}
    if answer.thinking:
        message["thinking"] = answer.thinking
    if answer.tool_calls:
        message["tool_calls"] = [dict(call) for call in answer.tool_calls]
    return {**end(model, answer, len(tokens), messages), "message": message}


def loaded(model: str) -> bytes:
    """Return the answer to a chat without messages, which only loads the model."""
    message = {"role": "assistant", "content": ""}
    return line({"model": model, "created_at": now(), "message": message, "done_reason": "load", "done": True})


def tags(models: Sequence[str]) -> dict[str, Any]:
    """Return the answer to `/api/tags`."""
    return {
        "models": [
            {
                "name": name,
                "model": name,
                "modified_at": now(),
                "size": SIZE_BYTES,
                "digest": DIGEST[7:],
                "details": DETAILS,
            }
            for name in map(full_name, models)
        ]
    }


def running(models: Sequence[str]) -> dict[str, Any]:
    """Return the answer to `/api/ps`: every model is loaded."""
    return {"models": [{**entry, "expires_at": now(), "size_vram": 0} for entry in tags(models)["models"]]}


def shown(capabilities: Sequence[str] | None) -> dict[str, Any]:
    """Return the answer to `/api/show`; older servers do not tell what a model can do."""
    return {
        "modelfile": "FROM ./tinychat.gguf",
        "parameters": "num_ctx 4096\ntemperature 0",
        "template": "{{ .Prompt }}",
        "details": DETAILS,
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": 1_440_000,
            "llama.context_length": 4096,
        },
        **({} if capabilities is None else {"capabilities": list(capabilities)}),
        "modified_at": now(),
    }


def pulled(steps: int) -> Iterator[bytes]:
    """Yield the progress of `/api/pull`, the download in `steps` steps."""
    yield line({"status": "pulling manifest"})
    for step in range(steps + 1):
        completed = SIZE_BYTES * step // steps
        layer = {"digest": DIGEST, "total": SIZE_BYTES, **({"completed": completed} if completed else {})}
        yield line({"status": f"pulling {DIGEST[7:19]}", **layer})
    for status in ("verifying sha256 digest", "writing manifest", "success"):
        yield line({"status": status})


def refusal(status: int, model: str) -> str:
    """Return the sentence that Ollama, or a gateway before it, says with a status."""
    return {
        400: f'"{model}" does not support chat',
        401: "unauthorized",
        404: f'model "{model}" not found, try pulling it first',
        429: "too many requests",
        500: "llama runner process has terminated: exit status 2",
        503: "server busy, please try again.  maximum pending requests exceeded",
    }.get(status, "something went wrong")


def full_name(model: str) -> str:
    """Return the name with its tag, `latest` if it has none."""
    return model if ":" in model else f"{model}:latest"


DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "1.44M",
    "quantization_level": "F16",
}
