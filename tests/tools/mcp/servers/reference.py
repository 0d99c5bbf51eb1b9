"""A server of the reference package, over its standard streams or over HTTP: reference.py [PORT]."""

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any, Literal

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import EmbeddedResource, TextResourceContents, ToolAnnotations
from pydantic import BaseModel

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

server = MCPServer("reference")


class Place(BaseModel):
    """Where something is."""

    city: str
    tags: list[str] = []


@server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def shout(word: str) -> str:
    """Say a word loudly."""
    return word.upper()


@server.tool()
def greet(place: Place, manner: Literal["kind", "short"] = "kind") -> str:
    """Greet a place."""
    return f"{manner} greetings to {place.city} {place.tags}"


@server.tool(structured_output=False)
def draw() -> list[Any]:
    """Return a text, a picture and a resource."""
    note = TextResourceContents(uri="note://1", mime_type="text/plain", text="a note")
    return ["drawn", Image(data=PIXEL, format="png"), EmbeddedResource(type="resource", resource=note)]


@server.tool()
def fail(why: str) -> str:
    """Fail."""
    raise ToolError(why)


@server.tool()
async def wait(mark: str) -> str:
    """Wait for ever, and note in a file when that begins and when it is told to stop."""
    _note(mark, "waiting")
    try:
        await asyncio.Event().wait()
    finally:
        _note(mark, "stopped")
    return "never"


@server.tool()
def write(characters: int) -> str:
    """Return a text of some length."""
    return "x" * characters


def _note(mark: str, text: str) -> None:
    Path(mark).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
