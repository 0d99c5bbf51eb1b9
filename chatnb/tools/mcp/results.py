"""What came of a call, as a model reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ...context.cell import clipped
from ...messages import Json
from ..search.clean import clean, line
from .base import McpFailed

RESULT_CHARACTERS = 100_000
"""What is kept of a result, its beginning and its end."""

_URI_CHARACTERS = 200


def text_of(result: Mapping[str, Json]) -> str:
    r"""Return the text of a result.

    Parameters
    ----------
    result
        `content`, `structuredContent`, `isError`:
        https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result

    Raises
    ------
    McpFailed
        With that text, if the server calls it an error.

    Examples
    --------
    >>> text_of({"content": [{"type": "text", "text": "4"}, {"type": "image", "mimeType": "image/png", "data": "iVBO"}]})
    '4\n[picture image/png]'
    """
    content: Sequence[Mapping[str, Json]] = result.get("content") or ()
    texts = [_block(block) for block in content]
    structured = result.get("structuredContent")
    # Servers are to give it as text, too; it is read where they do not.
    if structured is not None and not any(block.get("type") == "text" for block in content):
        texts.append(clean(json.dumps(structured, ensure_ascii=False)))
    text = clipped("\n".join(filter(None, texts)), RESULT_CHARACTERS)
    if result.get("isError"):
        raise McpFailed(text or "The tool failed, and does not say why.")
    return text or "[it returned nothing]"


def _block(block: Mapping[str, Json]) -> str:
    match block.get("type"):
        case "text":
            return clean(str(block.get("text", "")))
        case "image":
            return f"[picture {line(str(block.get('mimeType')), 60)}]"
        case "audio":
            return f"[sound {line(str(block.get('mimeType')), 60)}]"
        case "resource_link":
            return f"[link {line(str(block.get('name')), 100)}: {_uri(block)}]"
        case "resource":
            resource = block.get("resource") or {}
            if "text" in resource:
                return f"[resource {_uri(resource)}]\n{clean(str(resource['text']))}"
            return f"[resource {_uri(resource)}: {line(str(resource.get('mimeType')), 60)}, not a text]"
    return f"[{line(str(block.get('type')), 30)}]"


def _uri(block: Mapping[str, Json]) -> str:
    return line(str(block.get("uri")), _URI_CHARACTERS)
