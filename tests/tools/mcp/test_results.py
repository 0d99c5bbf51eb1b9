"""What models read of results."""

from typing import Any

import pytest

from chatnb.tools.mcp.base import McpFailed
from chatnb.tools.mcp.results import RESULT_CHARACTERS, text_of


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"content": [{"type": "text", "text": "a\x1b[31mb"}]}, "ab"),
        ({"content": []}, "[it returned nothing]"),
        ({"structuredContent": {"a": 1}}, '{"a": 1}'),
        ({"structuredContent": {"a": 1}, "content": [{"type": "text", "text": '{"a": 1}'}]}, '{"a": 1}'),
        ({"content": [{"type": "audio", "mimeType": "audio/wav", "data": "x"}]}, "[sound audio/wav]"),
        ({"content": [{"type": "resource", "resource": {"uri": "a:b", "text": "c"}}]}, "[resource a:b]\nc"),
        (
            {"content": [{"type": "resource", "resource": {"uri": "a:b", "blob": "c", "mimeType": "d/e"}}]},
            "[resource a:b: d/e, not a text]",
        ),
        ({"content": [{"type": "resource_link", "uri": "a:b", "name": "c\nd"}]}, "[link c d: a:b]"),
        ({"content": [{"type": "hologram\x1b[2J"}]}, "[hologram]"),
    ],
)
def test_each_kind_of_content_has_its_text(result: Any, text: str) -> None:
    assert text_of(result) == text


def test_a_result_is_bounded() -> None:
    text = text_of({"content": [{"type": "text", "text": "x" * 1_000_000}]})

    assert len(text) < RESULT_CHARACTERS + 100
    assert "characters left out" in text


def test_an_error_is_raised_with_its_text() -> None:
    with pytest.raises(McpFailed, match="no such file"):
        text_of({"content": [{"type": "text", "text": "no such file"}], "isError": True})
