"""What servers of OpenAI's protocol tell of their models, each in its own form.

https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md (meta),
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (max_model_len),
https://lmstudio.ai/docs/developer/rest/endpoints (types, states and windows of models).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import ModelInfo


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
